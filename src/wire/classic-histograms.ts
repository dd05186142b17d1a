// Classic histograms of a text as native ones with custom bounds. Lines of one family and one set of labels, `le` apart, that stand
// together are one histogram:
//
//   # TYPE d histogram
//   d_bucket{a="b",le="1"} 2
//   d_bucket{a="b",le="+Inf"} 3      ─►   d{a="b"} {count: 3, sum: 4.5, (-Inf,1]: 2, (1,+Inf]: 1}
//   d_sum{a="b"} 4.5
//   d_count{a="b"} 3
//
// The rules are those of Prometheus (convert_classic_histograms_to_nhcb): only families whose TYPE line says `histogram`; buckets
// must be cumulative and agree with the count, else there is no histogram. The lines go, unless they are to be kept. A histogram gets
// the exemplars of its lines that have a time, whether they stand in the text or came beside it; lines that stay lose theirs. This runs in
// plain code over rows of the twin parsers: it costs some microseconds per line, and only jobs that ask for it pay.
import { utf8 } from '../base/index.ts';
import { CUSTOM_SCHEMA, METRIC_NAME, type NativeHistogram, newHistogram } from '../model/index.ts';
import { parseExpositionTwin } from './exposition.ts';
import { parseExemplarLabels, parseSeriesText } from './exposition-labels.ts';
import {
  type ExpositionDocument,
  type ExpositionFormat,
  type ExpositionMetadata,
  type ExpositionSample,
  NEWLINE,
  decodeText,
  parseFloatText,
} from './exposition-scan.ts';
import { type ExposedHistogram, labelPair, seriesText } from './prometheus-client.ts';
import { type ExposedExemplar, sortExemplars } from './prometheus-exemplars.ts';
import { histogramFields } from './remote-write-histogram.ts';

const LE = 'le';
const SUFFIX = /_(bucket|sum|count)$/;

/** A text taken apart. */
export interface CollatedText {
  /** The text, without the lines of the histograms; if they are kept, without their exemplars. */
  readonly text: Uint8Array;
  readonly histograms: readonly ExposedHistogram[];
  /** Those beside the text of other lines, by the numbers that their samples now have in it. */
  readonly exemplars: ReadonlyMap<number, ExposedExemplar>;
  /** Start times of the text's sample lines, as they are now. */
  readonly starts: Float64Array | null;
}

export interface CollateOptions {
  readonly keepClassic: boolean;
  /** Histograms that came with the text; classic lines of the same series are left alone. */
  readonly native: readonly ExposedHistogram[];
  /** Exemplars that the text does not say, by the number of their sample in it. */
  readonly exemplars: ReadonlyMap<number, ExposedExemplar>;
  /** Start times of the sample lines, in ms, 0 for none; null: there are none. */
  readonly starts: Float64Array | null;
}

/** Takes the classic histograms out of a text. Throws TidemarkError `bad_exposition`. */
export function collateClassicHistograms(
  body: Uint8Array,
  format: ExpositionFormat,
  { keepClassic, native, exemplars, starts }: CollateOptions,
): CollatedText {
  const known = new Set(native.map(({ series }) => keyOf(parseSeriesText(series, 'histogram'))));
  const collation = new Collation(known);
  const cuts: Cut[] = [];
  const left = new Map<number, ExposedExemplar>();
  const leftStarts: number[] = [];
  let row = 0;
  for (const { sample, family } of samplesWithFamily(body, parseExpositionTwin(body, format))) {
    const beside = { exemplar: exemplars.get(row), startMs: starts?.[row] ?? 0 };
    row++;
    const isTaken = collation.take(body, sample, family, beside);
    if (isTaken) cuts.push(keepClassic ? exemplarCut(body, sample) : lineCut(body, sample));
    else if (beside.exemplar) left.set(leftStarts.length, beside.exemplar);
    if (!isTaken || keepClassic) leftStarts.push(beside.startMs);
  }
  return {
    text: without(body, cuts),
    histograms: collation.finish(),
    exemplars: left,
    starts: starts && Float64Array.from(leftStarts),
  };
}

/** Sample rows with the name that the last TYPE line before them gives. */
function* samplesWithFamily(
  body: Uint8Array,
  { samples, metadata }: ExpositionDocument,
): Generator<{ sample: ExpositionSample; family: string }> {
  const types = metadata.filter(({ kind }) => kind === 'type');
  let next = 0;
  let family = '';
  for (const sample of samples) {
    for (; next < types.length && types[next].nameStart < sample.start; next++) family = nameOf(body, types[next]);
    yield { sample, family };
  }
}

