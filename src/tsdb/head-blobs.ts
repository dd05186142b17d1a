// References among the values that the head kernel gives (kernels/head/blob.ts), and what they stand for: native histograms, and doubles
// whose bits look like a reference.
import type { HistogramSamples } from '../model/index.ts';
import type { HeadMemory } from './head-memory.ts';

// As in kernels/head/blob.ts.
const BLOB_HIGH = 0x7ff74842;
const BLOB_HEAD = 4;
const FLOAT_BYTES = 8;
/** Stands among the values where a histogram is: the NaN of Go. */
const NAN_HIGH = 0x7ff80000;
const NAN_LOW = 1;

/** Replaces the references among values [from, to) by doubles; of histograms the places and bytes go to `histograms`. */
export function resolveBlobs(
  memory: HeadMemory,
  vsWords: Uint32Array,
  from: number,
  to: number,
  histograms: HistogramSamples | undefined,
): void {
  const { bytes, words } = memory;
  for (let i = from; i < to; i++) {
    if (vsWords[2 * i + 1] !== BLOB_HIGH) continue;
    const blob = vsWords[2 * i];
    const length = words[blob >>> 2];
    const isFloat = length === FLOAT_BYTES;
    vsWords[2 * i] = isFloat ? words[(blob + BLOB_HEAD) >>> 2] : NAN_LOW;
    vsWords[2 * i + 1] = isFloat ? words[(blob + BLOB_HEAD + 4) >>> 2] : NAN_HIGH;
    if (isFloat || !histograms) continue;
    histograms.at.push(i);
    histograms.bytes.push(bytes.subarray(blob + BLOB_HEAD, blob + BLOB_HEAD + length));
  }
}
