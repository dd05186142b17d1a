// The leaf protocol: what the query process asks of one shard, and what comes back. Plans and results are plain data (strings,
// numbers, typed arrays): they cross threads by structured clone, and later the network. Shards are disjoint sets of series.
//
//   plan  = matchers + evaluation steps + what to do with each series' column (newest sample, range function, raw samples)
//           + optionally a fold: group the series by labels and aggregate before anything leaves the shard
//   result = series    labels, and one dense step vector per series      (no fold)
//          | groups    labels, and one accumulator state per group       (fold; ExecKernel.Accumulator.exportState)
//          | singles   labels, and one step vector per group             (fold; each group is one series)
//          | samples   labels, and the raw samples of one window         (matrix selector as the whole query)
//          | names     texts of labels for a shard-side check            (in `facts` of the above)
//
// Window times are final: `offset` and `@` are already applied by the planner. A window of step t is (t - rangeMs, t].
import type { FoldOperator, RangeFunction } from '../kernel/index.ts';
import { ByteReader, ByteWriter, corruptError } from '../base/index.ts';
import {
  Labels,
  METRIC_NAME,
  type Matcher,
  type NativeHistogram,
  decodeHistogram,
  encodeHistogram,
} from '../model/index.ts';
import type { Remark } from './annotations.ts';

/** Range functions of the leaf beyond the kernel's: those whose window reaches beyond the range (experimental). */
export type Extension = 'anchored' | 'smoothed';

/** Aggregation of the leaf's series within the shard. */
export interface LeafFold {
  readonly op: FoldOperator;
  readonly mode: 'by' | 'without';
  readonly names: readonly string[];
}

/** What one shard is asked: a selector, its windows, and what to make of them. Plain data, crosses threads. */
export interface LeafPlan {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  /** instant: newest sample of the lookback window. range: `fn` over the window. samples: the raw window of step 0. */
  readonly kind: 'instant' | 'range' | 'samples';
  /** Window ends: startMs + i * stepMs. */
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
  /** Length of the window: the lookback (instant) or the range. */
  readonly windowMs: number;
  /** Of kind 'range'. */
  readonly fn: RangeFunction | null;
  /** Scalar arguments of `fn`: one value, or one per step. */
  readonly parameters: readonly Float64Array[];
  /** Evaluation time minus window end, at step 0 and more per step: predict_linear extrapolates from the evaluation time. */
  readonly evalOffsetMs: number;
  readonly evalOffsetStepMs: number;
  /** Instant: the sample's own time in seconds in place of its value. */
  readonly timestamps: boolean;
  /** Start times of samples are asked for: `fn` uses them, or (instant) they stand in place of the values, in seconds. */
  readonly starts?: boolean;
  /** Windows that borrow samples from beyond their edges, up to `lookbackMs` away; null = none. */
  readonly extension: Extension | null;
  readonly lookbackMs: number;
  readonly fold: LeafFold | null;
  /** Report the metric names (and __type__ labels) of the series that gave a value. */
  readonly wantNames: boolean;
  /** Work out counter resets of native histograms while reading: where only their counts and sums are asked for. */
  readonly findResets: boolean;
  /** The query fails where a native histogram is selected: info() takes floats only. */
  readonly refuseHistograms?: boolean;
  /** Of kind 'samples', for readers that are no queries: all samples, stale markers included; or the newest one, unless it is stale. */
  readonly raw?: 'all' | 'newest';
  /** Neither taken from what earlier leaves left, nor kept for later ones. */
  readonly noCache?: boolean;
  /** What is left of the query's limit. */
  readonly samplesMax: number;
  /** The query's limit. */
  readonly bytesMax: number;
  /** The count of what the query holds (see ByteBudget); absent: the leaf is alone. */
  readonly held?: SharedArrayBuffer;
}

/** Label sets in a compact form: one table of strings, and per set the indexes of its names and values. */
export interface PackedLabels {
  readonly strings: readonly string[];
  /** name, value, name, value, ... of all sets, one after another. */
  readonly pairs: Uint32Array;
  /** Where set i ends in `pairs`; it begins where the one before ended. */
  readonly ends: Uint32Array;
}

/** What a leaf cost. */
export interface LeafStats {
  /** Series selected and samples decoded. */
  readonly series: number;
  readonly samples: number;
  /** Most bytes held at once. */
  readonly peakBytes: number;
  readonly timeMs: number;
}

