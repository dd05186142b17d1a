// Section 6 of a batch, exemplars, in plain TypeScript (docs/formats/batch.md): for batch-twin.ts.
import { type ByteReader, type TidemarkError, corruptError } from '../base/index.ts';

const TIME_BOUND = 2n ** 53n;
const EXEMPLAR_BYTES_MIN = 16 + 1 + 1 + 8 + 1;
/** Of the ring: 2^31. More is no number of exemplars that fits a memory. */
const RING_MAX = 2 ** 31;
/** Labels of 128 characters, lengths included. */
const LABEL_BYTES_MAX = 1024;

/** An exemplar of the series with the id. */
export interface BatchExemplar {
  readonly idLow: bigint;
  readonly idHigh: bigint;
  readonly timestampMs: number;
  /** The time is its own, not that of the sample it came with. */
  readonly hasTime: boolean;
  readonly valueBits: bigint;
  /** Names and values in turns, sorted by name; each behind its length: a byte below 255, else 255 and three bytes. */
  readonly labelBytes: Uint8Array;
}

/** Reads the section. Throws a corrupt error that names the offset. */
export function decodeExemplars(reader: ByteReader): { exemplarsMax: number; exemplars: BatchExemplar[] } {
  const at = reader.offset;
  const exemplarsMax = reader.varint();
  if (exemplarsMax > RING_MAX) throw corrupt(`a ring of ${exemplarsMax} exemplars`, at);
  const count = reader.varint();
  if (count * EXEMPLAR_BYTES_MIN > reader.remaining) throw corrupt(`a count of ${count} exceeds its section`, at);
  return { exemplarsMax, exemplars: Array.from({ length: count }, () => decodeExemplar(reader)) };
}

function decodeExemplar(reader: ByteReader): BatchExemplar {
  const idLow = reader.u64();
  const idHigh = reader.u64();
  const timestampMs = readTime(reader);
  const at = reader.offset;
  const flag = reader.u8();
  if (flag > 1) throw corrupt(`an exemplar's flags are ${flag}`, at);
  const valueBits = reader.u64();
  const labelBytes = reader.block().slice();
  exemplarTexts(labelBytes, at);
  return { idLow, idHigh, timestampMs, hasTime: flag === 1, valueBits, labelBytes };
}

function readTime(reader: ByteReader): number {
  const at = reader.offset;
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    if (shift > 56n) throw corrupt('a time is longer than nine bytes', at);
    const byte = reader.u8();
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) break;
  }
  const time = value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  if (time >= TIME_BOUND || time <= -TIME_BOUND) throw corrupt(`the time ${time} is out of range`, at);
  return Number(time);
}

/** The texts of an exemplar's label bytes: names and values in turns. */
export function exemplarTexts(bytes: Uint8Array, offset = 0): Uint8Array[] {
  if (bytes.length > LABEL_BYTES_MAX) throw corrupt(`labels of an exemplar have ${bytes.length} bytes`, offset);
  const texts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = bytes[at++];
    if (length === 255 && at + 3 <= bytes.length) {
      length = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
      at += 3;
    } else if (length === 255) throw corrupt('a label of an exemplar is cut off', offset);
    if (at + length > bytes.length) throw corrupt('a label of an exemplar is cut off', offset);
    texts.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (texts.length % 2 === 1) throw corrupt('a label of an exemplar has no value', offset);
  return texts;
}

const corrupt = (fact: string, at: number): TidemarkError =>
  corruptError(`cannot decode batch at offset ${at}: ${fact}`);
