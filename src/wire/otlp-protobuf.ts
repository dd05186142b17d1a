// ExportMetricsServiceRequest in protobuf, and the response. Field numbers are those of opentelemetry-proto 1.x.
import { ByteWriter, corruptError } from '../base/index.ts';
import {
  OTLP_NO_VALUE,
  OTLP_TEMPORALITIES,
  type OtlpAny,
  type OtlpAttribute,
  type OtlpBuckets,
  type OtlpData,
  type OtlpExemplar,
  type OtlpExponentialPoint,
  type OtlpHistogramPoint,
  type OtlpKeyValues,
  type OtlpMetric,
  type OtlpNumberPoint,
  type OtlpResource,
  type OtlpScope,
  type OtlpSummaryPoint,
  type OtlpTemporality,
  otlpText,
} from './otlp.ts';
import { ProtoReader, putBytes, putInt, putText } from './protobuf.ts';

/** Values within values. */
const NESTING_MAX = 32;

/** Reads the fields of a message that `on` has an entry for, by number. */
function fields(input: ProtoReader, on: Readonly<Record<number, () => void>>): void {
  while (input.next()) {
    const read = on[input.field];
    if (read) read();
    else input.skip();
  }
}

const msOf = (ns: bigint): number => Number(ns / 1_000_000n);

function anyValue(input: ProtoReader, depth = 0): OtlpAny {
  if (depth > NESTING_MAX) throw corruptError('cannot decode attribute: its values are nested too deeply');
  let value: OtlpAny = null;
  fields(input, {
    1: () => (value = input.text()),
    2: () => (value = input.bool()),
    3: () => (value = input.int()),
    4: () => (value = input.double()),
    5: () => {
      const list: OtlpAny[] = [];
      const values = input.message();
      fields(values, { 1: () => list.push(anyValue(values.message(), depth + 1)) });
      value = list;
    },
    6: () => (value = keyValues(input.message(), depth + 1)),
    7: () => (value = input.bytes()),
  });
  return value;
}

function keyValues(input: ProtoReader, depth: number): OtlpKeyValues {
  const entries: (readonly [string, OtlpAny])[] = [];
  fields(input, { 1: () => entries.push(keyValue(input.message(), depth)) });
  return { entries };
}

function keyValue(input: ProtoReader, depth: number): readonly [string, OtlpAny] {
  let key = '';
  let value: OtlpAny = null;
  fields(input, { 1: () => (key = input.text()), 2: () => (value = anyValue(input.message(), depth)) });
  return [key, value];
}

function attribute(input: ProtoReader): OtlpAttribute {
  const [key, value] = keyValue(input, 0);
  return [key, otlpText(value)];
}

const hex = (bytes: Uint8Array): string =>
  bytes.every((byte) => byte === 0) ? '' : Buffer.from(bytes).toString('hex');

function exemplar(input: ProtoReader): OtlpExemplar {
  const attributes: OtlpAttribute[] = [];
  let [timeMs, value, traceId, spanId] = [0, 0, '', ''];
  fields(input, {
    2: () => (timeMs = msOf(input.fixed64())),
    3: () => (value = input.double()),
    4: () => (spanId = hex(input.bytes())),
    5: () => (traceId = hex(input.bytes())),
    6: () => (value = Number(BigInt.asIntN(64, input.fixed64()))),
    7: () => attributes.push(attribute(input.message())),
  });
  return { attributes, timeMs, value, traceId, spanId };
}

/** The fields that points of all kinds have; attributes have their own number in each. */
class Common {
  readonly attributes: OtlpAttribute[] = [];
  startMs = 0;
  timeMs = 0;
  isEmpty = false;
  readonly exemplars: OtlpExemplar[] = [];

  fields(
    input: ProtoReader,
    attributesField: number,
    flagsField: number,
    exemplarsField = 0,
  ): Record<number, () => void> {
    return {
      [exemplarsField]: () => this.exemplars.push(exemplar(input.message())),
      2: () => (this.startMs = msOf(input.fixed64())),
      3: () => (this.timeMs = msOf(input.fixed64())),
      [attributesField]: () => this.attributes.push(attribute(input.message())),
      [flagsField]: () => (this.isEmpty = (input.uint() & OTLP_NO_VALUE) !== 0),
    };
  }
}

function numberPoint(input: ProtoReader): OtlpNumberPoint {
  const common = new Common();
  let value = 0;
  fields(input, {
    ...common.fields(input, 7, 8, 5),
    4: () => (value = input.double()),
    6: () => (value = Number(BigInt.asIntN(64, input.fixed64()))),
  });
  return { ...common, value };
}

function histogramPoint(input: ProtoReader): OtlpHistogramPoint {
  const common = new Common();
  let count = 0;
  let sum: number | null = null;
  const bucketCounts: number[] = [];
  const bounds: number[] = [];
  fields(input, {
    ...common.fields(input, 9, 10, 8),
    4: () => (count = Number(input.fixed64())),
    5: () => (sum = input.double()),
    6: () => input.fixed64s(bucketCounts),
    7: () => input.doubles(bounds),
  });
  return { ...common, count, sum, bucketCounts, bounds };
}

