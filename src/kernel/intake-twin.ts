// The intake in plain TypeScript: the specification of kernels/intake. Same batches to the byte, same counters, same
// codes. It has no short ways and no aliases; the budget behind `tooExpensive` covers symbols only here.
import { invariant } from '../base/index.ts';
import {
  COUNTER_WORDS,
  REASONS_AT,
  REASON_SAMPLES_AT,
  REFUSALS,
  REFUSALS_AT,
  REFUSALS_MAX,
  readCounters,
} from './intake-counters.ts';
import { type Hash128, KeyedHash } from './intake-hash.ts';
import {
  INTAKE_CODES,
  type IntakeCode,
  type IntakeCounters,
  type IntakeKernel,
  type IntakeLabel,
  type IntakeLimits,
  type IntakeMetadata,
  type IntakeOptions,
} from './intake-kernel.ts';
import { EXEMPLAR_BAD_LABELS, checkExemplar } from './intake-twin-exemplars.ts';
import { TwinActive } from './intake-twin-active.ts';
import { type TwinLabel, byteText, canonicalLabels, checkLabels, textBytes } from './intake-twin-labels.ts';
import { checkHistogram } from './intake-twin-histogram.ts';
import { IntakeFailure } from './intake-twin-protobuf.ts';
import { TwinShard } from './intake-twin-shard.ts';
import { type TwinSeries, readRequest1 } from './intake-twin-v1.ts';
import { readRequest2 } from './intake-twin-v2.ts';
import { decodeSnappy } from './snappy-twin.ts';

const TIME_BOUND = 2n ** 53n;
const METADATA_ROWS_MAX = 4096;
const BATCH_BYTES_MAX = 40 << 20;
const NO_SAMPLES = 13;
const SERIES_LIMIT = 15;
const TIME_OUT_OF_RANGE = 10;
const NO_BYTES = new Uint8Array(0);

/** Makes the twin. */
export function createIntakeTwin(options: IntakeOptions): IntakeKernel {
  return new IntakeTwin(options);
}

class IntakeTwin implements IntakeKernel {
  readonly shards: number;
  readonly #options: IntakeOptions;
  readonly #hash: KeyedHash;
  readonly #shards: TwinShard[];
  readonly #words = new Uint32Array(COUNTER_WORDS);
  readonly #active = new TwinActive();
  #refused: TwinSeries[] = [];
  #tenant: Uint8Array = NO_BYTES;
  #tenantHash: Hash128 = { low: 0n, high: 0n };
  #body: Uint8Array = NO_BYTES;
  #metadata: IntakeMetadata[] = [];
  #exemplarsMax = 0;

  constructor(options: IntakeOptions) {
    const { shards, key } = options;
    invariant(Number.isInteger(shards) && shards >= 1 && shards <= 64, 'shards must be 1..64', shards);
    this.shards = shards;
    this.#options = options;
    this.#hash = new KeyedHash(key);
    this.#shards = Array.from({ length: shards }, () => new TwinShard());
  }

