// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Go templates are what is tested
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Labels, type RelabelConfig, DEFAULT_RELABEL, compileRelabel, relabelProblem } from '../../src/model/index.ts';

type Rule = Partial<RelabelConfig>;

const full = (rules: Rule | Rule[]): RelabelConfig[] => [rules].flat().map((rule) => ({ ...DEFAULT_RELABEL, ...rule }));

function ok(labels: Record<string, string>, rules: Rule | Rule[], want: Record<string, string> | null): void {
  const got = compileRelabel(full(rules))(Labels.from(labels));
  assert.deepEqual(got?.toObject() ?? null, want, JSON.stringify(rules));
}

function bad(rule: Rule, message: string, scheme: 'utf8' | 'legacy' = 'utf8'): void {
  assert.equal(relabelProblem({ ...DEFAULT_RELABEL, ...rule }, scheme), message);
  assert.throws(() => compileRelabel([{ ...DEFAULT_RELABEL, ...rule }], scheme), { message, code: 'bad_data' });
}

const abc = { a: 'foo', b: 'bar', c: 'baz' };

test('replace writes the expanded replacement where the whole value matches', () => {
  ok(
    abc,
    { sourceLabels: ['a'], regex: 'f(.*)', targetLabel: 'd', replacement: 'ch${1}-ch${1}' },
    { ...abc, d: 'choo-choo' },
  );
  ok(
    abc,
    { sourceLabels: ['a', 'b'], regex: 'f(.*);(.*)r', targetLabel: 'a', replacement: 'b${1}${2}m' },
    { ...abc, a: 'boobam' },
  );
  ok(abc, { sourceLabels: ['a', 'b'], separator: '-', targetLabel: 'd' }, { ...abc, d: 'foo-bar' });
  ok(abc, { sourceLabels: ['a'], regex: 'o+', targetLabel: 'd', replacement: 'x' }, abc);
  ok(abc, { sourceLabels: ['a'], regex: '(?i)FOO', targetLabel: 'd', replacement: 'x' }, { ...abc, d: 'x' });
  ok({ a: 'x\ny' }, { sourceLabels: ['a'], regex: 'x.y', targetLabel: 'a', replacement: 'z' }, { a: 'z' });
  ok({ a: 'x\ny' }, { sourceLabels: ['a'], regex: 'x', targetLabel: 'a', replacement: 'z' }, { a: 'x\ny' });
});

test('replace without source sets a constant and with an empty result removes the label', () => {
  ok(abc, { targetLabel: 'd', replacement: 'static' }, { ...abc, d: 'static' });
  ok(abc, { targetLabel: 'a', replacement: '' }, { b: 'bar', c: 'baz' });
  ok(abc, { sourceLabels: ['none'], targetLabel: 'a' }, { b: 'bar', c: 'baz' });
  ok(abc, { sourceLabels: ['a'], regex: '', targetLabel: 'd', replacement: 'x' }, abc);
  ok(abc, { sourceLabels: ['none'], regex: '', targetLabel: 'd', replacement: 'x' }, { ...abc, d: 'x' });
});

test('replacements follow the rules of Go templates', () => {
  const rule = (replacement: string, regex = '(f)(?P<rest>o+)'): Rule => ({
    sourceLabels: ['a'],
    regex,
    targetLabel: 'd',
    replacement,
  });
  const gives = (replacement: string, d: string, regex?: string) =>
    ok({ a: 'foo' }, rule(replacement, regex), d === '' ? { a: 'foo' } : { a: 'foo', d });
  gives('$1', 'f');
  gives('${1}x', 'fx');
  gives('$1x', '');
  gives('$0', 'foo');
  gives('$rest', 'oo');
  gives('${rest}!', 'oo!');
  gives('$rest!', 'oo!');
  gives('$$1', '$1');
  gives('$', '$');
  gives('a$-b', 'a$-b');
  gives('${', '${');
  gives('${1', '${1');
  gives('${}', '${}');
  gives('$9', '');
  gives('$01x', '');
  gives('${nope}z', 'z');
  gives('$1$2$1', 'foof');
  gives('$1', '', '(x)?foo');
});

test('the target label may be made of groups and an invalid one changes nothing', () => {
  ok(
    { a: 'x=1' },
    { sourceLabels: ['a'], regex: '(.*)=(.*)', targetLabel: '${1}', replacement: '$2' },
    { a: 'x=1', x: '1' },
  );
  ok(
    { a: 'x=1' },
    { sourceLabels: ['a'], regex: '(.*)=(.*)', targetLabel: 'l_$1', replacement: '$2' },
    { a: 'x=1', l_x: '1' },
  );
  ok({ a: '=1' }, { sourceLabels: ['a'], regex: '(.*)=(.*)', targetLabel: '${1}', replacement: '$2' }, { a: '=1' });
  const legacy = compileRelabel(
    full({ sourceLabels: ['a'], regex: '(.*)=(.*)', targetLabel: '${1}', replacement: '$2' }),
    'legacy',
  );
  assert.deepEqual(legacy(Labels.from({ a: 'x-y=1' }))?.toObject(), { a: 'x-y=1' });
});

