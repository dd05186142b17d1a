// An answer on its way out: written, compressed and handed on piece by piece, so that of a long one only a piece exists at a time.
import type { PointsKernel } from '../kernel/index.ts';
import { type Coding, isCompressible, StreamCoder } from './compress.ts';
import { JsonWriter } from './json-writer.ts';
import type { HandlerAnswer } from './query-handler.ts';

/** A part of an encoded body. */
export interface EncodedPiece {
  /** Valid until the sender has taken it. */
  readonly bytes: Uint8Array;
  /** Of the whole body: the same in all its pieces. */
  readonly coding: Coding | null;
  readonly isEnd: boolean;
}

/** A writer that an answer has done with, for the next one: growing to a piece's length again takes as long as a short answer. */
let spare: JsonWriter | null = null;
const SPARE_BYTES_MAX = 1 << 20;

/**
 * Encodes an answer; each piece waits until `send` has taken the one before it. `accepted`: what the client lets the body be
 * compressed with. If `send` rejects, the rest is not written. `pointsKernel`: what writes samples.
 */
export async function encodeAnswer(
  answer: HandlerAnswer,
  accepted: Coding | null,
  send: (piece: EncodedPiece) => Promise<void>,
  pointsKernel: PointsKernel | null = null,
): Promise<void> {
  const json = spare?.pointsKernel === pointsKernel ? spare : new JsonWriter(undefined, pointsKernel);
  spare = null;
  const pieces = answer.write(json);
  let coder: StreamCoder | null = null;
  for (let n = 0, isEnd = false; !isEnd; n++) {
    isEnd = pieces.next().done === true;
    const bytes = json.take();
    if (n === 0 && accepted && isCompressible(bytes)) coder = new StreamCoder(accepted);
    await send({ bytes: coder ? coder.encode(bytes, isEnd) : bytes, coding: coder?.coding ?? null, isEnd });
  }
  // Not after a failure: nobody knows who still reads it.
  if (json.capacityBytes <= SPARE_BYTES_MAX) spare = json;
}
