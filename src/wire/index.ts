export { type MetadataLine, metadataLines, parseExposition, parseExpositionTwin } from './exposition.ts';
export { openMetricsFloat, parseSeriesText } from './exposition-labels.ts';
export {
  type ExpositionDocument,
  type ExpositionFormat,
  type ExpositionMetadata,
  type ExpositionSample,
  METRIC_TYPES,
  type MetricType,
} from './exposition-scan.ts';
export {
  METRIC_TYPE_NUMBERS,
  type WireExemplar,
  type WireMetadata,
  type WireSample,
  type WireSeries,
  writeBytes,
} from './remote-write.ts';
export { type WireHistogram, writeHistogram } from './remote-write-histogram.ts';
export { encodeRemoteWriteV1 } from './remote-write-v1.ts';
export { encodeRemoteWriteV2 } from './remote-write-v2.ts';
export { compressSnappy, snappyBytesMax } from './snappy.ts';
export { checkOpenMetrics } from './openmetrics-check.ts';
export {
  type FoundPrometheusBlock,
  PrometheusBlock,
  type PrometheusBlockMeta,
  type PrometheusSeries,
  findPrometheusBlocks,
} from './prometheus-block.ts';
export { SampleBuffer } from './prometheus-float-chunks.ts';
export type { HistogramSample } from './prometheus-histogram-chunks.ts';
export { OPEN_METRICS_END, openMetricsLines, openMetricsSeries } from './openmetrics-export.ts';
export { OpenMetricsImport, type OpenMetricsSink } from './openmetrics-import.ts';
export { type FamilySample, encodeFamily, familyKind, textFamilyHead, textSample } from './exposition-write.ts';
export { type NameEscaping, escapeName } from './exposition-names.ts';
export { encodeHistogramChunk } from './histogram-chunk.ts';
export { ProtoReader, putBytes, putDouble, putFixed64, putInt, putText } from './protobuf.ts';
export {
  CHUNK_ENCODINGS,
  type ReadQuery,
  type ReadRequestMessage,
  type ReadResponseType,
  decodeReadRequest,
  putChunk,
  putLabels,
  putSample,
  readFrame,
} from './remote-read.ts';
export { CHUNK_SAMPLES_MAX, XorChunkWriter } from './xor-chunk.ts';
export type {
  OtlpAttribute,
  OtlpBuckets,
  OtlpData,
  OtlpExemplar,
  OtlpExponentialPoint,
  OtlpHistogramPoint,
  OtlpMetric,
  OtlpPoint,
  OtlpNumberPoint,
  OtlpResource,
  OtlpScope,
  OtlpSummaryPoint,
} from './otlp.ts';
export { decodeOtlpJson } from './otlp-json.ts';
export { decodeOtlpProtobuf, encodeOtlpResponse } from './otlp-protobuf.ts';
export { type InfluxLines, type InfluxPoint, readInfluxLines } from './influx-line.ts';
export { type ExposedExemplar, exemplarMessage } from './prometheus-exemplars.ts';
export {
  type ExposedHistogram,
  type ProtobufOptions,
  protobufToText,
  readProtobufExposition,
} from './prometheus-client.ts';
export { type CreatedTimes, type StartedLine, startedLines, takeCreated } from './openmetrics-created.ts';
