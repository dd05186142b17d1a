import assert from 'node:assert/strict';
import test from 'node:test';
import { JsonWriter } from '../../src/api/json-writer.ts';
import { createJsonWasm, loadKernel } from '../../src/kernel/index.ts';
import { randomFrom } from './columns.ts';

const kernel = createJsonWasm(await loadKernel('json'));
const twin = new JsonWriter();

const kernelText = (ts: Float64Array, vs: Float64Array, from = 0, to = ts.length): Buffer =>
  Buffer.from(kernel.points(ts, vs, from, to));

function twinText(ts: Float64Array, vs: Float64Array, from = 0, to = ts.length): Buffer {
  twin.points(ts, vs, from, to);
  return Buffer.from(twin.take());
}

const pointsOf = (text: Buffer): [number, string][] => JSON.parse(`[${text}]`);

/** Compares a piece of points byte by byte, and reads it back. */
function same(what: string, ts: Float64Array, vs: Float64Array): void {
  const text = kernelText(ts, vs);
  if (text.equals(twinText(ts, vs))) return readsBack(what, text, ts, vs);
  const want = pointsOf(twinText(ts, vs));
  pointsOf(text).forEach((point, i) => assert.deepEqual(point, want[i], `${what}: time ${ts[i]}, value ${vs[i]}`));
  assert.fail(`${what}: not the same bytes`);
}

const specials: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity };

function readsBack(what: string, text: Buffer, ts: Float64Array, vs: Float64Array): void {
  const points = pointsOf(text);
  assert.equal(points.length, ts.length);
  for (let i = 0; i < ts.length; i++) {
    const [seconds, number] = points[i];
    assert.ok(seconds === ts[i] / 1000, `${what}: time ${ts[i]}`);
    assert.ok(Object.is(specials[number] ?? Number(number), vs[i]), `${what}: value ${vs[i]} as ${number}`);
  }
}

type Random = () => number;

const words = new Uint32Array(2);
const word = new Float64Array(words.buffer);

const integer = (random: Random, below: number): number => Math.floor(random() * below);

/** The float64 `steps` above, or below. */
function neighbour(value: number, steps: number): number {
  word[0] = value;
  const bits = new BigInt64Array(word.buffer);
  bits[0] += BigInt(steps);
  return word[0];
}

function anyBits(random: Random): number {
  words[0] = integer(random, 2 ** 32);
  words[1] = integer(random, 2 ** 32);
  return word[0];
}

function digits(random: Random, count: number): string {
  let text = String(1 + integer(random, 9));
  while (text.length < count) text += integer(random, 10);
  return text;
}

const near = (random: Random, value: number): number => neighbour(value, integer(random, 7) - 3);
const sign = (random: Random): number => (random() < 0.5 ? -1 : 1);

const BORDERS = [
  1e-6,
  1e-7,
  1e-5,
  1e6,
  1e9,
  1e12,
  1e15,
  1e16,
  1e17,
  1e20,
  1e21,
  1e22,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  1e100,
];
const SPECIALS = [0, -0, NaN, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** -1022];

const values: Readonly<Record<string, (random: Random, before: number) => number>> = {
  'random bits': anyBits,
  rates: (random) => random() * 10 ** integer(random, 6),
  'decimals of 1 to 17 digits': (random) =>
    sign(random) * Number(`${digits(random, 1 + integer(random, 17))}e${integer(random, 40) - 30}`),
  'decimals of any size': (random) =>
    Number(`${digits(random, 1 + integer(random, 17))}e${integer(random, 640) - 340}`),
  'up to nine decimals': (random) =>
    sign(random) * Number((random() * 10 ** integer(random, 13)).toFixed(1 + integer(random, 9))),
  'powers of two and neighbours': (random) => sign(random) * near(random, 2 ** (integer(random, 2098) - 1074)),
  'powers of ten and neighbours': (random) => sign(random) * near(random, Number(`1e${integer(random, 632) - 323}`)),
  subnormal: (random) => neighbour(0, 1 + integer(random, 2 ** integer(random, 52))),
  integers: (random) => sign(random) * Math.floor(random() * 2 ** integer(random, 72)),
  'integers of float64s 2 to 64 apart': (random) => Math.floor(2 ** 53 * (1 + random() * 63)),
  'integers near 2^53 and 2^63': (random) => sign(random) * near(random, 2 ** (random() < 0.5 ? 53 : 63)),
  halves: (random) => sign(random) * (integer(random, 2 ** integer(random, 53)) + 0.5),
  'sums of powers of two': (random) => 2 ** (integer(random, 60) - 30) + 2 ** (integer(random, 60) - 30),
  'borders of the format': (random) => sign(random) * near(random, BORDERS[integer(random, BORDERS.length)]),
  specials: (random) => SPECIALS[integer(random, SPECIALS.length)],
  repeated: (random, before) => (random() < 0.7 ? before : random() < 0.3 ? -0 : anyBits(random)),
  'few values': (random) => [0, -0, 1, 2.5, NaN, 0.1 + 0.2][integer(random, 6)],
};

