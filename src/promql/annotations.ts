// Warnings and infos about a result, with Prometheus' texts. Each names a place in the query as (line:column). The same text
// counts once, with the place of whatever part of the query Prometheus evaluates last; the one about forced monotonicity
// merges what it knows of all its samples.
import { utf8 } from '../base/index.ts';
import { formatG, goQuote } from '../model/index.ts';
import type { Span } from './ast.ts';

const INFO = 'PromQL info';
const WARNING = 'PromQL warning';

const withMetric = (text: string, metric: string): string =>
  metric === '' ? text : `${text} for metric name ${goQuote(metric)}`;

/**
 * Annotations about native histograms. They are found where the samples are, beside the data too, and get their place in the
 * query later: what is found is a kind and a detail (a metric name, an operator, an aggregation).
 */
const REMARKS = {
  mixedFloatsHistograms: (name: string) =>
    `${WARNING}: encountered a mix of histograms and floats for metric name ${goQuote(name)}`,
  mixedFloatsHistogramsAggregation: () => `${WARNING}: encountered a mix of histograms and floats for aggregation`,
  mixedClassicNative: (name: string) =>
    withMetric(`${WARNING}: vector contains a mix of classic and native histograms`, name),
  notCounter: (name: string) => `${WARNING}: this native histogram metric is not a counter: ${goQuote(name)}`,
  notGauge: (name: string) => `${WARNING}: this native histogram metric is not a gauge: ${goQuote(name)}`,
  mixedExponentialCustom: (name: string) =>
    `${WARNING}: vector contains a mix of histograms with exponential and custom buckets schemas for metric name ` +
    goQuote(name),
  incompatibleLayout: (op: string) => `${WARNING}: incompatible bucket layout encountered for binary operator ${op}`,
  resetCollision: (operation: string) => `${WARNING}: conflicting counter resets during histogram ${operation}`,
  ignoredInAggregation: (op: string) => `${INFO}: ignored histogram in ${op} aggregation`,
  ignoredInMixedRange: (name: string) =>
    `${INFO}: ignored histograms in a range containing both floats and histograms for metric name ${goQuote(name)}`,
  quantileNaNResult: (name: string) =>
    withMetric(`${INFO}: input to histogram_quantile has NaN observations, result is NaN`, name),
  quantileNaNSkew: (name: string) =>
    withMetric(`${INFO}: input to histogram_quantile has NaN observations, result is skewed higher`, name),
  fractionNaNs: (name: string) =>
    withMetric(
      `${INFO}: input to histogram_fraction has NaN observations, which are excluded from all fractions`,
      name,
    ),
  startOverlap: (name: string) =>
    `${WARNING}: sample has start time that overlaps with previous sample timestamp for metric ${goQuote(name)}`,
  boundsReconciled: (operation: string) => `${INFO}: mismatched custom buckets were reconciled during ${operation}`,
} as const;

/** One of the kinds of REMARKS. */
export type RemarkKind = keyof typeof REMARKS;
/** An annotation without its place. */
export type Remark = readonly [kind: RemarkKind, detail: string];

/** Remarks, each once. */
export class Remarks {
  readonly #all = new Map<string, Remark>();

  add(kind: RemarkKind, detail = ''): void {
    this.#all.set(`${kind} ${detail}`, [kind, detail]);
  }

  addAll(remarks: Iterable<Remark>): void {
    for (const [kind, detail] of remarks) this.add(kind, detail);
  }

  list(): Remark[] {
    return [...this.#all.values()];
  }
}

interface Placed {
  pos: Span;
  order: number;
}

interface Monotonicity extends Placed {
  minTimeMs: number;
  maxTimeMs: number;
  minBucket: number;
  maxBucket: number;
  maxDiff: number;
  count: number;
}

export class Annotations {
  readonly #query: Uint8Array;
  readonly #plain = new Map<string, Placed>();
  /** Place in the order of evaluation of the operator that annotates now. */
  order = 0;
  readonly #forced = new Map<string, Monotonicity>();
  /** Orders of the operators that annotated. */
  readonly #orders = new Set<number>();

  constructor(query: string) {
    this.#query = utf8(query);
  }

  /** Gives remarks their place. */
  place(remarks: Iterable<Remark>, pos: Span): void {
    for (const [kind, detail] of remarks) this.#addText(REMARKS[kind](detail), pos);
  }

  #add(level: string, text: string, pos: Span): void {
    this.#addText(`${level}: ${text}`, pos);
  }

