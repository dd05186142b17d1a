// What a query leaf reads from: one shard's store, or samples in memory. The leaf executor of promql/ runs beside the data and
// sees only this.
import type { SourceChanges } from './change-log.ts';
import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';
import type { StartTimes } from './start-times.ts';

/** The native histograms among the samples of one series: they have no place in a column of floats. */
export interface HistogramSamples {
  /** Places of the histograms in the column, rising. The column's values there are NaN. */
  readonly at: number[];
  /** Their binary forms (histogram-codec.ts). Views that are valid until the next read. */
  readonly bytes: Uint8Array[];
}

/** Where a source writes the samples of one series: views over the reader's memory. */
export interface SampleColumn {
  /** Milliseconds since the epoch. */
  ts: Float64Array;
  /** Values; raw bits, so copy them with set() or words, never through a number variable (stale markers). */
  vs: Float64Array;
  vsWords: Uint32Array;
  /** Where histograms go: empty when a read begins. A reader without it has no use for them; their NaNs are in the column. */
  readonly histograms?: HistogramSamples;
  /** Where start times go, likewise: cleared when a read begins. */
  readonly starts?: StartTimes;
}

/** A series that has one value, neither infinite nor NaN, in a range of time. */
export interface LevelColumn {
  readonly value: number;
  /** Series of one set with equal texts have equal times in one range. */
  readonly times: string;
}

/**
 * Series chosen by matchers, in no particular order. A source that changes while its reader lets others run, or that keeps samples
 * elsewhere than in memory, has prefetch(): then samplesMax() and read() take only series that it said are ready, and only until the
 * reader lets others run again.
 */
export interface SeriesSet {
  readonly length: number;
  /** Label set of series `index`. Makes strings: not for every series of an aggregation. */
  labels(index: number): Labels;
  /**
   * Groups series by label values without making strings per series. mode 'by': the listed names; 'without': all but them
   * and but the metric name. `groupOf[i]` is series i's group, `groups[g]` its label set.
   */
  group(mode: 'by' | 'without', names: readonly string[]): { groupOf: Uint32Array; groups: Labels[] };
  /** Makes series from `from` on readable, as many as is good at once; returns where they end. `labels`: only their labels. */
  prefetch?(from: number, what?: 'samples' | 'labels'): number | Promise<number>;
  /** What the samples lack, in words for the user: parts of the store that could not be read. */
  readonly warnings?: readonly string[];
  /** The reader is done: what the set pinned may go. */
  release?(): void;
  /** At most this many samples of the series lie in [minMs, maxMs]: what the column must have room for. */
  samplesMax(index: number, minMs: number, maxMs: number): number;
  /** At most this many samples are looked at by level(): what the column must have room for. Absent: as many as for read(). */
  levelRoom?(index: number, minMs: number, maxMs: number): number;
  /**
   * What read() would give, if that is one value throughout and is found out at little cost; else null. Writes over the column, which
   * must have room for levelRoom() samples.
   */
  level?(index: number, minMs: number, maxMs: number, scratch: SampleColumn): LevelColumn | null;
  /** Decodes the samples in [minMs, maxMs], in time order, each timestamp once, stale markers included. Returns how many. */
  read(index: number, minMs: number, maxMs: number, into: SampleColumn): number;
}

/** One shard, or a store in memory. */
export interface SeriesSource {
  /** Absent: nothing that is worked out from it may be kept. */
  readonly changes?: SourceChanges;
  /** Series of the tenant that match all matchers and may have samples in [minMs, maxMs]. */
  select(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): SeriesSet | Promise<SeriesSet>;
  /** Sorted names of labels (or values of one label) of the series that match; empty matchers = all of the tenant. */
  labelNames(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): string[] | Promise<string[]>;
  labelValues(
    tenant: string,
    name: string,
    matchers: readonly Matcher[],
    minMs: number,
    maxMs: number,
  ): string[] | Promise<string[]>;
}

/** The tenant of requests that name none. */
export const DEFAULT_TENANT = 'anonymous';
