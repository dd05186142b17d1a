// Remote write 2.0 for the intake's twin: kernels/intake/remote-write-v2.ts has the layout.
import type { IntakeMetadata } from './intake-kernel.ts';
import type { TwinExemplar } from './intake-twin-exemplars.ts';
import { byteText, type TwinLabel } from './intake-twin-labels.ts';
import { readHistogram, type TwinHistogram } from './intake-twin-histogram.ts';
import {
  BYTES,
  expectType,
  type Field,
  FIXED64,
  fields,
  IntakeFailure,
  readSample,
  readVarint,
  type TwinSample,
  VARINT,
} from './intake-twin-protobuf.ts';
import type { TwinSeries } from './intake-twin-v1.ts';

const SYMBOLS_MAX = 1 << 21;
const REFS_MAX = 8192;
const BAD_SYMBOL_REF = 11;
const ODD_LABEL_REFS = 12;
const TOO_MANY_LABELS = 5;

/** Reads a decoded body. Throws IntakeFailure. */
export function readRequest2(body: Uint8Array): TwinSeries[] {
  const symbols: Uint8Array[] = [];
  const messages: Field[] = [];
  for (const field of fields(body, 0, body.length)) {
    if (field.number !== 4 && field.number !== 5) continue;
    expectType(field, BYTES);
    if (field.number === 5) messages.push(field);
    else if (symbols.push(body.subarray(field.at, field.end)) > SYMBOLS_MAX) throw new IntakeFailure(-5);
  }
  const texts = symbols.map(byteText);
  return messages.map((message) => readSeries(body, message, symbols, texts));
}

function readSeries(body: Uint8Array, { at, end }: Field, symbols: Uint8Array[], texts: string[]): TwinSeries {
  const refs = new Refs(texts.length);
  const samples: TwinSample[] = [];
  const histograms: TwinHistogram[] = [];
  const exemplars: TwinExemplar[] = [];
  let about: Field | undefined;
  for (const field of fields(body, at, end)) {
    if (field.number > 5) continue;
    if (field.number === 1 && field.type === VARINT) {
      refs.add(field.value);
      continue;
    }
    expectType(field, BYTES);
    if (field.number === 1) refs.addPacked(body, field);
    else if (field.number === 2) samples.push(readSample(body, field, true));
    else if (field.number === 3) histograms.push(readHistogram(body, field, true));
    else if (field.number === 4) exemplars.push(readExemplar(body, field, texts));
    else about = field;
  }
  const reason = refs.reason || (refs.list.length % 2 === 1 ? ODD_LABEL_REFS : 0);
  const pairs = reason === 0 ? refs.list : [];
  const labels: TwinLabel[] = [];
  const { good } = refs;
  for (let i = 0; i + 1 < good.length; i += 2) labels.push([texts[good[i]], texts[good[i + 1]]]);
  const metadata = about && readMetadata(body, about, pairs, symbols, texts);
  return { version: 2, at, end, labels, samples, histograms, exemplars, reason, metadata };
}

function readExemplar(body: Uint8Array, { at, end }: Field, texts: readonly string[]): TwinExemplar {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const refs: bigint[] = [];
  let bits = 0n;
  let timeMs = 0n;
  for (const field of fields(body, at, end)) {
    if (field.number > 3) continue;
    if (field.number === 1 && field.type === VARINT) refs.push(field.value);
    else if (field.number === 1) refs.push(...packedRefs(body, field));
    else {
      expectType(field, field.number === 2 ? FIXED64 : VARINT);
      if (field.number === 2) bits = view.getBigUint64(field.at, true);
      else timeMs = BigInt.asIntN(64, field.value);
    }
  }
  const isWhole = refs.length % 2 === 0 && refs.every((ref) => ref < BigInt(texts.length));
  if (!isWhole) return { labels: null, bits, timeMs };
  const labels: TwinLabel[] = [];
  for (let i = 0; i < refs.length; i += 2) labels.push([texts[Number(refs[i])], texts[Number(refs[i + 1])]]);
  return { labels, bits, timeMs };
}

function packedRefs(body: Uint8Array, field: Field): bigint[] {
  expectType(field, BYTES);
  const refs: bigint[] = [];
  for (let at = field.at; at < field.end; ) {
    const { value, next } = readVarint(body, at, field.end);
    refs.push(value);
    at = next;
  }
  return refs;
}

class Refs {
  readonly list: number[] = [];
  #goodCount = Infinity;
  readonly #symbolCount: number;
  reason = 0;

  constructor(symbolCount: number) {
    this.#symbolCount = symbolCount;
  }
  add(ref: bigint): void {
    if (ref >= BigInt(this.#symbolCount)) {
      this.reason ||= BAD_SYMBOL_REF;
      this.#goodCount = Math.min(this.#goodCount, this.list.length);
    } else if (this.list.length >= REFS_MAX) this.reason ||= TOO_MANY_LABELS;
    else this.list.push(Number(ref));
  }
  /** Those before the first that leads nowhere. */
  get good(): number[] {
    return this.list.slice(0, this.#goodCount);
  }
  addPacked(body: Uint8Array, { at, end }: Field): void {
    for (let next = at; next < end; ) {
      const ref = readVarint(body, next, end);
      this.add(ref.value);
      next = ref.next;
    }
  }
}

/** Metadata of the series' metric; undefined if it says nothing. */
function readMetadata(
  body: Uint8Array,
  { at, end }: Field,
  pairs: readonly number[],
  symbols: readonly Uint8Array[],
  texts: readonly string[],
): IntakeMetadata | undefined {
  const values = [0n, 0n, 0n, 0n, 0n];
  for (const field of fields(body, at, end)) {
    if (![1, 3, 4].includes(field.number)) continue;
    expectType(field, VARINT);
    values[field.number] = field.value;
  }
  const metricName = texts.indexOf('__name__');
  const place = pairs.findIndex((ref, i) => i % 2 === 0 && ref === metricName);
  if (place < 0 || values.every((value) => value === 0n)) return undefined;
  const type = Number(BigInt.asUintN(32, values[1]));
  if (type === 0 && values[3] === 0n && values[4] === 0n) return undefined;
  const text = (ref: bigint): Uint8Array => symbols[ref < BigInt(symbols.length) ? Number(ref) : 0].slice();
  return { type, name: symbols[pairs[place + 1]].slice(), help: text(values[3]), unit: text(values[4]) };
}
