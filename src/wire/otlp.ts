// Metrics of the OpenTelemetry protocol (opentelemetry/proto/metrics/v1) as plain data: what its two encodings, protobuf and JSON,
// are read into. Attributes are texts already, as the specification of OpenTelemetry to Prometheus says.

/** Name and text of an attribute. */
export type OtlpAttribute = readonly [name: string, value: string];

/** What points of all kinds have. */
export interface OtlpPoint {
  readonly attributes: readonly OtlpAttribute[];
  /** Milliseconds since the epoch, rounded down. 0: unknown. */
  readonly startMs: number;
  readonly timeMs: number;
  /** The series has ended: there is no value. */
  readonly isEmpty: boolean;
  /** Absent of kinds that have none. */
  readonly exemplars?: readonly OtlpExemplar[];
}

/** A measurement that went into a point. */
export interface OtlpExemplar {
  readonly attributes: readonly OtlpAttribute[];
  readonly timeMs: number;
  readonly value: number;
  /** Hexadecimal; '': none. */
  readonly traceId: string;
  readonly spanId: string;
}

/** A number at a time. */
export interface OtlpNumberPoint extends OtlpPoint {
  readonly value: number;
}

/** A histogram of explicit bounds. */
export interface OtlpHistogramPoint extends OtlpPoint {
  readonly count: number;
  /** Null: not recorded. */
  readonly sum: number | null;
  /** One more than bounds, or none at all. */
  readonly bucketCounts: readonly number[];
  readonly bounds: readonly number[];
}

/** Buckets of one sign of an exponential histogram: bucket i holds (base^(offset+i), base^(offset+i+1)]. */
export interface OtlpBuckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

/** A histogram whose bounds are powers of 2^(2^-scale). */
export interface OtlpExponentialPoint extends OtlpPoint {
  readonly count: number;
  readonly sum: number | null;
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: OtlpBuckets;
  readonly negative: OtlpBuckets;
}

/** Quantiles worked out by the sender. */
export interface OtlpSummaryPoint extends OtlpPoint {
  readonly count: number;
  readonly sum: number;
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
}

export type OtlpTemporality = 'unspecified' | 'delta' | 'cumulative';

/** The data of a metric, told apart by `kind`. `none`: of a kind that is not known. */
export type OtlpData =
  | { readonly kind: 'none' }
  | { readonly kind: 'gauge'; readonly points: readonly OtlpNumberPoint[] }
  | {
      readonly kind: 'sum';
      readonly points: readonly OtlpNumberPoint[];
      readonly temporality: OtlpTemporality;
      readonly isMonotonic: boolean;
    }
  | {
      readonly kind: 'histogram';
      readonly points: readonly OtlpHistogramPoint[];
      readonly temporality: OtlpTemporality;
    }
  | {
      readonly kind: 'exponential';
      readonly points: readonly OtlpExponentialPoint[];
      readonly temporality: OtlpTemporality;
    }
  | { readonly kind: 'summary'; readonly points: readonly OtlpSummaryPoint[] };

/** A metric and its points. */
export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly data: OtlpData;
}

/** Metrics of one instrumentation library. */
export interface OtlpScope {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly metrics: readonly OtlpMetric[];
}

/** Metrics of one process or device. */
export interface OtlpResource {
  readonly attributes: readonly OtlpAttribute[];
  readonly scopes: readonly OtlpScope[];
}

export const OTLP_TEMPORALITIES: readonly OtlpTemporality[] = ['unspecified', 'delta', 'cumulative'];
/** Bit of a point's flags. */
export const OTLP_NO_VALUE = 1;

/** An attribute's value before it is made a text. */
export type OtlpAny = string | boolean | number | bigint | Uint8Array | null | readonly OtlpAny[] | OtlpKeyValues;
export interface OtlpKeyValues {
  readonly entries: readonly (readonly [string, OtlpAny])[];
}

const isList = (value: OtlpAny): value is readonly OtlpAny[] => Array.isArray(value);

function jsonOf(value: OtlpAny): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isList(value)) return value.map(jsonOf);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'object' && value !== null) {
    const { entries } = value as OtlpKeyValues;
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted.map(([key, one]) => [key, jsonOf(one)]));
  }
  return value;
}

/** The text of an attribute's value. */
export function otlpText(value: OtlpAny): string {
  if (value === null) return '';
  if (typeof value === 'number' && !Number.isFinite(value))
    return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'object' ? JSON.stringify(jsonOf(value)) : String(value);
}