export interface LeafFacts {
  /** [metric name, __type__] of series that gave a value; each once. Empty unless wanted. */
  readonly names: readonly (readonly [string, string])[];
  /** Annotations that native histograms gave rise to. */
  readonly remarks: readonly Remark[];
  /** Native histograms were among the values, counted or not. */
  readonly hasHistograms: boolean;
}

/** Native histograms at some places of a column, in their binary form. Equal ones are there once. */
export interface PackedHistograms {
  /** Places, rising; and which histogram each has. */
  readonly at: Uint32Array;
  readonly which: Uint32Array;
  /** Where histogram i ends in `bytes`; it begins where the one before ended. */
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

interface LeafCommon {
  readonly labels: PackedLabels;
  readonly facts: LeafFacts;
  readonly stats: LeafStats;
}

export interface SeriesLeafResult extends LeafCommon {
  readonly kind: 'series';
  /** series x steps; the value of a step that is not present is undefined. */
  readonly values: Float64Array;
  /** series x steps: 0 nothing, 1 a float, 2 a native histogram (in `histograms`). */
  readonly present: Uint8Array;
  /** Those of presence 2, by their place in series x steps; null: there are none. */
  readonly histograms: PackedHistograms | null;
}

export interface GroupsLeafResult extends LeafCommon {
  readonly kind: 'groups';
  /** Accumulator states of the groups, one after another, all of the same length. */
  readonly states: Float64Array;
}

/** Groups of one series each, where folding gives what the series has: so many numbers fewer than states. */
export interface SinglesLeafResult extends LeafCommon {
  readonly kind: 'singles';
  /** groups x steps, as of series; none is a native histogram. */
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/** Raw samples of each series in the range of the plan, series after series. */
export interface SamplesLeafResult extends LeafCommon {
  readonly kind: 'samples';
  /** Where series i ends in ts and vs. */
  readonly ends: Uint32Array;
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  /** By their place in ts and vs; null: there are none. */
  readonly histograms: PackedHistograms | null;
}

/**
 * What a shard answers: series, groups of them, or raw samples. A plan with a fold is answered with series where native
 * histograms are among the values: they are folded by who asked, who then wants the series of all shards.
 */
export type LeafResult = SeriesLeafResult | GroupsLeafResult | SinglesLeafResult | SamplesLeafResult;

/** How a running leaf shares its thread. Each side of a thread boundary has its own. */
export interface LeafControl {
  readonly signal: AbortSignal;
  /** Whether others (ingest) wait: asked between slices of work. */
  shouldYield(): boolean;
  /** Lets others run. */
  yield(): Promise<void>;
}

/** What a leaf would cost a shard, about: series selected, samples to decode, bytes of the result. */
export interface LeafEstimate {
  readonly series: number;
  readonly samples: number;
  readonly bytes: number;
}

/** One shard, wherever it lives. */
export interface LeafClient {
  execute(plan: LeafPlan, control: LeafControl): Promise<LeafResult>;
  /** For explanations; absent: it cannot tell. */
  estimate?(plan: LeafPlan, control: LeafControl): Promise<LeafEstimate>;
}

/** The columns of a result. Their buffers may be longer than they are. */
export function leafArrays(result: LeafResult): ArrayBufferView[] {
  const arrays: ArrayBufferView[] = [result.labels.pairs, result.labels.ends];
  if (result.kind === 'series' || result.kind === 'singles') arrays.push(result.values, result.present);
  else if (result.kind === 'groups') arrays.push(result.states);
  else arrays.push(result.ends, result.ts, result.vs);
  const histograms = 'histograms' in result ? result.histograms : null;
  if (histograms) arrays.push(histograms.at, histograms.which, histograms.ends, histograms.bytes);
  return arrays;
}

/** The buffers of a result, to hand over instead of copying. */
export const leafTransferables = (result: LeafResult): ArrayBuffer[] =>
  leafArrays(result).map((array) => array.buffer as ArrayBuffer);

/** Gives the memory of a result that nobody wants back at once: the collector would come late for it. */
export function freeLeafResult(result: LeafResult): void {
  for (const buffer of leafTransferables(result)) if (!buffer.detached) buffer.transfer(0);
}

/** Builds packed labels set by set. */
export class LabelsPacker {
  readonly #strings: string[] = [];
  readonly #index = new Map<string, number>();
  #pairs = new Uint32Array(256);
  #ends = new Uint32Array(64);
  #used = 0;
  #count = 0;

