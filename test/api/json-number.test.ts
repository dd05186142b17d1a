import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NUMBER_BYTES_MAX, numberText, writeNumber, writeTime } from '../../src/api/json-number.ts';

const bytes = new Uint8Array(NUMBER_BYTES_MAX);
const written = (value: number): string => Buffer.from(bytes.subarray(0, writeNumber(bytes, 0, value))).toString();
const time = (timeMs: number): string => Buffer.from(bytes.subarray(0, writeTime(bytes, 0, timeMs))).toString();

test('floats are the shortest decimals, positional from 1e-6 to 1e21', () => {
  const ok = (value: number, want: string): void => assert.equal(written(value), want);
  ok(0, '0');
  ok(-0, '-0');
  ok(1, '1');
  ok(-42, '-42');
  ok(1.5, '1.5');
  ok(-0.25, '-0.25');
  ok(0.1 + 0.2, '0.30000000000000004');
  ok(0.000001, '0.000001');
  ok(0.0000009, '9e-07');
  ok(1e-7, '1e-07');
  ok(1.25e-10, '1.25e-10');
  ok(5e-324, '5e-324');
  ok(1e20, '100000000000000000000');
  ok(123456789012345680000, '123456789012345680000');
  ok(1e21, '1e+21');
  ok(1.5e21, '1.5e+21');
  ok(1.7976931348623157e308, '1.7976931348623157e+308');
  ok(NaN, 'NaN');
  ok(Infinity, '+Inf');
  ok(-Infinity, '-Inf');
  ok(2 ** 53 - 1, '9007199254740991');
  ok(2 ** 53, '9007199254740992');
  ok(2 ** 31, '2147483648');
  ok(999999999999.999, '999999999999.999');
  ok(12.34, '12.34');
  ok(0.001, '0.001');
  ok(0.0001, '0.0001');
});

test('times are seconds with no or three decimals', () => {
  const ok = (timeMs: number, want: string): void => assert.equal(time(timeMs), want);
  ok(0, '0');
  ok(1, '0.001');
  ok(50, '0.050');
  ok(1500, '1.500');
  ok(1_700_000_000_123, '1700000000.123');
  ok(1_700_000_000_000, '1700000000');
  ok(-1, '-0.001');
  ok(-61_000, '-61');
  ok(8_640_000_000_000_000, '8640000000000');
  ok(9_007_199_254_740_991, '9007199254740.991');
  ok(-9_007_199_254_739_999, '-9007199254739.999');
});

test('ten thousand doubles of all kinds read back the same and follow the rules of the format', () => {
  let state = 0x9e3779b9;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const view = new DataView(new ArrayBuffer(8));
  const kinds: (() => number)[] = [
    () => {
      view.setUint32(0, next());
      view.setUint32(4, next());
      return view.getFloat64(0);
    },
    () => (next() - 2 ** 31) / 10 ** (next() % 10),
    () => next() * 2 ** 21 + (next() % 2 ** 21),
    () => Math.round(next() / 7) / 1000,
    () => (next() / 2 ** 32) * 10 ** ((next() % 40) - 20),
  ];
  for (let i = 0; i < 10_000; i++) {
    const value = kinds[i % kinds.length]();
    const text = written(value);
    assert.equal(text, numberText(value));
    if (!Number.isFinite(value)) continue;
    assert.equal(Number(text), value, text);
    const size = Math.abs(value);
    assert.equal(text.includes('e'), size !== 0 && (size < 1e-6 || size >= 1e21), text);
    assert.match(text, /^-?(0|[1-9]\d*)(\.\d*[1-9])?(e[+-]\d{2,3})?$/);
  }
});

test('decimals of up to nine places, and their neighbours, are written as their texts are', () => {
  const bytes = new Uint8Array(64);
  const neighbours = new Float64Array(1);
  const bits = new BigUint64Array(neighbours.buffer);
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let n = 0; n < 20_000; n++) {
    const whole = random(10 ** random(8));
    neighbours[0] = Number(
      `${n % 2 ? '-' : ''}${whole}.${String(random(10 ** (1 + random(10)))).padStart(random(10), '0')}`,
    );
    bits[0] += BigInt(random(3)) - (neighbours[0] === 0 ? 0n : 1n);
    const [value] = neighbours;
    const text = Buffer.from(bytes.subarray(0, writeNumber(bytes, 0, value))).toString();
    assert.equal(text, numberText(value));
  }
});
