import assert from 'node:assert/strict';
import test from 'node:test';
import { isCorrupt } from '../../src/base/index.ts';
import {
  type BlockKernel,
  createBlockTwin,
  createBlockWasm,
  describeColumn,
  loadKernel,
} from '../../src/kernel/index.ts';
import { SHAPES, randomTimes, randomValues } from './block-columns.ts';
import { randomFrom } from './columns.ts';

const SAMPLES_MAX = 5000;
const STALE = 0x7ff0000000000002n;
const kernelModule = await loadKernel('block');
const kernel = createBlockWasm(kernelModule);
const twin = createBlockTwin();
const kernels: [string, BlockKernel][] = [
  ['kernel', kernel],
  ['twin', twin],
];
for (const [, each] of kernels) each.reserve(SAMPLES_MAX);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bitsOf = (values: number[]): BigUint64Array => new BigUint64Array(Float64Array.from(values).buffer);
const counts = [1, 2, 3, 5, 20, 65, 129, 480, 700, 1440, 2047, 2048, 2500, SAMPLES_MAX];
const pick = <T>(random: () => number, items: readonly T[]): T => items[Math.floor(random() * items.length)];

function encodeValues(each: BlockKernel, values: BigUint64Array): Uint8Array {
  each.vsWords.set(new Uint32Array(values.buffer, values.byteOffset, values.length * 2));
  return each.encodeValues(values.length).slice();
}

function encodeTimes(each: BlockKernel, times: ArrayLike<number>): Uint8Array {
  each.ts.set(times);
  return each.encodeTimes(times.length).slice();
}

function decodeValues(each: BlockKernel, bytes: Uint8Array, from: number, to: number): BigUint64Array {
  each.vsWords.fill(0x55555555);
  each.decodeValues(bytes, from, to);
  return new BigUint64Array(each.vsWords.slice(0, (to - from) * 2).buffer);
}

function decodeTimes(each: BlockKernel, bytes: Uint8Array, from: number, to: number): Float64Array {
  each.ts.fill(Number.NaN);
  each.decodeTimes(bytes, from, to);
  return each.ts.slice(0, to - from);
}

/** Both encode to the same bytes; both give [from, to) back to the bit. */
function checkValues(values: BigUint64Array, from: number, to: number, what: string): Uint8Array {
  const bytes = encodeValues(kernel, values);
  assert.equal(hex(bytes), hex(encodeValues(twin, values)), what);
  for (const [name, each] of kernels) {
    assert.equal(each.count(bytes), values.length);
    assert.deepEqual(decodeValues(each, bytes, 0, values.length), values, `${name}: ${what}`);
    assert.deepEqual(decodeValues(each, bytes, from, to), values.slice(from, to), `${name}: ${what} [${from}, ${to})`);
  }
  return bytes;
}

function rangeIn(random: () => number, count: number): [number, number] {
  const from = Math.floor(random() * count);
  return [from, from + Math.floor(random() * (count - from + 1))];
}

test('values of every shape come back to the bit from kernel and twin, which encode them alike', () => {
  const random = randomFrom(1);
  for (const [name, shape] of Object.entries(SHAPES)) {
    for (let round = 0; round < 3; round++) {
      const count = pick(random, counts);
      checkValues(randomValues(random, shape, count), ...rangeIn(random, count), `${name} × ${count}`);
    }
  }
});

test('times come back, and the first at or after a time is found', () => {
  const random = randomFrom(2);
  for (let round = 0; round < 40; round++) {
    const count = pick(random, counts);
    const times = randomTimes(random, count);
    const bytes = encodeTimes(kernel, times);
    assert.equal(hex(bytes), hex(encodeTimes(twin, times)));
    const [from, to] = rangeIn(random, count);
    for (const [, each] of kernels) {
      assert.deepEqual(decodeTimes(each, bytes, from, to), times.slice(from, to));
      for (const ms of [times[from] - 1, times[from], times[from] + 1, -Infinity, Infinity]) {
        const index = times.findIndex((time) => time >= ms);
        assert.equal(each.lowerBound(bytes, ms), index < 0 ? count : index);
      }
    }
  }
});

