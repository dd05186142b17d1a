// What a seed decides for its whole life, and what is counted.
import type { SimRandom } from '../src/io/index.ts';
import {
  type IntakeSettings,
  LIFE_CYCLE_POLICY_DEFAULT,
  type LifeCyclePolicy,
  type Retention,
} from '../src/tsdb/index.ts';

export interface SimSwitches {
  /** The disk's sync makes nothing durable: promise 1 must be found broken. */
  readonly brokenSync?: boolean;
  /** Receives what happens, for debugging. */
  readonly log?: (text: string) => void;
}

export interface SimSettings {
  readonly shards: number;
  readonly policy: LifeCyclePolicy;
  readonly retention: Retention;
  readonly intake: IntakeSettings;
  readonly cacheBytesMax: number;
  /** How often background work lets others run. */
  readonly breatheChance: number;
  readonly hasFaults: boolean;
  readonly hasFullDisk: boolean;
}

/** Thresholds small enough that some dozens of samples reach them. */
export function drawPolicy(random: SimRandom): LifeCyclePolicy {
  return {
    ...LIFE_CYCLE_POLICY_DEFAULT,
    dropDelayMs: random.pick([0, 120_000, 3_600_000]),
    dropLogBytes: random.pick([100, 2000, 20_000]),
    lateSamplesMax: random.pick([1_000_000, 5, 40]),
    lateLogBytesMin: random.pick([0, 2000]),
    idleMs: random.pick([300_000, 3_600_000]),
    idleSeriesMin: random.pick([16_384, 1, 6]),
    growthBytesMax: random.pick([1 << 26, 1 << 26, 1 << 26, 1 << 26, 2000, 20_000]),
    growthBytesPerSeries: random.pick([128, 0]),
    fullnessMax: random.pick([0.6, 0.6, 3e-6, 1e-5]),
    fullLogBytesMin: random.pick([500, 4000]),
  };
}

export function drawSettings(random: SimRandom): SimSettings {
  return {
    shards: random.pick([1, 1, 1, 2]),
    policy: drawPolicy(random),
    retention: {
      timeMs: random.pick([0, 0, 0, 6 * 3_600_000, 3 * 86_400_000]),
      sizeBytes: random.pick([0, 0, 0, 0, 0, 4000, 20_000]),
    },
    intake: {
      pendingBytesMax: random.pick([1 << 26, 3000]),
      fullnessMax: 0.9,
      segmentBytesMax: random.pick([600, 3000, 10_000, 1 << 20]),
    },
    cacheBytesMax: random.pick([0, 5000, 1 << 20]),
    breatheChance: random.pick([0.01, 0.1, 0.5]),
    hasFaults: random.chance(0.3),
    hasFullDisk: random.chance(0.2),
  };
}

/** What happened, of all kinds. */
export const newTotals = () => ({
  crashes: 0,
  kills: 0,
  stops: 0,
  starts: 0,
  imagesWritten: 0,
  imagesUsed: 0,
  imagesIgnored: 0,
  replayed: 0,
  acknowledged: 0,
  refused: 0,
  late: 0,
  future: 0,
  duplicates: 0,
  conflicts: 0,
  odd: 0,
  histograms: 0,
  deletes: 0,
  flushes: 0,
  cleans: 0,
  snapshots: 0,
  reads: 0,
  rows: 0,
  cuts: 0,
  cutFailures: 0,
  compactions: 0,
  compactionFailures: 0,
  expired: 0,
  seriesLeft: 0,
  blocksSeen: 0,
  fullDisks: 0,
  bitsFlipped: 0,
  flipsReported: 0,
  replicas: 0,
  replicaRestarts: 0,
  dataDays: 0,
});
export type SimTotals = ReturnType<typeof newTotals>;
