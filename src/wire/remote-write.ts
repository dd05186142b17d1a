// What the encoders of remote write have in common: series as plain data, and protobuf fields. For sending and for
// tests; bodies that come in are taken apart by the intake kernel without any of this.
import { type ByteWriter, utf8 } from '../base/index.ts';
import { STALE_NAN_BITS } from '../model/index.ts';
import type { ExposedExemplar } from './prometheus-exemplars.ts';
import type { WireHistogram } from './remote-write-histogram.ts';

/** A sample to be sent. */
export interface WireSample {
  /** A safe integer. */
  readonly timestampMs: number;
  readonly value: number;
  /** The value is the stale marker, whatever `value` says. */
  readonly stale?: boolean;
  /** When the counter began; absent or 0: not known. Only version 2.0 has it. */
  readonly startMs?: number;
}

/** A series to be sent. Labels are written in the order given: sort them by name, leave out empty values. */
export interface WireSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly WireSample[];
  readonly histograms?: readonly WireHistogram[];
  readonly exemplars?: readonly WireExemplar[];
}

/** An exemplar to be sent. */
export type WireExemplar = ExposedExemplar;

/** What is known of a metric. Types are numbers of the protobuf enum, which 1.0 and 2.0 share. */
export interface WireMetadata {
  readonly name: string;
  readonly type: number;
  readonly help: string;
  readonly unit: string;
}

/** Numbers of prometheus.MetricMetadata.MetricType. */
export const METRIC_TYPE_NUMBERS: Readonly<Record<string, number>> = {
  unknown: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  gaugehistogram: 4,
  summary: 5,
  info: 6,
  stateset: 7,
};

/** A field of bytes; `tag` is the field's number * 8 + 2. */
export function writeBytes(out: ByteWriter, tag: number, bytes: Uint8Array): void {
  out.u8(tag);
  out.block(bytes);
}

/** A field of text, left out if empty, as proto3 does. */
export function writeText(out: ByteWriter, tag: number, text: string): void {
  if (text !== '') writeBytes(out, tag, utf8(text));
}

/** An int64: negative numbers take ten bytes. */
export function writeInt64(out: ByteWriter, value: number): void {
  if (value >= 0) return out.varint(value);
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left > 127n; left >>= 7n) out.u8(Number(left & 127n) | 128);
  out.u8(Number(left));
}

/** The fields of a Sample: value = 1, timestamp = 2, zeros left out; of version 2.0 start_timestamp = 3, too. */
export function writeSample(
  out: ByteWriter,
  { timestampMs, value, stale, startMs = 0 }: WireSample,
  version = 1,
): void {
  if (stale || !Object.is(value, 0)) {
    out.u8(0x09);
    if (stale) out.u64(STALE_NAN_BITS);
    else out.f64(value);
  }
  if (timestampMs !== 0) {
    out.u8(0x10);
    writeInt64(out, timestampMs);
  }
  if (version === 2 && startMs !== 0) {
    out.u8(0x18);
    writeInt64(out, startMs);
  }
}