  get byteLength(): number {
    return this.#pairs.byteLength + this.#ends.byteLength + this.#strings.length * 48;
  }

  #stringId(text: string): number {
    let id = this.#index.get(text);
    if (id === undefined) {
      id = this.#strings.length;
      this.#strings.push(text);
      this.#index.set(text, id);
    }
    return id;
  }

  add(labels: Labels): void {
    const { pairs } = labels;
    if (this.#used + pairs.length > this.#pairs.length) {
      const bigger = new Uint32Array(Math.max(this.#pairs.length * 2, this.#used + pairs.length));
      bigger.set(this.#pairs);
      this.#pairs = bigger;
    }
    for (let i = 0; i < pairs.length; i++) this.#pairs[this.#used++] = this.#stringId(pairs[i]);
    if (this.#count === this.#ends.length) {
      const bigger = new Uint32Array(this.#count * 2);
      bigger.set(this.#ends);
      this.#ends = bigger;
    }
    this.#ends[this.#count++] = this.#used;
  }

  finish(): PackedLabels {
    return {
      strings: this.#strings,
      pairs: this.#pairs.slice(0, this.#used),
      ends: this.#ends.slice(0, this.#count),
    };
  }
}

/** Labels that carry a metric's identity and metadata: dropped together by functions that change the meaning of values. */
export const isReservedLabel = (name: string): boolean =>
  name === METRIC_NAME || name === '__type__' || name === '__unit__';

/** Label sets of a result; with `dropReserved` without name, type and unit. */
export function unpackLabels(packed: PackedLabels, dropReserved = false): Labels[] {
  const { strings, pairs, ends } = packed;
  const out = new Array<Labels>(ends.length);
  const reserved = dropReserved ? strings.map(isReservedLabel) : null;
  let at = 0;
  for (let i = 0; i < ends.length; i++) {
    const list = new Array<string>(ends[i] - at);
    let used = 0;
    for (; at < ends[i]; at += 2) {
      if (reserved?.[pairs[at]]) continue;
      list[used++] = strings[pairs[at]];
      list[used++] = strings[pairs[at + 1]];
    }
    if (used < list.length) list.length = used;
    out[i] = Labels.fromSortedPairs(list);
  }
  return out;
}

/** Packs the histograms of a column; entries that are null or undefined are none. null: there are none at all. */
export function packHistograms(places: Iterable<readonly [at: number, h: NativeHistogram]>): PackedHistograms | null {
  const known = new Map<NativeHistogram, number>();
  const out = new ByteWriter(1024);
  const [at, which, ends]: [number[], number[], number[]] = [[], [], []];
  for (const [place, h] of places) {
    let number = known.get(h);
    if (number === undefined) {
      known.set(h, (number = known.size));
      encodeHistogram(out, h);
      ends.push(out.length);
    }
    at.push(place);
    which.push(number);
  }
  if (at.length === 0) return null;
  const [packedAt, packedWhich, packedEnds] = [at, which, ends].map((list) => Uint32Array.from(list));
  return { at: packedAt, which: packedWhich, ends: packedEnds, bytes: out.finish() };
}

/** The histograms of a pack with their places. Throws a corrupt error on a malformed one. */
export function* unpackHistograms({
  at,
  which,
  ends,
  bytes,
}: PackedHistograms): Generator<readonly [at: number, h: NativeHistogram]> {
  const input = new ByteReader(bytes);
  const all: NativeHistogram[] = [];
  for (const end of ends) {
    all.push(decodeHistogram(input));
    if (input.offset !== end) throw corruptError(`cannot unpack histograms: one ends at ${input.offset}; got ${end}`);
  }
  input.end();
  if (at.length !== which.length)
    throw corruptError(`cannot unpack histograms: ${at.length} places; got ${which.length}`);
  for (let i = 0; i < at.length; i++) {
    const h = all[which[i]];
    if (h === undefined)
      throw corruptError(`cannot unpack histograms: there are ${all.length}; got number ${which[i]}`);
    yield [at[i], h];
  }
}
