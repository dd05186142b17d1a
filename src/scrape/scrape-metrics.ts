// What the process says of its scraping, under Prometheus' names.
import { type Counter, type Gauge, MetricRegistry } from '../base/index.ts';

export interface ScrapeMetrics {
  readonly sampleLimitExceeded: Counter;
  readonly bodySizeLimitExceeded: Counter;
  readonly duplicateSamples: Counter;
  readonly outOfBoundsSamples: Counter;
  readonly targetLimitExceeded: Counter;
  readonly poolReloads: Counter;
  readonly scrapes: Counter;
  readonly scrapesFailed: Counter;
  /** Of failed scrapes, those with this code of their error. */
  failure(reason: string): Counter;
  /** Scrapes that could not be made durable. */
  readonly appendsFailed: Counter;
  poolTargets(pool: string): Gauge;
  poolSyncFailures(pool: string): Counter;
}

/** Registers the metrics; without a registry they count for nobody. */
export function scrapeMetrics(registry = new MetricRegistry()): ScrapeMetrics {
  const counter = (name: string, help: string): Counter => registry.counter(name, help);
  return {
    sampleLimitExceeded: counter(
      'prometheus_target_scrapes_exceeded_sample_limit_total',
      'Scrapes refused because of sample_limit.',
    ),
    bodySizeLimitExceeded: counter(
      'prometheus_target_scrapes_exceeded_body_size_limit_total',
      'Scrapes refused because of body_size_limit.',
    ),
    duplicateSamples: counter(
      'prometheus_target_scrapes_sample_duplicate_timestamp_total',
      'Samples left out because their series was in the page before.',
    ),
    outOfBoundsSamples: counter(
      'prometheus_target_scrapes_sample_out_of_bounds_total',
      'Samples left out because their timestamp is too far ahead.',
    ),
    targetLimitExceeded: counter(
      'prometheus_target_scrape_pool_exceeded_target_limit_total',
      'How often a pool had more targets than target_limit.',
    ),
    poolReloads: counter('prometheus_target_scrape_pool_reloads_total', 'Pools that took new settings.'),
    scrapes: counter('tidemark_scrapes_total', 'Scrapes.'),
    scrapesFailed: counter('tidemark_scrapes_failed_total', 'Scrapes that failed, for whatever reason.'),
    appendsFailed: counter('tidemark_scrape_appends_failed_total', 'Scrapes that could not be stored.'),
    failure: (reason) =>
      registry.counter('tidemark_scrape_failures_total', 'Scrapes that failed, by reason.', { reason }),
    poolTargets: (pool) =>
      registry.gauge('prometheus_target_scrape_pool_targets', 'Targets of the pool.', {
        scrape_job: pool,
      }),
    poolSyncFailures: (pool) =>
      registry.counter(
        'prometheus_target_sync_failed_total',
        'Targets that could not be made of what was discovered.',
        {
          scrape_job: pool,
        },
      ),
  };
}
