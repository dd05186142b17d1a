// Deltas of OTLP made cumulative (feature otlp-deltatocumulative): the points of each stream are added up in memory, as the processor of
// OpenTelemetry's collector does it. A stream is one set of attributes of a metric of a scope of a resource.
//
//   request ─► begin ─► points added to copies ─► stored? ── yes ─► commit: the copies count
//                                                        └─ no ──► dropped: the sender comes again with the same points
//
// Requests of one tenant that have deltas go one after another. A stream that is silent for a while is forgotten, and so are all at
// a restart: it then begins at zero again, which rate() takes for the reset of a counter.
import type { Clock } from '../io/index.ts';
import type {
  OtlpBuckets,
  OtlpData,
  OtlpExponentialPoint,
  OtlpHistogramPoint,
  OtlpMetric,
  OtlpNumberPoint,
  OtlpResource,
  OtlpScope,
} from '../wire/index.ts';

/** A stream without points is forgotten after this. */
const STALE_MS = 5 * 60_000;
/** Streams of all tenants; of a new one beyond, points are rejected. */
const STREAMS_MAX = 500_000;
/** Buckets of a sign of an exponential histogram; beyond, its scale is lowered. */
const BUCKETS_MAX = 160;

type DeltaPoint = OtlpNumberPoint | OtlpHistogramPoint | OtlpExponentialPoint;

interface Stream {
  /** What was added up so far. */
  readonly total: DeltaPoint;
  readonly seenMs: number;
}

/** What became of a request's deltas. */
export interface Accumulation {
  readonly resources: readonly OtlpResource[];
  readonly rejectedPoints: number;
  readonly reason: string;
  /** The totals were stored. */
  commit(): void;
}

type DeltaData = Extract<OtlpData, { temporality: unknown }>;

const isDelta = (data: OtlpData): data is DeltaData => 'temporality' in data && data.temporality === 'delta';

/** Whether any metric has deltas. */
export const hasDeltas = (resources: readonly OtlpResource[]): boolean =>
  resources.some(({ scopes }) => scopes.some(({ metrics }) => metrics.some(({ data }) => isDelta(data))));

/** The streams of all tenants. */
export class DeltaStreams {
  readonly #clock: Clock;
  readonly #streamsMax: number;
  readonly #tenants = new Map<string, Map<string, Stream>>();
  readonly #locks = new Map<string, Promise<void>>();
  #count = 0;
  #sweptMs = 0;

  constructor(clock: Clock, streamsMax = STREAMS_MAX) {
    this.#clock = clock;
    this.#streamsMax = streamsMax;
  }

  get count(): number {
    return this.#count;
  }

  /** Lets requests of a tenant go one after another. */
  async inTurn<T>(tenant: string, work: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(tenant) ?? Promise.resolve();
    const result = before.then(work);
    const done = result.then(
      () => {},
      () => {}, // who asked hears of it
    );
    this.#locks.set(tenant, done);
    try {
      return await result;
    } finally {
      if (this.#locks.get(tenant) === done) this.#locks.delete(tenant);
    }
  }

  /** Adds the deltas of a request up; nothing counts before commit(). */
  add(tenant: string, resources: readonly OtlpResource[]): Accumulation {
    this.#sweep();
    const known = this.#tenants.get(tenant) ?? new Map<string, Stream>();
    const nowMs = this.#clock.monotonicMs();
    const changed = new Map<string, Stream>();
    let [rejectedPoints, reason] = [0, ''];
    const reject = (text: string): void => {
      if (rejectedPoints++ === 0) reason = text;
    };
    const added = (key: string, point: DeltaPoint, name: string): DeltaPoint[] => {
      const before = changed.get(key) ?? known.get(key);
      if (!before && this.#count + changed.size >= this.#streamsMax) {
        reject(`metric ${name}: more than ${this.#streamsMax} streams of deltas`);
        return [];
      }
      if (before && point.timeMs <= before.total.timeMs) {
        reject(`metric ${name}: out of order delta`);
        return [];
      }
      if (point.isEmpty) return [point];
      const total = before ? sum(before.total, point) : point;
      changed.set(key, { total: { ...total, exemplars: [] }, seenMs: nowMs });
      return [total];
    };
    const cumulative = resources.map((resource) => ({
      ...resource,
      scopes: resource.scopes.map((scope) => ({
        ...scope,
        metrics: scope.metrics.map((metric) =>
          withTotals(metric, (point) => added(keyOf(resource, scope, metric, point), point, metric.name)),
        ),
      })),
    }));
    return { resources: cumulative, rejectedPoints, reason, commit: () => this.#commit(tenant, changed) };
  }

  #commit(tenant: string, changed: ReadonlyMap<string, Stream>): void {
    if (changed.size === 0) return;
    const known = this.#tenants.get(tenant) ?? new Map<string, Stream>();
    this.#tenants.set(tenant, known);
    const before = known.size;
    for (const [key, stream] of changed) known.set(key, stream);
    this.#count += known.size - before;
  }

  /** Forgets the silent, at most once in their time. */
  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sweptMs < STALE_MS / 5) return;
    this.#sweptMs = nowMs;
    for (const [tenant, streams] of this.#tenants) {
      for (const [key, { seenMs }] of streams) {
        if (nowMs - seenMs < STALE_MS) continue;
        streams.delete(key);
        this.#count--;
      }
      if (streams.size === 0) this.#tenants.delete(tenant);
    }
  }
}

