// Two sinks for scrapes that keep what they are given where tests can look: one over the intake kernel, as in production, and
// one in plain TypeScript. Both must make the same of everything.
import { TidemarkError } from '../../src/base/index.ts';
import { type SegmentState, decodeBatch, newSegmentState, segmentLabels } from '../../src/kernel/batch-twin.ts';
import { Labels, STALE_NAN_BITS } from '../../src/model/index.ts';
import {
  type ScrapeAppend,
  type ScrapeCache,
  type ScrapeOutcome,
  type ScrapeSink,
  ScrapeStager,
} from '../../src/scrape/index.ts';
import { type metadataLines, parseExpositionTwin } from '../../src/wire/index.ts';
import { openExpositionKernel } from './exposition-kernel.ts';

/** A sample as tests write it down. */
export type Stored = readonly [timeMs: number, value: number | 'stale'];

export class Store {
  readonly series = new Map<string, Stored[]>();
  /** Appends fail while this is set. */
  full = false;

  add(labels: Labels, timeMs: number, value: number | 'stale'): void {
    const key = labels.toString();
    const samples = this.series.get(key) ?? [];
    // As the head: a mark that comes late, or for a series that was never stored, says nothing.
    if (value === 'stale' && (samples.length === 0 || samples.some(([time]) => time >= timeMs))) return;
    this.series.set(key, samples);
    samples.push([timeMs, value]);
  }

  /** Samples of the one series whose labels match all of `wanted`. */
  of(wanted: Record<string, string>): Stored[] {
    const found = [...this.series].filter(([key]) =>
      Object.entries(wanted).every(([name, value]) => key.includes(`${name}=${JSON.stringify(value)}`)),
    );
    if (found.length > 1) throw new Error(`several series match: ${found.map(([key]) => key).join(' ')}`);
    return found[0]?.[1] ?? [];
  }
}

const logFull = (): TidemarkError => new TidemarkError('log_full', 'cannot append: the log is full');

export interface TestSink extends ScrapeSink {
  readonly store: Store;
  /** The log begins a new segment. */
  rotate(): void;
}

/** The production path, up to the log. */
export async function kernelSink(): Promise<TestSink> {
  const shards = 2;
  const { exports, exposition, caches } = await openExpositionKernel(shards);
  const stager = new ScrapeStager(exposition, caches);
  const store = new Store();
  const segments: SegmentState[] = Array.from({ length: shards }, newSegmentState);
  const labelsById = new Map<string, Labels>();
  const idOf = (low: bigint, high: bigint): string => `${low}:${high}`;
  const take = (shard: number): void => {
    const length = exports.intakeBatchBytes(shard);
    if (length === 0) return;
    const payload = new Uint8Array(exports.memory.buffer, exports.intakeBatch(shard), length).slice();
    const batch = decodeBatch(payload, segments[shard]);
    segments[shard].series.forEach(({ idLow, idHigh }, ref) => {
      labelsById.set(idOf(idLow, idHigh), Labels.from(segmentLabels(segments[shard], ref)));
    });
    batch.refs.forEach((ref, i) => {
      const { idLow, idHigh } = segments[shard].series[ref];
      const bits = new DataView(new ArrayBuffer(8));
      bits.setBigUint64(0, batch.valueBits[i]);
      if (batch.valueBits[i] === STALE_NAN_BITS) throw new Error('a sample is a stale marker');
      store.add(labelsById.get(idOf(idLow, idHigh)) as Labels, batch.timesMs[i], bits.getFloat64(0));
    });
    for (const { idLow, idHigh, timestampMs } of batch.stale) {
      const labels = labelsById.get(idOf(idLow, idHigh));
      if (labels) store.add(labels, timestampMs, 'stale');
    }
  };
  return {
    store,
    openCache: () => stager.openCache(),
    closeCache: (cache) => stager.closeCache(cache),
    rotate() {
      for (let shard = 0; shard < shards; shard++) {
        exports.intakeRotate(shard);
        segments[shard] = newSegmentState();
      }
    },
    async append(cache, scrape) {
      exports.intakeTenant(0);
      exports.intakeBegin(0);
      stager.stage(cache, scrape);
      if (exports.scrapeFinish() < 0) throw new Error('kernel memory');
      if (store.full) {
        exports.intakeUndo();
        throw logFull();
      }
      for (let shard = 0; shard < shards; shard++) take(shard);
      stager.settle(cache);
    },
  };
}

interface Known {
  readonly labels: Labels | null;
  seen: number;
}

class TwinCache implements ScrapeCache {
  readonly texts = new Map<string, Known>();
  /** Live series: key to labels. */
  live = new Map<string, Labels>();
  reports: readonly Labels[] = [];
  scrape = 0;
  metadata = '';
  get entryCount(): number {
    return this.texts.size + this.reports.length;
  }
}

