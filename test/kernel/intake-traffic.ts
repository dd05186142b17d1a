// Random requests for the intake's tests: well-formed ones with all that senders get wrong, and mutations of their
// bytes.
import { ByteWriter, utf8 } from '../../src/base/index.ts';
import { newHistogram } from '../../src/model/index.ts';
import { writeHistogram } from '../../src/wire/remote-write-histogram.ts';
import { randomHistogram } from '../support/histograms.ts';

/** A seeded generator of 32-bit numbers (xorshift). */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 1) | 0 || 1;
  }
  /** An integer in [0, sides). */
  roll(sides: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % sides;
  }
  one(sides: number): boolean {
    return this.roll(sides) === 0;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.roll(list.length)];
  }
}

const field = (out: ByteWriter, tag: number, bytes: Uint8Array): void => {
  out.u8(tag);
  out.block(bytes);
};

function message(fill: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  fill(out);
  return out.finish();
}

const VALUES = ['', 'a', 'bb', 'node-exporter', '10.0.0.1:9100', 'größe', '日本', 'x'.repeat(200), 'y'.repeat(40)];
const BAD_BYTES = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0xe2, 0x82]].map((list) =>
  Uint8Array.from(list),
);

type Label = [Uint8Array, Uint8Array];

/** Labels of a series: mostly good ones, some unsorted, empty, double, malformed. */
export function randomLabels(dice: Dice, rare: number): Label[] {
  const labels: Label[] = [[utf8('__name__'), utf8(`metric_${dice.roll(20)}`)]];
  for (const name of ['cluster', 'instance', 'job', 'le', 'zone.name']) {
    if (!dice.one(3)) labels.push([utf8(name), utf8(dice.pick(VALUES.slice(dice.one(rare) ? 0 : 1)))]);
  }
  if (dice.one(rare)) labels.reverse();
  if (dice.one(rare)) labels.splice(dice.roll(labels.length), 1);
  if (dice.one(rare)) labels.push(labels[dice.roll(labels.length)] ?? [utf8('x'), utf8('y')]);
  if (dice.one(rare)) labels.push([utf8(''), utf8('v')]);
  if (dice.one(rare)) labels.push([dice.pick(BAD_BYTES), utf8('v')]);
  if (dice.one(rare)) labels.push([utf8('zzz'), dice.pick(BAD_BYTES)]);
  if (dice.one(rare)) for (let i = 0; i < 12; i++) labels.push([utf8(`zz${dice.roll(99)}`), utf8('v')]);
  return labels;
}

function int64(out: ByteWriter, value: bigint): void {
  let left = BigInt.asUintN(64, value);
  for (; left > 127n; left >>= 7n) out.u8(Number(left & 127n) | 128);
  out.u8(Number(left));
}

function randomTime(dice: Dice): bigint {
  if (dice.one(40))
    return dice.pick([0n, -5n, -5000n, 1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, 2n ** 42n, 2n ** 35n - 1n]);
  return 1_790_000_000_000n + BigInt(dice.roll(5) * 15_000);
}

function randomSample(dice: Dice): Uint8Array {
  return message((out) => {
    if (!dice.one(4)) {
      out.u8(0x09);
      out.u64(dice.one(10) ? 0x7ff0000000000002n : BigInt(dice.roll(1e9)) * 4294967296n);
    }
    if (!dice.one(30)) {
      out.u8(0x10);
      int64(out, randomTime(dice));
    }
    if (dice.one(6)) {
      out.u8(0x18);
      int64(out, dice.one(4) ? 0n : randomTime(dice));
    }
  });
}

function samplesOf(dice: Dice, out: ByteWriter): void {
  const count = dice.one(5) ? dice.roll(4) : 1;
  for (let i = 0; i < count; i++) field(out, 0x12, randomSample(dice));
}

