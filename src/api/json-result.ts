// Query results and listings to the bytes of the API's envelope. Runs in the query worker. What may be long is written by
// generators, which stop whenever a piece of JSON is full, so that it can be sent before the next is written.
import type { JsonWriter } from './json-writer.ts';

/** A label set: name and value in turns, sorted. model's Labels is one. */
export interface LabelPairs {
  readonly pairs: readonly string[];
}

/** A native histogram as the API shows it. Rule of a bucket: 0 open left, 1 open right, 2 both open, 3 both closed. */
export interface HistogramResult {
  readonly count: number;
  readonly sum: number;
  /** Only buckets with a count. */
  readonly buckets: Iterable<readonly [rule: number, lower: number, upper: number, count: number]>;
}

/**
 * Samples of one series in time order. Point i is a float vs[i], or the histogram in histograms[i] where that is set.
 * Only the first `length` entries count.
 */
export interface SeriesResult {
  readonly labels: LabelPairs;
  readonly length: number;
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  readonly histograms?: readonly (HistogramResult | null | undefined)[] | null;
}

/** One series of an instant vector: the float vs[0] where present[0] is 1, histograms[0] where it is 2, nothing where 0. */
export interface VectorSeriesResult {
  readonly labels: LabelPairs;
  readonly vs: Float64Array;
  readonly present: Uint8Array;
  readonly histograms?: readonly (HistogramResult | null | undefined)[] | null;
}

/** What a query came to. */
export type ResultValue =
  | { readonly type: 'scalar'; readonly timeMs: number; readonly value: number }
  | { readonly type: 'string'; readonly timeMs: number; readonly value: string }
  | { readonly type: 'vector'; readonly timeMs: number; readonly series: readonly VectorSeriesResult[] }
  | { readonly type: 'matrix'; readonly series: readonly SeriesResult[] };

function writeHistogram(json: JsonWriter, histogram: HistogramResult): void {
  json.raw('{"count":');
  json.quotedNumber(histogram.count);
  json.raw(',"sum":');
  json.quotedNumber(histogram.sum);
  let separator = ',"buckets":[';
  for (const [rule, lower, upper, count] of histogram.buckets) {
    json.raw(`${separator}[${rule},`);
    json.quotedNumber(lower);
    json.raw(',');
    json.quotedNumber(upper);
    json.raw(',');
    json.quotedNumber(count);
    json.raw(']');
    separator = ',';
  }
  json.raw(separator === ',' ? ']}' : '}');
}

function writeHistogramPoint(json: JsonWriter, timeMs: number, histogram: HistogramResult): void {
  json.raw('[');
  json.time(timeMs);
  json.raw(',');
  writeHistogram(json, histogram);
  json.raw(']');
}

/** Writes JSON; stops where a piece is full. */
export type Pieces = Generator<void, void, void>;

/** Points between two looks at how full the piece is. */
const POINTS_PER_LOOK = 1024;

function* writeVector(json: JsonWriter, timeMs: number, series: readonly VectorSeriesResult[]): Pieces {
  let separator = '[';
  for (const { labels, vs, present, histograms } of series) {
    if (present[0] === 0) continue;
    json.raw(`${separator}{"metric":`);
    json.pairs(labels.pairs);
    const histogram = present[0] === 2 ? histograms?.[0] : null;
    json.raw(histogram ? ',"histogram":' : ',"value":');
    if (histogram) writeHistogramPoint(json, timeMs, histogram);
    else json.point(timeMs, vs[0]);
    json.raw('}');
    separator = ',';
    if (json.isFull) yield;
  }
  json.raw(separator === '[' ? '[]' : ']');
}

/** Floats, without the points that are histograms. */
function* writeFloats(json: JsonWriter, { ts, vs, length, histograms }: SeriesResult): Pieces {
  let separator = ',"values":[';
  let from = 0;
  while (from < length) {
    const end = Math.min(length, from + POINTS_PER_LOOK);
    let to = from;
    if (histograms) while (to < end && !histograms[to]) to++;
    else to = end;
    if (to > from) {
      json.raw(separator);
      json.points(ts, vs, from, to);
      separator = ',';
      if (json.isFull) yield;
    }
    from = to < end ? to + 1 : end;
  }
  if (separator === ',') json.raw(']');
}

function* writeHistograms(json: JsonWriter, { ts, length, histograms }: SeriesResult): Pieces {
  let separator = ',"histograms":[';
  for (let i = 0; i < length; i++) {
    const histogram = histograms?.[i];
    if (!histogram) continue;
    json.raw(separator);
    writeHistogramPoint(json, ts[i], histogram);
    separator = ',';
    if (json.isFull) yield;
  }
  if (separator === ',') json.raw(']');
}

function* writeMatrix(json: JsonWriter, all: readonly SeriesResult[]): Pieces {
  let separator = '[';
  for (const series of all) {
    if (series.length === 0) continue;
    json.raw(`${separator}{"metric":`);
    json.pairs(series.labels.pairs);
    yield* writeFloats(json, series);
    if (series.histograms) yield* writeHistograms(json, series);
    json.raw('}');
    separator = ',';
  }
  json.raw(separator === '[' ? '[]' : ']');
}

/** Writes `"resultType":...,"result":...`. */
export function* writeResult(json: JsonWriter, result: ResultValue): Pieces {
  json.raw(`"resultType":"${result.type}","result":`);
  switch (result.type) {
    case 'scalar':
      return json.point(result.timeMs, result.value);
    case 'string':
      json.raw('[');
      json.time(result.timeMs);
      json.raw(',');
      json.string(result.value);
      return json.raw(']');
    case 'vector':
      return yield* writeVector(json, result.timeMs, result.series);
    case 'matrix':
      return yield* writeMatrix(json, result.series);
  }
}
