// The targets of one job and their loops. Discovery tells what there is, always the full list; the pool starts loops for new
// targets, stops those of targets that are gone, and restarts all when its settings change, with their caches where these
// still mean the same.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../base/index.ts';
import type { ScrapeConfig } from '../config/index.ts';
import type { Clock, HttpClient } from '../io/index.ts';
import type { Labels } from '../model/index.ts';
import type { Discoverer, TargetGroup } from './discovery/index.ts';
import { SampleLabels } from './sample-labels.ts';
import { ScrapeFetch } from './scrape-fetch.ts';
import { ScrapeLoop, type ScrapeLoopShared } from './scrape-loop.ts';
import type { ScrapeMetrics } from './scrape-metrics.ts';
import type { ScrapeSink } from './scrape-sink.ts';
import { type Target, TargetFactory } from './target.ts';

/** What all pools share. */
export interface ScrapePoolOptions {
  readonly sink: ScrapeSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ScrapeMetrics;
  readonly offsetSeed: bigint;
  readonly userAgent: string;
  /** Start times are told with samples. */
  readonly readsStarts?: boolean;
  /** A client with the job's credentials and TLS. The pool closes it. */
  httpClient(config: ScrapeConfig): HttpClient;
  /** The job's discoverers, not started. */
  discoverers(config: ScrapeConfig): readonly Discoverer[];
}

// Settings that a cached series text depends on: which labels it leads to, and whether it is kept.
const CACHE_FIELDS = [
  'honorLabels',
  'metricRelabelConfigs',
  'labelLimit',
  'labelNameLengthLimit',
  'labelValueLengthLimit',
  'metricNameValidationScheme',
  'extraScrapeMetrics',
] as const;

export class ScrapePool {
  #config: ScrapeConfig;
  readonly #options: ScrapePoolOptions;
  #shared: ScrapeLoopShared;
  #client: HttpClient;
  #factory: TargetFactory;
  readonly #loops = new Map<string, ScrapeLoop>();
  #dropped: Labels[] = [];
  #droppedCount = 0;
  #discoverers: readonly Discoverer[] = [];
  /** By discoverer; undefined: it has said nothing yet. */
  #groups: (readonly TargetGroup[] | undefined)[] = [];
  /** In force until all of new discoverers have spoken. */
  #groupsBefore: readonly TargetGroup[] = [];
  /** Stops under way. */
  readonly #ending = new Map<ScrapeLoop, Promise<void>>();
  #stopped = false;

  constructor(config: ScrapeConfig, options: ScrapePoolOptions) {
    this.#config = config;
    this.#options = options;
    this.#client = options.httpClient(config);
    this.#shared = this.#sharedOf(config);
    this.#factory = new TargetFactory(config);
  }

  get config(): ScrapeConfig {
    return this.#config;
  }

  start(): void {
    this.#discover();
  }