test('columns cost what their format says', () => {
  const ok = (values: number[] | BigUint64Array, bytesMax: number) => {
    const bits = values instanceof BigUint64Array ? values : bitsOf(values);
    const { length } = checkValues(bits, 0, bits.length, `${bits[0]}`);
    assert.ok(length <= bytesMax, `${length} bytes`);
  };
  const numbers = (count: number, value: (i: number) => number): number[] =>
    Array.from({ length: count }, (_, i) => value(i));
  ok([], 1);
  ok([0], 3);
  ok(
    numbers(480, () => 1),
    4,
  );
  ok(
    numbers(5000, () => 1),
    4,
  );
  ok(
    numbers(480, () => 0.25),
    4,
  );
  ok(
    numbers(480, () => 1_700_000_000),
    8,
  );
  ok(
    numbers(480, () => Math.PI),
    11,
  );
  ok(new BigUint64Array(480).fill(STALE), 11);
  ok(
    numbers(1440, (i) => 1e9 + i * 15),
    14,
  );
  ok(
    numbers(1440, (i) => (i < 700 ? 5 : 6)),
    13,
  );
  const marked = bitsOf(numbers(480, (i) => i * 3 + 1e6));
  marked[479] = STALE;
  ok(marked, 24);
});

test('regular times take a few bytes, however many', () => {
  for (const count of [2, 480, 1440, 2048, SAMPLES_MAX]) {
    const times = Float64Array.from({ length: count }, (_, i) => 1_700_000_000_123 + i * 15_000);
    const bytes = encodeTimes(kernel, times);
    assert.ok(bytes.length <= 17, `${bytes.length} bytes`);
    for (const [, each] of kernels) {
      assert.deepEqual(decodeTimes(each, bytes, count - 1, count), times.slice(-1));
      assert.equal(each.lowerBound(bytes, times[count - 1]), count - 1);
    }
  }
});

test('millions of samples are encoded and read at any place', () => {
  const count = 1_200_000;
  const large = createBlockWasm(kernelModule);
  large.reserve(count);
  for (let i = 0; i < count; i++) large.vs[i] = Math.floor(i / 7) * 3;
  for (let i = 0; i < count; i++) large.ts[i] = i * 1000 + (i % 3);
  const values = large.encodeValues(count).slice();
  const times = large.encodeTimes(count).slice();
  large.decodeValues(values, 1_100_000, 1_100_010);
  assert.equal(large.vs[9], Math.floor(1_100_009 / 7) * 3);
  assert.equal(large.lowerBound(times, 1_100_000_000), 1_100_000);
  assert.equal(large.count(values), count);
});

test('damaged columns end in a corrupt error or an answer, the same from kernel and twin', () => {
  const random = randomFrom(3);
  const answer = (run: () => unknown): string => {
    try {
      return String(run());
    } catch (error) {
      assert.ok(isCorrupt(error), String(error));
      return 'corrupt';
    }
  };
  const shapes = Object.values(SHAPES);
  for (let round = 0; round < 50; round++) {
    const count = pick(random, counts.slice(0, 11));
    const times = randomTimes(random, count);
    const [from, to] = rangeIn(random, count);
    const columns = [
      encodeTimes(kernel, times),
      encodeValues(kernel, randomValues(random, pick(random, shapes), count)),
    ];
    for (let mutation = 0; mutation < 6; mutation++) {
      const bytes = damaged(random, columns[mutation % 2]);
      const answers = kernels.map(([, each]) => [
        answer(() => decodeValues(each, bytes, from, to)),
        answer(() => decodeTimes(each, bytes, from, to)),
        answer(() => each.lowerBound(bytes, times[from])),
        answer(() => each.count(bytes)),
      ]);
      assert.deepEqual(answers[0], answers[1], hex(bytes));
    }
  }
});

function damaged(random: () => number, column: Uint8Array): Uint8Array {
  const bytes = column.slice(0, random() < 0.3 ? Math.floor(random() * column.length) : column.length);
  for (let i = random() * 3; i >= 0 && bytes.length > 0; i--) {
    bytes[Math.floor(random() * random() * bytes.length)] = Math.floor(random() * 256);
  }
  return bytes;
}

test('samples that a column has not are corrupt', () => {
  const bytes = encodeValues(kernel, bitsOf([1, 2, 3]));
  for (const [, each] of kernels) assert.throws(() => each.decodeValues(bytes, 2, 4), isCorrupt);
});

test('a description tells the encoding of each vector', () => {
  const values = bitsOf(Array.from({ length: 2500 }, (_, i) => (i < 1024 ? 7.5 : i % 10 === 0 ? i * 4096 : i)));
  const { samples, vectors } = describeColumn(encodeValues(kernel, values));
  assert.equal(samples, 2500);
  assert.deepEqual(
    vectors.map(({ samples, mode, exponent }) => [samples, mode, exponent]),
    [
      [1024, 'same', 1],
      [1476, 'every', 0],
    ],
  );
  const idle = bitsOf(Array.from({ length: 900 }, (_, i) => 8192 * Math.floor(i / 100)));
  const [vector] = describeColumn(encodeValues(kernel, idle)).vectors;
  assert.deepEqual([vector.mode, vector.changes, vector.integers?.step], ['gaps', 9, 8192n]);
});
