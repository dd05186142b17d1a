// The scrape role: the scrape manager over the intake, with discoverers and HTTP clients made from the configuration.
import type { ActiveTarget, DroppedTarget, ScrapePoolView, TargetMetadata } from '../api/index.ts';
import { type Logger, type MetricRegistry, TidemarkError, errorText } from '../base/index.ts';
import { type Config, type HostFiles, allScrapeConfigs, printScrapeConfig } from '../config/index.ts';
import type { Clock } from '../io/index.ts';
import {
  type ExpositionExports,
  ExpositionKernel,
  INTAKE_CODES,
  type IntakeWasmKernel,
  type ScrapeCacheExports,
  ScrapeCacheKernel,
} from '../kernel/index.ts';
import { DEFAULT_TENANT } from '../model/index.ts';
import { type ScrapeAppend, type ScrapeCache, ScrapeManager, type ScrapeSink, ScrapeStager } from '../scrape/index.ts';
import type { Intake } from '../tsdb/index.ts';
import { ConfiguredClient } from './configured-client.ts';
import { JobDiscovery } from './job-discoverers.ts';
import type { Limits } from './limits.ts';
import { TargetHistograms } from './scrape-histograms.ts';
import { TargetZeros } from './scrape-zeros.ts';
import { VERSION } from './version.ts';

export interface ScrapeRoleParts {
  readonly intake: Intake;
  /** The kernel that the intake runs on. */
  readonly kernel: IntakeWasmKernel;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** Replicas that differ in it scrape at different times. */
  readonly offsetSeed: string;
  readonly files: HostFiles;
  /** What becomes of start times: stored with samples (feature st-storage), as zeros (created-timestamp-zero-ingestion). */
  readonly starts: { readonly stored: boolean; readonly zeros: boolean };
}

/** Scrapes into the intake: staged in its kernel, durable with its logs. */
class IntakeSink implements ScrapeSink {
  readonly #intake: Intake;
  readonly #limits: Limits;
  readonly #stager: ScrapeStager;
  /** Of targets that have native ones. */
  readonly #histograms = new Map<ScrapeCache, TargetHistograms>();
  /** Of targets that tell when their counters began. */
  readonly #zeros = new Map<ScrapeCache, TargetZeros>();
  readonly #starts: ScrapeRoleParts['starts'];

  constructor({ intake, kernel, limits, starts }: ScrapeRoleParts) {
    this.#starts = starts;
    this.#intake = intake;
    this.#limits = limits;
    const exposition = new ExpositionKernel(kernel.exports as unknown as ExpositionExports);
    const caches = new ScrapeCacheKernel(kernel.exports as unknown as ScrapeCacheExports);
    this.#stager = new ScrapeStager(exposition, caches);
  }

  openCache(): ScrapeCache {
    return this.#stager.openCache();
  }

  closeCache(cache: ScrapeCache): void {
    this.#histograms.delete(cache);
    this.#zeros.delete(cache);
    this.#stager.closeCache(cache);
  }

