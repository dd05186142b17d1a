// The sealed column: the kernel's encoder and decoder against their twin, and the twin's checks against mutated bytes.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { isCorrupt } from '../../src/base/index.ts';
import { columnShape, decodeColumn, encodeColumn, loadKernel } from '../../src/kernel/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { Dice, mutate } from './intake-traffic.ts';

interface ColumnExports {
  readonly memory: WebAssembly.Memory;
  init(): void;
  encodeColumn(out: number, times: number, values: number, count: number, scratch: number): number;
  decodeTimes(column: number, out: number): void;
  decodeValues(column: number, out: number): void;
}

// Places in the kernel's scratch memory (kernels/head/root.ts).
const TIMES = 131072;
const VALUES = TIMES + 8 * 65536;
const WORK = VALUES + 8 * 65536;
const OUT = WORK + 8 * 65540;
const DECODED = OUT + 2_000_000;

let kernel: ColumnExports;
before(async () => {
  kernel = new WebAssembly.Instance(await loadKernel('head'), {}).exports as unknown as ColumnExports;
  kernel.init();
});

function kernelEncode(ts: Float64Array, bits: BigUint64Array): Uint8Array {
  new BigInt64Array(kernel.memory.buffer, TIMES, ts.length).set(BigInt64Array.from(ts, BigInt));
  new BigUint64Array(kernel.memory.buffer, VALUES, bits.length).set(bits);
  const length = kernel.encodeColumn(OUT, TIMES, VALUES, ts.length, WORK);
  return new Uint8Array(kernel.memory.buffer).slice(OUT, OUT + length);
}

function kernelDecode(bytes: Uint8Array, count: number): { ts: Float64Array; bits: BigUint64Array } {
  const memory = new Uint8Array(kernel.memory.buffer);
  memory.fill(0xa5, OUT, OUT + bytes.length + 16); // what lies behind a column must not matter
  memory.set(bytes, OUT);
  kernel.decodeTimes(OUT, DECODED);
  const ts = new Float64Array(kernel.memory.buffer, DECODED, count).slice();
  kernel.decodeValues(OUT, DECODED);
  return { ts, bits: new BigUint64Array(kernel.memory.buffer, DECODED, count).slice() };
}

const toBits = (values: readonly number[]): BigUint64Array => new BigUint64Array(Float64Array.from(values).buffer);
const same = (a: BigUint64Array | Float64Array, b: BigUint64Array | Float64Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

/** Kernel and twin agree both ways. Returns the bytes. */
function agree(ts: Float64Array, bits: BigUint64Array, what: string): Uint8Array {
  const bytes = encodeColumn(ts, bits);
  assert.ok(Buffer.from(bytes).equals(Buffer.from(kernelEncode(ts, bits))), `${what}: the encoders differ`);
  const twin = decodeColumn(bytes);
  assert.ok(same(twin.ts, ts) && same(twin.bits, bits), `${what}: the twin gives other samples back`);
  const decoded = kernelDecode(bytes, ts.length);
  assert.ok(same(decoded.ts, ts) && same(decoded.bits, bits), `${what}: the kernel gives other samples back`);
  return bytes;
}

const SPECIALS = [
  0x7ff0000000000002n, // stale marker
  0x7ff8000000000001n,
  0xfff8dead0000beefn,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x8000000000000000n, // -0
  0n,
  1n,
  0x7fefffffffffffffn,
  0x4340000000000000n, // 2^53
  0x4340000000000001n,
];

const noise = (dice: Dice): bigint => (BigInt(dice.roll(2 ** 32)) << 32n) | BigInt(dice.roll(2 ** 32));

/** Value makers by shape: given the sample's number. */
function shape(dice: Dice): (i: number) => bigint {
  const number = (of: (i: number) => number) => (i: number) => toBits([of(i)])[0];
  const scale = 10 ** dice.roll(12);
  const start = dice.roll(2 ** 31) - 2 ** 30;
  let sum = start;
  const shapes: ((i: number) => bigint)[] = [
    () => SPECIALS[start & 7],
    number((i) => start + i * 15),
    number(() => (sum += dice.roll(100_000))),
    number(() => (dice.roll(20_000) - 10_000) / scale),
    number(() => (sum += dice.roll(7) - 3) / scale),
    number((i) => (dice.one(30) ? (sum = i) : sum)),
    number(() => dice.roll(2 ** 32) / 2 ** 32),
    number((i) => 2 ** 53 - 50 + i * 2),
    number((i) => -(2 ** 53) + i),
    number(() => dice.roll(2 ** 21) * 2 ** 32 * (dice.one(2) ? -1 : 1) + dice.roll(2 ** 32)),
    () => noise(dice),
    () => dice.pick(SPECIALS),
    (i) => (dice.one(50) ? dice.pick(SPECIALS) : toBits([i / 10])[0]),
    () => noise(dice) & 0xffff0000n,
    () => noise(dice) & 0xff00000000000000n,
  ];
  return dice.pick(shapes);
}

function times(dice: Dice, count: number): Float64Array {
  const start = dice.pick([0, -1_000_000, 1_790_000_000_000, -(2 ** 53) + 1, 2 ** 52, dice.roll(2 ** 32) * 1000]);
  const room = Math.floor((2 ** 53 - 1 - start) / count);
  const step = dice.pick([1, 15_000, 60_000, room].filter((wanted) => wanted <= room));
  const jitter = dice.pick([1, 1, 2, 7, 200, step]);
  const ts = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const least = i === 0 ? start : ts[i - 1] + 1;
    ts[i] = Math.max(start + i * step - Math.floor((dice.roll(2 ** 32) / 2 ** 32) * Math.min(jitter, step)), least);
  }
  if (count > 2 && dice.one(4)) ts[count - 1] = Math.min(ts[count - 1] + dice.roll(2 ** 31) * 1024, 2 ** 53 - 1);
  return ts;
}

