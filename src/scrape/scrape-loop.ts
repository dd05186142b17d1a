// One target's loop: wait for its phase, then fetch, append and report once per interval, until it is stopped.
//
//   stop('replaced')  another loop goes on with the cache: nothing more is written
//   stop('gone')      the target is no more: after two intervals and a tenth, if it has not come back, its series are marked
//                     stale, at the time of the first scrape that did not happen
//   stop('shutdown')  the process ends and will come back: nothing is marked, fetches are broken off
import { InvariantError, type Logger, TidemarkError, errorText } from '../base/index.ts';
import type { ScrapeConfig } from '../config/index.ts';
import type { Clock } from '../io/index.ts';
import { MetadataCache } from './metadata-cache.ts';
import { type SampleLabels, reportLabels } from './sample-labels.ts';
import { BODY_TOO_LARGE, type FetchedPage, type ScrapeFetch } from './scrape-fetch.ts';
import type { ScrapeMetrics } from './scrape-metrics.ts';
import { ScrapeSchedule, phaseOffsetMs } from './scrape-schedule.ts';
import type { ScrapeAppend, ScrapeCache, ScrapeOutcome, ScrapeReport, ScrapeSink } from './scrape-sink.ts';
import type { Target } from './target.ts';

// Samples from further ahead are dropped: Prometheus' maxAheadTime.
const TIME_AHEAD_MS = 10 * 60_000;

const REPORTS = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;
const EXTRA_REPORTS = ['scrape_timeout_seconds', 'scrape_sample_limit', 'scrape_body_size_bytes'] as const;

/** What the loops of a pool share. */
export interface ScrapeLoopShared {
  readonly config: ScrapeConfig;
  readonly fetch: ScrapeFetch;
  readonly labels: SampleLabels;
  readonly sink: ScrapeSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ScrapeMetrics;
  /** Differs from process to process, so that replicas scrape at different times. */
  readonly offsetSeed: bigint;
}

export type StopMode = 'replaced' | 'gone' | 'shutdown';

export class ScrapeLoop {
  readonly target: Target;
  readonly #shared: ScrapeLoopShared;
  readonly #cache: ScrapeCache;
  readonly #reports: { labels: ScrapeReport['labels']; value: number }[];
  readonly #stopping = new AbortController();
  readonly #shutdown = new AbortController();
  /** Why the target is not scraped at all: its pool has too many. */
  forcedError: Error | undefined;
  #running: Promise<void> = Promise.resolve();
  #schedule: ScrapeSchedule | undefined;

