export { AccessTable } from './access.ts';
export { type EncodedPiece, encodeAnswer } from './answer-encoder.ts';
export type { Coding } from './compress.ts';
export { type ErrorType, errorStatus, errorTypeOf } from './envelope.ts';
export { numberText } from './json-number.ts';
export type { JsonWriter } from './json-writer.ts';
export type {
  HistogramResult,
  LabelPairs,
  Pieces,
  ResultValue,
  SeriesResult,
  VectorSeriesResult,
} from './json-result.ts';
export { MAX_TIME_MS, MIN_TIME_MS } from './parameters.ts';
export {
  createQueryHandler,
  type EngineAnswer,
  errorAnswer,
  errorResponse,
  type HandlerAnswer,
  type HandlerEngine,
  type HandlerListings,
  type Listing,
  type ListingSelection,
  plainErrorAnswer,
  type QueryHandlerOptions,
} from './query-handler.ts';
export { type ApiServer, type ApiServerOptions, createApiServer, parseListenAddress } from './server.ts';
export type * from './services.ts';
export { syntaxTree } from './syntax-tree.ts';
export { WebProtection, type WebProtectionOptions } from './web-protection.ts';