/** A histogram, sometimes with changes that make it wrong, or say the same in another way. */
function randomHistogramMessage(dice: Dice): Uint8Array {
  const valid = randomHistogram(dice);
  const customized = {
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0,
    positive: newHistogram().positive,
    negative: newHistogram().negative,
  };
  const changes = [
    { schema: dice.roll(70) - 10 },
    { schema: -53 },
    { count: valid.count + dice.roll(5) - 1 },
    { sum: Number.NaN, count: valid.count + dice.roll(3) - 1 },
    { zeroThreshold: dice.pick([-1, -0, Number.NaN, 2 ** -1074, 2 ** 54, 2 ** 55, 1e300]) },
    { zeroCount: dice.pick([-1, 0.5, -0, Number.NaN, 2 ** 51, 2 ** 53]) },
    { positive: valid.negative },
    { customBounds: Float64Array.of(1) },
    { ...customized, customBounds: Float64Array.of(1, 2, dice.pick([2, 3, Number.POSITIVE_INFINITY, Number.NaN])) },
    {
      positive: {
        ...valid.positive,
        counts: valid.positive.counts.map((count) => (dice.one(3) ? 2 ** 51 + count : count)),
      },
    },
    {
      positive: {
        ...valid.positive,
        counts: valid.positive.counts.map((count) => (dice.one(4) ? -count : count + 0.5)),
      },
    },
    { positive: { ...valid.positive, indexes: valid.positive.indexes.map((index) => index + 2 ** 31 - 9) } },
  ];
  const histogram = dice.one(2) ? newHistogram({ ...valid, ...dice.pick(changes) }) : valid;
  const timestampMs = Number(dice.one(20) ? randomTime(dice) / 8n : 1_790_000_000_000n + BigInt(dice.roll(5) * 15_000));
  return message((out) => {
    writeHistogram(out, { timestampMs, histogram, stale: dice.one(15) });
    const extras = [
      () => {},
      // An empty span, a later one that is negative, and one on the other side.
      () => field(out, 0x5a, Uint8Array.of(8, dice.roll(4))),
      () => field(out, 0x42, Uint8Array.of(8, dice.roll(4), 16, dice.roll(2))),
      // Buckets that are not packed; counts of the other kind; a start time.
      () => out.bytes(Uint8Array.of(0x60, dice.roll(200) & 127, 0x5a, 4, 8, 2, 16, 1)),
      () => out.bytes(Uint8Array.of(0x30, dice.roll(100))),
      () => out.bytes(Uint8Array.of(0x08, dice.roll(100))),
      () => out.bytes(Uint8Array.of(0x19, 1, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0x08, 0)),
      () => out.bytes(Uint8Array.of(0x88, 0x01, dice.roll(100))),
      () => out.bytes(Uint8Array.of(0x70, dice.roll(9))),
    ];
    while (dice.one(4)) dice.pick(extras)();
  });
}

function histogramsOf(dice: Dice, out: ByteWriter, tag: number): void {
  while (dice.one(3)) field(out, tag, randomHistogramMessage(dice));
}

const EXEMPLAR_VALUES = [
  '',
  'a',
  '0af7651916cd43dd8448eb211c80319c',
  'größe'.repeat(12),
  '日'.repeat(90),
  'x'.repeat(119),
];

/** Labels of an exemplar: around the limit of characters, some unsorted, double, malformed, empty. */
function exemplarLabels(dice: Dice): Label[] {
  const labels: Label[] = [];
  while (!dice.one(3)) {
    const name = dice.one(25)
      ? dice.pick(['', 'n'.repeat(600)])
      : dice.pick(['trace_id', 'span_id', 'a', 'zone', 'größe']);
    labels.push([utf8(name), dice.one(25) ? dice.pick(BAD_BYTES) : utf8(dice.pick(EXEMPLAR_VALUES))]);
  }
  while (dice.one(300)) labels.push(...Array.from({ length: 4096 }, (): Label => [utf8('e'), utf8('')]));
  return labels;
}

/** `putLabels` writes the field 1, which differs between the versions. */
function exemplarsOf(
  dice: Dice,
  out: ByteWriter,
  tag: number,
  putLabels: (out: ByteWriter, labels: Label[]) => void,
): void {
  while (dice.one(4)) {
    const exemplar = message((to) => {
      putLabels(to, exemplarLabels(dice));
      if (!dice.one(6)) {
        to.u8(0x11);
        to.u64(BigInt(dice.roll(1e9)) * 4294967296n);
      }
      if (!dice.one(6)) {
        to.u8(0x18);
        int64(to, randomTime(dice));
      }
    });
    field(out, tag, exemplar);
  }
}

/** A body of remote write 1.0, not compressed. */
export function randomRequest1(dice: Dice, seriesCount: number, rare: number): Uint8Array {
  return message((out) => {
    for (let i = 0; i < seriesCount; i++) field(out, 0x0a, randomSeries1(dice, rare));
    if (dice.one(5)) field(out, 0x1a, randomMetadata1(dice));
    if (dice.one(20)) field(out, 0x7a, utf8('unknown field'));
  });
}

