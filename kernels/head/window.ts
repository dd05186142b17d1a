// Windows of time: two hours, aligned to the epoch. A column lies in one window, so that a window's columns leave the head whole.
export const WINDOW_MS: i64 = 7200000;

/** Where the window of `time` begins. */
export function windowOf(time: i64): i64 {
  const rest = time % WINDOW_MS;
  return time - (rest < 0 ? rest + WINDOW_MS : rest);
}
