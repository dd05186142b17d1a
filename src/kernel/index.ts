export {
  type Accumulator,
  type ExecKernel,
  FOLD_OPERATORS,
  type FoldOperator,
  RANGE_FUNCTIONS,
  type RangeFunction,
  type Steps,
} from './exec-kernel.ts';
export { createExecTwin } from './exec-twin.ts';
export { foldShape, stateLength } from './exec-twin-fold.ts';
export { isRangeFunction, quantile } from './exec-twin-window.ts';
export { createExecWasm } from './exec-wasm.ts';
export { type PointsKernel, createJsonWasm } from './json-wasm.ts';
export { KahanSum } from './kahan.ts';
export { loadKernel } from './load.ts';
export {
  EXEMPLAR_REASONS,
  type ExemplarReason,
  INTAKE_CODES,
  INTAKE_LIMITS_DEFAULT,
  INTAKE_REASONS,
  type IntakeCode,
  type IntakeCounters,
  type IntakeKernel,
  type IntakeLabel,
  type IntakeLimits,
  type IntakeMetadata,
  type IntakeOptions,
  type IntakeReason,
  type IntakeRefusal,
} from './intake-kernel.ts';
export { createIntakeTwin } from './intake-twin.ts';
export { type IntakeWasmKernel, createIntakeWasm } from './intake-wasm.ts';
export { type ExpositionExports, ExpositionKernel } from './exposition-wasm.ts';
export { type RowExemplar, SCRAPE_OPTIONS, type ScrapeCacheExports, ScrapeCacheKernel } from './exposition-scrape.ts';
export {
  type DecodedBatch,
  type SegmentSeries,
  type SegmentState,
  type StaleMark,
  decodeBatch,
  newSegmentState,
  segmentLabels,
} from './batch-twin.ts';
export { type BatchExemplar, exemplarTexts } from './batch-twin-exemplars.ts';
export { xxHash64 } from './xxhash.ts';
export { type Hash128, KeyedHash } from './intake-hash.ts';
export { type SnappyCode, decodeSnappy } from './snappy-twin.ts';
export {
  COLUMN_SAMPLES_MAX,
  type ColumnShape,
  type DecodedColumn,
  columnShape,
  decodeColumn,
  encodeColumn,
} from './column-twin.ts';
export {
  type HeadTwin,
  type HeadTwinCounters,
  type HeadTwinSeries,
  type SampleValue,
  createHeadTwin,
} from './head-twin.ts';
export { crc32c } from './checksum.ts';
export type { BlockKernel } from './block-kernel.ts';
export { createBlockWasm } from './block-wasm.ts';
export { type ColumnDescription, createBlockTwin, describeColumn } from './block-twin.ts';
export type { VectorShape } from './block-twin-vector.ts';
export type { IntegersShape } from './block-twin-integers.ts';
