// Native histograms of scrapes. Text has no place for them, so they go into the store as a body of remote write 2.0 beside the scrape's
// other samples. What a target exposed the last time is remembered, so that series which are gone, or all of them when a scrape
// fails, are marked stale.
import { ByteWriter, TidemarkError, utf8 } from '../base/index.ts';
import { type Labels, STALE_NAN_BITS } from '../model/index.ts';
import type { ScrapeAppend, ScrapeOutcome } from '../scrape/index.ts';
import {
  type ExposedExemplar,
  type ExposedHistogram,
  compressSnappy,
  putBytes,
  putDouble,
  putFixed64,
  putInt,
} from '../wire/index.ts';

// Field numbers.
const [SYMBOLS, SERIES] = [4, 5];
const [REFS, SAMPLES, HISTOGRAMS, EXEMPLARS] = [1, 2, 3, 4];
const [TIMESTAMP, START] = [15, 17];

/** One target's. */
export class TargetHistograms {
  /** By series text; null: relabelling drops it. */
  #known = new Map<string, Labels | null>();
  #next = new Map<string, Labels | null>();

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  /** The outcome of a scrape with its histograms counted. Call once per scrape, before body(). */
  counted(scrape: ScrapeAppend, outcome: ScrapeOutcome): ScrapeOutcome {
    const histograms = outcome.error === undefined ? (scrape.histograms ?? []) : [];
    this.#next = new Map();
    let added = 0;
    let refused = 0;
    for (const { series } of histograms) {
      const key = textKey(series);
      if (!this.#known.has(key)) added++;
      try {
        this.#next.set(key, this.#known.get(key) ?? scrape.resolve(series, 'histogram'));
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error;
        refused++;
      }
    }
    const kept = histograms.filter(({ series }) => this.#next.get(textKey(series))).length;
    return {
      ...outcome,
      scraped: outcome.scraped + histograms.length,
      postRelabel: outcome.postRelabel + kept,
      seriesAdded: outcome.seriesAdded + added,
      refused: outcome.refused + refused,
    };
  }

  /** What is to be stored of the scrape that was counted; null: nothing. */
  body(scrape: ScrapeAppend): Uint8Array | null {
    const out = new SeriesWriter();
    for (const histogram of scrape.histograms ?? []) {
      const labels = this.#next.get(textKey(histogram.series));
      if (labels) out.put(labels, HISTOGRAMS, histogramMessage(histogram, scrape), histogram.exemplars);
    }
    for (const [key, labels] of this.#known) {
      if (labels && !this.#next.has(key)) out.put(labels, SAMPLES, staleMessage(scrape.timeMs));
    }
    const body = out.finish();
    return body === null ? null : compressSnappy(body);
  }

  /** It is stored. */
  settle(): void {
    this.#known = this.#next;
  }
}

const textKey = (series: Uint8Array): string => Buffer.from(series).toString('latin1');

/** A request of remote write 2.0, of series with one sample each. */
class SeriesWriter {
  readonly #numbers = new Map<string, number>([['', 0]]);
  readonly #series = new ByteWriter(1 << 14);

  put(labels: Labels, field: number, message: Uint8Array, exemplars: readonly ExposedExemplar[] = []): void {
    const series = new ByteWriter(512);
    putBytes(series, REFS, this.#refs(labels.pairs));
    putBytes(series, field, message);
    for (const exemplar of exemplars) putBytes(series, EXEMPLARS, this.#exemplar(exemplar));
    putBytes(this.#series, SERIES, series.view());
  }

  #refs(texts: readonly string[]): Uint8Array {
    const refs = new ByteWriter(64);
    for (const text of texts) {
      if (!this.#numbers.has(text)) this.#numbers.set(text, this.#numbers.size);
      refs.varint(this.#numbers.get(text) as number);
    }
    return refs.finish();
  }

  #exemplar({ labels, value, timestampMs = 0 }: ExposedExemplar): Uint8Array {
    const out = new ByteWriter(64);
    putBytes(out, 1, this.#refs(labels));
    putDouble(out, 2, value);
    putInt(out, 3, timestampMs);
    return out.finish();
  }

  /** Null: there are none. */
  finish(): Uint8Array | null {
    if (this.#series.length === 0) return null;
    const out = new ByteWriter(this.#series.length + 4096);
    for (const text of this.#numbers.keys()) putBytes(out, SYMBOLS, utf8(text));
    out.bytes(this.#series.view());
    return out.finish();
  }
}

function histogramMessage(
  { fields, timestampMs, startMs }: ExposedHistogram,
  { honorTimestamps, timeMs }: ScrapeAppend,
): Uint8Array {
  const out = new ByteWriter(fields.length + 16);
  out.bytes(fields);
  putInt(out, TIMESTAMP, honorTimestamps && timestampMs !== null ? timestampMs : timeMs);
  if (startMs !== 0) putInt(out, START, startMs);
  return out.finish();
}

function staleMessage(timeMs: number): Uint8Array {
  const out = new ByteWriter(32);
  putFixed64(out, 1, STALE_NAN_BITS);
  putInt(out, 2, timeMs);
  return out.finish();
}
