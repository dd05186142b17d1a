// Created timestamps as zeros (feature created-timestamp-zero-ingestion): where a target says when a counter began, a sample of 0 at that
// time is stored, so that the first increase is seen. Once for each beginning: what was stored for a series is remembered as long as
// its target exposes it.
import { TidemarkError } from '../base/index.ts';
import type { Labels } from '../model/index.ts';
import type { ScrapeAppend } from '../scrape/index.ts';
import { compressSnappy, encodeRemoteWriteV1, startedLines } from '../wire/index.ts';

interface Known {
  /** Null: relabelling drops the series, or it was refused. */
  readonly labels: Labels | null;
  readonly startMs: number;
}

/** One target's. */
export class TargetZeros {
  /** By series text. */
  #known = new Map<string, Known>();
  #next = new Map<string, Known>();

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  /** What is to be stored with a scrape that was taken, as a body of remote write; null: nothing. */
  body(scrape: ScrapeAppend): Uint8Array | null {
    const { body, starts, timeMs } = scrape;
    this.#next = new Map();
    if (body === undefined || !starts) return null;
    const zeros = [];
    for (const { series, type, startMs } of startedLines(body, starts)) {
      const known = this.#known.get(series);
      const labels = known ? known.labels : labelsOf(() => scrape.resolve(Buffer.from(series), type));
      this.#next.set(series, { labels, startMs });
      if (labels === null || known?.startMs === startMs || startMs >= timeMs) continue;
      zeros.push({ labels: [...labels], samples: [{ timestampMs: startMs, value: 0 }] });
    }
    return zeros.length === 0 ? null : compressSnappy(encodeRemoteWriteV1(zeros));
  }

  /** It is stored. */
  settle(): void {
    this.#known = this.#next;
  }
}

/** What the scrape refused has no zero either. */
function labelsOf(resolve: () => Labels | null): Labels | null {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return null;
  }
}