/** The same in plain TypeScript. */
export function twinSink(): TestSink {
  const store = new Store();
  return {
    store,
    rotate() {},
    openCache: () => new TwinCache(),
    closeCache: () => {},
    async append(handle, scrape) {
      const cache = handle as TwinCache;
      const pending: [Labels, number, number | 'stale'][] = [];
      const now = new Map<string, Labels>();
      cache.scrape++;
      let outcome: ScrapeOutcome = {
        scraped: 0,
        postRelabel: 0,
        seriesAdded: 0,
        duplicates: 0,
        outOfBounds: 0,
        refused: 0,
        refusal: '',
        error: undefined,
      };
      const progress = { scraped: 0, postRelabel: 0, seriesAdded: 0 };
      if (scrape.body !== undefined && scrape.body.length > 0) {
        try {
          outcome = twinBody(cache, scrape, scrape.body, pending, now, progress);
        } catch (error) {
          if (!(error instanceof TidemarkError)) throw error;
          pending.length = 0;
          now.clear();
          outcome = { ...outcome, ...progress, error };
        }
      }
      for (const [key, labels] of cache.live) if (!now.has(key)) pending.push([labels, scrape.timeMs, 'stale']);
      const reports = scrape.report(outcome);
      if (reports === 'stale') for (const labels of cache.reports) pending.push([labels, scrape.timeMs, 'stale']);
      else {
        cache.reports = reports.map(({ labels }) => labels);
        for (const { labels, value } of reports) pending.push([labels, scrape.timeMs, value]);
      }
      if (store.full) {
        for (const [key, labels] of now) cache.live.set(key, labels);
        throw logFull();
      }
      for (const sample of pending) store.add(...sample);
      cache.live = now;
      const flush = outcome.error === undefined && scrape.body !== undefined && scrape.body.length > 0;
      if (flush) for (const [text, known] of cache.texts) if (known.seen !== cache.scrape) cache.texts.delete(text);
    },
  };
}

function twinBody(
  cache: TwinCache,
  scrape: ScrapeAppend,
  body: Uint8Array,
  pending: [Labels, number, number | 'stale'][],
  now: Map<string, Labels>,
  progress: { scraped: number; postRelabel: number; seriesAdded: number },
): ScrapeOutcome {
  const document = parseExpositionTwin(body, scrape.format);
  let [duplicates, outOfBounds] = [0, 0];
  for (const row of document.samples) {
    progress.scraped++;
    const bytes = body.subarray(row.start, row.start + row.length);
    const text = String.fromCharCode(...bytes);
    let known = cache.texts.get(text);
    if (!known) {
      known = { labels: scrape.resolve(bytes, row.type), seen: 0 };
      cache.texts.set(text, known);
      if (known.labels !== null && (scrape.sampleLimit === 0 || progress.postRelabel < scrape.sampleLimit))
        progress.seriesAdded++;
    }
    const own = scrape.honorTimestamps ? row.timestampMs : undefined;
    const again = known.seen === cache.scrape && own === undefined;
    known.seen = cache.scrape;
    if (known.labels === null) continue;
    progress.postRelabel++;
    const timeMs = own ?? scrape.timeMs;
    if (again) duplicates++;
    else if (timeMs > scrape.timeMaxMs) outOfBounds++;
    else {
      pending.push([known.labels, timeMs, row.value]);
      if (own === undefined || scrape.trackTimestampsStaleness) now.set(known.labels.key, known.labels);
    }
  }
  const shown = JSON.stringify(
    document.metadata.map((m) => String.fromCharCode(...body.subarray(m.nameStart, m.textEnd))),
  );
  scrape.metadata(shown === cache.metadata ? null : twinMetadata(document, body));
  cache.metadata = shown;
  if (scrape.refusal) throw scrape.refusal;
  if (scrape.sampleLimit > 0 && progress.postRelabel - duplicates > scrape.sampleLimit) {
    throw new TidemarkError('sample_limit', 'sample limit exceeded');
  }
  return {
    ...progress,
    duplicates,
    outOfBounds,
    refused: 0,
    refusal: '',
    error: undefined,
  };
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function twinMetadata(
  document: ReturnType<typeof parseExpositionTwin>,
  body: Uint8Array,
): ReturnType<typeof metadataLines> {
  return document.metadata.map(({ kind, nameStart, nameEnd, textStart, textEnd }) => ({
    kind,
    family: decode(body.subarray(nameStart, nameEnd)),
    text: decode(body.subarray(textStart, textEnd)),
  }));
}
