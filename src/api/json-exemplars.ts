// The data of /api/v1/query_exemplars.
import type { Pieces } from './json-result.ts';
import type { JsonWriter } from './json-writer.ts';

/** The exemplars of a series, oldest first. Labels are names and values in turns. */
export interface ExemplarSeries {
  readonly seriesLabels: readonly string[];
  readonly exemplars: readonly {
    readonly labels: readonly string[];
    readonly value: number;
    readonly timestampMs: number;
  }[];
}

/** Writes the list; yields when a piece is full. */
export function* writeExemplars(json: JsonWriter, series: readonly ExemplarSeries[]): Pieces {
  json.raw('[');
  for (const [i, { seriesLabels, exemplars }] of series.entries()) {
    json.raw(i > 0 ? ',{"seriesLabels":' : '{"seriesLabels":');
    json.pairs(seriesLabels);
    json.raw(',"exemplars":[');
    for (const [k, { labels, value, timestampMs }] of exemplars.entries()) {
      json.raw(k > 0 ? ',{"labels":' : '{"labels":');
      json.pairs(labels);
      json.raw(',"value":');
      json.quotedNumber(value);
      json.raw(',"timestamp":');
      json.time(timestampMs);
      json.raw('}');
      if (json.isFull) yield;
    }
    json.raw(']}');
  }
  json.raw(']');
}
