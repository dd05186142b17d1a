// The writer of one shard's log: group commit. Records that arrive while a sync is under way are written together by the next one.
//
//   append ─► pending buffer ─► write ─► sync ─► hand on to the shard ─► append's promise resolves
//
// A failed write or sync is never repeated on the same file: its records are refused, the segment is given up at the last synced
// byte, and the next record begins a new one (with a fresh dictionary: `onRotate`).
import { DISK_BOUNDS_SECONDS, Histogram, type Logger, TidemarkError, errorText } from '../base/index.ts';
import type { Clock, DurableGroup, Files, LogPosition, LogStream, OpenFile } from '../io/index.ts';
import { LogAhead } from './log-ahead.ts';
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, encodeSegmentHeader, putRecord } from './log-record.ts';
import { listSegments, logDirectory, segmentPath } from './log-segments.ts';

export interface LogOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly shard: number;
  /** Receives what became durable, in order, before the appends resolve. */
  readonly onDurable: (group: DurableGroup) => void;
  /** The segment was given up after a failure: definitions made for it are void. */
  readonly onFailure: () => void;
  readonly logger: Logger;
  /** Segments up to this one are taken even if their files are gone: the head's image stands there. */
  readonly afterSegment?: number;
  /** Zeros are written ahead of the records (log-ahead.ts). Default: yes. */
  readonly hasAhead?: boolean;
}

/** The segment that is written. */
interface Open {
  readonly file: OpenFile;
  readonly segment: number;
  synced: number;
  readonly ahead: LogAhead | null;
}

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

/** Records that go to disk together. */
interface Group {
  readonly segment: number;
  buffer: SharedArrayBuffer;
  bytes: Uint8Array;
  length: number;
  readonly waiting: Waiting[];
}

/** Large enough that the allocator gives it back to the system; pages that nothing was written to are no memory. */
const GROUP_BYTES_FIRST = 1024 * 1024;
/** Recycled buffers kept; bigger ones than GROUP_BYTES_KEPT are left to the collector. */
const POOL_MAX = 8;
const GROUP_BYTES_KEPT = 4 * 1024 * 1024;

/** The log of one shard, open for appending. Appends of one turn are written and synced together. */
export class SegmentLog implements LogStream {
  readonly #options: LogOptions;
  readonly #pool: SharedArrayBuffer[] = [];
  /** The oldest that is there. */
  #firstSegment: number;
  #segment: number;
  #segmentBytes = SEGMENT_HEADER_BYTES;
  #groups: Group[] = [];
  #file: Open | null = null;
  #flushing: Promise<void> | null = null;
  #closed = false;
  /** Groups and bytes synced so far, and the time that took: for metrics. */
  syncCount = 0;
  bytesSynced = 0;
  readonly syncSeconds = new Histogram(DISK_BOUNDS_SECONDS);
  failureCount = 0;

  private constructor(options: LogOptions, firstSegment: number | null, segment: number) {
    this.#firstSegment = firstSegment ?? segment;
    this.#options = options;
    this.#segment = segment;
  }

  /** Opens the log for writing: after all segments that are there. */
  static async open(options: LogOptions): Promise<SegmentLog> {
    const { files, shard } = options;
    await files.makeDirectory(logDirectory(shard));
    // Each directory above a segment must be durable before the segment counts as durable.
    await files.syncDirectory('log');
    await files.syncDirectory('');
    const segments = await listSegments(files, shard);
    const firstSegment = segments[0] ?? null;
    return new SegmentLog(options, firstSegment, Math.max(segments.at(-1) ?? 0, options.afterSegment ?? 0) + 1);
  }

  get segmentBytes(): number {
    return this.#segmentBytes;
  }

