// What the clients of a simulation write: series that come, go and return; samples in order, late by anything, far ahead, twice, and twice
// with other values; values of each kind that columns encode differently. Everything by the seed.
import { ByteWriter, utf8 } from '../src/base/index.ts';
import type { SimRandom } from '../src/io/index.ts';
import {
  CUSTOM_SCHEMA,
  type Matcher,
  type NativeHistogram,
  histogramToBytes,
  newHistogram,
} from '../src/model/index.ts';
import { writeHistogram } from '../src/wire/remote-write-histogram.ts';
import { HISTOGRAM, type Model, type ModelSeries } from './model.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
export const START_MS = 1_700_000_000_000;
export const TENANTS = ['anonymous', 'other'] as const;

export interface WorkSample {
  readonly series: ModelSeries;
  readonly timeMs: number;
  readonly high: number;
  readonly low: number;
  /** Then the two halves stand for it. */
  readonly histogram?: NativeHistogram;
  /** When the counter began; 0: not said. */
  readonly startMs: number;
}

const bits = new Float64Array(1);
const halves = new Uint32Array(bits.buffer);

/** NaNs that mean something or nothing, zeros, infinities, the least and the largest. */
const ODD_BITS: readonly (readonly [number, number])[] = [
  [0x7ff00000, 0x00000002],
  [0x7ff80000, 0x00000001],
  [0x7ff80000, 0xdeadbeef],
  [0xfff80000, 0x00000000],
  [0x7ff00000, 0x00000000],
  [0xfff00000, 0x00000000],
  [0x80000000, 0x00000000],
  [0x00000000, 0x00000001],
  [0x7fefffff, 0xffffffff],
  // As the head marks a value that lies elsewhere.
  [0x7ff74842, 0x00000010],
];

/** A live series and where it is. */
interface Sender {
  readonly series: ModelSeries;
  nextMs: number;
  counter: number;
  /** When its counter began. */
  startMs: number;
}

const conflicting = ({ series, timeMs, startMs }: WorkSample, low: number): WorkSample => ({
  series,
  timeMs,
  high: 0x40590000,
  low,
  startMs,
});

const counterHistogram = (n: number): NativeHistogram =>
  newHistogram({
    schema: 2,
    count: 3 * n + 1,
    sum: n / 4,
    zeroThreshold: 0.001,
    zeroCount: 1,
    positive: { indexes: Int32Array.of(-1, 0, 4), counts: Float64Array.of(n, n, n) },
  });

/** Few or many buckets on both sides or with bounds of their own; integers or not. */
function anyHistogram(random: SimRandom): NativeHistogram {
  const unit = random.pick([1, 0.125]);
  const side = (size: number): NativeHistogram['positive'] => ({
    indexes: Int32Array.from({ length: size }, (_, i) => 3 * i + random.below(3) - 5),
    counts: Float64Array.from({ length: size }, () => (1 + random.below(90)) * unit),
  });
  const total = ({ counts }: NativeHistogram['positive']): number => counts.reduce((sum, count) => sum + count, 0);
  const resetHint = random.pick(['unknown', 'gauge'] as const);
  if (random.chance(0.2)) {
    const positive = { indexes: Int32Array.of(0, 2), counts: Float64Array.of(unit, 5 * unit) };
    const customBounds = Float64Array.of(0.5, random.next() + 1);
    return newHistogram({
      schema: CUSTOM_SCHEMA,
      resetHint,
      count: 6 * unit,
      sum: random.next(),
      positive,
      customBounds,
    });
  }
  const positive = side(random.pick([1, 3, 70]));
  const negative = side(random.below(3));
  const count = total(positive) + total(negative);
  return newHistogram({ schema: random.below(13) - 4, resetHint, count, sum: -random.next(), positive, negative });
}

