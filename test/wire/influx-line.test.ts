import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../src/io/index.ts';
import { readInfluxLines } from '../../src/wire/influx-line.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

/** Points as `measurement{tags} field=value@time`. */
function ok(line: string, ...want: string[]): void {
  const { points, badLines, reason } = readInfluxLines(line);
  assert.equal(badLines, 0, reason);
  const shown = points.map(({ measurement, tags, field, value, time }) => {
    const pairs = tags.map(([name, text]) => `${name}=${text}`).join(',');
    return `${measurement}{${pairs}} ${field}=${value}${time === null ? '' : `@${time}`}`;
  });
  assert.deepEqual(shown, want);
}

function bad(line: string, reason: string): void {
  const found = readInfluxLines(line);
  assert.deepEqual([found.points.length, found.badLines, found.reason], [0, 1, `cannot read line 1: ${reason}`]);
}

test('lines hold a point per number', () => {
  ok(
    'weather,location=us-midwest temperature=82 1465839830100400200',
    'weather{location=us-midwest} temperature=82@1465839830100400200',
  );
  ok('m a=1,b=2i,c=3u,d=t,e=False,f=-1.5e-3', 'm{} a=1', 'm{} b=2', 'm{} c=3', 'm{} d=1', 'm{} e=0', 'm{} f=-0.0015');
  ok('m,t=x s="a text, with =, \\" and\nnewline",v=1 5', 'm{t=x} v=1@5');
  ok('we\\ ather\\,x,lo\\=c=a\\ b\\,c te\\ mp=1', 'we ather,x{lo=c=a b,c} te mp=1');
  ok('m,path=C:\\dir v=1', 'm{path=C:\\dir} v=1');
  ok('# a comment\n\n  \nm v=1 -7\r\nn v=2', 'm{} v=1@-7', 'n{} v=2');
  ok('m,empty= v=1', 'm{empty=} v=1');
});

test('what is wrong with a line is told', () => {
  bad('m', 'it has no fields');
  bad(',a=b v=1', 'it has no measurement');
  bad('m,a v=1', 'a tag has no name or no value');
  bad('m v', 'a field has no name or no value');
  bad('m v=abc', 'field v has no number; got abc');
  bad('m v=', 'field v has no number; got ');
  bad('m v="abc', 'the text of field v does not end');
  bad('m v=1 12x', 'its timestamp is no whole number; got 12x');
});

test('good lines around a bad one count', () => {
  const { points, badLines, reason } = readInfluxLines('a v=1\nb\nc v=2\nd');
  assert.deepEqual([points.length, badLines, reason], [2, 2, 'cannot read line 2: it has no fields']);
});

test('mutated lines never throw', () => {
  const random = new SimRandom(fuzzSeed(17));
  const good = 'we\\ ather,location=us,b=c te=1.5,s="x \\" y",i=4i 1465839830100400200\nm v=1\n';
  for (let i = 0; i < fuzzCases(2000); i++) {
    const chars = [...good];
    for (let n = 0; n < 3; n++)
      chars[Math.floor(random.next() * chars.length)] = ' ,="\\\nax1'[Math.floor(random.next() * 9)];
    readInfluxLines(chars.join(''));
  }
});
