// Reading one shard's log while it is being written, for those who pass samples on. The log is the buffer: a follower that is slow
// stays behind, and nothing else notices.
//
// A segment is over for the follower once a later one is there and no whole record is left in it: the log's writer begins a segment
// only after it has written the one before. Files that are found are opened at once, so that a segment which the shard no longer
// needs, and removes, can still be read to its end.
import { type Files, type LogPosition, type OpenFile, hasCode } from '../io/index.ts';
import {
  RECORD_BYTES_MAX,
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  checkSegmentHeader,
  recordAt,
} from './log-record.ts';
import { listSegments, segmentPath } from './log-segments.ts';

/** Read at once; grows for a record that is longer. */
const READ_BYTES = 1 << 20;
/** Segments kept open beyond their removal. The oldest unread ones are given up beyond this. */
const SEGMENTS_MAX = 64;
/** The same where segments are given up with their removal. */
const PRESENT_SEGMENTS_MAX = 4096;

/** A good record. */
export interface FollowedRecord {
  readonly payload: Uint8Array;
  /** Offset after the record. */
  readonly end: number;
  /** It lies before the place where following began: only its definitions count. */
  readonly isOld: boolean;
}

/** Records of one segment that follow each other. Payloads are valid until the next read. */
export interface FollowedPiece {
  readonly segment: number;
  readonly records: readonly FollowedRecord[];
}

/** Follows one shard's log. */
export class LogFollower {
  readonly #files: Files;
  readonly #shard: number;
  /** Where following began. */
  readonly from: LogPosition;
  readonly #keepsRemoved: boolean;
  #open: { readonly segment: number; readonly file: OpenFile; isGone: boolean }[] = [];
  #newest = -1;
  #offset = 0;
  #buffer = new Uint8Array(READ_BYTES);
  #finding: Promise<void> | null = null;
  /** Segments that were given up unread. */
  lostSegments = 0;

  private constructor(files: Files, shard: number, from: LogPosition, keepsRemoved: boolean) {
    this.#keepsRemoved = keepsRemoved;
    this.#files = files;
    this.#shard = shard;
    this.from = from;
  }

  /**
   * Follows from a position on. What its segment defines before it is read too. `keepsRemoved`: segments that are removed meanwhile
   * are still read.
   */
  static async start(files: Files, shard: number, from: LogPosition, keepsRemoved = true): Promise<LogFollower> {
    const follower = new LogFollower(files, shard, from, keepsRemoved);
    await follower.find();
    return follower;
  }

  /** Opens segments that are new. To be called now and then, also while next() is not. */
  find(): Promise<void> {
    this.#finding ??= this.#find().finally(() => (this.#finding = null));
    return this.#finding;
  }

  async #find(): Promise<void> {
    const least = Math.max(this.#newest + 1, this.from.segment);
    const all = await listSegments(this.#files, this.#shard);
    if (!this.#keepsRemoved) this.#giveUpAllBut(new Set(all));
    for (const segment of all.filter((one) => one >= least)) {
      try {
        this.#open.push({
          segment,
          file: await this.#files.open(segmentPath(this.#shard, segment), 'read'),
          isGone: false,
        });
        this.#newest = segment;
      } catch (error) {
        if (!hasCode(error, 'not_found')) throw error;
        this.lostSegments++; // removed between the two looks
      }
    }
    while (this.#open.length > (this.#keepsRemoved ? SEGMENTS_MAX : PRESENT_SEGMENTS_MAX)) {
      const [gone] = this.#open.splice(1, 1);
      this.lostSegments++;
      await gone.file.close();
    }
  }

  /** Those that are removed are not read any more; next() closes them. */
  #giveUpAllBut(present: ReadonlySet<number>): void {
    for (const one of this.#open) {
      if (one.isGone || present.has(one.segment)) continue;
      one.isGone = true;
      this.lostSegments++;
    }
  }

  /** The next records; null: there are none now. */
  async next(): Promise<FollowedPiece | null> {
    for (;;) {
      const [current, later] = this.#open;
      if (!current) return null;
      const records = current.isGone ? [] : await this.#read(current.file, current.segment);
      if (records.length > 0) return { segment: current.segment, records };
      if (!later && !current.isGone) return null;
      this.#open.shift();
      this.#offset = 0;
      await current.file.close();
    }
  }

  async #read(file: OpenFile, segment: number): Promise<FollowedRecord[]> {
    if (this.#offset === 0 && !(await this.#readHeader(file, segment))) return [];
    for (;;) {
      const length = await file.read(this.#buffer, this.#offset);
      const bytes = this.#buffer.subarray(0, length);
      const records = this.#recordsIn(bytes, segment);
      if (records.length > 0) return records;
      const need =
        length >= RECORD_HEADER_BYTES ? new DataView(bytes.buffer).getUint32(0, true) + RECORD_HEADER_BYTES : 0;
      if (need <= this.#buffer.length || need > RECORD_BYTES_MAX) return [];
      this.#buffer = new Uint8Array(need);
    }
  }

  async #readHeader(file: OpenFile, segment: number): Promise<boolean> {
    const header = new Uint8Array(SEGMENT_HEADER_BYTES);
    if ((await file.read(header, 0)) < SEGMENT_HEADER_BYTES) return false;
    checkSegmentHeader(header, this.#shard, segment);
    this.#offset = SEGMENT_HEADER_BYTES;
    return true;
  }

  #recordsIn(bytes: Uint8Array, segment: number): FollowedRecord[] {
    const records: FollowedRecord[] = [];
    const start = this.#offset;
    for (let record = recordAt(bytes, 0); record; record = recordAt(bytes, record.end)) {
      const end = start + record.end;
      const isOld = segment === this.from.segment && end <= this.from.offset;
      records.push({ payload: record.payload, end, isOld });
      this.#offset = end;
    }
    return records;
  }

  async close(): Promise<void> {
    await this.#finding;
    const files = this.#open;
    this.#open = [];
    for (const { file } of files) await file.close();
  }
}