test('keep and drop decide by the joined value', () => {
  ok(abc, { action: 'keep', sourceLabels: ['a'], regex: 'f.*' }, abc);
  ok(abc, { action: 'keep', sourceLabels: ['a'], regex: 'no' }, null);
  ok(abc, { action: 'keep', sourceLabels: ['a'], regex: 'fo' }, null);
  ok(abc, { action: 'drop', sourceLabels: ['a', 'b'], regex: 'foo;bar' }, null);
  ok(abc, { action: 'drop', sourceLabels: ['a'], regex: 'f' }, abc);
  ok(abc, { action: 'drop', sourceLabels: ['none'], regex: '' }, null);
  ok(
    abc,
    [
      { action: 'drop', sourceLabels: ['a'], regex: 'foo' },
      { targetLabel: 'd', replacement: 'x' },
    ],
    null,
  );
});

test('keepequal and dropequal compare with the target label', () => {
  ok({ a: '1', b: '1' }, { action: 'keepequal', sourceLabels: ['a'], targetLabel: 'b' }, { a: '1', b: '1' });
  ok({ a: '1', b: '2' }, { action: 'keepequal', sourceLabels: ['a'], targetLabel: 'b' }, null);
  ok({ a: '1', b: '1' }, { action: 'dropequal', sourceLabels: ['a'], targetLabel: 'b' }, null);
  ok({ a: '1', b: '2' }, { action: 'dropequal', sourceLabels: ['a'], targetLabel: 'b' }, { a: '1', b: '2' });
  ok({ c: '1' }, { action: 'dropequal', sourceLabels: ['a'], targetLabel: 'b' }, null);
});

test('hashmod takes the last eight bytes of the MD5', () => {
  ok({ c: 'baz' }, { action: 'hashmod', sourceLabels: ['c'], modulus: 1000, targetLabel: 'd' }, { c: 'baz', d: '976' });
  ok(
    { a: 'foo\nbar' },
    { action: 'hashmod', sourceLabels: ['a'], modulus: 1000, targetLabel: 'b' },
    { a: 'foo\nbar', b: '734' },
  );
  const property = fc.property(fc.string(), fc.integer({ min: 1, max: 1 << 20 }), (text, modulus) => {
    const hex = createHash('md5').update(text).digest('hex').slice(16);
    const want = (BigInt(`0x${hex}`) % BigInt(modulus)).toString();
    const got = compileRelabel(full({ action: 'hashmod', sourceLabels: ['a'], modulus, targetLabel: 'd' }))(
      Labels.from({ a: text }),
    );
    assert.equal(got?.get('d'), want);
  });
  fc.assert(property, { numRuns: 50, seed: 1 });
});

test('labelmap renames by pattern and keeps the old names', () => {
  ok(
    { a: 'foo', b1: 'bar', b2: 'baz' },
    { action: 'labelmap', regex: '(b.*)', replacement: 'x_$1' },
    { a: 'foo', b1: 'bar', b2: 'baz', x_b1: 'bar', x_b2: 'baz' },
  );
  ok({ __meta_my_x: '1' }, { action: 'labelmap', regex: '__meta_(my.*)' }, { __meta_my_x: '1', my_x: '1' });
  ok({ a1: '1', a2: '2' }, { action: 'labelmap', regex: 'a.', replacement: 'x' }, { a1: '1', a2: '2', x: '2' });
  ok({ a: '1', b: '2' }, { action: 'labelmap', regex: 'a', replacement: 'b' }, { a: '1', b: '1' });
});

test('labelmap sees labels set by earlier rules last', () => {
  const rules: Rule[] = [
    { targetLabel: 'a', replacement: 'new' },
    { action: 'labelmap', regex: '[ab]', replacement: 'x' },
  ];
  ok({ a: '1', b: '2' }, rules, { a: 'new', b: '2', x: 'new' });
});

test('labeldrop and labelkeep choose labels by name', () => {
  ok(abc, { action: 'labeldrop', regex: 'a|b' }, { c: 'baz' });
  ok(abc, { action: 'labelkeep', regex: 'a|b' }, { a: 'foo', b: 'bar' });
  ok(abc, { action: 'labelkeep', regex: 'nothing' }, {});
  ok({ ab: '1', b: '2' }, { action: 'labeldrop', regex: 'b' }, { ab: '1' });
});

