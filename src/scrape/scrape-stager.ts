// A scrape through the kernel: parse, look up, resolve what is new, append to the batches of the request that is open in the
// intake. All of it in one turn. The caller begins the intake's request before and finishes it after:
//
//   begin request ─► stage(cache, scrape) ─► finish request ─► log.append per shard ─► settle(cache)   (or roll back)
//
// A cache serves one tenant, the one of the requests that it is staged in.
import { TidemarkError } from '../base/index.ts';
import {
  type ExpositionKernel,
  INTAKE_REASONS,
  type IntakeReason,
  SCRAPE_OPTIONS,
  type ScrapeCacheKernel,
} from '../kernel/index.ts';
import type { Labels } from '../model/index.ts';
import { METRIC_TYPES, metadataLines, parseExposition } from '../wire/index.ts';
import type { ScrapeAppend, ScrapeCache, ScrapeOutcome } from './scrape-sink.ts';

const EMPTY: ScrapeOutcome = {
  scraped: 0,
  postRelabel: 0,
  seriesAdded: 0,
  duplicates: 0,
  outOfBounds: 0,
  refused: 0,
  refusal: '',
  error: undefined,
};
/** Reasons that drop a series, not the scrape: limits of the tenant. What no series can have fails it, as in Prometheus. */
const LIMIT_REASONS: ReadonlySet<IntakeReason> = new Set([
  'too_many_labels',
  'label_name_too_long',
  'label_value_too_long',
  'labels_too_long',
  'series_limit',
]);
/** What a message shows of labels. */
const REFUSAL_LENGTH_MAX = 300;
// Times are whole milliseconds within 2^53.
const TIME_MIN_MS = Number.MIN_SAFE_INTEGER;

class StagedCache implements ScrapeCache {
  readonly address: number;
  readonly #kernel: ScrapeCacheKernel;
  /** How many of the scrape's own series there are. */
  reports = 0;
  metaHash: bigint | undefined;
  /** The last staged scrape had a body that was taken. */
  flush = false;
  /** How far the last body was read, and how many series new to the target it had up to there. */
  readCount = 0;
  addedCount = 0;

  constructor(kernel: ScrapeCacheKernel) {
    this.#kernel = kernel;
    this.address = kernel.open();
  }

  get entryCount(): number {
    return this.#kernel.entryCount(this.address);
  }
}

/** Stages scrapes into the request that is open in an intake kernel. */
export class ScrapeStager {
  readonly #exposition: ExpositionKernel;
  readonly #caches: ScrapeCacheKernel;

  /** Both on one instance of the intake module. */
  constructor(exposition: ExpositionKernel, caches: ScrapeCacheKernel) {
    this.#exposition = exposition;
    this.#caches = caches;
  }

