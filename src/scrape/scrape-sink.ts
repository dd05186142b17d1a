// Where scrapes go. The loop fetches a body and says what to do with it; the sink parses it, puts its samples and stale marks
// and the scrape's own samples into one batch per shard, and answers when that is durable. The real sink is a ScrapeStager
// over the intake kernel plus the log (wired in app/); test/support has one in plain TypeScript.
import type { Labels } from '../model/index.ts';
import type { ExposedExemplar, ExposedHistogram, ExpositionFormat, MetadataLine, MetricType } from '../wire/index.ts';

/** A target's cache in the sink: its known series texts, what has to be marked stale. */
export interface ScrapeCache {
  /** For messages. */
  readonly entryCount: number;
}

/** What a body came to. */
export interface ScrapeOutcome {
  /** Sample lines. */
  readonly scraped: number;
  /** Those that metric relabelling kept. */
  readonly postRelabel: number;
  /** Series texts that the target did not expose before. */
  readonly seriesAdded: number;
  /** Dropped: the same series twice, a timestamp out of bounds. */
  readonly duplicates: number;
  readonly outOfBounds: number;
  /** Dropped: series over a limit of the tenant, about their labels or their number. */
  readonly refused: number;
  /** The first of these and why; '' if there is none. */
  readonly refusal: string;
  /**
   * Why nothing of the body was taken: malformed, over a limit. All series of the target are marked stale then; the counts
   * above are those up to the series that is refused, or all where the samples are too many.
   */
  readonly error: Error | undefined;
}

/** One of the scrape's own samples. A target's list keeps its order and labels. */
export interface ScrapeReport {
  readonly labels: Labels;
  readonly value: number;
}

/** One scrape, to be appended. */
export interface ScrapeAppend {
  /** Time of samples without a timestamp, and of stale marks. */
  readonly timeMs: number;
  /** undefined: there is none (the scrape failed, or the target ended): all its series are marked stale. */
  readonly body: Uint8Array | undefined;
  readonly format: ExpositionFormat;
  /** Native histograms that came with the body. */
  readonly histograms?: readonly ExposedHistogram[];
  /** Exemplars that the body does not say, by the number of their sample in it. */
  readonly exemplars?: ReadonlyMap<number, ExposedExemplar> | undefined;
  /** Start times of the body's sample lines, in ms, 0 for none; null: there are none. */
  readonly starts?: Float64Array | null;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  /** Samples after relabelling; more: the scrape fails. 0 = none. */
  readonly sampleLimit: number;
  /** Timestamps above are dropped. */
  readonly timeMaxMs: number;
  /** Stored labels of a series that is new here; null: dropped. May throw: the scrape fails. */
  resolve(series: Uint8Array, type: MetricType): Labels | null;
  /** The body's metadata, null if it is that of the last body. Not called for bodies that are malformed or have a series that is refused. */
  metadata(lines: readonly MetadataLine[] | null): void;
  /** Called once, when the body is taken or refused: the scrape's own samples, or 'stale' to end those as well. */
  report(outcome: ScrapeOutcome): readonly ScrapeReport[] | 'stale';
}

/** Takes scrapes. */
export interface ScrapeSink {
  openCache(): ScrapeCache;
  closeCache(cache: ScrapeCache): void;
  /**
   * Resolves when all is durable; rejects when it is not, as under backpressure: then nothing of it is stored, and the marks
   * for series that ended come with the next scrape. Calls report() in any case, before anything is awaited.
   */
  append(cache: ScrapeCache, scrape: ScrapeAppend): Promise<void>;
}
