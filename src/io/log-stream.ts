// The log as a port: an ordered, durable sequence of records per shard. One process: segment files (tsdb/). Cluster: a Kafka
// topic, one partition per shard.

/** A place in a shard's log. Positions of one log are ordered by (segment, offset). In Kafka: segment 0, offset the record's. */
export interface LogPosition {
  readonly segment: number;
  readonly offset: number;
}

/** Order of two positions: negative, zero or positive. */
export const compareLogPositions = (a: LogPosition, b: LogPosition): number =>
  a.segment - b.segment || a.offset - b.offset;

/** Records that became durable together: their bytes as framed in the log, and where they stand. */
export interface DurableGroup {
  /**
   * The first `length` bytes are framed records; the buffer is the receiver's until it comes back by LogStream.recycle(). Shared
   * memory: a buffer that is transferred counts as allocated in each thread that it comes to, which would be collecting garbage
   * all the time.
   */
  readonly buffer: SharedArrayBuffer;
  readonly length: number;
  readonly position: LogPosition;
  readonly next: LogPosition;
}

/** One shard's log, written by one writer. */
export interface LogStream {
  /** Resolves once the record is durable (group commit) and was handed on. Rejects with `disk_full`, `io_error` or `log_closed`. */
  append(payload: Uint8Array): Promise<void>;
  /** Ends the segment: records appended from now on go to the next one. */
  rotate(): void;
  /** Bytes of the segment that new records go to. */
  readonly segmentBytes: number;
  /** Gives back a group's buffer for reuse. */
  recycle(buffer: SharedArrayBuffer): void;
  /** Drops whole segments that end at or before `before`. */
  truncate(before: LogPosition): Promise<void>;
  close(): Promise<void>;
}