  beginRequest(tenant: Uint8Array): void {
    this.#tenant = tenant.slice();
    this.#tenantHash = this.#hash.hash(tenant);
    this.#words.fill(0);
    this.#metadata = [];
    this.#refused = [];
    this.#active.begin();
    for (const shard of this.#shards) shard.begin();
  }

  setExemplarsMax(perShard: number): void {
    this.#exemplarsMax = perShard;
  }

  /** Nothing but remote write fills the twin. */
  setLimits(): void {}

  remoteWrite1(body: Uint8Array, limits: IntakeLimits): IntakeCode {
    return this.#write(body, limits, () => {
      const { series, metadata } = readRequest1(this.#body);
      for (const row of metadata) this.#keepMetadata(row);
      series.forEach((one, index) => this.#take(one, index, limits));
    });
  }

  remoteWrite2(body: Uint8Array, limits: IntakeLimits): IntakeCode {
    return this.#write(body, limits, () => {
      readRequest2(this.#body).forEach((one, index) => {
        const taken = this.#take(one, index, limits);
        if (one.metadata && taken && (taken.isNew || limits.allMetadata)) this.#keepMetadata(one.metadata);
      });
    });
  }

  #write(body: Uint8Array, limits: IntakeLimits, take: () => void): IntakeCode {
    const decoded = decodeSnappy(body, limits.decodedBytesMax);
    if (typeof decoded === 'number') return this.#fail(decoded);
    this.#body = decoded;
    try {
      take();
      return this.#isTooLong(decoded.length) ? this.#fail(INTAKE_CODES.tooExpensive) : INTAKE_CODES.ok;
    } catch (error) {
      if (error instanceof IntakeFailure) return this.#fail(error.code);
      throw error;
    }
  }

  /** Whether a batch is. Nothing takes ten times as many bytes there as in a body. */
  #isTooLong(bodyBytes: number): boolean {
    if (bodyBytes * 10 < BATCH_BYTES_MAX) return false;
    return this.#shards.some((shard) => shard.encode(this.#tenant, this.#exemplarsMax).length > BATCH_BYTES_MAX);
  }

  #fail(code: number): IntakeCode {
    this.rollback();
    this.#words.fill(0);
    this.#metadata = [];
    this.#refused = [];
    return code as IntakeCode;
  }

  #keepMetadata(row: IntakeMetadata): void {
    if (this.#metadata.length === METADATA_ROWS_MAX) {
      this.#words[6]++;
      return;
    }
    this.#metadata.push(row);
    this.#words[5]++;
  }

  /** Takes one series; undefined if it was refused. */
  #take(series: TwinSeries, index: number, limits: IntakeLimits): { isNew: boolean } | undefined {
    const { labels } = series;
    const samples = series.samples.length + series.histograms.length;
    const checked = series.reason || checkLabels(labels, limits);
    const empty = series.version === 2 && samples + series.exemplars.length === 0;
    const reason = typeof checked === 'number' ? checked : empty ? NO_SAMPLES : 0;
    if (typeof checked === 'number' || reason !== 0) {
      this.#refuse(reason, samples, series, index);
      return undefined;
    }
    return this.#store(checked, series, index, limits);
  }

  #store(labels: TwinLabel[], series: TwinSeries, index: number, limits: IntakeLimits): { isNew: boolean } {
    const id = this.#hash.hash(canonicalLabels(labels), this.#tenantHash);
    const shard = this.#shards[Number(id.low & 0xffffffffn) % this.shards];
    let ref = shard.find(id);
    const isNew = ref === undefined;
    /** The series' number, or nothing if the sample is refused. */
    const admitted = (timeMs: bigint, startMs: bigint, problem: number): number | undefined => {
      let reason = timeReason(timeMs, limits) || (isTime(startMs) ? problem : TIME_OUT_OF_RANGE);
      if (reason === 0 && ref === undefined && !this.#admit(id, limits)) reason = SERIES_LIMIT;
      if (reason !== 0) {
        this.#refuse(reason, 1, series, index);
        return undefined;
      }
      if (ref === undefined) {
        ref = shard.define(id, labels);
        this.#words[1]++;
      }
      return ref;
    };
    for (const sample of series.samples) {
      const to = admitted(sample.timeMs, sample.startMs, 0);
      if (to === undefined) continue;
      shard.sample(to, sample);
      this.#words[0]++;
    }
    for (const histogram of series.histograms) {
      const { timeMs, startMs, isStale, sumBits } = histogram;
      const bytes = isStale ? 0 : checkHistogram(histogram);
      const to = admitted(timeMs, startMs, typeof bytes === 'number' ? bytes : 0);
      if (to === undefined) continue;
      this.#words[2]++;
      if (typeof bytes === 'number') shard.sample(to, { timeMs, startMs: 0n, bits: sumBits });
      else shard.histogram(to, timeMs, startMs, bytes);
    }
    if (ref !== undefined || series.samples.length + series.histograms.length === 0) this.#exemplars(series, id);
    return { isNew };
  }

  #exemplars({ exemplars }: TwinSeries, id: Hash128): void {
    if (this.#exemplarsMax === 0) return;
    for (const { labels, timeMs, bits } of exemplars) {
      const checked = labels === null ? EXEMPLAR_BAD_LABELS : checkExemplar(labels, timeMs);
      if (typeof checked === 'number') this.#words[checked]++;
      else {
        const shard = this.#shards[Number(id.low & 0xffffffffn) % this.shards];
        shard.exemplar({ ...id, timeMs, hasTime: timeMs !== 0n, bits, labels: checked });
        this.#words[3]++;
      }
    }
  }

  #admit({ low, high }: Hash128, { activeSeriesMax }: IntakeLimits): boolean {
    return this.#active.admit((high << 64n) | low, byteText(this.#tenant), activeSeriesMax);
  }

  #refuse(reason: number, samples: number, series: TwinSeries, index: number): void {
    const words = this.#words;
    words[4] += samples;
    words[REASONS_AT + reason]++;
    words[REASON_SAMPLES_AT + reason] += samples;
    if (words[REFUSALS] === REFUSALS_MAX) return;
    const { at, end } = series;
    words.set([reason, index, at, end - at], REFUSALS_AT + 4 * words[REFUSALS]++);
    this.#refused.push(series);
  }

  /** The twin makes batches when they are asked for. */
  finish(): IntakeCode {
    return INTAKE_CODES.ok;
  }

  batch(shard: number): Uint8Array {
    return this.#shards[shard].encode(this.#tenant, this.#exemplarsMax);
  }
  batchSamples(shard: number): number {
    return this.#shards[shard].sampleCount;
  }
  get counters(): IntakeCounters {
    return readCounters(this.#words);
  }
  refusedLabels(index: number, countMax: number): IntakeLabel[] {
    const labels = this.#refused[index]?.labels.slice(0, Math.min(countMax, 4096)) ?? [];
    return labels.map(([name, value]): IntakeLabel => [textBytes(name), textBytes(value)]);
  }
  metadata(): IntakeMetadata[] {
    return this.#metadata;
  }
  body(offset: number, length: number): Uint8Array {
    return this.#body.subarray(offset, offset + length);
  }
  rollback(): void {
    this.#active.undo();
    for (const shard of this.#shards) shard.undo();
  }
  rotate(shard: number): void {
    this.#shards[shard].rotate();
  }
  needsRotate(shard: number): boolean {
    const { seriesPerShardMax = Infinity, symbolBytesPerShardMax = Infinity } = this.#options;
    const { seriesCount, symbolBytes } = this.#shards[shard];
    return seriesCount >= seriesPerShardMax || symbolBytes >= symbolBytesPerShardMax;
  }
  seriesCount(shard: number): number {
    return this.#shards[shard].seriesCount;
  }
  activeSeries(tenant: Uint8Array): number {
    return this.#active.count(byteText(tenant));
  }
  nextEpoch(): void {
    this.#active.nextEpoch();
  }
  dictionaryBytes(shard: number): number {
    const { seriesCount, symbolBytes } = this.#shards[shard];
    return seriesCount * 16 + symbolBytes;
  }
}

/** Whether a time can be stored at all. */
const isTime = (timeMs: bigint): boolean => timeMs < TIME_BOUND && timeMs > -TIME_BOUND;

function timeReason(timeMs: bigint, { minTimestampMs, maxTimestampMs }: IntakeLimits): number {
  if (!isTime(timeMs)) return TIME_OUT_OF_RANGE;
  if (Number(timeMs) < minTimestampMs) return 8;
  return Number(timeMs) > maxTimestampMs ? 9 : 0;
}
