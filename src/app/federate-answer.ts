// /federate: the newest sample of each series that any selector chooses, not older than the lookback, stale ones left out; sorted
// by metric name. Labels of the configuration are added where a series has none of that name, `instance` in any case.
import type { FederateRequest, HandlerAnswer, JsonWriter, Pieces } from '../api/index.ts';
import { TidemarkError, utf8 } from '../base/index.ts';
import { METRIC_NAME, compareUtf8 } from '../model/index.ts';
import { type LeafClient, parseSelector } from '../promql/index.ts';
import { type FamilySample, encodeFamily, familyKind, textFamilyHead, textSample } from '../wire/index.ts';
import { type BulkSeries, bulkSeries } from './bulk-samples.ts';

/** Of a series and its labels while the answer is sent. */
const SERIES_BYTES = 512;

export interface BulkLimits {
  readonly lookbackMs: number;
  readonly samplesMax: number;
  readonly bytesMax: number;
}

interface Entry {
  readonly name: string;
  readonly sample: FamilySample;
}

function entryOf(series: BulkSeries, external: FederateRequest['externalLabels']): Entry {
  const { labels, from, ts, vs, histograms } = series;
  const own = [...labels].filter(([name]) => name !== METRIC_NAME);
  const added = external.filter(([name]) => !labels.has(name));
  const histogram = histograms.get(from) ?? null;
  const sample = { labels: [...own, ...added], timestampMs: ts[from], value: vs[from], histogram };
  return { name: labels.get(METRIC_NAME), sample };
}

/** The series of all selectors, each once, in order of their names. Without a name there is no way to write one. */
async function entries(
  leaves: readonly LeafClient[],
  request: FederateRequest,
  limits: BulkLimits,
  signal: AbortSignal,
): Promise<Entry[]> {
  const sets = request.matches.map(parseSelector);
  const found = new Map<string, BulkSeries>();
  for (const matchers of sets) {
    const { tenant, timeMs } = request;
    const { lookbackMs, samplesMax, bytesMax } = limits;
    const range = { startMs: timeMs - lookbackMs, endMs: timeMs };
    const selection = { tenant, matchers, ...range, raw: 'newest' as const, samplesMax, bytesMax };
    for (const series of await bulkSeries(leaves, selection, signal)) found.set(series.labels.key, series);
    if (found.size > samplesMax)
      throw new TidemarkError('execution', `federation would give more than ${samplesMax} series`);
  }
  const all = Array.from(found.values(), (series) => entryOf(series, request.externalLabels));
  return all.filter(({ name }) => name !== '').sort((a, b) => compareUtf8(a.name, b.name));
}

function* textPieces(out: JsonWriter, all: readonly Entry[], { escaping }: FederateRequest): Pieces {
  let family = '';
  for (const { name, sample } of all) {
    if (sample.histogram !== null) continue; // the format has no place for it
    const head = name === family ? '' : textFamilyHead(name, escaping);
    family = name;
    out.rawBytes(utf8(head + textSample(name, sample, escaping)));
    if (out.isFull) yield;
  }
}

function* protobufPieces(out: JsonWriter, all: readonly Entry[], { escaping }: FederateRequest): Pieces {
  for (let from = 0, to = 0; from < all.length; from = to) {
    const { name } = all[from];
    const kind = familyKind(all[from].sample);
    while (to < all.length && all[to].name === name && familyKind(all[to].sample) === kind) to++;
    const samples = all.slice(from, to).map(({ sample }) => sample);
    out.rawBytes(encodeFamily(name, samples, escaping));
    if (out.isFull) yield;
  }
}

/** Throws TidemarkError: `bad_data` for a malformed selector, else what leaves throw. */
export async function federateAnswer(
  leaves: readonly LeafClient[],
  request: FederateRequest,
  limits: BulkLimits,
  signal: AbortSignal,
): Promise<HandlerAnswer> {
  const all = await entries(leaves, request, limits, signal);
  const pieces = request.format === 'text' ? textPieces : protobufPieces;
  return { status: 200, heldBytes: all.length * SERIES_BYTES, write: (out) => pieces(out, all, request) };
}
