// Classic histograms: buckets by upper bound with cumulative counts, of one series group at one step. Follows
// promql/quantile.go of Prometheus 3.14.

/** Differences between neighbours below this share are noise. */
const SMALL_DELTA = 1e-12;
const SMALLEST_NORMAL = 2 ** -1022;

/** Whether two floats are equal but for noise. */
function almostEqual(a: number, b: number, tolerance: number): boolean {
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const diff = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return diff < tolerance * SMALLEST_NORMAL;
  return diff / Math.min(sum, Number.MAX_VALUE) < tolerance;
}

/** What almostEqual() certainly denies of previous >= 0, in less time. */
const isClearlyMore = (count: number, previous: number): boolean =>
  count > 1e-300 && count - previous > count * (4 * SMALL_DELTA) && count < Infinity;

/** Buckets of one histogram, and what had to be mended to use them. Reused from step to step. */
export class Buckets {
  readonly #ownBounds: Float64Array;
  readonly #ownCounts: Float64Array;
  #bounds: Float64Array;
  #counts: Float64Array;
  /** Where the counts begin. */
  #base = 0;
  #length = 0;
  /** Counts that fell as the bound rose were raised. */
  forcedMonotonic = false;
  minBucket = 0;
  maxBucket = 0;
  maxDiff = 0;

  constructor(capacity: number) {
    this.#ownBounds = new Float64Array(capacity);
    this.#ownCounts = new Float64Array(capacity);
    this.#bounds = this.#ownBounds;
    this.#counts = this.#ownCounts;
  }

  get length(): number {
    return this.#length;
  }

  #clear(): void {
    this.#length = 0;
    this.forcedMonotonic = false;
    this.minBucket = 0;
    this.maxBucket = 0;
    this.maxDiff = 0;
  }

  /** Takes the floats among the entries from `offset` on, with rising upper bounds; the counts of equal ones add up. */
  take(upperBounds: Float64Array, vs: Float64Array, has: Uint8Array, offset: number): void {
    this.#clear();
    const bounds = (this.#bounds = this.#ownBounds);
    const counts = (this.#counts = this.#ownCounts);
    this.#base = 0;
    let length = 0;
    for (let i = 0; i < upperBounds.length; i++) {
      const at = offset + i;
      if (has[at] !== 1) continue;
      const bound = upperBounds[i];
      if (length > 0 && bounds[length - 1] === bound) {
        counts[length - 1] += vs[at];
        continue;
      }
      bounds[length] = bound;
      counts[length++] = vs[at];
    }
    this.#length = length;
  }

  /** Takes counts as they lie from `offset` on, one for each of the upper bounds, which differ. They may be changed. */
  takeAll(upperBounds: Float64Array, vs: Float64Array, offset: number): void {
    this.#clear();
    this.#bounds = upperBounds;
    this.#counts = vs;
    this.#base = offset;
    this.#length = upperBounds.length;
  }

  #isComplete(): boolean {
    return this.#length > 0 && this.#bounds[this.#length - 1] === Infinity;
  }

  #makeMonotonic(): void {
    const counts = this.#counts;
    const base = this.#base;
    const end = base + this.#length;
    let previous = counts[base];
    let [least, most] = [Infinity, -Infinity];
    for (let i = base + 1; i < end; i++) {
      const count = counts[i];
      if (count === previous) continue;
      if (previous >= 0 && isClearlyMore(count, previous)) previous = count;
      else if (almostEqual(previous, count, SMALL_DELTA)) {
        counts[i] = previous;
      } else if (count < previous) {
        counts[i] = previous;
        this.forcedMonotonic = true;
        least = Math.min(least, this.#bounds[i - base]);
        most = Math.max(most, this.#bounds[i - base]);
        this.maxDiff = Math.max(this.maxDiff, previous - count);
      } else {
        previous = count;
      }
    }
    [this.minBucket, this.maxBucket] = [least, most];
  }

  /** The q-quantile, by linear interpolation within the bucket it falls into. */
  quantile(q: number): number {
    if (Number.isNaN(q)) return NaN;
    if (q < 0) return -Infinity;
    if (q > 1) return Infinity;
    if (!this.#isComplete()) return NaN;
    this.#makeMonotonic();
    const last = this.#length - 1;
    const bounds = this.#bounds;
    const counts = this.#counts;
    const base = this.#base;
    const observations = counts[base + last];
    if (last < 1 || observations === 0 || Number.isNaN(observations)) return this.#unusable();
    let rank = q * observations;
    const b = this.#firstWithCount(rank);
    if (b === last) return bounds[last - 1];
    if (b === 0 && bounds[0] <= 0) return bounds[0];
    let start = 0;
    let count = counts[base + b];
    if (b > 0) {
      start = bounds[b - 1];
      count -= counts[base + b - 1];
      rank -= counts[base + b - 1];
    }
    return start + (bounds[b] - start) * (rank / count);
  }

  /** Too few buckets or no observations: no quantile, and nothing to say about its input. */
  #unusable(): number {
    if (this.#length < 2 || this.#counts[this.#base + this.#length - 1] === 0) {
      this.forcedMonotonic = false;
      return NaN;
    }
    return this.#bounds[this.#length - 2];
  }

  /** The first bucket (but the last) that holds the rank, else the last. */
  #firstWithCount(rank: number): number {
    let low = 0;
    let high = this.#length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#counts[this.#base + middle] >= rank) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Share of the observations between two bounds. */
  fraction(lower: number, upper: number): number {
    if (!this.#isComplete()) return NaN;
    const total = this.#counts[this.#base + this.#length - 1];
    if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN;
    if (lower >= upper) return 0;
    const ranks = [this.#rankOf(lower), this.#rankOf(upper)].map((rank) => Math.min(rank, total));
    return (ranks[1] - ranks[0]) / total;
  }

  /** Observations below a value, interpolated within its bucket. */
  #rankOf(value: number): number {
    let rank = 0;
    for (let i = 0; i < this.#length; i++) {
      const lower = i > 0 ? this.#bounds[i - 1] : this.#bounds[0] <= 0 ? -Infinity : 0;
      const upper = this.#bounds[i];
      const count = this.#counts[this.#base + i];
      if (lower >= value) return rank;
      if (upper > value) {
        if (lower === -Infinity) return count;
        return rank + ((count - rank) * (value - lower)) / (upper - lower);
      }
      rank = count;
    }
    return this.#counts[this.#base + this.#length - 1];
  }
}

const DECIMAL = /^[+-]?(\d+(_?\d)*\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)(inf|infinity)$/i;
const HEX = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?\d+)$/i;

/** A float as Go's strconv.ParseFloat reads it; null if malformed. */
export function parseGoFloat(text: string): number | null {
  if (DECIMAL.test(text) && !text.includes('_')) {
    const value = Number(text);
    return Number.isFinite(value) ? value : null; // Out of range is an error.
  }
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  const hex = HEX.exec(text);
  if (!hex || hex[2] + hex[3] === '') return null;
  const mantissa = Number.parseInt(hex[2] + hex[3], 16);
  const value = mantissa * 2 ** (Number(hex[4]) - 4 * hex[3].length);
  return hex[1] === '-' ? -value : value;
}