  /** Ends all; nothing is written afterwards. */
  async stop(mode: 'shutdown' | 'gone'): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#discoverers.map((discoverer) => discoverer.stop()));
    for (const loop of this.#loops.values()) this.#end(loop, mode);
    this.#loops.clear();
    if (mode === 'shutdown') for (const loop of this.#ending.keys()) loop.abandon();
    await Promise.all(this.#ending.values());
    await this.#client.close();
  }

  /** Breaks off what a stop('gone') waits for. */
  abandon(): void {
    for (const loop of this.#ending.keys()) loop.abandon();
  }

  /** Goes over to new settings. Throws what makes them unusable, and stays with the old ones. */
  async reload(config: ScrapeConfig): Promise<void> {
    if (isDeepStrictEqual(config, this.#config)) return;
    const factory = new TargetFactory(config);
    const labels = new SampleLabels(config); // Throws before anything has changed.
    const client = this.#options.httpClient(config);
    const before = this.#config;
    const clientBefore = this.#client;
    this.#options.metrics.poolReloads.inc();
    this.#config = config;
    this.#client = client;
    this.#factory = factory;
    this.#shared = this.#sharedOf(config, labels);
    await this.#restartLoops(CACHE_FIELDS.every((field) => isDeepStrictEqual(before[field], config[field])));
    if (isDeepStrictEqual(discoveryOf(before), discoveryOf(config))) this.#sync();
    else await this.#rediscover();
    await clientBefore.close();
  }

  #sharedOf(config: ScrapeConfig, labels = new SampleLabels(config)): ScrapeLoopShared {
    const { sink, clock, logger, metrics, offsetSeed, userAgent, readsStarts } = this.#options;
    const fetch = new ScrapeFetch(config, this.#client, userAgent, readsStarts);
    return { config, fetch, labels, sink, clock, logger, metrics, offsetSeed };
  }

  async #rediscover(): Promise<void> {
    this.#groupsBefore = this.#allGroups();
    await Promise.all(this.#discoverers.map((discoverer) => discoverer.stop()));
    if (!this.#stopped) this.#discover();
  }

  #discover(): void {
    const discoverers = this.#options.discoverers(this.#config);
    this.#discoverers = discoverers;
    const groups: (readonly TargetGroup[] | undefined)[] = discoverers.map(() => undefined);
    this.#groups = groups;
    discoverers.forEach((discoverer, i) => {
      discoverer.start((emitted) => {
        if (this.#stopped || this.#groups !== groups) return;
        groups[i] = emitted;
        this.#sync();
      });
    });
    if (discoverers.length === 0) this.#sync();
  }

  #allGroups(): readonly TargetGroup[] {
    const spoken = this.#groups.filter((groups) => groups !== undefined);
    if (spoken.length === this.#groups.length) this.#groupsBefore = [];
    return [...spoken.flat(), ...this.#groupsBefore];
  }

  /** Brings loops in line with what was discovered. */
  #sync(): void {
    const { metrics, logger } = this.#options;
    const { jobName, keepDroppedTargets } = this.#config;
    const { active, dropped, errors } = this.#factory.fromGroups(this.#allGroups());
    for (const error of errors) logger.error('creating target failed', { scrape_pool: jobName, error });
    metrics.poolSyncFailures(jobName).add(errors.length);
    this.#droppedCount = dropped.length;
    this.#dropped = keepDroppedTargets === 0 ? dropped : dropped.slice(0, keepDroppedTargets);
    const wanted = new Map(active.map((target) => [target.key, target]));
    for (const [key, loop] of this.#loops) {
      const target = wanted.get(key);
      if (target) {
        loop.target.discovered = target.discovered;
        continue;
      }
      this.#loops.delete(key);
      this.#end(loop, 'gone');
    }
    const added = [...wanted].filter(([key]) => !this.#loops.has(key));
    for (const [key, target] of added) {
      this.#loops.set(key, new ScrapeLoop(target, this.#shared));
    }
    this.#limitTargets();
    for (const [key] of added) this.#loops.get(key)?.start();
    metrics.poolTargets(jobName).set(this.#loops.size);
  }

  /** Above target_limit no target is scraped. */
  #limitTargets(): void {
    const { targetLimit } = this.#config;
    const count = this.#loops.size;
    const exceeded = targetLimit > 0 && count > targetLimit;
    const text = `target_limit exceeded (number of targets: ${count}, limit: ${targetLimit})`;
    if (exceeded) this.#options.metrics.targetLimitExceeded.inc();
    for (const loop of this.#loops.values()) loop.forcedError = exceeded ? new Error(text) : undefined;
  }

  #end(loop: ScrapeLoop, mode: 'shutdown' | 'gone'): void {
    const ended = loop.stop(mode).finally(() => this.#ending.delete(loop));
    this.#ending.set(loop, ended);
  }

  async #restartLoops(reuseCaches: boolean): Promise<void> {
    const restarted = [...this.#loops].map(async ([key, loop]) => {
      if (reuseCaches) await loop.stop('replaced');
      else this.#end(loop, 'gone');
      return { key, before: loop, after: new ScrapeLoop(loop.target, this.#shared, reuseCaches ? loop : undefined) };
    });
    for (const { key, before, after } of await Promise.all(restarted)) {
      if (this.#loops.get(key) !== before) continue; // Its target went meanwhile.
      this.#loops.set(key, after);
      after.start();
    }
    this.#limitTargets();
  }

  /** Targets that are scraped. */
  activeTargets(): Target[] {
    return [...this.#loops.values()].map((loop) => loop.target);
  }
  /** Discovered labels of targets dropped by relabelling, at most keep_dropped_targets. */
  droppedTargets(): readonly Labels[] {
    return this.#dropped;
  }
  get droppedCount(): number {
    return this.#droppedCount;
  }
}

/** The part of a job's settings that says where targets come from. */
const discoveryOf = (config: ScrapeConfig): object =>
  Object.fromEntries(Object.entries(config).filter(([name]) => name.endsWith('SdConfigs') || name === 'staticConfigs'));
