import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TidemarkError, parseXml } from '../../src/base/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

test('XML is read with its entities, and what is none is refused', () => {
  const root = parseXml(
    '<?xml version="1.0"?><!-- c --><a x="1>2"><b>1 &lt; &#50;&#x33;</b><l><item/><item>i</item></l><![CDATA[<x>]]></a>',
  );
  assert.deepEqual(
    [root.name, root.textAt('b'), root.listAt('l').length, root.textAt('no/thing')],
    ['a', '1 < 23', 2, ''],
  );
  assert.equal(root.text, '<x>');
  const bad = [
    '',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<!DOCTYPE a [<!ENTITY x "y">]><a/>',
    '<a',
    `${'<a>'.repeat(300)}`,
    '<a>&#x110000;</a>',
  ];
  for (const text of bad)
    assert.throws(
      () => parseXml(text),
      (error) => error instanceof TidemarkError && error.code === 'bad_xml',
      text,
    );
});

test('mutated XML ends in an element or an error, never otherwise', () => {
  const good = '<r><reservationSet><item><ownerId>1</ownerId></item></reservationSet></r>';
  const change = fc.tuple(
    fc.nat(good.length),
    fc.nat(5),
    fc.string({ maxLength: 6, unit: fc.constantFrom(...'<>/&;!-ra"') }),
  );
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
    let text = good;
    for (const [at, count, put] of changes) text = text.slice(0, at) + put + text.slice(at + count);
    try {
      parseXml(text);
    } catch (error) {
      assert.ok(error instanceof TidemarkError, `${text}: ${String(error)}`);
    }
  });
  fc.assert(property, { numRuns: fuzzCases(500), seed: fuzzSeed(1) });
});

test('XML is read strictly', () => {
  const root = parseXml(
    '\ufeff<?xml version="1.0"?><!-- c --><a x="1 &amp; 2"><b>t&#x41;</b> <b><![CDATA[<&]]></b><c y=\'\'/></a>\n',
  );
  assert.equal(root.attributes.get('x'), '1 & 2');
  assert.deepEqual(
    root.childrenOf('b').map((b) => b.text),
    ['tA', '<&'],
  );
  assert.equal(root.child('c')?.attributes.get('y'), '');
  const bad = (text: string, message: RegExp) => assert.throws(() => parseXml(text), message);
  bad('', /there is no element/);
  bad('<a>', /element a does not end/);
  bad('<a></b>', /want the end of a/);
  bad('<a/><b/>', /two roots/);
  bad('x<a/>', /text outside/);
  bad('<!DOCTYPE a [<!ENTITY e "x">]><a/>', /document type is not taken/);
  bad('<a>&e;</a>', /an entity is not known/);
  bad('<a>&amp</a>', /an entity does not end/);
  bad('<a>&#0;</a>', /an entity is not known/);
  bad('<a b=c/>', /a tag is malformed/);
  bad('<a><!-- </a>', /there is no -->/);
  bad('<a>'.repeat(300), /more than 200 deep/);
});
