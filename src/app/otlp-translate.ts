// OpenTelemetry metrics as series, as Prometheus' OTLP receiver makes them:
//
//   gauge, sum          one series
//   histogram           _count, _sum, _bucket{le}, or one of native histograms with custom bounds, if so configured
//   exponential         one of native histograms
//   summary             _count, _sum and {quantile}
//   resource            labels job and instance, promoted attributes, and target_info with the other ones
//
// Deltas have no place in Prometheus' model: such metrics are refused, unless they are to be stored as they come.
import type { OtlpConfig } from '../config/index.ts';
import { CUSTOM_SCHEMA, type NativeHistogram, compareUtf8, newHistogram, plainDecimal } from '../model/index.ts';
import {
  METRIC_TYPE_NUMBERS,
  type OtlpAttribute,
  type OtlpBuckets,
  type OtlpData,
  type OtlpExemplar,
  type OtlpExponentialPoint,
  type OtlpHistogramPoint,
  type OtlpMetric,
  type OtlpPoint,
  type OtlpResource,
  type OtlpScope,
  type OtlpSummaryPoint,
  type WireExemplar,
  type WireMetadata,
  type WireSeries,
} from '../wire/index.ts';
import { labelName, metricName, unitText } from './otlp-names.ts';

export interface OtlpSettings {
  readonly config: OtlpConfig;
  /** Delta sums and histograms are stored as they come (feature otlp-native-delta-ingestion). */
  readonly acceptsDeltas: boolean;
  /** Times at which counters began are kept (feature st-storage). */
  readonly storesStarts: boolean;
  /** target_info comes at least twice in each. */
  readonly lookbackMs: number;
}

/** What became of a request. */
export interface OtlpTranslation {
  readonly series: readonly WireSeries[];
  readonly metadata: readonly WireMetadata[];
  /** Points that cannot be stored, and why the first of them. */
  readonly rejectedPoints: number;
  readonly reason: string;
}

type LabelMap = Map<string, string>;
type Extra = readonly (readonly [name: string, value: string])[];

const IDENTIFYING: ReadonlySet<string> = new Set(['service.name', 'service.namespace', 'service.instance.id']);
/** Scales beyond are brought down to it. */
const SCALE_MAX = 8;
const SCALE_MIN = -4;
/** What exponential histograms without one of their own mean, by Prometheus. */
const ZERO_THRESHOLD = 1e-128;
const SCOPE = 'otel_scope_';

/** Translates requests; keeps nothing between them. */
export function translateOtlp(resources: readonly OtlpResource[], settings: OtlpSettings): OtlpTranslation {
  const out = new Translation(settings);
  for (const resource of resources) out.resource(resource);
  return out.result();
}

class Translation {
  readonly #settings: OtlpSettings;
  readonly #series: WireSeries[] = [];
  readonly #metadata = new Map<string, WireMetadata>();
  #rejectedPoints = 0;
  #reason = '';

  constructor(settings: OtlpSettings) {
    this.#settings = settings;
  }

