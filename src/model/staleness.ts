// The stale marker: a NaN with a payload of its own, told from other NaNs by its bits only. JavaScript may change the bits
// of a NaN that passes through a variable, so markers are compared as two 32-bit halves in place.

/** Raw bits 0x7ff0000000000002: the series ended. */
export const STALE_NAN_HIGH = 0x7ff00000;
/** The lower word of STALE_NAN_BITS. */
export const STALE_NAN_LOW = 0x00000002;
/** The stale marker as one integer. */
export const STALE_NAN_BITS = 0x7ff0000000000002n;
/** Raw bits of the NaN that arithmetic gives: 0x7ff8000000000001 in Prometheus. */
export const NORMAL_NAN_BITS = 0x7ff8000000000001n;

/** Whether value `index` is the stale marker; `words` is a Uint32Array over the same memory as the float64 values. */
export function isStaleAt(words: Uint32Array, index: number): boolean {
  return words[2 * index] === STALE_NAN_LOW && words[2 * index + 1] === STALE_NAN_HIGH;
}

/** Writes the stale marker as value `index`; `words` as in isStaleAt. */
export function setStaleAt(words: Uint32Array, index: number): void {
  words[2 * index] = STALE_NAN_LOW;
  words[2 * index + 1] = STALE_NAN_HIGH;
}
