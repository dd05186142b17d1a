// The log of one shard in segment files: log/<shard>/<segment>.log. This file reads them: at start, for replay.
import { type Logger, corruptError, errorText, isCorrupt } from '../base/index.ts';
import type { Files, LogPosition } from '../io/index.ts';
import { SEGMENT_HEADER_BYTES, checkSegmentHeader, recordAt } from './log-record.ts';

export const logDirectory = (shard: number): string => `log/${String(shard).padStart(3, '0')}`;
export const segmentPath = (shard: number, segment: number): string =>
  `${logDirectory(shard)}/${String(segment).padStart(8, '0')}.log`;

/** Numbers of the segments there are, ascending. */
export async function listSegments(files: Files, shard: number): Promise<number[]> {
  const names = await files.list(logDirectory(shard));
  return names.flatMap((name) => (/^\d{8}\.log$/.test(name) ? [Number(name.slice(0, 8))] : []));
}

/** A segment that could not be read to its end. */
export interface LogDamage {
  readonly path: string;
  readonly offset: number;
  readonly text: string;
}

export interface ReplayHandler {
  /** A good record. `next` is the position after it. A promise: the next record waits for it. */
  record(payload: Uint8Array, next: LogPosition): Promise<void> | null;
  /** Called between pieces, so that a long replay can show progress and let others run. */
  progress?(doneBytes: number, totalBytes: number): Promise<void> | void;
}

/** A segment without the zeros that were written ahead of its records (log-ahead.ts); the first `from` bytes are records. */
function withoutZeros(bytes: Uint8Array, from: number): Uint8Array {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/** Whether any good record after `from` says that bytes beyond `from` were durable: then `from` is corrupt, not torn. */
function isDurableBeyond(bytes: Uint8Array, from: number): boolean {
  for (let offset = from + 1; offset < bytes.length; offset++) {
    const record = recordAt(bytes, offset);
    if (record && record.synced > from) return true;
  }
  return false;
}

/**
 * Replays the records of one shard's log from `from` on. A torn tail, which only a segment's end can have, is passed over; a
 * record that is corrupt ends its segment, is returned as damage, and replay goes on with the next segment, since each is self-contained.
 */
export async function replayLog(
  files: Files,
  shard: number,
  from: LogPosition,
  handler: ReplayHandler,
  logger: Logger,
): Promise<LogDamage[]> {
  const segments = (await listSegments(files, shard)).filter((segment) => segment >= from.segment);
  const damage: LogDamage[] = [];
  if (from.segment > 0 && segments[0] !== from.segment) {
    const missing = { path: segmentPath(shard, from.segment), offset: from.offset, text: 'the segment is missing' };
    logger.error('log segment that the head image stands in is missing; what came after it in there is lost', missing);
    damage.push(missing);
  }
  let index = 0;
  for (const segment of segments) {
    const path = segmentPath(shard, segment);
    const start = segment === from.segment ? Math.max(from.offset, SEGMENT_HEADER_BYTES) : SEGMENT_HEADER_BYTES;
    try {
      const tornBytes = await replaySegment(files, shard, segment, start, handler);
      if (tornBytes > 0)
        logger.warn('log segment ends in a torn record, which was not acknowledged', { path, tornBytes });
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      const found = { path, offset: start, text: errorText(error) };
      logger.error('log segment is damaged; records after the damage are left out', { ...found });
      damage.push(found);
    }
    index++;
    await handler.progress?.(index, segments.length);
  }
  return damage;
}

/** Returns how many bytes there are behind the last whole record: what a crash, or damage of the very last record, leaves. */
async function replaySegment(
  files: Files,
  shard: number,
  segment: number,
  start: number,
  handler: ReplayHandler,
): Promise<number> {
  const path = segmentPath(shard, segment);
  // After kill -9 the tail may be in the page cache only. What is replayed becomes visible and part of images, so it must not
  // vanish with the power later.
  const file = await files.open(path, 'write');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  const bytes = await files.readFile(path);
  // A crash may leave a segment without a whole header: nothing was acknowledged from it.
  if (bytes.length < SEGMENT_HEADER_BYTES) return bytes.length;
  try {
    checkSegmentHeader(bytes, shard, segment);
  } catch (error) {
    const written = withoutZeros(bytes, 0);
    if (!isDurableBeyond(written, 0)) return written.length;
    throw error;
  }
  let offset = start;
  for (;;) {
    const record = recordAt(bytes, offset);
    if (!record) break;
    const waiting = handler.record(record.payload, { segment, offset: record.end });
    if (waiting) await waiting;
    offset = record.end;
  }
  const rest = withoutZeros(bytes, Math.min(offset, bytes.length));
  if (offset < rest.length && isDurableBeyond(rest, offset)) {
    throw corruptError(`cannot read ${path}: the record at offset ${offset} fails its checksum`);
  }
  return Math.max(0, rest.length - offset);
}

/** Removes the segments before number `segment`. */
export async function removeSegmentsBefore(files: Files, shard: number, segment: number): Promise<void> {
  const old = (await listSegments(files, shard)).filter((number) => number < segment);
  for (const number of old) await files.remove(segmentPath(shard, number));
  if (old.length > 0) await files.syncDirectory(logDirectory(shard));
}
