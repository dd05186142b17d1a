// Reading the exemplars of a head: the queue of kernels/head/exemplars.ts, oldest first, by the series they belong to.
import { ByteReader, utf8Text } from '../base/index.ts';
import { exemplarTexts } from '../kernel/index.ts';
import { Labels, type Matcher, matcherTest } from '../model/index.ts';
import type { Head } from './head.ts';
import type { Breathe } from './slices.ts';

// Offsets of kernels/head/exemplars.ts.
const X_SERIES = 4;
const X_LABEL_BYTES = 8;
const X_TIME = 16;
const X_BITS = 24;
const X_LABELS = 32;
const E_TEXT_BYTES = 28;
const E_TEXT = 32;

/** An exemplar, for the API. `labels`: names and values in turns, sorted by name. */
export interface Exemplar {
  readonly labels: readonly string[];
  readonly value: number;
  readonly timestampMs: number;
}

/** The exemplars of a series, oldest first. */
export interface SeriesExemplars {
  readonly seriesLabels: readonly string[];
  readonly exemplars: readonly Exemplar[];
}

/** Which exemplars: those of series that all matchers of one of the sets take, in [startMs, endMs]. */
export interface ExemplarSelection {
  readonly tenant: string;
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly startMs: number;
  readonly endMs: number;
}

/** An exemplar as it lies in the head's memory: valid until something is applied. */
export interface HeadExemplar {
  /** Address of its series' entry. */
  readonly series: number;
  readonly timestampMs: number;
  readonly value: number;
  readonly labelBytes: Uint8Array;
}

/** All exemplars, oldest first. Nothing may be applied meanwhile. */
export function* headExemplars({ memory }: Head): Generator<HeadExemplar> {
  const { words, doubles, bytes } = memory;
  const longs = new BigInt64Array(words.buffer);
  for (let at = memory.oldestExemplar; at !== 0; at = words[at >>> 2]) {
    const from = at + X_LABELS;
    yield {
      series: words[(at + X_SERIES) >>> 2],
      timestampMs: Number(longs[(at + X_TIME) >>> 3]),
      value: doubles[(at + X_BITS) >>> 3],
      labelBytes: bytes.subarray(from, from + words[(at + X_LABEL_BYTES) >>> 2]),
    };
  }
}

/** Time of the oldest; 0 if there is none. */
export function oldestExemplarMs(head: Head): number {
  for (const { timestampMs } of headExemplars(head)) return timestampMs;
  return 0;
}

/** The text of a series' entry: tenant, then labels. */
export const exemplarSeriesText = ({ memory }: Head, series: number): Uint8Array =>
  memory.bytes.subarray(series + E_TEXT, series + E_TEXT + memory.words[(series + E_TEXT_BYTES) >>> 2]);

interface Found {
  readonly text: Uint8Array;
  readonly exemplars: Omit<HeadExemplar, 'series'>[];
}

/** Copies of those in the range, by series: the head may change afterwards. */
function inRange(head: Head, startMs: number, endMs: number): Found[] {
  const bySeries = new Map<number, Found>();
  for (const { series, labelBytes, timestampMs, value } of headExemplars(head)) {
    if (timestampMs < startMs || timestampMs > endMs) continue;
    let found = bySeries.get(series);
    if (!found) bySeries.set(series, (found = { text: exemplarSeriesText(head, series).slice(), exemplars: [] }));
    found.exemplars.push({ labelBytes: labelBytes.slice(), timestampMs, value });
  }
  return [...bySeries.values()];
}

/** The exemplars of a selection, in no order of series. `breathe` is called between series. */
export async function selectExemplars(
  head: Head,
  { tenant, matcherSets, startMs, endMs }: ExemplarSelection,
  breathe: Breathe,
): Promise<SeriesExemplars[]> {
  const sets = matcherSets.map((set) => set.map((matcher) => ({ name: matcher.name, test: matcherTest(matcher) })));
  const selected: SeriesExemplars[] = [];
  for (const { text, exemplars } of inRange(head, startMs, endMs)) {
    const pause = breathe();
    if (pause) await pause;
    const reader = new ByteReader(text);
    if (reader.text() !== tenant) continue;
    const seriesLabels = Array.from({ length: 2 * reader.varint() }, () => reader.text());
    const labels = Labels.fromSortedPairs(seriesLabels);
    if (!sets.some((set) => set.every(({ name, test }) => test(labels.get(name) ?? '')))) continue;
    selected.push({
      seriesLabels,
      exemplars: exemplars.map(({ labelBytes, timestampMs, value }) => ({
        labels: exemplarTexts(labelBytes).map(utf8Text),
        value,
        timestampMs,
      })),
    });
  }
  return selected;
}
