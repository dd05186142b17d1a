// ExportMetricsServiceRequest in JSON: protobuf's JSON mapping, with 64-bit integers as texts or numbers, and bytes in base64.
import { corruptError, errorText, utf8Text } from '../base/index.ts';
import {
  OTLP_NO_VALUE,
  OTLP_TEMPORALITIES,
  type OtlpAny,
  type OtlpAttribute,
  type OtlpBuckets,
  type OtlpData,
  type OtlpExemplar,
  type OtlpMetric,
  type OtlpResource,
  type OtlpScope,
  otlpText,
} from './otlp.ts';

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

const NESTING_MAX = 32;

const wrong = (what: string, got: Json): Error =>
  corruptError(`cannot decode OTLP JSON: ${what}; got ${JSON.stringify(got)?.slice(0, 60)}`);

function objectOf(value: Json, what: string): JsonObject {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(`${what} must be an object`, value);
  return value as JsonObject;
}

function listOf<T>(value: Json, what: string, item: (value: Json) => T): T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(`${what} must be a list`, value);
  return value.map(item);
}

function textOf(value: Json, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw wrong(`${what} must be a text`, value);
  if (!value.isWellFormed()) throw wrong(`${what} must be valid Unicode`, value);
  return value;
}

const SPECIAL: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity: Infinity, '-Infinity': -Infinity };

function numberOf(value: Json, what: string): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return value;
  if (typeof value === 'string') {
    if (Object.hasOwn(SPECIAL, value)) return SPECIAL[value];
    if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return Number(value);
  }
  throw wrong(`${what} must be a number`, value);
}

/** Nanoseconds to milliseconds, without loss on the way. */
function msOf(value: Json, what: string): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return Number(BigInt(value) / 1_000_000n);
  if (typeof value === 'number' && value >= 0) return Math.floor(value / 1e6);
  throw wrong(`${what} must be nanoseconds`, value);
}

const optionalNumber = (value: Json, what: string): number | null =>
  value === undefined || value === null ? null : numberOf(value, what);

function anyValue(json: Json, depth = 0): OtlpAny {
  if (depth > NESTING_MAX) throw wrong('values are nested too deeply', null);
  const value = objectOf(json, 'value');
  if (value.stringValue !== undefined) return textOf(value.stringValue, 'stringValue');
  if (value.boolValue !== undefined) return value.boolValue === true;
  if (value.intValue !== undefined) return numberOf(value.intValue, 'intValue');
  if (value.doubleValue !== undefined) return numberOf(value.doubleValue, 'doubleValue');
  if (value.bytesValue !== undefined) return Buffer.from(textOf(value.bytesValue, 'bytesValue'), 'base64');
  if (value.arrayValue !== undefined)
    return listOf(objectOf(value.arrayValue, 'arrayValue').values, 'values', (one) => anyValue(one, depth + 1));
  if (value.kvlistValue === undefined) return null;
  const { values } = objectOf(value.kvlistValue, 'kvlistValue');
  return { entries: listOf(values, 'values', (one) => keyValue(one, depth + 1)) };
}

function keyValue(json: Json, depth: number): readonly [string, OtlpAny] {
  const { key, value } = objectOf(json, 'attribute');
  return [textOf(key, 'key'), anyValue(value, depth)];
}

const attributesOf = (json: Json): OtlpAttribute[] =>
  listOf(json, 'attributes', (one) => {
    const [key, value] = keyValue(one, 0);
    return [key, otlpText(value)];
  });

const hexOf = (json: Json, what: string): string => {
  const text = textOf(json, what).toLowerCase();
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw wrong(`${what} must be hexadecimal`, json);
  return /^0*$/.test(text) ? '' : text;
};

const exemplarOf = (json: Json): OtlpExemplar => {
  const exemplar = objectOf(json, 'exemplar');
  return {
    attributes: attributesOf(exemplar.filteredAttributes),
    timeMs: msOf(exemplar.timeUnixNano, 'timeUnixNano'),
    value: numberOf(exemplar.asDouble ?? exemplar.asInt, 'asDouble or asInt'),
    traceId: hexOf(exemplar.traceId, 'traceId'),
    spanId: hexOf(exemplar.spanId, 'spanId'),
  };
};

const common = (point: JsonObject) => ({
  exemplars: listOf(point.exemplars, 'exemplars', exemplarOf),
  attributes: attributesOf(point.attributes),
  startMs: msOf(point.startTimeUnixNano, 'startTimeUnixNano'),
  timeMs: msOf(point.timeUnixNano, 'timeUnixNano'),
  isEmpty: (numberOf(point.flags, 'flags') & OTLP_NO_VALUE) !== 0,
});

const pointsOf = <T>(data: JsonObject, point: (json: JsonObject) => T): T[] =>
  listOf(data.dataPoints, 'dataPoints', (one) => point(objectOf(one, 'data point')));