  result(): OtlpTranslation {
    const metadata = [...this.#metadata.values()];
    return { series: this.#series, metadata, rejectedPoints: this.#rejectedPoints, reason: this.#reason };
  }

  resource(resource: OtlpResource): void {
    const times = { first: Infinity, last: -Infinity };
    for (const scope of resource.scopes) {
      const shared = this.#shared(resource, scope);
      for (const metric of scope.metrics) {
        if (this.#metric(metric, shared)) noteTimes(metric.data, times);
      }
    }
    if (times.last > -Infinity) this.#targetInfo(resource, times.first, times.last);
  }

  /** Labels that all points of a scope have unless they have them themselves. */
  #shared(resource: OtlpResource, scope: OtlpScope): LabelMap {
    const { config } = this.#settings;
    const labels: LabelMap = new Map();
    const isPromoted = (name: string): boolean =>
      config.promoteAllResourceAttributes
        ? !config.ignoreResourceAttributes.includes(name)
        : config.promoteResourceAttributes.includes(name);
    for (const [name, value] of resource.attributes) {
      if (isPromoted(name)) setIfAbsent(labels, labelName(name, config), value);
    }
    if (config.promoteScopeMetadata) {
      labels.set(`${SCOPE}name`, scope.name);
      labels.set(`${SCOPE}version`, scope.version);
      labels.set(`${SCOPE}schema_url`, scope.schemaUrl);
      for (const [name, value] of scope.attributes) labels.set(labelName(`${SCOPE}attr_${name}`, config), value);
    }
    for (const [name, value] of jobAndInstance(resource)) labels.set(name, value);
    return labels;
  }

  /** Whether the metric could be translated. */
  #metric(metric: OtlpMetric, shared: LabelMap): boolean {
    const { config } = this.#settings;
    const { data } = metric;
    const problem = this.#problem(data);
    const name = metricName(metric, config.translationStrategy);
    if (problem !== null || name === '') {
      this.#reject(
        data.kind === 'none' ? 0 : data.points.length,
        `metric ${metric.name}: ${problem ?? 'it has no name'}`,
      );
      return false;
    }
    const type = METRIC_TYPE_NUMBERS[typeOf(data)];
    this.#metadata.set(name, { name, type, help: metric.description, unit: unitText(metric) });
    for (const point of data.kind === 'none' ? [] : data.points) {
      const labels = this.#labels(point.attributes, shared);
      if (data.kind === 'histogram') this.#histogram(name, labels, point as OtlpHistogramPoint, data);
      else if (data.kind === 'exponential') this.#exponential(name, labels, point as OtlpExponentialPoint, data);
      else if (data.kind === 'summary') this.#summary(name, labels, point as OtlpSummaryPoint);
      else
        this.#add(
          name,
          labels,
          [],
          data.kind === 'gauge' ? { ...point, startMs: 0 } : point,
          (point as { value: number }).value,
          data.kind === 'sum' ? point.exemplars : [],
        );
    }
    return true;
  }

  #problem(data: OtlpData): string | null {
    if (data.kind === 'none') return 'its data is of no known kind';
    if (data.points.length === 0) return 'it has no data points';
    if (!('temporality' in data)) return null;
    if (data.temporality === 'cumulative' || (data.temporality === 'delta' && this.#settings.acceptsDeltas))
      return null;
    return `invalid temporality and type combination: ${data.temporality} ${data.kind}`;
  }

  #reject(points: number, reason: string): void {
    this.#rejectedPoints += points;
    if (this.#reason === '') this.#reason = reason;
  }

  /** Attributes become labels; values of attributes whose names become the same are joined. */
  #labels(attributes: readonly OtlpAttribute[], shared: LabelMap): LabelMap {
    const labels: LabelMap = new Map();
    const sorted = [...attributes].sort(([a], [b]) => compareUtf8(a, b));
    for (const [attribute, value] of sorted) {
      const name = labelName(attribute, this.#settings.config);
      if (name === '') continue;
      const before = labels.get(name);
      labels.set(name, before === undefined ? value : `${before};${value}`);
    }
    for (const [name, value] of shared) {
      if (name === 'job' || name === 'instance') labels.set(name, value);
      else setIfAbsent(labels, name, value);
    }
    return labels;
  }

  #add(
    name: string,
    labels: LabelMap,
    extra: Extra,
    point: OtlpPoint,
    value: number,
    exemplars: readonly OtlpExemplar[] = [],
  ): void {
    const samples = [{ timestampMs: point.timeMs, value, stale: point.isEmpty, startMs: this.#startOf(point) }];
    const all = sortedLabels(labels, [['__name__', name], ...extra]);
    this.#series.push({ labels: all, samples, exemplars: exemplars.map(wireExemplar) });
  }

  #startOf({ startMs }: OtlpPoint): number {
    return this.#settings.storesStarts ? startMs : 0;
  }

  #histogram(name: string, labels: LabelMap, point: OtlpHistogramPoint, data: OtlpData): void {
    if (this.#settings.config.convertHistogramsToNhcb)
      return this.#native(name, labels, point, customHistogram(point), data);
    const { bucketCounts, bounds, count, sum } = point;
    if (sum !== null || point.isEmpty) this.#add(`${name}_sum`, labels, [], point, sum ?? 0);
    this.#add(`${name}_count`, labels, [], point, count);
    let total = 0;
    const buckets = bounds.slice(0, bucketCounts.length);
    const exemplars = exemplarsByBucket(point.exemplars ?? [], buckets);
    for (const [i, bound] of buckets.entries()) {
      total += bucketCounts[i];
      this.#add(`${name}_bucket`, labels, [['le', plainDecimal(bound)]], point, total, exemplars[i]);
    }
    this.#add(`${name}_bucket`, labels, [['le', '+Inf']], point, count, exemplars[buckets.length]);
  }

  #exponential(name: string, labels: LabelMap, point: OtlpExponentialPoint, data: OtlpData): void {
    if (point.scale < SCALE_MIN) {
      this.#reject(
        1,
        `metric ${name}: cannot convert exponential to native histogram: scale must be >= -4, was ${point.scale}`,
      );
      return;
    }
    this.#native(name, labels, point, exponentialHistogram(point), data);
  }

  #native(
    name: string,
    labels: LabelMap,
    point: OtlpExponentialPoint | OtlpHistogramPoint,
    histogram: NativeHistogram,
    data: OtlpData,
  ): void {
    const isDelta = 'temporality' in data && data.temporality === 'delta';
    const hinted = isDelta ? { ...histogram, resetHint: 'gauge' as const } : histogram;
    const { timeMs, isEmpty, exemplars = [] } = point;
    const startMs = this.#startOf(point);
    const histograms = [{ timestampMs: timeMs, histogram: hinted, stale: isEmpty, startMs }];
    const all = sortedLabels(labels, [['__name__', name]]);
    this.#series.push({ labels: all, samples: [], histograms, exemplars: exemplars.map(wireExemplar) });
  }

  #summary(name: string, labels: LabelMap, point: OtlpSummaryPoint): void {
    this.#add(`${name}_sum`, labels, [], point, point.sum);
    this.#add(`${name}_count`, labels, [], point, point.count);
    for (const [quantile, value] of point.quantiles)
      this.#add(name, labels, [['quantile', plainDecimal(quantile)]], point, value);
  }

  /** The resource's attributes as a series of their own, as long as its points last. */
  #targetInfo(resource: OtlpResource, firstMs: number, lastMs: number): void {
    const { config, lookbackMs } = this.#settings;
    const identity = jobAndInstance(resource);
    const others = resource.attributes.filter(([name]) => !IDENTIFYING.has(name));
    if (identity.length === 0 || others.length === 0) return;
    const shown = config.keepIdentifyingResourceAttributes ? resource.attributes : others;
    const labels = this.#labels(shown, new Map(identity));
    const stepMs = Math.max(1000, Math.floor(lookbackMs / 2));
    const fromMs = Math.max(firstMs, lastMs - 100 * stepMs);
    const samples = [];
    for (let timestampMs = fromMs; timestampMs < lastMs; timestampMs += stepMs) samples.push({ timestampMs, value: 1 });
    samples.push({ timestampMs: lastMs, value: 1 });
    const name = 'target_info';
    this.#series.push({ labels: sortedLabels(labels, [['__name__', name]]), samples });
    this.#metadata.set(name, { name, type: METRIC_TYPE_NUMBERS.gauge, help: 'Target metadata', unit: '' });
  }
}