  /** Where the next record goes. */
  get end(): LogPosition {
    return { segment: this.#segment, offset: this.#segmentBytes };
  }

  /** Segments from the oldest to the one that is written. */
  get segmentCount(): number {
    return this.#segment - this.#firstSegment + 1;
  }

  /** Bytes that wait to become durable. */
  get pendingBytes(): number {
    return this.#groups.reduce((sum, group) => sum + group.length, 0);
  }

  rotate(): void {
    if (this.#segmentBytes === SEGMENT_HEADER_BYTES) return;
    this.#segment++;
    this.#segmentBytes = SEGMENT_HEADER_BYTES;
  }

  append(payload: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(new TidemarkError('log_closed', 'cannot append to log: it is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const group = this.#groupFor(RECORD_HEADER_BYTES + payload.length);
    const synced = this.#file?.segment === group.segment ? this.#file.synced : 0;
    group.length = putRecord(group.bytes, group.length, payload, synced);
    group.waiting.push({ resolve, reject });
    this.#segmentBytes += RECORD_HEADER_BYTES + payload.length;
    this.#flushing ??= this.#flush();
    return promise;
  }

  recycle(buffer: SharedArrayBuffer): void {
    if (this.#pool.length < POOL_MAX && buffer.byteLength <= GROUP_BYTES_KEPT) this.#pool.push(buffer);
  }

  async truncate(before: LogPosition): Promise<void> {
    const { files, shard } = this.#options;
    for (const segment of await listSegments(files, shard)) {
      if (segment < before.segment && segment < this.#segment) await files.remove(segmentPath(shard, segment));
    }
    this.#firstSegment = Math.max(this.#firstSegment, Math.min(before.segment, this.#segment));
    await files.syncDirectory(logDirectory(shard));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#flushing;
    await this.#closeFile();
  }

  /** Closes the segment, without the zeros behind its records. */
  async #closeFile(): Promise<void> {
    const open = this.#file;
    this.#file = null;
    if (!open) return;
    try {
      if (open.ahead) {
        await open.ahead.stop();
        await open.file.truncate(open.synced);
      }
    } finally {
      await open.file.close();
    }
  }

  /** The group that records are gathered in, with room for `more` bytes. */
  #groupFor(more: number): Group {
    let group = this.#groups.at(-1);
    if (!group || group.segment !== this.#segment) {
      const buffer = this.#pool.pop() ?? new SharedArrayBuffer(GROUP_BYTES_FIRST);
      group = { segment: this.#segment, buffer, bytes: new Uint8Array(buffer), length: 0, waiting: [] };
      this.#groups.push(group);
    }
    if (group.length + more > group.bytes.length) {
      const buffer = new SharedArrayBuffer(Math.max(group.bytes.length * 2, group.length + more));
      const bigger = new Uint8Array(buffer);
      bigger.set(group.bytes.subarray(0, group.length));
      this.recycle(group.buffer);
      group.buffer = buffer;
      group.bytes = bigger;
    }
    return group;
  }

  async #flush(): Promise<void> {
    for (;;) {
      // Requests whose bytes are already here come first: they join the group, and share its sync.
      await this.#options.clock.yield();
      const group = this.#groups.shift();
      if (!group) break;
      try {
        await this.#commit(group);
        for (const { resolve } of group.waiting) resolve();
      } catch (error) {
        this.#fail(group, error);
      }
    }
    this.#flushing = null;
  }

  async #commit(group: Group): Promise<void> {
    const open = await this.#fileFor(group.segment);
    const offset = open.synced;
    await open.ahead?.reach(offset + group.length);
    const startedMs = this.#options.clock.monotonicMs();
    await open.file.write(group.bytes.subarray(0, group.length), offset);
    await open.file.sync();
    this.syncSeconds.observe((this.#options.clock.monotonicMs() - startedMs) / 1000);
    this.syncCount++;
    this.bytesSynced += group.length;
    open.synced = offset + group.length;
    open.ahead?.follow(open.synced);
    this.#options.onDurable({
      buffer: group.buffer,
      length: group.length,
      position: { segment: group.segment, offset },
      next: { segment: group.segment, offset: open.synced },
    });
  }

  async #fileFor(segment: number): Promise<Open> {
    if (this.#file?.segment === segment) return this.#file;
    const { files, shard } = this.#options;
    await this.#closeFile();
    const path = segmentPath(shard, segment);
    const file = await files.open(path, 'write');
    try {
      await file.truncate(0);
      await file.write(encodeSegmentHeader(shard, segment), 0);
      await file.sync();
      await files.syncDirectory(logDirectory(shard));
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#file = { file, segment, synced: SEGMENT_HEADER_BYTES, ahead: this.#aheadOf(path) };
    return this.#file;
  }

  #aheadOf(path: string): LogAhead | null {
    const { files, logger, hasAhead = true } = this.#options;
    if (!hasAhead) return null;
    return new LogAhead(files, path, SEGMENT_HEADER_BYTES, (error) =>
      logger.warn('cannot write ahead in log segment; syncs take longer', { path, error: errorText(error) }),
    );
  }

  /** Refuses the group and all that waits behind it, and gives the segment up. */
  #fail(group: Group, error: unknown): void {
    this.failureCount++;
    this.#options.logger.error('cannot write log', { shard: this.#options.shard, error: errorText(error) });
    const refused = [group, ...this.#groups];
    this.#groups = [];
    for (const { waiting } of refused) for (const { reject } of waiting) reject(error);
    void this.#giveUp();
    this.#segment++;
    this.#segmentBytes = SEGMENT_HEADER_BYTES;
    this.#options.onFailure();
  }

  /** Cuts what was refused off the segment, so that a later replay does not find it, and closes it. */
  async #giveUp(): Promise<void> {
    const open = this.#file;
    this.#file = null;
    if (!open) return;
    try {
      await open.ahead?.stop();
      await open.file.truncate(open.synced);
      await open.file.sync();
    } catch (error) {
      this.#options.logger.warn('cannot cut refused records off the log', { error: errorText(error) });
    } finally {
      await open.file
        .close()
        .catch((error: unknown) => this.#options.logger.warn('cannot close log segment', { error: errorText(error) }));
    }
  }
}
