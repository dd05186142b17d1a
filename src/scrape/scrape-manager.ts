// All scrape jobs: a pool per job. A changed configuration goes to the pools it concerns; the others go on undisturbed.
import { type Logger, type MetricRegistry, TidemarkError, errorText, utf8 } from '../base/index.ts';
import { type ScrapeConfig, formatDuration } from '../config/index.ts';
import type { Clock, HttpClient } from '../io/index.ts';
import type { Labels } from '../model/index.ts';
import type { Discoverer } from './discovery/index.ts';
import { type ScrapeMetrics, scrapeMetrics } from './scrape-metrics.ts';
import { ScrapePool, type ScrapePoolOptions } from './scrape-pool.ts';
import type { ScrapeSink } from './scrape-sink.ts';
import { type TargetStatus, fnv1a } from './target.ts';

/** What scraping needs of the world and of its neighbours. */
export interface ScrapeManagerOptions {
  readonly sink: ScrapeSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: MetricRegistry;
  /** Sent as `Tidemark/<version>`. */
  readonly version: string;
  /** Start times (`_created` in OpenMetrics) are told with samples. */
  readonly readsStarts?: boolean;
  /** Host name and external labels, say: replicas that differ in it scrape at different times. */
  readonly offsetSeed: string;
  /** A client with a job's credentials and TLS. */
  httpClient(config: ScrapeConfig): HttpClient;
  /** A job's discoverers, not started. */
  discoverers(config: ScrapeConfig): readonly Discoverer[];
}

/** A scraped target as the API shows it. */
export interface ScrapedTarget extends Readonly<TargetStatus> {
  readonly scrapePool: string;
  readonly discoveredLabels: Labels;
  readonly labels: Labels;
  readonly scrapeUrl: string;
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
}

/** One target's metadata of one metric family. */
export interface ScrapedMetadata {
  readonly target: Labels;
  readonly metric: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** Scrapes all jobs of the configuration in force. */
export class ScrapeManager {
  readonly #pools = new Map<string, ScrapePool>();
  readonly #poolOptions: ScrapePoolOptions;
  /** Pools that are gone and still mark their series. */
  readonly #ending = new Map<ScrapePool, Promise<void>>();
  #applying: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ScrapeManagerOptions) {
    const metrics: ScrapeMetrics = scrapeMetrics(options.metrics);
    this.#poolOptions = {
      sink: options.sink,
      clock: options.clock,
      logger: options.logger,
      metrics,
      offsetSeed: fnv1a(utf8(options.offsetSeed)),
      userAgent: `Tidemark/${options.version}`,
      readsStarts: options.readsStarts,
      httpClient: (config) => options.httpClient(config),
      discoverers: (config) => options.discoverers(config),
    };
  }

  /** Begins to scrape. */
  start(configs: readonly ScrapeConfig[]): Promise<void> {
    return this.applyConfig(configs);
  }

  /**
   * Goes over to these jobs. Pools whose job is unchanged are left alone. Throws TidemarkError `bad_config` if a job cannot be
   * applied; the others are.
   */
  applyConfig(configs: readonly ScrapeConfig[]): Promise<void> {
    this.#applying = this.#applying.catch(() => {}).then(() => this.#apply(configs));
    return this.#applying;
  }

  async #apply(configs: readonly ScrapeConfig[]): Promise<void> {
    if (this.#stopped) return;
    const wanted = new Set(configs.map(({ jobName }) => jobName));
    for (const [name, pool] of this.#pools) {
      if (wanted.has(name)) continue;
      this.#pools.delete(name);
      this.#ending.set(
        pool,
        pool.stop('gone').finally(() => this.#ending.delete(pool)),
      );
    }
    const failures: string[] = [];
    const applied = configs.map(async (config) => {
      try {
        await this.#applyJob(config);
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error;
        failures.push(`scrape job ${config.jobName}: ${errorText(error)}`);
      }
    });
    await Promise.all(applied);
    if (failures.length > 0) throw new TidemarkError('bad_config', `cannot apply ${failures.join('; ')}`);
  }

  async #applyJob(config: ScrapeConfig): Promise<void> {
    const pool = this.#pools.get(config.jobName);
    if (pool) return pool.reload(config);
    const added = new ScrapePool(config, this.#poolOptions);
    this.#pools.set(config.jobName, added);
    added.start();
  }

  /** Ends all scraping, as the process does: nothing is marked stale. Nothing is written afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#applying.catch(() => {});
    for (const pool of this.#ending.keys()) pool.abandon();
    await Promise.all([...this.#ending.values(), ...[...this.#pools.values()].map((pool) => pool.stop('shutdown'))]);
    this.#pools.clear();
  }

  /** Names of the pools, which are those of the jobs. */
  scrapePools(): string[] {
    return [...this.#pools.keys()];
  }

  /** The settings of a pool in force. */
  poolConfig(pool: string): ScrapeConfig | undefined {
    return this.#pools.get(pool)?.config;
  }

  /** Targets that are scraped, pool by pool, in order of their URL. */
  activeTargets(): ScrapedTarget[] {
    return [...this.#pools].flatMap(([scrapePool, pool]) =>
      pool
        .activeTargets()
        .map((target) => ({
          ...target.status,
          scrapePool,
          discoveredLabels: target.discovered,
          labels: target.labels,
          scrapeUrl: target.url,
          scrapeInterval: formatDuration(target.intervalMs),
          scrapeTimeout: formatDuration(target.timeoutMs),
        }))
        .sort((a, b) => (a.scrapeUrl < b.scrapeUrl ? -1 : a.scrapeUrl > b.scrapeUrl ? 1 : 0)),
    );
  }

  /** Targets that relabelling dropped, as far as they are kept. */
  droppedTargets(): { readonly scrapePool: string; readonly discoveredLabels: Labels }[] {
    return [...this.#pools].flatMap(([scrapePool, pool]) =>
      pool.droppedTargets().map((discoveredLabels) => ({ scrapePool, discoveredLabels })),
    );
  }

  /** How many targets each pool dropped, also those that are not kept. */
  droppedCounts(): Record<string, number> {
    return Object.fromEntries([...this.#pools].map(([name, pool]) => [name, pool.droppedCount]));
  }

  /** What targets say about their metrics. */
  *metadata(): Generator<ScrapedMetadata> {
    for (const pool of this.#pools.values()) {
      for (const target of pool.activeTargets()) {
        for (const [metric, { type, help, unit }] of target.metadata?.entries() ?? []) {
          yield { target: target.labels, metric, type, help, unit };
        }
      }
    }
  }
}