/** Characters of an exemplar's labels. */
const EXEMPLAR_CHARS_MAX = 128;

const charCount = (pairs: readonly string[]): number => pairs.reduce((sum, text) => sum + [...text].length, 0);

/** Trace and span as labels, and the attributes if all together are not too long. */
function wireExemplar({ attributes, timeMs, value, traceId, spanId }: OtlpExemplar): WireExemplar {
  const ids = [...(traceId === '' ? [] : ['trace_id', traceId]), ...(spanId === '' ? [] : ['span_id', spanId])];
  const all = [...ids, ...attributes.flat()];
  return { labels: charCount(all) <= EXEMPLAR_CHARS_MAX ? all : ids, value, timestampMs: timeMs };
}

/** Each exemplar goes to the first bucket that holds its value; the list for what is beyond all bounds is the last. */
function exemplarsByBucket(exemplars: readonly OtlpExemplar[], bounds: readonly number[]): OtlpExemplar[][] {
  const lists: OtlpExemplar[][] = Array.from({ length: bounds.length + 1 }, () => []);
  for (const exemplar of exemplars) {
    const bucket = bounds.findIndex((bound) => exemplar.value <= bound);
    lists[bucket < 0 ? bounds.length : bucket].push(exemplar);
  }
  return lists;
}

