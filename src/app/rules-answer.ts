// Answers to the queries of rules, on their way from the query worker to the thread that evaluates rules: exact, and with native
// histograms whole, unlike the API's JSON.
//
//   varint series; per series: varint labels, (text name, text value)..., u8 kind, f64 value | block histogram
//
// Texts and blocks have their length in front. Kinds: 0 a float, 1 a histogram (model/histogram-codec.ts).
import type { HandlerAnswer, JsonWriter, Pieces, RuleRequest } from '../api/index.ts';
import { ByteReader, ByteWriter, corruptError } from '../base/index.ts';
import { Labels, histogramFromBytes, histogramToBytes } from '../model/index.ts';
import type { Engine } from '../promql/index.ts';
import { type RuleSample, ruleSamples } from '../rules/index.ts';

const FLOAT = 0;
const HISTOGRAM = 1;
const BODY_PIECE_BYTES = 1 << 18;

/** See the top of the file. */
export function encodeRuleSamples(samples: readonly RuleSample[]): Uint8Array {
  const out = new ByteWriter(1 << 12);
  out.varint(samples.length);
  for (const { labels, value, histogram } of samples) {
    out.varint(labels.size);
    for (const text of labels.pairs) out.text(text);
    out.u8(histogram ? HISTOGRAM : FLOAT);
    if (histogram) out.block(histogramToBytes(histogram));
    else out.f64(value);
  }
  return out.view();
}

/** The inverse. Throws corrupt errors. */
export function decodeRuleSamples(bytes: Uint8Array): RuleSample[] {
  const reader = new ByteReader(bytes);
  const samples: RuleSample[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const pairs: string[] = [];
    for (let texts = reader.varint() * 2; texts > 0; texts--) pairs.push(reader.text());
    samples.push({ labels: Labels.fromSortedPairs(pairs), ...decodeValue(reader) });
  }
  reader.end();
  return samples;
}

function decodeValue(reader: ByteReader): Pick<RuleSample, 'value' | 'histogram'> {
  const kind = reader.u8();
  if (kind === FLOAT) return { value: reader.f64(), histogram: null };
  if (kind !== HISTOGRAM) throw corruptError(`cannot decode sample: unknown kind; got ${kind}`);
  return { value: Number.NaN, histogram: histogramFromBytes(reader.block()) };
}

/** Runs a rule's query. Throws TidemarkError. */
export async function ruleAnswer(engine: Engine, request: RuleRequest, signal: AbortSignal): Promise<HandlerAnswer> {
  const { query, timeMs, tenant, lookbackMs } = request;
  const options = { tenant, signal, ...(lookbackMs === null ? {} : { lookbackMs }) };
  const { data } = await engine.instant(query, timeMs, options);
  const body = encodeRuleSamples(ruleSamples(data));
  return { status: 200, heldBytes: body.length, write: (out) => pieces(out, body) };
}

function* pieces(out: JsonWriter, body: Uint8Array): Pieces {
  for (let at = 0; at < body.length; at += BODY_PIECE_BYTES) {
    out.rawBytes(body.subarray(at, at + BODY_PIECE_BYTES));
    if (out.isFull) yield;
  }
}