  openCache(): ScrapeCache {
    return new StagedCache(this.#caches);
  }

  closeCache(cache: ScrapeCache): void {
    this.#caches.close((cache as StagedCache).address);
  }

  /** Stages a scrape into the open request. Throws only when the kernel's memory is full. */
  stage(cache: ScrapeCache, scrape: ScrapeAppend): void {
    const staged = cache as StagedCache;
    const { address } = staged;
    let outcome = EMPTY;
    this.#caches.begin(address);
    staged.flush = false;
    staged.readCount = staged.addedCount = 0;
    if (scrape.body !== undefined && scrape.body.length > 0) {
      try {
        outcome = this.#body(staged, scrape, scrape.body);
        staged.flush = true;
      } catch (error) {
        if (!(error instanceof TidemarkError) || error.code === 'kernel_memory') throw error;
        outcome = { ...this.#refused(staged), error };
        this.#caches.begin(address); // Nothing of the body counts.
      }
    }
    this.#caches.stale(address, scrape.timeMs);
    this.#report(staged, scrape, outcome);
  }

  /** The staged scrape is durable. */
  settle(cache: ScrapeCache): void {
    const staged = cache as StagedCache;
    this.#caches.settle(staged.address, staged.flush);
  }

  #counts(): ScrapeOutcome {
    const { kept, duplicates, outOfBounds } = this.#caches;
    return { ...EMPTY, scraped: this.#exposition.count, postRelabel: kept, duplicates, outOfBounds };
  }

  // As Prometheus, which reads up to the series that it refuses, and to the end where the samples are too many.
  #refused(staged: StagedCache): ScrapeOutcome {
    const counts = this.#counts();
    const { readCount, addedCount } = staged;
    if (readCount === 0) return counts; // Malformed: it was not looked at in detail.
    return {
      ...counts,
      scraped: readCount,
      postRelabel: Math.min(counts.postRelabel, readCount),
      seriesAdded: addedCount,
    };
  }

  #body(staged: StagedCache, scrape: ScrapeAppend, body: Uint8Array): ScrapeOutcome {
    const caches = this.#caches;
    const { address } = staged;
    const options =
      (scrape.honorTimestamps ? SCRAPE_OPTIONS.honorTimestamps : 0) |
      (scrape.trackTimestampsStaleness ? SCRAPE_OPTIONS.trackTimestampsStaleness : 0);
    parseExposition(this.#exposition, body, scrape.format);
    const resolved = new Map<number, Labels>();
    let added = 0;
    let refused = 0;
    let refusal = '';
    const refuse = (labels: Labels | null, reason: number) => {
      if (refused++ === 0) refusal = `${INTAKE_REASONS[reason]}: ${String(labels).slice(0, REFUSAL_LENGTH_MAX)}`;
    };
    for (const row of caches.resolve(address, options)) {
      if (caches.meet(address, row, options)) continue;
      staged.readCount = row + 1;
      staged.addedCount = added;
      const labels = this.#resolve(scrape, body, row);
      const reason = caches.add(address, row, labels, options);
      if (LIMIT_REASONS.has(INTAKE_REASONS[reason])) {
        refuse(labels, reason);
        continue;
      }
      if (labels !== null) {
        resolved.set(row, labels);
        added++;
      }
      if (reason !== 0)
        throw new TidemarkError('bad_series', `cannot take series ${labels}: ${INTAKE_REASONS[reason]}`);
    }
    staged.readCount = this.#exposition.count;
    staged.addedCount = Math.min(added, scrape.sampleLimit);
    this.#metadata(staged, scrape, body);
    this.#checkSampleLimit(scrape);
    if (scrape.starts) caches.starts(scrape.starts);
    for (const row of caches.append(address, scrape.timeMs, TIME_MIN_MS, scrape.timeMaxMs, options)) {
      const labels = resolved.get(row) ?? this.#resolve(scrape, body, row);
      const reason = labels === null ? 0 : caches.define(address, row, labels, scrape.timeMs);
      if (labels === null || reason !== 0) refuse(labels, reason);
    }
    this.#exemplars(address, scrape);
    return { ...this.#counts(), seriesAdded: added, refused, refusal };
  }

  /** Those that the page has, and those that came beside it. */
  #exemplars(address: number, { exemplars, timeMs, timeMaxMs }: ScrapeAppend): void {
    if (this.#exposition.exemplarCount > 0) this.#caches.exemplars(address, timeMs, TIME_MIN_MS, timeMaxMs);
    for (const [row, exemplar] of exemplars ?? [])
      this.#caches.exemplar(address, { row, ...exemplar }, timeMs, TIME_MIN_MS, timeMaxMs);
  }

  #resolve(scrape: ScrapeAppend, body: Uint8Array, row: number): Labels | null {
    const start = this.#exposition.start(row);
    const series = body.subarray(start, start + this.#exposition.length(row));
    return scrape.resolve(series, METRIC_TYPES[this.#exposition.type(row)]);
  }

  #checkSampleLimit({ sampleLimit }: ScrapeAppend): void {
    if (sampleLimit <= 0 || this.#caches.kept - this.#caches.duplicates <= sampleLimit) return;
    throw new TidemarkError('sample_limit', 'sample limit exceeded');
  }

  #metadata(staged: StagedCache, scrape: ScrapeAppend, body: Uint8Array): void {
    const { metaHash } = this.#exposition;
    const lines = metaHash === staged.metaHash ? null : metadataLines(this.#exposition, body, scrape.format);
    staged.metaHash = metaHash;
    scrape.metadata(lines);
  }

  #report(staged: StagedCache, scrape: ScrapeAppend, outcome: ScrapeOutcome): void {
    const reports = scrape.report(outcome);
    const caches = this.#caches;
    if (reports === 'stale') {
      for (let number = 0; number < staged.reports; number++) {
        caches.reportStale(staged.address, number, scrape.timeMs);
      }
      return;
    }
    staged.reports = Math.max(staged.reports, reports.length);
    reports.forEach(({ labels, value }, number) => caches.report(staged.address, number, labels, scrape.timeMs, value));
  }
}