  /** With a cache of its own, or taking over that and the schedule of a loop that was stopped as replaced. */
  constructor(target: Target, shared: ScrapeLoopShared, before?: ScrapeLoop) {
    this.target = target;
    this.#cache = before === undefined ? shared.sink.openCache() : before.#cache;
    this.#schedule = before === undefined ? undefined : before.#schedule;
    this.#shared = shared;
    target.metadata ??= new MetadataCache();
    const names = shared.config.extraScrapeMetrics ? [...REPORTS, ...EXTRA_REPORTS] : REPORTS;
    this.#reports = names.map((name) => ({ labels: reportLabels(name, target.labels), value: 0 }));
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the loop. Resolves when the scrape under way is done and, for `gone`, when its series are marked. */
  async stop(mode: StopMode): Promise<void> {
    this.#stopping.abort();
    if (mode === 'shutdown') this.#shutdown.abort();
    await this.#running;
    if (mode === 'gone') await this.#endOfRun();
    if (mode !== 'replaced') this.#shared.sink.closeCache(this.#cache);
  }

  /** Breaks off what stop('gone') waits for. */
  abandon(): void {
    this.#shutdown.abort();
  }

  async #run(): Promise<void> {
    const { clock, offsetSeed } = this.#shared;
    const { intervalMs, hash } = this.target;
    const firstMs =
      this.#schedule?.remainingMs(clock.monotonicMs()) ?? phaseOffsetMs(clock.nowMs(), intervalMs, hash, offsetSeed);
    if (!(await this.#sleep(firstMs, this.#stopping.signal))) return;
    const schedule = this.#schedule ?? new ScrapeSchedule(intervalMs, clock.nowMs(), clock.monotonicMs());
    this.#schedule = schedule;
    while (!this.#stopping.signal.aborted) {
      await this.#scrape(schedule.timestampMs(clock.nowMs()));
      const waitMs = schedule.waitMs(clock.monotonicMs());
      if (waitMs > 0 && !(await this.#sleep(waitMs, this.#stopping.signal))) return;
    }
  }

  /** False if the signal broke it off. */
  async #sleep(ms: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#shared.clock.sleep(ms, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  async #scrape(timeMs: number): Promise<void> {
    const { clock, metrics, logger, sink } = this.#shared;
    const startedAtMs = clock.monotonicMs();
    const startedMs = clock.nowMs();
    let page: FetchedPage | undefined;
    let error: unknown = this.forcedError;
    metrics.scrapes.inc();
    if (error === undefined) {
      try {
        page = await this.#shared.fetch.fetch(this.target, this.#shutdown.signal);
      } catch (caught) {
        if (caught instanceof InvariantError) throw caught;
        if (this.#shutdown.signal.aborted) return;
        error = caught;
      }
    }
    const report = (outcome: ScrapeOutcome): ScrapeReport[] => {
      error ??= outcome.error;
      const seconds = (clock.monotonicMs() - startedAtMs) / 1000;
      this.#settle(error, startedMs, seconds, outcome);
      return this.#reportValues(error, seconds, outcome, page);
    };
    try {
      await sink.append(this.#cache, { ...this.#appendOf(timeMs, page), report });
    } catch (caught) {
      if (!(caught instanceof TidemarkError)) throw caught;
      metrics.appendsFailed.inc();
      logger.warn('scrape could not be stored', { target: this.target.url, error: errorText(caught) });
      error ??= caught;
      this.target.status.health = 'down';
      this.target.status.lastError = errorText(error);
    }
    if (error === undefined) return;
    metrics.scrapesFailed.inc();
    metrics.failure(codeOf(error) ?? 'other').inc();
  }

  #appendOf(timeMs: number, page: FetchedPage | undefined): Omit<ScrapeAppend, 'report'> {
    const { config, labels, clock } = this.#shared;
    return {
      timeMs,
      body: page?.body,
      format: page?.format ?? 'text',
      histograms: page?.histograms ?? [],
      exemplars: page?.exemplars,
      starts: page?.starts ?? null,
      honorTimestamps: config.honorTimestamps,
      trackTimestampsStaleness: config.trackTimestampsStaleness,
      sampleLimit: config.sampleLimit,
      timeMaxMs: clock.nowMs() + TIME_AHEAD_MS,
      resolve: (series, type) => labels.resolve(series, type, this.target.labels),
      metadata: (lines) => {
        if (lines === null) this.target.metadata?.unchanged();
        else this.target.metadata?.update(lines);
      },
    };
  }

  #settle(error: unknown, startedMs: number, seconds: number, outcome: ScrapeOutcome): void {
    const { metrics, logger } = this.#shared;
    const { status, url } = this.target;
    status.health = error === undefined ? 'up' : 'down';
    status.lastError = error === undefined ? '' : errorText(error);
    status.lastScrapeMs = startedMs;
    status.lastScrapeDurationSeconds = seconds;
    if (error !== undefined) logger.debug('scrape failed', { target: url, error: status.lastError });
    if (codeOf(error) === 'sample_limit') metrics.sampleLimitExceeded.inc();
    if (codeOf(error) === BODY_TOO_LARGE) metrics.bodySizeLimitExceeded.inc();
    const { duplicates, outOfBounds, refused, refusal } = outcome;
    metrics.duplicateSamples.add(duplicates);
    metrics.outOfBoundsSamples.add(outOfBounds);
    if (duplicates + outOfBounds + refused > 0) {
      const first = refused > 0 ? { refusal } : {};
      logger.warn('samples of a scrape dropped', { target: url, duplicates, outOfBounds, refused, ...first });
    }
  }

  #reportValues(
    error: unknown,
    seconds: number,
    outcome: ScrapeOutcome,
    page: FetchedPage | undefined,
  ): ScrapeReport[] {
    const { config } = this.#shared;
    const bodyBytes = page ? page.sizeBytes : codeOf(error) === BODY_TOO_LARGE ? -1 : 0;
    const values = [
      error === undefined ? 1 : 0,
      seconds,
      outcome.scraped,
      outcome.postRelabel,
      outcome.seriesAdded,
      this.target.timeoutMs / 1000,
      config.sampleLimit,
      bodyBytes,
    ];
    this.#reports.forEach((report, i) => (report.value = values[i]));
    return this.#reports;
  }

  async #endOfRun(): Promise<void> {
    const { clock, sink, logger } = this.#shared;
    if (this.#cache.entryCount === 0) return; // It left nothing to mark.
    const { intervalMs } = this.target;
    const { signal } = this.#shutdown;
    const waitMs = this.#schedule?.remainingMs(clock.monotonicMs()) ?? intervalMs;
    if (!(await this.#sleep(waitMs, signal))) return;
    const timeMs = clock.nowMs();
    if (!(await this.#sleep(intervalMs + intervalMs / 10, signal))) return;
    try {
      await sink.append(this.#cache, { ...this.#appendOf(timeMs, undefined), report: () => 'stale' });
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      logger.warn('series of a target that is gone could not be marked', {
        target: this.target.url,
        error: errorText(error),
      });
    }
  }
}

const codeOf = (error: unknown): string => (error instanceof TidemarkError ? error.code : '');