function setIfAbsent(labels: LabelMap, name: string, value: string): void {
  if (name !== '' && !labels.has(name)) labels.set(name, value);
}

function sortedLabels(labels: LabelMap, extra: Extra): [string, string][] {
  const all = new Map([...labels, ...extra]);
  return [...all].filter(([, value]) => value !== '').sort(([a], [b]) => compareUtf8(a, b));
}

function jobAndInstance({ attributes }: OtlpResource): [string, string][] {
  const all = new Map(attributes);
  const [name, namespace, instance] = ['service.name', 'service.namespace', 'service.instance.id'].map(
    (key) => all.get(key) ?? '',
  );
  const labels: [string, string][] = [];
  if (name !== '') labels.push(['job', namespace === '' ? name : `${namespace}/${name}`]);
  if (instance !== '') labels.push(['instance', instance]);
  return labels;
}

function noteTimes(data: OtlpData, times: { first: number; last: number }): void {
  for (const { timeMs } of data.kind === 'none' ? [] : data.points) {
    times.first = Math.min(times.first, timeMs);
    times.last = Math.max(times.last, timeMs);
  }
}

function typeOf(data: OtlpData): string {
  switch (data.kind) {
    case 'gauge':
      return 'gauge';
    case 'sum':
      if (!data.isMonotonic) return 'gauge';
      return data.temporality === 'delta' ? 'unknown' : 'counter';
    case 'summary':
      return 'summary';
    case 'none':
      return 'unknown';
    default:
      return data.temporality === 'delta' ? 'unknown' : 'histogram';
  }
}

/** Buckets of one sign, at the scale that histograms may have. */
function nativeBuckets({ offset, counts }: OtlpBuckets, scaleDown: number): NativeHistogram['positive'] {
  const merged = new Map<number, number>();
  for (const [i, count] of counts.entries()) {
    // Bucket i of the wire ends at base^(offset+i+1); ours of index k at base^k.
    const index = Math.floor((offset + i) / 2 ** scaleDown) + 1;
    if (count > 0) merged.set(index, (merged.get(index) ?? 0) + count);
  }
  return { indexes: Int32Array.from(merged.keys()), counts: Float64Array.from(merged.values()) };
}

function exponentialHistogram(point: OtlpExponentialPoint): NativeHistogram {
  const scaleDown = Math.max(0, point.scale - SCALE_MAX);
  return newHistogram({
    schema: point.scale - scaleDown,
    count: point.isEmpty ? 0 : point.count,
    sum: point.sum ?? 0,
    zeroThreshold: point.zeroThreshold || ZERO_THRESHOLD,
    zeroCount: point.zeroCount,
    positive: nativeBuckets(point.positive, scaleDown),
    negative: nativeBuckets(point.negative, scaleDown),
  });
}

function customHistogram({ bucketCounts, bounds, count, sum }: OtlpHistogramPoint): NativeHistogram {
  const filled = [...bucketCounts.keys()].filter((i) => bucketCounts[i] > 0 && i <= bounds.length);
  return newHistogram({
    schema: CUSTOM_SCHEMA,
    count,
    sum: sum ?? 0,
    customBounds: Float64Array.from(bounds.filter((bound) => bound !== Infinity)),
    positive: { indexes: Int32Array.from(filled), counts: Float64Array.from(filled, (i) => bucketCounts[i]) },
  });
}