const times: readonly ((random: Random, before: number) => number)[] = [
  (_, before) => before + 15_000,
  (random, before) => before + integer(random, 20_000),
  (random) => sign(random) * integer(random, 2 ** integer(random, 54)),
  (random) => integer(random, 20_000_000) - 10_000_000,
  (random) => sign(random) * (Number.MAX_SAFE_INTEGER - integer(random, 10_000)),
  (random) => 1000 * integer(random, 2 ** 33),
];

for (const [name, value] of Object.entries(values)) {
  test(`the kernel writes the bytes of its twin: ${name}`, () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = randomFrom(seed);
      const ts = new Float64Array(kernel.pointsMax);
      const vs = new Float64Array(kernel.pointsMax);
      const time = times[seed % times.length];
      for (let i = 0; i < ts.length; i++) {
        ts[i] = time(random, ts[i - 1] ?? 1.7e12);
        vs[i] = value(random, vs[i - 1] ?? 1);
      }
      same(`seed ${seed}`, ts, vs);
    }
  });
}

test('random bits, two hundred thousand more, and each beside its neighbours', () => {
  const random = randomFrom(99);
  const ts = new Float64Array(kernel.pointsMax).fill(0);
  const vs = new Float64Array(kernel.pointsMax);
  for (let n = 0; n < 200; n++) {
    for (let i = 0; i < vs.length; i++) vs[i] = i % 3 === 0 ? anyBits(random) : neighbour(vs[i - 1], 1);
    same(`piece ${n}`, ts, vs);
  }
});

test('NaN of any payload is NaN', () => {
  const vs = new Float64Array(4);
  const bits = new BigUint64Array(vs.buffer);
  bits.set([0x7ff0000000000001n, 0x7ff0000000000002n, 0xfff8000000000000n, 0xffffffffffffffffn]);
  assert.equal(kernelText(new Float64Array(4), vs).toString(), '[0,"NaN"],[0,"NaN"],[0,"NaN"],[0,"NaN"]');
});

test('samples are written as the API shows them', () => {
  const ok = (timeMs: number, value: number, want: string): void =>
    assert.equal(kernelText(Float64Array.of(timeMs), Float64Array.of(value)).toString(), want);
  ok(1_700_000_000_123, 1.5, '[1700000000.123,"1.5"]');
  ok(1_700_000_000_000, 0, '[1700000000,"0"]');
  ok(0, -0, '[0,"-0"]');
  ok(-1, 0.1 + 0.2, '[-0.001,"0.30000000000000004"]');
  ok(-61_500, 1e-7, '[-61.500,"1e-07"]');
  ok(9_999_999, 0.000001, '[9999.999,"0.000001"]');
  ok(10_000_000, 0.00000123456789, '[10000,"0.00000123456789"]');
  ok(10_000_050, 5e-324, '[10000.050,"5e-324"]');
  ok(100_000_000_000, 123456789012345680000, '[100000000,"123456789012345680000"]');
  ok(1, 1e21, '[0.001,"1e+21"]');
  ok(1, -1.5e21, '[0.001,"-1.5e+21"]');
  ok(1, 1.7976931348623157e308, '[0.001,"1.7976931348623157e+308"]');
  ok(1, 2.2250738585072014e-308, '[0.001,"2.2250738585072014e-308"]');
  ok(1, 2 ** 53, '[0.001,"9007199254740992"]');
  ok(1, 9.5367431640625e-7, '[0.001,"9.5367431640625e-07"]');
  ok(1, 999999999999.999, '[0.001,"999999999999.999"]');
  ok(1, 123456789.125, '[0.001,"123456789.125"]');
  ok(1, 2 ** 63, '[0.001,"9223372036854776000"]');
  ok(1, Infinity, '[0.001,"+Inf"]');
  ok(1, -Infinity, '[0.001,"-Inf"]');
  ok(Number.MAX_SAFE_INTEGER, 1, '[9007199254740.991,"1"]');
  ok(-Number.MAX_SAFE_INTEGER, -12.34, '[-9007199254740.991,"-12.34"]');
});

test('a part of columns is written, none of it too', () => {
  const ts = Float64Array.of(1000, 2000, 3000, 4000);
  const vs = Float64Array.of(1, 2, 2, 3);
  assert.equal(kernelText(ts, vs, 1, 3).toString(), '[2,"2"],[3,"2"]');
  assert.equal(kernelText(ts, vs, 2, 2).toString(), '');
});

test('the longest points fit', () => {
  const ts = new Float64Array(kernel.pointsMax).fill(-Number.MAX_SAFE_INTEGER);
  const vs = Float64Array.from(ts, (_, i) => -1.2345678901234567e-6 * (1 + i / 4096));
  same('long', ts, vs);
});

test('a writer with the kernel gives what one without does', () => {
  const random = randomFrom(7);
  const fast = new JsonWriter(16, kernel);
  for (const count of [0, 1, 2, 3, 4, 5, 100, 1024, 1025, 3000]) {
    const ts = Float64Array.from({ length: count + 5 }, (_, i) => 1.7e12 + i * 15_000);
    const vs = Float64Array.from(ts, () => anyBits(random));
    fast.points(ts, vs, 3, 3 + count);
    assert.deepEqual(Buffer.from(fast.take()), twinText(ts, vs, 3, 3 + count), `${count} points`);
  }
});