function keyOf(resource: OtlpResource, scope: OtlpScope, { name, unit, data }: OtlpMetric, point: DeltaPoint): string {
  const sorted = (attributes: OtlpResource['attributes']) => [...attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  const kind = data.kind === 'sum' ? `sum ${data.isMonotonic}` : data.kind;
  const of = [sorted(resource.attributes), scope.name, scope.version, sorted(scope.attributes)];
  return JSON.stringify([...of, name, unit, kind, sorted(point.attributes)]);
}

/** The metric with its deltas replaced by what `added` gives; one without points left stays without them. */
function withTotals(metric: OtlpMetric, added: (point: DeltaPoint) => DeltaPoint[]): OtlpMetric {
  const { data } = metric;
  if (!isDelta(data)) return metric;
  const sorted = [...(data.points as readonly DeltaPoint[])].sort((a, b) => a.timeMs - b.timeMs);
  const points = sorted.flatMap(added);
  return { ...metric, data: { ...data, temporality: 'cumulative', points } as OtlpData };
}

/** A total and the delta after it. A histogram of another layout begins anew. */
function sum(total: DeltaPoint, delta: DeltaPoint): DeltaPoint {
  const { startMs } = total;
  if ('scale' in total && 'scale' in delta) return { ...exponentialSum(total, delta), startMs };
  if ('bucketCounts' in total && 'bucketCounts' in delta) {
    return sameBounds(total.bounds, delta.bounds) ? { ...histogramSum(total, delta), startMs } : delta;
  }
  if ('value' in total && 'value' in delta) return { ...delta, startMs, value: total.value + delta.value };
  return delta;
}

const sameBounds = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((bound, i) => bound === b[i]);

const sumOf = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);

const histogramSum = (a: OtlpHistogramPoint, b: OtlpHistogramPoint): OtlpHistogramPoint => ({
  ...b,
  count: a.count + b.count,
  sum: sumOf(a.sum, b.sum),
  bucketCounts:
    a.bucketCounts.length === b.bucketCounts.length ? b.bucketCounts.map((count, i) => a.bucketCounts[i] + count) : [],
});

function exponentialSum(a: OtlpExponentialPoint, b: OtlpExponentialPoint): OtlpExponentialPoint {
  let scale = Math.min(a.scale, b.scale);
  while (Math.max(width(a, b, 'positive', scale), width(a, b, 'negative', scale)) > BUCKETS_MAX) scale--;
  const side = (sign: 'positive' | 'negative') =>
    bucketSum(coarser(a[sign], a.scale - scale), coarser(b[sign], b.scale - scale));
  // Buckets within the wider zero bucket stay where they are: they are counted once, a bit too far out.
  return {
    ...b,
    scale,
    count: a.count + b.count,
    sum: sumOf(a.sum, b.sum),
    zeroCount: a.zeroCount + b.zeroCount,
    zeroThreshold: Math.max(a.zeroThreshold, b.zeroThreshold),
    positive: side('positive'),
    negative: side('negative'),
  };
}

/** Buckets of both at a scale. */
function width(a: OtlpExponentialPoint, b: OtlpExponentialPoint, sign: 'positive' | 'negative', scale: number): number {
  const ranges = [a, b]
    .filter((point) => point[sign].counts.length > 0)
    .map((point) => {
      const { offset, counts } = point[sign];
      return [offset, offset + counts.length - 1].map((index) => Math.floor(index / 2 ** (point.scale - scale)));
    });
  if (ranges.length === 0) return 0;
  return Math.max(...ranges.map(([, last]) => last)) - Math.min(...ranges.map(([first]) => first)) + 1;
}

function coarser({ offset, counts }: OtlpBuckets, steps: number): OtlpBuckets {
  if (steps === 0 || counts.length === 0) return { offset, counts };
  const first = Math.floor(offset / 2 ** steps);
  const out: number[] = [];
  for (const [i, count] of counts.entries()) {
    const at = Math.floor((offset + i) / 2 ** steps) - first;
    out[at] = (out[at] ?? 0) + count;
  }
  return { offset: first, counts: out };
}

function bucketSum(a: OtlpBuckets, b: OtlpBuckets): OtlpBuckets {
  if (a.counts.length === 0) return b;
  if (b.counts.length === 0) return a;
  const offset = Math.min(a.offset, b.offset);
  const end = Math.max(a.offset + a.counts.length, b.offset + b.counts.length);
  const counts = new Array<number>(end - offset).fill(0);
  for (const side of [a, b]) for (const [i, count] of side.counts.entries()) counts[side.offset - offset + i] += count;
  return { offset, counts };
}