  /** Whether an operator whose order is in [first, last] has annotated. */
  isFrom(first: number, last: number): boolean {
    for (const order of this.#orders) if (order >= first && order <= last) return true;
    return false;
  }

  #addText(full: string, pos: Span): void {
    this.#orders.add(this.order);
    const known = this.#plain.get(full);
    if (known) this.#move(known, pos);
    else this.#plain.set(full, { pos, order: this.order });
  }

  #move(placed: Placed, pos: Span): void {
    if (this.order < placed.order) return;
    placed.order = this.order;
    placed.pos = pos;
  }

  invalidQuantile(q: number, pos: Span): void {
    this.#add(WARNING, `quantile value should be between 0 and 1, got ${formatG(q)}`, pos);
  }

  invalidRatio(ratio: number, cappedTo: number, pos: Span): void {
    const got = `got ${formatG(ratio)}, capping to ${formatG(cappedTo)}`;
    this.#add(WARNING, `ratio value should be between -1 and 1, ${got}`, pos);
  }

  badBucketLabel(le: string, metric: string, pos: Span): void {
    const text = `bucket label "le" is missing or has a malformed value of ${goQuote(le)}`;
    this.#add(WARNING, withMetric(text, metric), pos);
  }

  sortInRangeQuery(pos: Span): void {
    this.#add(WARNING, 'sort is ineffective for range queries since results are always ordered by labels', pos);
  }

  possibleNonCounter(metric: string, pos: Span): void {
    const text = 'metric might not be a counter, name does not end in _total/_sum/_count/_bucket:';
    this.#add(INFO, `${text} ${goQuote(metric)}`, pos);
  }

  possibleNonCounterType(metric: string, type: string, pos: Span): void {
    const text = 'metric might not be a counter, __type__ label is not set to "counter" or "histogram"';
    this.#add(INFO, `${text}, got ${goQuote(type)}: ${goQuote(metric)}`, pos);
  }

  incompatibleTypes(left: string, op: string, right: string, pos: Span): void {
    const text = 'incompatible sample types encountered for binary operator';
    this.#add(INFO, `${text} ${goQuote(op)}: ${left} ${op} ${right}`, pos);
  }

  forcedMonotonicity(
    metric: string,
    pos: Span,
    timeMs: number,
    minBucket: number,
    maxBucket: number,
    maxDiff: number,
  ): void {
    const base =
      'input to histogram_quantile needed to be fixed for monotonicity (see ' +
      'https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)';
    const text = `${INFO}: ${withMetric(base, metric)}`;
    this.#orders.add(this.order);
    const known = this.#forced.get(text);
    if (!known) {
      const first = { pos, order: this.order, minTimeMs: timeMs, maxTimeMs: timeMs, count: 1 };
      this.#forced.set(text, { ...first, minBucket, maxBucket, maxDiff });
      return;
    }
    this.#move(known, pos);
    known.minTimeMs = Math.min(known.minTimeMs, timeMs);
    known.maxTimeMs = Math.max(known.maxTimeMs, timeMs);
    known.minBucket = Math.min(known.minBucket, minBucket);
    known.maxBucket = Math.max(known.maxBucket, maxBucket);
    known.maxDiff = Math.max(known.maxDiff, maxDiff);
    known.count++;
  }

  /** Line and column (in bytes, from 1) of a position. */
  #place({ start }: Span): string {
    let line = 1;
    let lineStart = 0;
    for (let i = 0; i < start && i < this.#query.length; i++) {
      if (this.#query[i] !== 10) continue;
      line++;
      lineStart = i + 1;
    }
    return `${line}:${start - lineStart + 1}`;
  }

  /** All texts, sorted: which was found first depends on which shard has which series. */
  finish(): { warnings: string[]; infos: string[] } {
    const texts = Array.from(this.#plain, ([text, { pos }]) => `${text} (${this.#place(pos)})`);
    for (const [text, forced] of this.#forced) {
      const buckets = `from buckets ${formatG(forced.minBucket)} to ${formatG(forced.maxBucket)}`;
      const times = `from ${formatSeconds(forced.minTimeMs)} to ${formatSeconds(forced.maxTimeMs)}`;
      const detail = `with a max diff of ${formatG(forced.maxDiff, 2)}, over ${forced.count} samples ${times}`;
      texts.push(`${text}, ${buckets}, ${detail} (${this.#place(forced.pos)})`);
    }
    texts.sort();
    return {
      warnings: texts.filter((text) => !text.startsWith(INFO)),
      infos: texts.filter((text) => text.startsWith(INFO)),
    };
  }
}

/** RFC 3339 in UTC, whole seconds. */
function formatSeconds(timeMs: number): string {
  return new Date(Math.trunc(timeMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
