// Compensated sums and averages of many histograms, bucket by bucket, as Prometheus computes them: an average is a sum until
// that would overflow, from then on a running mean.
import {
  type BucketCounts,
  type NativeHistogram,
  coarserIndex,
  divide,
  exponentialBound,
  hasOverflow,
  sameBounds,
  usesCustomBounds,
  withHint,
} from './histogram.ts';
import { commonBounds, meetHints, rebucket } from './histogram-add.ts';
import { type ZeroView, widerZeroBucket, zeroView } from './histogram-zero.ts';
import { type Compensated, inc } from './kahan.ts';

/** Buckets of one sign with their compensations, changed in place. */
interface Side {
  indexes: number[];
  counts: number[];
  c: number[];
}

const sideOf = ({ indexes, counts }: BucketCounts): Side => ({
  indexes: [...indexes],
  counts: [...counts],
  c: new Array<number>(counts.length).fill(0),
});

const copySide = ({ indexes, counts, c }: Side): Side => ({ indexes: [...indexes], counts: [...counts], c: [...c] });

const countsOf = ({ indexes, counts }: Side): BucketCounts => ({
  indexes: Int32Array.from(indexes),
  counts: Float64Array.from(counts),
});

/** Adds a value, and then its own compensation, to entry i. */
function incAt(side: Side, i: number, value: number, c: number): void {
  const to: Compensated = { sum: side.counts[i], c: side.c[i] };
  inc(to, value);
  if (c !== 0) inc(to, c);
  [side.counts[i], side.c[i]] = [to.sum, to.c];
}

function coarserSide(side: Side, from: number, to: number): Side {
  const out: Side = { indexes: [], counts: [], c: [] };
  side.indexes.forEach((index, i) => {
    const target = coarserIndex(index, from, to);
    const last = out.indexes.length - 1;
    if (last >= 0 && out.indexes[last] === target) {
      incAt(out, last, side.counts[i], side.c[i]);
      return;
    }
    out.indexes.push(target);
    out.counts.push(side.counts[i]);
    out.c.push(side.c[i]);
  });
  return out;
}

/** Adds buckets in place where both have the same ones, all beyond the threshold: the common case. */
function addSameLayout(to: Side, { indexes, counts }: BucketCounts, threshold: number, schema: number): boolean {
  const { length } = indexes;
  if (length !== to.indexes.length) return false;
  for (let i = 0; i < length; i++) if (indexes[i] !== to.indexes[i]) return false;
  if (length > 0 && threshold > 0 && exponentialBound(indexes[0], schema) <= threshold) return false;
  for (let i = 0; i < length; i++) {
    const [sum, value] = [to.counts[i], counts[i]];
    const total = sum + value;
    if (total === Infinity || total === -Infinity) to.c[i] = 0;
    else if (Math.abs(sum) >= Math.abs(value)) to.c[i] += sum - total + value;
    else to.c[i] += value - total + sum;
    to.counts[i] = total;
  }
  return true;
}

/** Adds the buckets of `other` that end beyond the threshold. */
function addSide(to: Side, other: Side, threshold: number, schema: number): Side {
  const out: Side = { indexes: [], counts: [], c: [] };
  const push = (from: Side, i: number): void => {
    out.indexes.push(from.indexes[i]);
    out.counts.push(from.counts[i]);
    out.c.push(from.c[i]);
  };
  let k = 0;
  while (threshold > 0 && k < other.indexes.length && exponentialBound(other.indexes[k], schema) <= threshold) k++;
  for (let i = 0; i < to.indexes.length || k < other.indexes.length; ) {
    const left = i < to.indexes.length ? to.indexes[i] : Infinity;
    const right = k < other.indexes.length ? other.indexes[k] : Infinity;
    if (left <= right) push(to, i++);
    if (left === right) {
      incAt(out, out.indexes.length - 1, other.counts[k], other.c[k]);
      k++;
    } else if (right < left) push(other, k++);
  }
  return out;
}

/** What adding a histogram came to; null: exponential and custom buckets met. */
export interface AddOutcome {
  readonly collision: boolean;
  readonly reconciled: boolean;
}