const nameOf = (body: Uint8Array, { nameStart, nameEnd }: ExpositionMetadata): string =>
  (decodeText(body.subarray(nameStart, nameEnd)) ?? '').replace(/\\([\\n"])/g, (_, c) => (c === 'n' ? '\n' : c));

/** A series' identity. */
const keyOf = (labels: ReadonlyMap<string, string>): string =>
  JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));

/** What a line does not say itself; its start time is 0 if there is none. */
interface Beside {
  readonly exemplar: ExposedExemplar | undefined;
  readonly startMs: number;
}

/** The histogram that lines are being added to, and those that are done. */
class Collation {
  readonly #native: ReadonlySet<string>;
  readonly #done: ExposedHistogram[] = [];
  #key = '';
  #labels: ReadonlyMap<string, string> = new Map();
  #timestampMs: number | null = null;
  #buckets = new ClassicBuckets();
  #exemplars: ExposedExemplar[] = [];
  #startMs = 0;

  constructor(native: ReadonlySet<string>) {
    this.#native = native;
  }

  /** Whether the line is part of a classic histogram. */
  take(body: Uint8Array, sample: ExpositionSample, family: string, beside: Beside): boolean {
    const { start, length, type, value, timestampMs } = sample;
    if (type !== 'histogram') return false;
    const labels = parseSeriesText(body.subarray(start, start + length), type);
    const name = labels.get(METRIC_NAME) ?? '';
    const suffix = SUFFIX.exec(name);
    if (suffix === null || name.slice(0, suffix.index) !== family) return false;
    const bound = suffix[1] === 'bucket' ? boundOf(labels) : null;
    if (bound === undefined) return false;
    if (bound !== null) labels.delete(LE);
    labels.set(METRIC_NAME, family);
    const key = keyOf(labels);
    if (this.#native.has(key)) return false;
    if (key !== this.#key) this.#begin(key, labels);
    this.#timestampMs = timestampMs ?? null;
    if (bound !== null) this.#buckets.bucket(bound, value);
    else if (suffix[1] === 'sum') this.#buckets.sum = value;
    else this.#buckets.count = value;
    this.#startMs = beside.startMs || this.#startMs;
    const exemplar = beside.exemplar ?? exemplarOf(body, sample);
    if (exemplar?.timestampMs !== undefined) this.#exemplars.push(exemplar);
    return true;
  }

  finish(): readonly ExposedHistogram[] {
    this.#begin('', new Map());
    return this.#done;
  }

  #begin(key: string, labels: ReadonlyMap<string, string>): void {
    const histogram = this.#key === '' ? null : this.#buckets.histogram();
    if (histogram) {
      const others = [...this.#labels].filter(([label]) => label !== METRIC_NAME);
      const pairs = others.map(([label, value]) => labelPair(label, value));
      const series = utf8(seriesText(this.#labels.get(METRIC_NAME) ?? '', pairs));
      this.#done.push({
        series,
        timestampMs: this.#timestampMs,
        startMs: this.#startMs,
        fields: histogramFields(histogram),
        exemplars: sortExemplars(this.#exemplars),
      });
    }
    this.#key = key;
    this.#labels = labels;
    this.#buckets = new ClassicBuckets();
    this.#exemplars = [];
    this.#startMs = 0;
  }
}

/** The exemplar that a line says. */
function exemplarOf(body: Uint8Array, { exemplar }: ExpositionSample): ExposedExemplar | undefined {
  if (exemplar?.timestampMs === undefined) return undefined;
  const { labels, valueStart, value, timestampMs } = exemplar;
  return { labels: parseExemplarLabels(body.subarray(labels, valueStart)), value, timestampMs };
}

/** Undefined: the bucket has no bound that is a number. */
function boundOf(labels: ReadonlyMap<string, string>): number | undefined {
  const bound = parseFloatText(labels.get(LE) ?? '');
  return typeof bound === 'number' && !Number.isNaN(bound) ? bound : undefined;
}

/** Cumulative buckets, in any order. */
class ClassicBuckets {
  readonly #buckets = new Map<number, number>();
  sum = 0;
  count: number | null = null;

  /** Of two counts for one bound the first is taken. */
  bucket(bound: number, count: number): void {
    if (!this.#buckets.has(bound)) this.#buckets.set(bound, count);
  }

  /** Null: the numbers make none. */
  histogram(): NativeHistogram | null {
    const buckets = [...this.#buckets].sort(([a], [b]) => a - b);
    const count = this.count ?? buckets.at(-1)?.[1];
    if (count === undefined || !(count >= 0)) return null;
    if (buckets.at(-1)?.[0] !== Infinity) buckets.push([Infinity, count]);
    const [indexes, counts]: [number[], number[]] = [[], []];
    let before = 0;
    for (const [index, [, total]] of buckets.entries()) {
      if (!(total >= before)) return null;
      if (total > before) {
        indexes.push(index);
        counts.push(total - before);
      }
      before = total;
    }
    if (before !== count) return null;
    return newHistogram({
      schema: CUSTOM_SCHEMA,
      count,
      sum: this.sum,
      customBounds: Float64Array.from(buckets.slice(0, -1), ([bound]) => bound),
      positive: { indexes: Int32Array.from(indexes), counts: Float64Array.from(counts) },
    });
  }
}

/** Bytes of a body from one place up to another. */
type Cut = readonly [from: number, to: number];

const lineEnd = (body: Uint8Array, at: number): number => {
  const end = body.indexOf(NEWLINE, at);
  return end < 0 ? body.length : end;
};

const lineCut = (body: Uint8Array, { start, length }: ExpositionSample): Cut => [
  start,
  Math.min(lineEnd(body, start + length) + 1, body.length),
];

/** From the space before ` # {`. */
const exemplarCut = (body: Uint8Array, { start, exemplar }: ExpositionSample): Cut =>
  exemplar ? [exemplar.labels - 4, lineEnd(body, exemplar.valueStart)] : [start, start];

/** The body without what is cut, in its order. */
function without(body: Uint8Array, cuts: readonly Cut[]): Uint8Array {
  if (cuts.every(([from, to]) => from === to)) return body;
  const out = new Uint8Array(body.length);
  let [length, at] = [0, 0];
  for (const [from, to] of [...cuts, [body.length, body.length] as const]) {
    out.set(body.subarray(at, from), length);
    length += from - at;
    at = to;
  }
  return out.slice(0, length);
}
