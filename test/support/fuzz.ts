/** How many cases a fuzz test tries: its own count, times FUZZ_CASES (see tools/fuzz.ts). */
export function fuzzCases(countDefault: number): number {
  const factor = Number(process.env.FUZZ_CASES ?? 1);
  return Math.max(1, Math.round(countDefault * (factor > 0 ? factor : 1)));
}

/** The seed of a fuzz test: FUZZ_SEED, or its own, so that a plain test run is the same every time. */
export function fuzzSeed(seedDefault: number): number {
  const seed = Number(process.env.FUZZ_SEED ?? seedDefault);
  return Number.isSafeInteger(seed) ? seed : seedDefault;
}
