export * from './discovery/index.ts';
export {
  ScrapeManager,
  type ScrapeManagerOptions,
  type ScrapedMetadata,
  type ScrapedTarget,
} from './scrape-manager.ts';
export type { ScrapeFailureLog } from './scrape-loop.ts';
export type { ScrapeAppend, ScrapeCache, ScrapeOutcome, ScrapeReport, ScrapeSink } from './scrape-sink.ts';
export { ScrapeStager } from './scrape-stager.ts';
export { TargetFactory, type TargetHealth, type TargetStatus } from './target.ts';