export class Workload {
  readonly #random: SimRandom;
  readonly #model: Model;
  readonly #intervalMs: number;
  readonly #advanceMs: number;
  readonly #lateChance: number;
  readonly #futureChance: number;
  readonly #churnChance: number;
  readonly #live: Sender[] = [];
  readonly #gone: Sender[] = [];
  readonly #recent: WorkSample[] = [];
  nowMs = START_MS;
  /** Newest sample that was ever made. */
  newestMs = START_MS;
  readonly counts = { late: 0, future: 0, duplicates: 0, conflicts: 0, odd: 0, histograms: 0 };

  constructor(random: SimRandom, model: Model) {
    this.#random = random;
    this.#model = model;
    this.#intervalMs = random.pick([15_000, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS]);
    this.#advanceMs = random.pick([2 * MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 110 * MINUTE_MS]);
    this.#lateChance = random.pick([0, 0.05, 0.3]);
    this.#futureChance = random.pick([0, 0, 0.01, 0.1]);
    this.#churnChance = random.pick([0, 0.05, 0.4]);
    const count = 1 + random.below(10);
    for (let i = 0; i < count; i++) this.#addSender();
  }

  #addSender(): void {
    const random = this.#random;
    const number = this.#model.series.length;
    const labels: [string, string][] = [
      ['__name__', `m${random.below(4)}`],
      ['series', String(number)],
    ];
    if (random.chance(0.6)) labels.splice(1, 0, ['job', `j${random.below(3)}`]);
    if (random.chance(0.2)) labels.push(['zone', `ü${random.below(2)}`.repeat(1 + random.below(3))]);
    const series = this.#model.addSeries(TENANTS[random.chance(0.2) ? 1 : 0], labels);
    this.#live.push({ series, nextMs: this.nowMs, counter: random.below(1000), startMs: this.nowMs - 1 });
  }

  /** Samples of one request, all of one tenant. */
  next(): WorkSample[] {
    const random = this.#random;
    if (random.chance(this.#churnChance)) this.#churn();
    this.nowMs += Math.floor(this.#advanceMs * random.next());
    if (random.chance(0.02)) this.nowMs += Math.floor(random.next() * 30 * HOUR_MS);
    const tenant = random.pick(this.#live).series.tenant;
    const samples: WorkSample[] = [];
    for (const sender of this.#live) {
      if (sender.series.tenant !== tenant || random.chance(0.2)) continue;
      this.#send(sender, samples);
    }
    if (random.chance(0.15) && this.#recent.length > 0) this.#again(tenant, samples);
    for (const sample of samples) this.#remember(sample);
    // The log has those of a request that have start times behind the others.
    return [...samples.filter(({ startMs }) => startMs === 0), ...samples.filter(({ startMs }) => startMs !== 0)];
  }

  #send(sender: Sender, samples: WorkSample[]): void {
    const random = this.#random;
    if (this.nowMs - sender.nextMs > 6 * this.#intervalMs) {
      sender.nextMs = this.nowMs - random.below(6) * this.#intervalMs;
    }
    for (; sender.nextMs <= this.nowMs; sender.nextMs += this.#intervalMs) {
      samples.push(this.#sample(sender, sender.nextMs));
    }
    if (random.chance(this.#lateChance)) this.#late(sender, samples);
    if (random.chance(this.#futureChance)) {
      this.counts.future++;
      samples.push(
        this.#sample(
          sender,
          this.nowMs + Math.floor(random.next() * random.pick([3 * HOUR_MS, 9 * DAY_MS, 4000 * DAY_MS])),
        ),
      );
    }
  }

  /** One late sample, or a run of them. */
  #late(sender: Sender, samples: WorkSample[]): void {
    const random = this.#random;
    const ageMs = Math.floor(random.next() * random.pick([10 * MINUTE_MS, 3 * HOUR_MS, 2 * DAY_MS, 20 * DAY_MS]));
    const count = random.chance(0.3) ? 1 + random.below(8) : 1;
    for (let i = 0; i < count; i++) {
      this.counts.late++;
      samples.push(this.#sample(sender, this.nowMs - ageMs + i * this.#intervalMs));
    }
  }

  #churn(): void {
    const random = this.#random;
    if (this.#live.length > 1 && random.chance(0.5)) {
      this.#gone.push(...this.#live.splice(random.below(this.#live.length), 1));
    } else if (this.#gone.length > 0 && random.chance(0.4)) {
      this.#live.push(...this.#gone.splice(random.below(this.#gone.length), 1));
    } else this.#addSender();
  }

  /** What was written before, as it was or with another value. */
  #again(tenant: string, samples: WorkSample[]): void {
    const random = this.#random;
    for (let i = 1 + random.below(3); i > 0; i--) {
      const old = random.pick(this.#recent);
      if (old.series.tenant !== tenant) continue;
      const isConflict = random.chance(0.5);
      this.counts[isConflict ? 'conflicts' : 'duplicates']++;
      if (isConflict && random.chance(0.3)) samples.push({ ...old, startMs: random.pick([0, old.timeMs - 1]) });
      else samples.push(isConflict ? conflicting(old, random.below(1000)) : old);
    }
  }

  #remember(sample: WorkSample): void {
    if (this.#recent.length < 200) this.#recent.push(sample);
    else if (this.#random.chance(0.3)) this.#recent[this.#random.below(200)] = sample;
  }

  #sample(sender: Sender, timeMs: number): WorkSample {
    const random = this.#random;
    const { series } = sender;
    this.newestMs = Math.max(this.newestMs, timeMs);
    if (series.number % 4 === 3 && random.chance(0.95)) return this.#histogramSample(sender, timeMs);
    if (random.chance(0.03)) {
      this.counts.odd++;
      const [high, low] = random.pick(ODD_BITS);
      return { series, timeMs, high, low, startMs: this.#start(sender, timeMs) };
    }
    bits[0] = this.#value(sender);
    return { series, timeMs, high: halves[1], low: halves[0], startMs: this.#start(sender, timeMs) };
  }

  /** Of every third series: mostly one that stays, sometimes that of a delta, or none. */
  #start(sender: Sender, timeMs: number): number {
    const random = this.#random;
    if (sender.series.number % 3 !== 1 || random.chance(0.1)) return 0;
    if (random.chance(0.02)) sender.startMs = timeMs;
    return random.chance(0.1) ? timeMs - this.#intervalMs : sender.startMs;
  }

  /** Counters of one layout for a while, or anything. */
  #histogramSample(sender: Sender, timeMs: number): WorkSample {
    this.counts.histograms++;
    const random = this.#random;
    const histogram = random.chance(0.7) ? counterHistogram(sender.counter + random.below(3)) : anyHistogram(random);
    const low = this.#model.addHistogram(histogramToBytes(histogram));
    return { series: sender.series, timeMs, high: HISTOGRAM, low, histogram, startMs: this.#start(sender, timeMs) };
  }

  #value(sender: Sender): number {
    const random = this.#random;
    switch (sender.series.number % 5) {
      case 0:
        return 7;
      case 1:
        sender.counter += random.below(50);
        return sender.counter;
      case 2:
        return random.next();
      case 3:
        return random.below(40) / 10;
      default:
        return random.chance(0.5) ? sender.counter : -sender.counter;
    }
  }

  /** Matchers that choose some, one or no series. */
  matchers(): Matcher[] {
    const random = this.#random;
    const one = String(random.below(this.#model.series.length + 1));
    return random.pick<Matcher[]>([
      [{ name: 'series', op: '=', value: one }],
      [{ name: '__name__', op: '=', value: `m${random.below(4)}` }],
      [{ name: 'job', op: '=~', value: 'j[01]' }],
      [{ name: 'job', op: '=', value: '' }],
      [
        { name: 'job', op: '!=', value: 'j0' },
        { name: '__name__', op: '=~', value: 'm0|m2' },
      ],
      [{ name: '__name__', op: '=~', value: '.+' }],
    ]);
  }

  /** A range of time: any place, any length; the whole now and then. */
  range(): [number, number] {
    const random = this.#random;
    if (random.chance(0.2)) return [-(2 ** 52), 2 ** 52];
    const endMs =
      this.nowMs - Math.floor(random.next() * random.pick([0, 3 * HOUR_MS, this.nowMs - START_MS + HOUR_MS]));
    return [endMs - Math.floor(random.next() * random.pick([HOUR_MS, DAY_MS, 30 * DAY_MS])), endMs];
  }
}

/** A message of remote write, with values bit by bit: of version 2.0 if there are start times. `withBad`: a series without a name, too. */
export function requestBody(samples: readonly WorkSample[], withBad: boolean): { version: 1 | 2; body: Uint8Array } {
  const bySeries = new Map<ModelSeries, WorkSample[]>();
  for (const sample of samples) {
    const list = bySeries.get(sample.series);
    if (list) list.push(sample);
    else bySeries.set(sample.series, [sample]);
  }
  const all: [ModelSeries['labels'], readonly WorkSample[]][] = [...bySeries].map(([{ labels }, list]) => [
    labels,
    list,
  ]);
  if (withBad) all.unshift([[['series', 'nameless']], samples.slice(0, 1)]);
  const version = samples.some(({ startMs }) => startMs !== 0) ? 2 : 1;
  return { version, body: version === 1 ? bodyV1(all) : bodyV2(all) };
}

type Requested = readonly (readonly [labels: ModelSeries['labels'], samples: readonly WorkSample[]])[];

function bodyV1(series: Requested): Uint8Array {
  const out = new ByteWriter(4096);
  for (const [labels, samples] of series) {
    const message = new ByteWriter(512);
    for (const pair of labels) {
      const label = new ByteWriter(64);
      for (const [i, text] of pair.entries()) putBytes(label, 0x0a + 8 * i, utf8(text));
      putBytes(message, 0x0a, label.view());
    }
    for (const sample of samples) putSample(message, sample, 1);
    putBytes(out, 0x0a, message.view());
  }
  return out.finish();
}

function bodyV2(series: Requested): Uint8Array {
  const out = new ByteWriter(4096);
  const texts = [...new Set(['', ...series.flatMap(([labels]) => labels.flat())])];
  for (const text of texts) putBytes(out, 0x22, utf8(text));
  for (const [labels, samples] of series) {
    const message = new ByteWriter(512);
    const refs = new ByteWriter(64);
    for (const text of labels.flat()) refs.varint(texts.indexOf(text));
    putBytes(message, 0x0a, refs.view());
    for (const sample of samples) putSample(message, sample, 2);
    putBytes(out, 0x2a, message.view());
  }
  return out.finish();
}

function putSample(message: ByteWriter, sample: WorkSample, version: 1 | 2): void {
  const { timeMs, startMs, histogram } = sample;
  if (!histogram) return putBytes(message, 0x12, sampleBytes(sample));
  const part = new ByteWriter(256);
  writeHistogram(part, { timestampMs: timeMs, histogram, startMs }, version);
  putBytes(message, version === 1 ? 0x22 : 0x1a, part.view());
}

function sampleBytes({ timeMs, high, low, startMs }: WorkSample): Uint8Array {
  const sample = new ByteWriter(32);
  sample.u8(0x09);
  sample.u32(low);
  sample.u32(high);
  sample.u8(0x10);
  sample.varint(timeMs);
  if (startMs !== 0) {
    sample.u8(0x18);
    sample.varint(startMs);
  }
  return sample.view();
}

function putBytes(out: ByteWriter, tag: number, bytes: Uint8Array): void {
  out.u8(tag);
  out.varint(bytes.length);
  out.bytes(bytes);
}
