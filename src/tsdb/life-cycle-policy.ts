// When samples leave the head (docs/storage.md). Part of what a shard's state follows from, with its log: replicas share it.

/** Delays in ms of the shard's clock, sizes in bytes, shares 0..1. */
export interface LifeCyclePolicy {
  /** A window is cut when the shard's clock is this far behind its end: most of what is late has come. */
  readonly cutDelayMs: number;
  /** A cut leaves the head when the clock has come this much further ... */
  readonly dropDelayMs: number;
  /** ... or so much has come into the log. */
  readonly dropLogBytes: number;
  /** So many late samples are cut without waiting for the window's end, */
  readonly lateSamplesMax: number;
  /** but not before so much of the log since the last cut; nor is what has grown. */
  readonly lateLogBytesMin: number;
  /** Series without samples for so long leave the head when there are many of them; */
  readonly idleMs: number;
  /** how often, by the shard's clock, they are looked for. */
  readonly idleLookMs: number;
  /**
   * Many: so many more than twice what the last tidying left. A series that has nothing but a few samples takes some 200 bytes; a cut
   * takes memory of its own for a while, so it has to be worth it. What is left waits for the end of its window.
   */
  readonly idleSeriesMin: number;
  /**
   * Everything is cut when what samples take has grown by so much, and so much per series, since the last cut: a window of values that
   * do not compress would take gigabytes. Values as exporters have them stay far below it in two hours.
   */
  readonly growthBytesMax: number;
  readonly growthBytesPerSeries: number;
  /** Share of the memory beyond which everything is cut, */
  readonly fullnessMax: number;
  /** but not before so much of the log since the last cut. */
  readonly fullLogBytesMin: number;
}

/** What a real store uses. */
export const LIFE_CYCLE_POLICY_DEFAULT: LifeCyclePolicy = {
  cutDelayMs: 10 * 60_000,
  dropDelayMs: 60_000,
  dropLogBytes: 32 * 1024 * 1024,
  lateSamplesMax: 1_000_000,
  lateLogBytesMin: 16 * 1024 * 1024,
  idleMs: 5 * 60_000,
  idleLookMs: 5 * 60_000,
  idleSeriesMin: 524_288,
  growthBytesMax: 64 * 1024 * 1024,
  growthBytesPerSeries: 128,
  fullnessMax: 0.6,
  fullLogBytesMin: 64 * 1024 * 1024,
};