function randomColumn(dice: Dice, countMax: number): { ts: Float64Array; bits: BigUint64Array } {
  const count = 1 + dice.roll(dice.one(3) ? 4 : countMax);
  const valueAt = shape(dice);
  return { ts: times(dice, count), bits: BigUint64Array.from({ length: count }, (_, i) => valueAt(i)) };
}

describe('sealed column', () => {
  test('kernel and twin write the same bytes and read the same samples, to the bit', () => {
    const dice = new Dice(fuzzSeed(11));
    const seen = new Set<string>();
    for (let i = 0; i < fuzzCases(500); i++) {
      const { ts, bits } = randomColumn(dice, 300);
      const { times: timesKind, values, exponent } = columnShape(agree(ts, bits, `case ${i}`));
      seen.add(timesKind).add(`${values} values`).add(`10^${exponent}`);
    }
    for (const kind of [
      'constant',
      'packed',
      'constant values',
      'delta values',
      'packed values',
      'xor values',
      '10^3',
    ]) {
      assert.ok(seen.has(kind), `${kind} did not occur`);
    }
  });

  test('holds up to 65535 samples', () => {
    const dice = new Dice(12);
    for (const makeValue of [(i: number) => BigInt(i) << 20n, () => noise(dice)]) {
      const bits = BigUint64Array.from({ length: 65535 }, (_, i) => makeValue(i));
      agree(times(dice, 65535), bits, 'the largest column');
    }
  });

  test('takes the encoding that is smallest', () => {
    const ok = (values: readonly number[], want: string) => {
      const ts = Float64Array.from(values, (_, i) => i * 1000);
      const { values: kind, exponent, valueBytes } = columnShape(agree(ts, toBits(values), want));
      assert.equal(`${kind} 10^${exponent} ${valueBytes}`, want);
    };
    const many = (of: (i: number) => number) => Array.from({ length: 100 }, (_, i) => of(i));
    ok([7], 'constant 10^0 8');
    ok([7, 7, 7], 'constant 10^0 8');
    ok([Number.NaN, Number.NaN], 'constant 10^0 8');
    ok(
      many((i) => i * 1000),
      'delta 10^0 16',
    );
    ok(
      many((i) => (i % 3) / 10),
      'packed 10^1 33',
    );
    ok(
      many((i) => (i % 2 === 0 ? 0.001 : 1e9)),
      'packed 10^3 508',
    );
    ok(
      many((i) => (i === 50 ? -0 : 0)),
      'xor 10^0 109',
    );
    ok(
      many((i) => (i % 2 ? Number.POSITIVE_INFINITY : 1)),
      'xor 10^0 206',
    );
  });

  test('the twin refuses what cannot be a column, and names the offset', () => {
    const good = encodeColumn(Float64Array.of(1000, 2000, 3001), toBits([1, 2, 4]));
    const bad = (change: (bytes: Uint8Array) => Uint8Array | void, text: string) => {
      const bytes = good.slice();
      const changed = change(bytes) ?? bytes;
      assert.throws(() => decodeColumn(changed), {
        code: 'corrupt',
        message: `cannot decode column at offset ${text}`,
      });
    };
    bad((bytes) => bytes.subarray(0, 20), '0: it is shorter than its header; got 20 bytes');
    bad((bytes) => bytes.fill(0, 0, 2), '0: it has no samples');
    bad((bytes) => void (bytes[2] = 2), '2: the encoding of times is unknown; got 2');
    bad((bytes) => void (bytes[3] = 4), '3: the encoding of values is unknown; got 4');
    bad((bytes) => void (bytes[4] = 65), '4: time bits 65');
    bad((bytes) => void (bytes[6] = 10), '6: the exponent is out of range; got 10');
    bad((bytes) => void (bytes[7] = 1), '7: flags are unknown; got 1');
    bad((bytes) => bytes.subarray(0, -1), '16: its parts take 50 bytes; got 49');
    bad((bytes) => void (bytes[bytes.length - 1] = 1), '42: the slack is not zero');
    bad((bytes) => void (bytes[15] = 0x7f), '8: the time 9151314442816848872 is out of range');
    bad((bytes) => bytes.fill(0, 24, 34), '24: the time 1000 of sample 1 is out of range or order');
    bad((bytes) => void (bytes[0] = 200), '16: times of this encoding take 33 bytes; got 9');
  });

  test('mutated bytes end in a corrupt error or in samples', () => {
    const dice = new Dice(fuzzSeed(13));
    const columns = Array.from({ length: 40 }, () => randomColumn(dice, 60)).map(({ ts, bits }) =>
      encodeColumn(ts, bits),
    );
    let refused = 0;
    const cases = fuzzCases(4000);
    for (let i = 0; i < cases; i++) {
      const bytes = mutate(dice, dice.pick(columns));
      try {
        const { ts, bits } = decodeColumn(bytes);
        assert.ok(ts.length === bits.length && ts.every((time, k) => k === 0 || time > ts[k - 1]));
        // What passes the checks means the same to the kernel.
        const decoded = kernelDecode(bytes, ts.length);
        assert.ok(same(decoded.ts, ts) && same(decoded.bits, bits), `case ${i}`);
      } catch (error) {
        assert.ok(isCorrupt(error), `case ${i}: ${error}`);
        refused++;
      }
    }
    assert.ok(refused > cases / 3 && refused < cases, `${refused} refused`);
  });
});