const numberPoint = (point: JsonObject) => ({
  ...common(point),
  value: numberOf(point.asDouble ?? point.asInt, 'asDouble or asInt'),
});

const numbers = (json: Json, what: string): number[] => listOf(json, what, (one) => numberOf(one, what));

const histogramPoint = (point: JsonObject) => ({
  ...common(point),
  count: numberOf(point.count, 'count'),
  sum: optionalNumber(point.sum, 'sum'),
  bucketCounts: numbers(point.bucketCounts, 'bucketCounts'),
  bounds: numbers(point.explicitBounds, 'explicitBounds'),
});

function bucketsOf(json: Json): OtlpBuckets {
  const { offset, bucketCounts } = objectOf(json, 'buckets');
  return { offset: numberOf(offset, 'offset'), counts: numbers(bucketCounts, 'bucketCounts') };
}

const exponentialPoint = (point: JsonObject) => ({
  ...common(point),
  count: numberOf(point.count, 'count'),
  sum: optionalNumber(point.sum, 'sum'),
  scale: numberOf(point.scale, 'scale'),
  zeroCount: numberOf(point.zeroCount, 'zeroCount'),
  zeroThreshold: numberOf(point.zeroThreshold, 'zeroThreshold'),
  positive: bucketsOf(point.positive),
  negative: bucketsOf(point.negative),
});

const summaryPoint = (point: JsonObject) => ({
  ...common(point),
  count: numberOf(point.count, 'count'),
  sum: numberOf(point.sum, 'sum'),
  quantiles: listOf(point.quantileValues, 'quantileValues', (one) => {
    const { quantile, value } = objectOf(one, 'quantile');
    return [numberOf(quantile, 'quantile'), numberOf(value, 'value')] as const;
  }),
});

function temporalityOf({ aggregationTemporality: value }: JsonObject) {
  if (typeof value !== 'string') return OTLP_TEMPORALITIES[numberOf(value, 'aggregationTemporality')] ?? 'unspecified';
  return OTLP_TEMPORALITIES.find((one) => value === `AGGREGATION_TEMPORALITY_${one.toUpperCase()}`) ?? 'unspecified';
}

function dataOf(metric: JsonObject): OtlpData {
  const of = (name: string): JsonObject => objectOf(metric[name], name);
  if (metric.gauge !== undefined) return { kind: 'gauge', points: pointsOf(of('gauge'), numberPoint) };
  if (metric.sum !== undefined) {
    const sum = of('sum');
    const isMonotonic = sum.isMonotonic === true;
    return { kind: 'sum', points: pointsOf(sum, numberPoint), temporality: temporalityOf(sum), isMonotonic };
  }
  if (metric.histogram !== undefined) {
    const histogram = of('histogram');
    return { kind: 'histogram', points: pointsOf(histogram, histogramPoint), temporality: temporalityOf(histogram) };
  }
  if (metric.exponentialHistogram !== undefined) {
    const histogram = of('exponentialHistogram');
    const points = pointsOf(histogram, exponentialPoint);
    return { kind: 'exponential', points, temporality: temporalityOf(histogram) };
  }
  if (metric.summary !== undefined) return { kind: 'summary', points: pointsOf(of('summary'), summaryPoint) };
  return { kind: 'none' };
}

function metricOf(json: Json): OtlpMetric {
  const metric = objectOf(json, 'metric');
  return {
    name: textOf(metric.name, 'name'),
    description: textOf(metric.description, 'description'),
    unit: textOf(metric.unit, 'unit'),
    data: dataOf(metric),
  };
}

function scopeOf(json: Json): OtlpScope {
  const { scope: about, metrics, schemaUrl } = objectOf(json, 'scope metrics');
  const scope = objectOf(about, 'scope');
  return {
    name: textOf(scope.name, 'name'),
    version: textOf(scope.version, 'version'),
    schemaUrl: textOf(schemaUrl, 'schemaUrl'),
    attributes: attributesOf(scope.attributes),
    metrics: listOf(metrics, 'metrics', metricOf),
  };
}

/** Throws a corrupt error that names what is wrong. */
export function decodeOtlpJson(body: Uint8Array): OtlpResource[] {
  let json: Json;
  try {
    json = JSON.parse(utf8Text(body));
  } catch (cause) {
    throw corruptError(`cannot decode OTLP JSON: ${errorText(cause)}`, cause);
  }
  return listOf(objectOf(json, 'request').resourceMetrics, 'resourceMetrics', (one) => {
    const { resource, scopeMetrics } = objectOf(one, 'resource metrics');
    const { attributes } = objectOf(resource, 'resource');
    return { attributes: attributesOf(attributes), scopes: listOf(scopeMetrics, 'scopeMetrics', scopeOf) };
  });
}
