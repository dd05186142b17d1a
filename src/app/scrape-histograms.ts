// Native histograms of scrapes. Text has no place for them, so they go into the store as a body of remote write beside the scrape's
// other samples. What a target exposed the last time is remembered, so that series which are gone, or all of them when a scrape
// fails, are marked stale.
import { ByteWriter, TidemarkError } from '../base/index.ts';
import { type Labels, STALE_NAN_BITS } from '../model/index.ts';
import type { ScrapeAppend, ScrapeOutcome } from '../scrape/index.ts';
import {
  type ExposedHistogram,
  compressSnappy,
  exemplarMessage,
  putBytes,
  putFixed64,
  putInt,
  putLabels,
} from '../wire/index.ts';

const EXEMPLARS = 3;
const HISTOGRAMS = 4;
const SAMPLES = 2;
const TIMESTAMP = 15;

/** One target's. */
export class TargetHistograms {
  /** By series text; null: relabelling drops it. */
  #known = new Map<string, Labels | null>();
  #next = new Map<string, Labels | null>();

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  /** Looks the histograms of a scrape up: how many are kept, and why the scrape has to be refused. Before all else of a scrape. */
  resolve(scrape: ScrapeAppend): { readonly kept: number; readonly error: TidemarkError | undefined } {
    this.#next = new Map();
    let kept = 0;
    try {
      for (const { series } of scrape.histograms ?? []) {
        const key = textKey(series);
        const known = this.#known.get(key);
        const labels = known === undefined ? scrape.resolve(series, 'histogram') : known;
        this.#next.set(key, labels);
        if (labels) kept++;
      }
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      return { kept, error };
    }
    return { kept, error: undefined };
  }

  /** The outcome of a scrape with its histograms counted; one that failed leaves none. Once per scrape, before body(). */
  counted(scrape: ScrapeAppend, outcome: ScrapeOutcome): ScrapeOutcome {
    const kept = [...this.#next.values()].filter((labels) => labels !== null).length;
    const counted = {
      ...outcome,
      scraped: outcome.scraped + (scrape.histograms ?? []).length,
      postRelabel: outcome.postRelabel + kept,
    };
    if (outcome.error !== undefined) {
      this.#next = new Map();
      return counted;
    }
    const added = [...this.#next.keys()].filter((key) => !this.#known.has(key)).length;
    return { ...counted, seriesAdded: outcome.seriesAdded + added };
  }

  /** What is to be stored of the scrape that was counted; null: nothing. */
  body(scrape: ScrapeAppend): Uint8Array | null {
    const out = new ByteWriter(1 << 14);
    for (const histogram of scrape.histograms ?? []) {
      const labels = this.#next.get(textKey(histogram.series));
      if (!labels) continue;
      const exemplars = histogram.exemplars.map(exemplarMessage);
      putSeries(out, labels, HISTOGRAMS, histogramMessage(histogram, scrape), exemplars);
    }
    for (const [key, labels] of this.#known) {
      if (labels && !this.#next.has(key)) putSeries(out, labels, SAMPLES, staleMessage(scrape.timeMs));
    }
    return out.length === 0 ? null : compressSnappy(out.view());
  }

  /** It is stored. */
  settle(): void {
    this.#known = this.#next;
  }
}

const textKey = (series: Uint8Array): string => Buffer.from(series).toString('latin1');

function putSeries(
  out: ByteWriter,
  labels: Labels,
  field: number,
  message: Uint8Array,
  exemplars: readonly Uint8Array[] = [],
): void {
  const series = new ByteWriter(512);
  putLabels(series, labels);
  putBytes(series, field, message);
  for (const exemplar of exemplars) putBytes(series, EXEMPLARS, exemplar);
  putBytes(out, 1, series.view());
}

function histogramMessage(
  { fields, timestampMs }: ExposedHistogram,
  { honorTimestamps, timeMs }: ScrapeAppend,
): Uint8Array {
  const out = new ByteWriter(fields.length + 16);
  out.bytes(fields);
  putInt(out, TIMESTAMP, honorTimestamps && timestampMs !== null ? timestampMs : timeMs);
  return out.finish();
}

function staleMessage(timeMs: number): Uint8Array {
  const out = new ByteWriter(32);
  putFixed64(out, 1, STALE_NAN_BITS);
  putInt(out, 2, timeMs);
  return out.finish();
}