/** A running compensated sum. */
export class HistogramAccumulator {
  #h: NativeHistogram;
  #positive: Side;
  #negative: Side;
  #zero: Compensated;
  #count: Compensated;
  #sum: Compensated;
  /** Nothing was added to the first one: there is no compensation. */
  #isFirst = true;

  constructor(first: NativeHistogram) {
    this.#h = first;
    this.#positive = sideOf(first.positive);
    this.#negative = sideOf(first.negative);
    this.#zero = { sum: first.zeroCount, c: 0 };
    this.#count = { sum: first.count, c: 0 };
    this.#sum = { sum: first.sum, c: 0 };
  }

  copy(): HistogramAccumulator {
    const out = new HistogramAccumulator(this.#h);
    out.#positive = copySide(this.#positive);
    out.#negative = copySide(this.#negative);
    out.#zero = { ...this.#zero };
    out.#count = { ...this.#count };
    out.#sum = { ...this.#sum };
    out.#isFirst = this.#isFirst;
    return out;
  }

  /** Adds a histogram. Where that cannot be, nothing is changed. */
  add(other: NativeHistogram): AddOutcome | null {
    if (usesCustomBounds(this.#h) !== usesCustomBounds(other)) return null;
    this.#isFirst = false;
    const hint = meetHints(this.#h.resetHint, other.resetHint);
    this.#h = withHint(this.#h, hint ?? 'unknown');
    const reconciled = usesCustomBounds(other) ? this.#addCustom(other) : this.#addExponential(other);
    inc(this.#count, other.count);
    inc(this.#sum, other.sum);
    return { collision: hint === null, reconciled };
  }

  #addCustom(other: NativeHistogram): boolean {
    const { customBounds } = this.#h;
    if (sameBounds(customBounds, other.customBounds)) {
      if (!addSameLayout(this.#positive, other.positive, 0, 0)) {
        this.#positive = addSide(this.#positive, sideOf(other.positive), 0, 0);
      }
      return false;
    }
    const common = commonBounds(customBounds, other.customBounds);
    const sums = rebucket(
      [
        { buckets: this.#positive, c: this.#positive.c, bounds: customBounds, sign: 1 },
        { buckets: other.positive, c: null, bounds: other.customBounds, sign: 1 },
      ],
      common,
    );
    const kept = [...sums.keys()].filter((i) => sums[i].sum !== 0 || sums[i].c !== 0);
    this.#positive = { indexes: kept, counts: kept.map((i) => sums[i].sum), c: kept.map((i) => sums[i].c) };
    this.#h = { ...this.#h, customBounds: common };
    return true;
  }

  #addExponential(other: NativeHistogram): false {
    const { count, c } = this.#meetZeroBuckets(other);
    inc(this.#zero, count);
    inc(this.#zero, c);
    const ours = this.#h.schema;
    const schema = Math.min(ours, other.schema);
    const { zeroThreshold } = this.#h;
    const side = (to: Side, from: BucketCounts): Side => {
      const isPlain = schema === ours && schema === other.schema;
      if (isPlain && addSameLayout(to, from, zeroThreshold, schema)) return to;
      const mine = schema < ours ? coarserSide(to, ours, schema) : to;
      const theirs = schema < other.schema ? coarserSide(sideOf(from), other.schema, schema) : sideOf(from);
      return addSide(mine, theirs, zeroThreshold, schema);
    };
    this.#positive = side(this.#positive, other.positive);
    this.#negative = side(this.#negative, other.negative);
    if (schema !== ours) this.#h = { ...this.#h, schema };
    return false;
  }

  #view(): ZeroView {
    const { schema, zeroThreshold } = this.#h;
    const [zeroCount, zeroC] = [this.#zero.sum, this.#zero.c];
    return { schema, zeroThreshold, zeroCount, zeroC, positive: this.#positive, negative: this.#negative };
  }

  /** Widens our zero bucket where needed; returns the other's zero count. */
  #meetZeroBuckets(other: NativeHistogram): { count: number; c: number } {
    let theirs = { threshold: other.zeroThreshold, count: other.zeroCount, c: 0 };
    while (theirs.threshold !== this.#h.zeroThreshold) {
      if (this.#h.zeroThreshold > theirs.threshold) theirs = widerZeroBucket(zeroView(other), this.#h.zeroThreshold);
      if (theirs.threshold <= this.#h.zeroThreshold) continue;
      const { threshold, count, c } = widerZeroBucket(this.#view(), theirs.threshold);
      this.#zero = { sum: count, c };
      this.#h = { ...this.#h, zeroThreshold: threshold };
      this.#trim(this.#positive);
      this.#trim(this.#negative);
    }
    return theirs;
  }

  /** Drops buckets within the zero bucket, and empty ones. */
  #trim(side: Side): void {
    const { schema, zeroThreshold } = this.#h;
    const keep = (i: number): boolean =>
      (side.counts[i] !== 0 || side.c[i] !== 0) && exponentialBound(side.indexes[i] - 1, schema) >= zeroThreshold;
    const kept = [...side.indexes.keys()].filter(keep);
    for (const name of ['indexes', 'counts', 'c'] as const) side[name] = kept.map((i) => side[name][i]);
  }

  /** The sum without what compensation holds. */
  plain(): NativeHistogram {
    return {
      ...this.#h,
      count: this.#count.sum,
      sum: this.#sum.sum,
      zeroCount: this.#zero.sum,
      positive: countsOf(this.#positive),
      negative: countsOf(this.#negative),
    };
  }

  #compensation(): NativeHistogram {
    const side = ({ indexes, c }: Side): BucketCounts => ({
      indexes: Int32Array.from(indexes),
      counts: Float64Array.from(c),
    });
    return {
      ...this.#h,
      count: this.#count.c,
      sum: this.#sum.c,
      zeroCount: this.#zero.c,
      positive: side(this.#positive),
      negative: side(this.#negative),
    };
  }

  /** The sum; `by` divides the sum and its compensation each before they meet. */
  total(by: number | null = null): NativeHistogram {
    const plain = by === null ? this.plain() : divide(this.plain(), by);
    if (this.#isFirst) return plain;
    const c = by === null ? this.#compensation() : divide(this.#compensation(), by);
    const side = (a: BucketCounts, b: BucketCounts): BucketCounts => ({
      indexes: a.indexes,
      counts: a.counts.map((count, i) => count + b.counts[i]),
    });
    return {
      ...plain,
      count: plain.count + c.count,
      sum: plain.sum + c.sum,
      zeroCount: plain.zeroCount + c.zeroCount,
      positive: side(plain.positive, c.positive),
      negative: side(plain.negative, c.negative),
    };
  }

  /** Applies a scaling to everything, compensations included. */
  scale(f: (value: number) => number): void {
    for (const side of [this.#positive, this.#negative]) {
      side.counts = side.counts.map(f);
      side.c = side.c.map(f);
    }
    for (const each of [this.#zero, this.#count, this.#sum]) {
      each.sum = f(each.sum);
      each.c = f(each.c);
    }
  }
}

/** An average of histograms. */
export class HistogramAverage {
  #sum: HistogramAccumulator;
  #count = 1;
  #isMean = false;

  constructor(first: NativeHistogram) {
    this.#sum = new HistogramAccumulator(first);
  }

  add(other: NativeHistogram): AddOutcome | null {
    const count = ++this.#count;
    let before: AddOutcome | null = null;
    if (!this.#isMean) {
      const next = this.#sum.copy();
      before = next.add(other);
      if (before === null) return null;
      if (!hasOverflow(next.plain())) {
        this.#sum = next;
        return before;
      }
      this.#isMean = true;
      this.#sum.scale((value) => value / (count - 1));
    }
    const share = (count - 1) / count;
    this.#sum.scale((value) => value * share);
    const outcome = this.#sum.add(divide(other, count));
    if (outcome === null) return null;
    return { collision: outcome.collision, reconciled: outcome.reconciled || (before?.reconciled ?? false) };
  }

  total(): NativeHistogram {
    return this.#isMean ? this.#sum.total() : this.#sum.total(this.#count);
  }
}
