// The codec of the columns in blocks (docs/formats/block-column.md): what the kernel (block-wasm.ts) and its twin (block-twin.ts) do.

/** Encodes and decodes the times or the values of one series at a time. */
export interface BlockKernel {
  /** Makes room for `samples`; never less. The views are renewed and what they held is lost. */
  reserve(samples: number): void;
  /** Times in ms: integers within ±(2^53 - 1), ascending. In for encoding, out of decoding. */
  readonly ts: Float64Array;
  /** Values; to keep NaN payloads, copy them by words. */
  readonly vs: Float64Array;
  /** The same as `vs`, as the halves of its raw bits. */
  readonly vsWords: Uint32Array;
  /** Encodes the first `count` of `ts`. The bytes are a view that holds until the next call. */
  encodeTimes(count: number): Uint8Array;
  /** Encodes the first `count` of `vs`. The bytes are a view that holds until the next call. */
  encodeValues(count: number): Uint8Array;
  /** Decodes samples [from, to) of a column of times to the front of `ts`. Throws a corrupt error if it is malformed or shorter. */
  decodeTimes(bytes: Uint8Array, from: number, to: number): void;
  /** Decodes samples [from, to) of a column of values to the front of `vs`. Throws a corrupt error if it is malformed or shorter. */
  decodeValues(bytes: Uint8Array, from: number, to: number): void;
  /** Samples in a column. Throws a corrupt error if its head is malformed. */
  count(bytes: Uint8Array): number;
  /** Index of the first time at or after `ms` (0..count) in a column of times. Throws a corrupt error if what it reads is malformed. */
  lowerBound(bytes: Uint8Array, ms: number): number;
}
