// The module's memory, all of it fixed:
//
//   4096    powers of ten, 617 of 16 bytes: see shortest.ts
//   16384   times of the points, f64
//   24576   values of the points, f64
//   32768   the text that a time begins with: see time.ts
//   32832   the points as JSON

/** Points of one call. As many as the encoder writes between two looks at how much it has. */
export const POINTS_MAX: usize = 1024;
/** The longest is 49 bytes: 19 for a time and 25 for a value. What is stored beyond an end, 32 bytes at most, is in the room of the next. */
const POINT_BYTES_MAX: usize = 64;

export const POWERS: usize = 4096;
export const TS: usize = 16384;
export const VS: usize = TS + 8 * POINTS_MAX;
export const PREFIX: usize = VS + 8 * POINTS_MAX;
export const OUT: usize = PREFIX + 64;
const END: usize = OUT + POINTS_MAX * POINT_BYTES_MAX + 64;

/** Makes the memory large enough. */
export function reserve(): void {
  if (__heap_base > POWERS) unreachable();
  const have = usize(memory.size()) << 16;
  if (have < END) memory.grow(i32((END - have + 65535) >> 16));
}
