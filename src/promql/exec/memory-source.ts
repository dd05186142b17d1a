// Samples in memory as a source of series: for tests, rules' unit tests and a browser. No server, files or threads.
import {
  ChangeLog,
  type Labels,
  type NativeHistogram,
  histogramToBytes,
  storedHint,
  withHint,
  METRIC_NAME,
  type Matcher,
  type SampleColumn,
  type SeriesSet,
  type SeriesSource,
  DEFAULT_TENANT,
  compareUtf8,
  matcherTest,
} from '../../model/index.ts';

interface MemorySeries {
  readonly labels: Labels;
  /** Sorted, each once. */
  ts: number[];
  /** Raw bits of the values: stale markers must survive. Where a histogram is, they are a NaN's. */
  bits: bigint[];
  /** Native histograms by time, with their binary form. */
  readonly histograms: Map<number, { readonly value: NativeHistogram; readonly bytes: Uint8Array }>;
  /** Start times by time. */
  readonly starts: Map<number, number>;
}

const bitsOf = new DataView(new ArrayBuffer(8));

/** Raw bits of a float64. */
export function floatBits(value: number): bigint {
  bitsOf.setFloat64(0, value);
  return bitsOf.getBigUint64(0);
}

/** Series in plain arrays, by tenant: for rule unit tests and for tests of the engine. */
export class MemorySource implements SeriesSource {
  readonly #tenants = new Map<string, Map<string, MemorySeries>>();
  readonly changes = new ChangeLog();

  /**
   * Appends a sample; a value for a time that has one replaces it. `bits` in place of a value for stale markers. Histograms get
   * the hint about counter resets that storage gives them, by the sample before. `startMs` 0: no start time.
   */
  append(
    labels: Labels,
    timeMs: number,
    value: number | bigint | NativeHistogram,
    tenant = DEFAULT_TENANT,
    startMs = 0,
  ): void {
    this.changes.note(timeMs, tenant);
    let all = this.#tenants.get(tenant);
    if (!all) this.#tenants.set(tenant, (all = new Map()));
    let series = all.get(labels.key);
    if (!series) all.set(labels.key, (series = { labels, ts: [], bits: [], histograms: new Map(), starts: new Map() }));
    const isHistogram = typeof value === 'object';
    const bits = typeof value === 'bigint' ? value : floatBits(isHistogram ? NaN : value);
    const { ts } = series;
    let at = ts.length;
    while (at > 0 && ts[at - 1] >= timeMs) at--;
    const replaced = ts[at] === timeMs ? 1 : 0;
    ts.splice(at, replaced, timeMs);
    series.bits.splice(at, replaced, bits);
    series.histograms.delete(timeMs);
    series.starts.delete(timeMs);
    if (startMs !== 0) series.starts.set(timeMs, startMs);
    if (!isHistogram) return;
    const previous = at > 0 ? (series.histograms.get(ts[at - 1])?.value ?? null) : null;
    const stored = withHint(value, storedHint(value, previous));
    series.histograms.set(timeMs, { value: stored, bytes: histogramToBytes(stored) });
  }

  clear(): void {
    this.#tenants.clear();
    this.changes.note(-Infinity);
  }

  #matching(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): MemorySeries[] {
    const tests = matchers.map((matcher) => ({ name: matcher.name, test: matcherTest(matcher) }));
    const all = this.#tenants.get(tenant)?.values() ?? [];
    return [...all].filter(
      ({ labels, ts }) =>
        ts.length > 0 &&
        ts[ts.length - 1] >= minMs &&
        ts[0] <= maxMs &&
        tests.every(({ name, test }) => test(labels.get(name))),
    );
  }

  select(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): SeriesSet {
    return new MemorySet(this.#matching(tenant, matchers, minMs, maxMs));
  }

  labelNames(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): string[] {
    const names = this.#matching(tenant, matchers, minMs, maxMs).flatMap(({ labels }) => [...labels].map(([n]) => n));
    return [...new Set(names)].sort(compareUtf8);
  }

  labelValues(tenant: string, name: string, matchers: readonly Matcher[], minMs: number, maxMs: number): string[] {
    const values = this.#matching(tenant, matchers, minMs, maxMs).map(({ labels }) => labels.get(name));
    return [...new Set(values)].filter((value) => value !== '').sort(compareUtf8);
  }
}

class MemorySet implements SeriesSet {
  readonly #series: readonly MemorySeries[];

  constructor(series: readonly MemorySeries[]) {
    this.#series = series;
  }

  get length(): number {
    return this.#series.length;
  }

  labels(index: number): Labels {
    return this.#series[index].labels;
  }

  group(mode: 'by' | 'without', names: readonly string[]): { groupOf: Uint32Array; groups: Labels[] } {
    const groupOf = new Uint32Array(this.length);
    const groups: Labels[] = [];
    const index = new Map<string, number>();
    const wanted = new Set(mode === 'by' ? names : [...names, METRIC_NAME]);
    this.#series.forEach(({ labels }, i) => {
      const group = mode === 'by' ? labels.only(wanted) : labels.without(wanted);
      let at = index.get(group.key);
      if (at === undefined) {
        at = groups.push(group) - 1;
        index.set(group.key, at);
      }
      groupOf[i] = at;
    });
    return { groupOf, groups };
  }

  samplesMax(index: number): number {
    return this.#series[index].ts.length;
  }

  read(index: number, minMs: number, maxMs: number, into: SampleColumn): number {
    const { ts, bits, histograms, starts } = this.#series[index];
    let count = 0;
    for (let i = 0; i < ts.length && ts[i] <= maxMs; i++) {
      if (ts[i] < minMs) continue;
      into.ts[count] = ts[i];
      const histogram = histograms.size === 0 ? undefined : histograms.get(ts[i]);
      if (histogram) {
        into.histograms?.at.push(count);
        into.histograms?.bytes.push(histogram.bytes);
      }
      into.vsWords[2 * count] = Number(bits[i] & 0xffffffffn);
      into.vsWords[2 * count + 1] = Number(bits[i] >> 32n);
      const startMs = starts.size === 0 ? undefined : starts.get(ts[i]);
      if (startMs === undefined) into.starts?.none(count, 1);
      else if (into.starts) into.starts.begin(count, 1)[count] = startMs;
      count++;
    }
    return count;
  }
}