function buckets(input: ProtoReader): OtlpBuckets {
  let offset = 0;
  const counts: number[] = [];
  fields(input, { 1: () => (offset = input.sint()), 2: () => input.uints(counts) });
  return { offset, counts };
}

function exponentialPoint(input: ProtoReader): OtlpExponentialPoint {
  const common = new Common();
  let [count, scale, zeroCount, zeroThreshold] = [0, 0, 0, 0];
  let sum: number | null = null;
  let positive: OtlpBuckets = { offset: 0, counts: [] };
  let negative = positive;
  fields(input, {
    ...common.fields(input, 1, 10, 11),
    4: () => (count = Number(input.fixed64())),
    5: () => (sum = input.double()),
    6: () => (scale = input.sint()),
    7: () => (zeroCount = Number(input.fixed64())),
    8: () => (positive = buckets(input.message())),
    9: () => (negative = buckets(input.message())),
    14: () => (zeroThreshold = input.double()),
  });
  return { ...common, count, sum, scale, zeroCount, zeroThreshold, positive, negative };
}

function quantile(input: ProtoReader): readonly [number, number] {
  let [of, value] = [0, 0];
  fields(input, { 1: () => (of = input.double()), 2: () => (value = input.double()) });
  return [of, value];
}

function summaryPoint(input: ProtoReader): OtlpSummaryPoint {
  const common = new Common();
  let [count, sum] = [0, 0];
  const quantiles: (readonly [number, number])[] = [];
  fields(input, {
    ...common.fields(input, 7, 8),
    4: () => (count = Number(input.fixed64())),
    5: () => (sum = input.double()),
    6: () => quantiles.push(quantile(input.message())),
  });
  return { ...common, count, sum, quantiles };
}

/** What messages of data have: points, temporality, whether they only rise. */
function dataOf<P>(input: ProtoReader, point: (input: ProtoReader) => P) {
  const points: P[] = [];
  let temporality: OtlpTemporality = 'unspecified';
  let isMonotonic = false;
  fields(input, {
    1: () => points.push(point(input.message())),
    2: () => (temporality = OTLP_TEMPORALITIES[input.uint()] ?? 'unspecified'),
    3: () => (isMonotonic = input.bool()),
  });
  return { points, temporality: temporality as OtlpTemporality, isMonotonic };
}

function metric(input: ProtoReader): OtlpMetric {
  let [name, description, unit] = ['', '', ''];
  let data: OtlpData = { kind: 'none' };
  fields(input, {
    1: () => (name = input.text()),
    2: () => (description = input.text()),
    3: () => (unit = input.text()),
    5: () => (data = { kind: 'gauge', ...dataOf(input.message(), numberPoint) }),
    7: () => (data = { kind: 'sum', ...dataOf(input.message(), numberPoint) }),
    9: () => (data = { kind: 'histogram', ...dataOf(input.message(), histogramPoint) }),
    10: () => (data = { kind: 'exponential', ...dataOf(input.message(), exponentialPoint) }),
    11: () => (data = { kind: 'summary', ...dataOf(input.message(), summaryPoint) }),
  });
  return { name, description, unit, data };
}

function scopeMetrics(input: ProtoReader): OtlpScope {
  let [name, version, schemaUrl] = ['', '', ''];
  const attributes: OtlpAttribute[] = [];
  const metrics: OtlpMetric[] = [];
  fields(input, {
    1: () => {
      const scope = input.message();
      fields(scope, {
        1: () => (name = scope.text()),
        2: () => (version = scope.text()),
        3: () => attributes.push(attribute(scope.message())),
      });
    },
    2: () => metrics.push(metric(input.message())),
    3: () => (schemaUrl = input.text()),
  });
  return { name, version, schemaUrl, attributes, metrics };
}

function resourceMetrics(input: ProtoReader): OtlpResource {
  const attributes: OtlpAttribute[] = [];
  const scopes: OtlpScope[] = [];
  fields(input, {
    1: () => {
      const resource = input.message();
      fields(resource, { 1: () => attributes.push(attribute(resource.message())) });
    },
    2: () => scopes.push(scopeMetrics(input.message())),
  });
  return { attributes, scopes };
}

/** Throws a corrupt error. */
export function decodeOtlpProtobuf(body: Uint8Array): OtlpResource[] {
  const input = new ProtoReader(body);
  const resources: OtlpResource[] = [];
  fields(input, { 1: () => resources.push(resourceMetrics(input.message())) });
  return resources;
}

/** ExportMetricsServiceResponse; without rejected points and a text it is empty. */
export function encodeOtlpResponse(rejectedPoints: number, text: string): Uint8Array {
  const out = new ByteWriter();
  if (rejectedPoints === 0 && text === '') return out.finish();
  const partial = new ByteWriter();
  if (rejectedPoints > 0) putInt(partial, 1, rejectedPoints);
  putText(partial, 2, text);
  putBytes(out, 1, partial.view());
  return out.finish();
}
