// The head of a shard in flat memory: batches in, columns out. See root.ts for the memory, docs/formats/image.md for the image.
export { init } from './root';
export { applyBatch, beginSegment, symbolBytes, symbolLength } from './apply';
export { findSymbol } from './symbols';
export { findLabel, findValue, listLabels, listValues, postingsCount, readPostings } from './postings';
export { findMany, readIds } from './series';
export { decodeTimes, decodeValues, encodeColumn } from './column';
export {
  anyInRange,
  cutSamplesMax,
  filterByTime,
  hasReferences,
  labelColumn,
  labelsAddress,
  lastTime,
  read,
  readCut,
  readFirst,
  samplesMax,
} from './read';
export { cutBegin, cutCancel, cutDrop, cutList, cutWindows, cutWindowsOf, hasCutIn } from './cut';
export { deleteRange } from './delete';
export { startsOf } from './starts';
export { clockMs, takeChangedFrom } from './clock';
