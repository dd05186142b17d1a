// Remote write 1.0 for the intake's twin: kernels/intake/remote-write-v1.ts has the layout.
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
  readSample,
  type TwinSample,
  VARINT,
} from './intake-twin-protobuf.ts';

/** A series of a request of either version; [at, end) is its message in the body. */
export interface TwinSeries {
  readonly version: 1 | 2;
  readonly at: number;
  readonly end: number;
  readonly labels: readonly TwinLabel[];
  readonly samples: readonly TwinSample[];
  readonly histograms: readonly TwinHistogram[];
  readonly exemplars: readonly TwinExemplar[];
  /** Not 0: the number of the reason why the labels could not even be read. */
  readonly reason: number;
  readonly metadata?: IntakeMetadata;
}

/** Reads a decoded body. Throws IntakeFailure. */
export function readRequest1(body: Uint8Array): { series: TwinSeries[]; metadata: IntakeMetadata[] } {
  const series: TwinSeries[] = [];
  const metadata: IntakeMetadata[] = [];
  for (const field of fields(body, 0, body.length)) {
    if (field.number !== 1 && field.number !== 3) continue;
    expectType(field, BYTES);
    if (field.number === 1) series.push(readSeries(body, field));
    else metadata.push(readMetadata(body, field));
  }
  return { series, metadata };
}

function readSeries(body: Uint8Array, { at, end }: Field): TwinSeries {
  const labels: TwinLabel[] = [];
  const samples: TwinSample[] = [];
  const histograms: TwinHistogram[] = [];
  const exemplars: TwinExemplar[] = [];
  for (const field of fields(body, at, end)) {
    if (field.number > 4) continue;
    expectType(field, BYTES);
    if (field.number === 1) labels.push(readLabel(body, field));
    else if (field.number === 2) samples.push(readSample(body, field));
    else if (field.number === 3) exemplars.push(readExemplar(body, field));
    else histograms.push(readHistogram(body, field));
  }
  return { version: 1, at, end, labels, samples, histograms, exemplars, reason: 0 };
}

function readExemplar(body: Uint8Array, { at, end }: Field): TwinExemplar {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const labels: TwinLabel[] = [];
  let bits = 0n;
  let timeMs = 0n;
  for (const field of fields(body, at, end)) {
    if (field.number > 3) continue;
    expectType(field, field.number === 1 ? BYTES : field.number === 2 ? FIXED64 : VARINT);
    if (field.number === 1) labels.push(readLabel(body, field));
    else if (field.number === 2) bits = view.getBigUint64(field.at, true);
    else timeMs = BigInt.asIntN(64, field.value);
  }
  return { labels, bits, timeMs };
}

function readLabel(body: Uint8Array, { at, end }: Field): TwinLabel {
  const label: [string, string] = ['', ''];
  for (const field of fields(body, at, end)) {
    if (field.number > 2) continue;
    expectType(field, BYTES);
    label[field.number - 1] = byteText(body.subarray(field.at, field.end));
  }
  return label;
}

function readMetadata(body: Uint8Array, { at, end }: Field): IntakeMetadata {
  let type = 0;
  const texts = new Map<number, Uint8Array>();
  for (const field of fields(body, at, end)) {
    if (![1, 2, 4, 5].includes(field.number)) continue;
    expectType(field, field.number === 1 ? VARINT : BYTES);
    if (field.number === 1) type = Number(BigInt.asUintN(32, field.value));
    else texts.set(field.number, body.slice(field.at, field.end));
  }
  const text = (number: number): Uint8Array => texts.get(number) ?? new Uint8Array(0);
  return { type, name: text(2), help: text(4), unit: text(5) };
}
