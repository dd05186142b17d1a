// The door of PromQL: the parser, the engine, the leaf protocol, and what runs beside the data.
export type * from './ast.ts';
export * from './parse/index.ts';
export { unquote } from './parse/quote.ts';
export {
  type Engine,
  type EngineOptions,
  type MatrixResult,
  type ParsedQuery,
  type QueryOptions,
  type QueryResult,
  type QueryStats,
  type ResultData,
  type RunningCost,
  type ScalarResult,
  type StringResult,
  type VectorResult,
  createEngine,
  matrixTimes,
} from './engine.ts';
export type { QueryErrorCode } from './errors.ts';
export { type ExplainLeaf, type ExplainNode, printExplain } from './explain.ts';
export { leafRange } from './exec/leaf-estimate.ts';
export { CachedLeaf, type CachedLeafOptions } from './exec/cached-leaf.ts';
export type { LeafCacheStats } from './exec/leaf-cache.ts';
export { LocalLeafExecutor, type LeafExecutorOptions } from './exec/leaf-executor.ts';
export { exprSelectors } from './selectors.ts';
export { MemorySource } from './exec/memory-source.ts';
export {
  LabelsPacker,
  type LeafClient,
  type LeafControl,
  type LeafEstimate,
  type LeafFold,
  type LeafPlan,
  type LeafResult,
  type LeafStats,
  type PackedLabels,
  type SamplesLeafResult,
  freeLeafResult,
  leafTransferables,
  unpackHistograms,
  unpackLabels,
} from './leaf.ts';
export { type Histogram as HistogramLiteral, toNative as literalToNative } from './testlang/histogram.ts';
export { type SequenceValue, parseMetric, parseSequence, parseSeriesLine } from './testlang/sequence.ts';