  async append(cache: ScrapeCache, scrape: ScrapeAppend): Promise<void> {
    if (!scrape.starts && !this.#zeros.has(cache)) return this.#appendBody(cache, scrape);
    let isTaken = false;
    const report: ScrapeAppend['report'] = (outcome) => {
      isTaken = outcome.error === undefined;
      return scrape.report(outcome);
    };
    const starts = this.#starts.stored ? scrape.starts : null;
    await this.#appendBody(cache, { ...scrape, starts, report });
    if (this.#starts.zeros && isTaken) await this.#appendZeros(cache, scrape);
  }

  async #appendZeros(cache: ScrapeCache, scrape: ScrapeAppend): Promise<void> {
    const zeros = this.#zeros.get(cache) ?? new TargetZeros();
    const body = zeros.body(scrape);
    if (body !== null) await this.#write(scrape, body, 1);
    zeros.settle();
    if (zeros.isEmpty) this.#zeros.delete(cache);
    else this.#zeros.set(cache, zeros);
  }

  async #appendBody(cache: ScrapeCache, scrape: ScrapeAppend): Promise<void> {
    const hasNew = scrape.histograms !== undefined && scrape.histograms.length > 0;
    if (hasNew && !this.#histograms.has(cache)) this.#histograms.set(cache, new TargetHistograms());
    const histograms = this.#histograms.get(cache);
    if (!histograms) return this.#append(cache, scrape);
    await this.#append(cache, {
      ...scrape,
      report: (outcome) => scrape.report(histograms.counted(scrape, outcome)),
    });
    await this.#appendHistograms(scrape, histograms);
    if (histograms.isEmpty) this.#histograms.delete(cache);
  }

  async #appendHistograms(scrape: ScrapeAppend, histograms: TargetHistograms): Promise<void> {
    const body = histograms.body(scrape);
    if (body !== null) await this.#write(scrape, body, 2);
    histograms.settle();
  }

  /** Stores what has no place in the body's text. */
  async #write(scrape: ScrapeAppend, body: Uint8Array, version: 1 | 2): Promise<void> {
    const limits = this.#limits;
    const bounds = { minTimestampMs: Number.MIN_SAFE_INTEGER, maxTimestampMs: scrape.timeMaxMs };
    const counters = await this.#intake.commit(DEFAULT_TENANT, (kernel) => {
      const all = { ...limits.of(DEFAULT_TENANT), ...bounds };
      const code = version === 1 ? kernel.remoteWrite1(body, all) : kernel.remoteWrite2(body, all);
      if (code !== INTAKE_CODES.ok)
        throw new TidemarkError('bad_series', `cannot store histograms or zeros: intake code ${code}`);
      limits.take(DEFAULT_TENANT, version === 1 ? kernel.counters.samples : kernel.counters.histograms);
      return kernel.counters;
    });
    limits.record(DEFAULT_TENANT, counters);
  }

  async #append(cache: ScrapeCache, scrape: ScrapeAppend): Promise<void> {
    const limits = this.#limits;
    if (limits.waitMs(DEFAULT_TENANT) > 0) throw new TidemarkError('limited', limits.rateText(DEFAULT_TENANT));
    const counters = await this.#intake.commit(DEFAULT_TENANT, (kernel) => {
      kernel.setLimits(limits.of(DEFAULT_TENANT));
      this.#stager.stage(cache, scrape);
      const code = kernel.finish();
      if (code !== INTAKE_CODES.ok)
        throw new TidemarkError('kernel_memory', `cannot store scrape: intake code ${code}`);
      for (let shard = 0; shard < kernel.shards; shard++) limits.take(DEFAULT_TENANT, kernel.batchSamples(shard));
      return kernel.counters;
    });
    limits.record(DEFAULT_TENANT, counters);
    this.#stager.settle(cache);
  }
}

export class ScrapeRole {
  readonly #manager: ScrapeManager;
  readonly #discovery: JobDiscovery;
  readonly #parts: ScrapeRoleParts;

  constructor(parts: ScrapeRoleParts) {
    this.#parts = parts;
    const { clock, logger, metrics, offsetSeed, files } = parts;
    this.#discovery = new JobDiscovery({ clock, logger, metrics, files });
    this.#manager = new ScrapeManager({
      sink: new IntakeSink(parts),
      clock,
      logger,
      metrics,
      version: VERSION,
      readsStarts: parts.starts.stored || parts.starts.zeros,
      offsetSeed,
      httpClient: (config) => new ConfiguredClient(config, { files, clock }),
      discoverers: (config) => this.#discovery.of(config, config.jobName),
    });
  }

  /** Goes over to the jobs of a configuration. */
  apply(config: Config): Promise<void> {
    return this.#manager.applyConfig(allScrapeConfigs(config));
  }

  async stop(): Promise<void> {
    try {
      await this.#manager.stop();
      await this.#discovery.stop();
    } catch (error) {
      this.#parts.logger.warn('cannot stop scraping cleanly', { error: errorText(error) });
    }
  }

  active(): ActiveTarget[] {
    return this.#manager.activeTargets().map((target) => ({
      ...target,
      discoveredLabels: target.discoveredLabels.toObject(),
      labels: target.labels.toObject(),
      globalUrl: target.scrapeUrl,
    }));
  }

  dropped(): DroppedTarget[] {
    return this.#manager
      .droppedTargets()
      .map(({ scrapePool, discoveredLabels }) => ({ scrapePool, discoveredLabels: discoveredLabels.toObject() }));
  }

  droppedCounts(): Record<string, number> {
    return this.#manager.droppedCounts();
  }

  scrapePools(): string[] {
    return this.#manager.scrapePools();
  }

  pool(name: string): ScrapePoolView | null {
    const config = this.#manager.poolConfig(name);
    if (!config) return null;
    const { relabelConfigs, metricNameValidationScheme: nameScheme } = config;
    return { yaml: () => printScrapeConfig(config), relabelConfigs, nameScheme };
  }

  *metadata(): Generator<TargetMetadata> {
    for (const { target, ...rest } of this.#manager.metadata()) yield { ...rest, target: target.toObject() };
  }
}