function randomSeries1(dice: Dice, rare: number): Uint8Array {
  const labels = randomLabels(dice, rare).map(([name, value]) => randomLabel1(dice, name, value, rare));
  return message((out) => {
    const late = dice.one(rare * 2) ? labels.pop() : undefined;
    for (const label of labels) field(out, 0x0a, label);
    samplesOf(dice, out);
    if (late) field(out, 0x0a, late);
    exemplarsOf(dice, out, 0x1a, (to, all) => {
      for (const [name, value] of all) field(to, 0x0a, randomLabel1(dice, name, value, rare));
    });
    histogramsOf(dice, out, 0x22);
  });
}

function randomLabel1(dice: Dice, name: Uint8Array, value: Uint8Array, rare: number): Uint8Array {
  return message((out) => {
    const swapped = dice.one(rare * 3);
    if (swapped) field(out, 0x12, value);
    field(out, 0x0a, name);
    if (!swapped && !(value.length === 0 && dice.one(2))) {
      if (dice.one(rare * 3)) {
        out.u8(0x12);
        out.u8((value.length & 127) | 128); // a length that takes a byte more than needed
        out.u8(((value.length >> 7) & 127) | 128);
        out.u8(0);
        out.bytes(value);
      } else field(out, 0x12, value);
    }
  });
}

function randomMetadata1(dice: Dice): Uint8Array {
  return message((out) => {
    out.u8(0x08);
    out.varint(dice.roll(8));
    field(out, 0x12, utf8('metric_1'));
    if (dice.one(2)) field(out, 0x22, utf8('Helps.'));
  });
}

/** A body of remote write 2.0, not compressed. */
export function randomRequest2(dice: Dice, seriesCount: number, rare: number): Uint8Array {
  const symbols: Uint8Array[] = [new Uint8Array(0)];
  const numbers = new Map<string, number>([['', 0]]);
  const number = (bytes: Uint8Array): number => {
    const key = bytes.join();
    if (!numbers.has(key)) numbers.set(key, symbols.push(bytes) - 1);
    return numbers.get(key) as number;
  };
  const series = Array.from({ length: seriesCount }, () => randomSeries2(dice, rare, number));
  return message((out) => {
    const late = dice.one(rare) ? symbols.pop() : undefined;
    for (const symbol of symbols) field(out, 0x22, symbol);
    for (const one of series) field(out, 0x2a, one);
    if (late) field(out, 0x22, late);
  });
}

function randomSeries2(dice: Dice, rare: number, number: (bytes: Uint8Array) => number): Uint8Array {
  const refs = randomLabels(dice, rare).flatMap(([name, value]) => [number(name), number(value)]);
  if (dice.one(rare * 2)) refs.pop();
  if (dice.one(rare * 2)) refs[dice.roll(refs.length)] = 1e6;
  const help = number(utf8('Helps.'));
  return message((out) => {
    if (dice.one(10)) {
      for (const ref of refs) {
        out.u8(0x08);
        out.varint(ref);
      }
    } else
      field(
        out,
        0x0a,
        message((packed) => refs.forEach((ref) => packed.varint(ref))),
      );
    samplesOf(dice, out);
    histogramsOf(dice, out, 0x1a);
    exemplarsOf(dice, out, 0x22, (to, all) => {
      const own = all.flat().map(number);
      if (dice.one(20)) own.push(dice.pick([0, 1, 1e6]));
      if (!dice.one(10))
        field(
          to,
          0x0a,
          message((packed) => own.forEach((ref) => packed.varint(ref))),
        );
      else
        for (const ref of own) {
          to.u8(0x08);
          to.varint(ref);
        }
    });
    if (dice.one(3)) field(out, 0x2a, Uint8Array.of(8, dice.roll(8), 24, help));
    if (dice.one(9)) out.bytes(Uint8Array.of(0x30, 5));
  });
}

/** Bytes with a few of them changed, cut, or repeated. */
export function mutate(dice: Dice, bytes: Uint8Array): Uint8Array {
  const kind = dice.roll(4);
  if (kind === 0) return bytes.slice(0, dice.roll(bytes.length + 1));
  const out = bytes.slice();
  if (kind === 1 && out.length > 1) {
    const from = dice.roll(out.length);
    const to = dice.roll(out.length);
    out.copyWithin(to, from, from + dice.roll(40));
    return out;
  }
  for (let i = dice.roll(4); i >= 0 && out.length > 0; i--) {
    const at = dice.roll(out.length);
    out[at] = dice.one(2) ? dice.roll(256) : out[at] ^ (1 << dice.roll(8));
  }
  return out;
}
