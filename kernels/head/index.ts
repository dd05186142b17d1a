// The head of a shard in flat memory: batches in, columns out. See root.ts for the memory, docs/formats/image.md for the image.
export { init } from './root';
export { applyBatch, beginSegment, symbolBytes, symbolLength } from './apply';
export { findSymbol } from './symbols';
export { findLabel, findValue, listLabels, listValues, postingsCount, readPostings } from './postings';
export { findSeries } from './series';
export { decodeTimes, decodeValues, encodeColumn } from './column';
export { filterByTime, labelColumn, labelsAddress, lastTime, read, readFirst, samplesMax } from './read';