test('lowercase and uppercase map one code point to one, as Go does', () => {
  const upper = (a: string, d: string) =>
    ok({ a }, { action: 'uppercase', sourceLabels: ['a'], targetLabel: 'd' }, { a, d });
  const lower = (a: string, d: string) =>
    ok({ a }, { action: 'lowercase', sourceLabels: ['a'], targetLabel: 'd' }, { a, d });
  upper('bAr123Foo', 'BAR123FOO');
  lower('bAr123Foo', 'bar123foo');
  upper('straße', 'STRAßE');
  upper('ﬁn', 'ﬁN');
  upper('ᾳ', 'ᾼ');
  upper('ᾀ', 'ᾈ');
  upper('žluťoučký', 'ŽLUŤOUČKÝ');
  lower('ΟΔΟΣ', 'οδοσ');
  lower('İx', 'ix');
});

test('rules apply in order and the empty list changes nothing', () => {
  const labels = Labels.from(abc);
  assert.equal(compileRelabel([])(labels), labels);
  ok(
    abc,
    [
      { sourceLabels: ['a'], targetLabel: 'd' },
      { sourceLabels: ['d'], regex: '(fo)o', targetLabel: 'e' },
    ],
    { ...abc, d: 'foo', e: 'fo' },
  );
  ok({ __tmp_hash: '3' }, [{ action: 'keep', sourceLabels: ['__tmp_hash'], regex: '^3$' }], { __tmp_hash: '3' });
});

test('defective rules are refused in the words of Prometheus', () => {
  bad({ action: '' as never }, 'relabel action cannot be empty');
  bad({ action: 'hashmod', targetLabel: 'x' }, 'relabel configuration for hashmod requires non-zero modulus');
  bad({ action: 'hashmod', modulus: 8 }, "relabel configuration for hashmod action requires 'target_label' value");
  bad({ action: 'replace' }, "relabel configuration for replace action requires 'target_label' value");
  bad({ action: 'lowercase' }, "relabel configuration for lowercase action requires 'target_label' value");
  bad({ targetLabel: 'a-b' }, `"a-b" is invalid 'target_label' for replace action`, 'legacy');
  bad({ targetLabel: '${a' }, `"\${a" is invalid 'target_label' for replace action`);
  bad({ targetLabel: '0${3}' }, `"0\${3}" is invalid 'target_label' for replace action`, 'legacy');
  bad({ targetLabel: '-${3}' }, `"-\${3}" is invalid 'target_label' for replace action`, 'legacy');
  bad({ action: 'lowercase', targetLabel: '${3}' }, `"\${3}" is invalid 'target_label' for lowercase action`, 'legacy');
  bad({ action: 'uppercase', targetLabel: 'x', replacement: 'y' }, "'replacement' can not be set for uppercase action");
  bad({ action: 'keepequal', targetLabel: 'x', replacement: 'y' }, "'replacement' can not be set for keepequal action");
  bad({ action: 'labelmap', replacement: '$' }, `"$" is invalid 'replacement' for labelmap action`);
  bad({ action: 'labelmap', replacement: 'a-b' }, `"a-b" is invalid 'replacement' for labelmap action`, 'legacy');
  bad(
    { action: 'dropequal', targetLabel: 'x', separator: ',' },
    "dropequal action requires only 'source_labels' and `target_label`, and no other fields",
  );
  bad({ action: 'labeldrop', sourceLabels: [] }, "labeldrop action requires only 'regex', and no other fields");
  bad({ action: 'labelkeep', targetLabel: 'x' }, "labelkeep action requires only 'regex', and no other fields");
});

test('targets that are templates are accepted', () => {
  for (const targetLabel of ['${1}', '$1', '${foo}', 'a_${1}_b', '${1}${2}', '0a${1}_', 'ü$1'])
    assert.equal(relabelProblem({ ...DEFAULT_RELABEL, targetLabel }), null, targetLabel);
  for (const targetLabel of ['${1}', 'a_${1}_b', '$1$2', 'x'])
    assert.equal(relabelProblem({ ...DEFAULT_RELABEL, targetLabel }, 'legacy'), null, targetLabel);
});

test('a malformed pattern is refused in the words of Go', () => {
  assert.throws(() => compileRelabel(full({ targetLabel: 'x', regex: 'abc(def' })), {
    code: 'bad_data',
    message: 'error parsing regexp: missing closing ): `^(?s:abc(def)$`',
  });
});

test('a pattern that explodes elsewhere takes linear time', () => {
  const apply = compileRelabel(full({ sourceLabels: ['a'], regex: '(a+)+b', targetLabel: 'd' }));
  assert.equal(apply(Labels.from({ a: 'a'.repeat(5000) }))?.has('d'), false);
});
