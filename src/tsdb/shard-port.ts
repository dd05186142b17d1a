// A shard as the writer of its log sees it: in a worker thread, or in this one (tests, simulator).
import type { DurableGroup } from '../io/index.ts';
import type { Shard } from './shard.ts';

/** Where durable groups go, and how far behind the shard is. */
export interface ShardPort {
  /** Takes a durable group over, buffer and all. Groups are applied in order. */
  push(group: DurableGroup): void;
  /** Groups pushed so far. */
  readonly pushed: number;
  /** Bytes pushed and not applied yet. */
  readonly pendingBytes: number;
  /** How full the shard's memory is, 0..1. */
  readonly fullness: number;
  /** Log segment that the restored state stands in; new segments come after it. */
  readonly startSegment: number;
}

/** A shard in this thread: applies at once. */
export class LocalShardPort implements ShardPort {
  readonly #shard: Shard;
  readonly #recycle: (buffer: ArrayBuffer) => void;
  pushed = 0;
  readonly pendingBytes = 0;

  constructor(shard: Shard, recycle: (buffer: ArrayBuffer) => void = () => {}) {
    this.#shard = shard;
    this.#recycle = recycle;
  }

  get fullness(): number {
    return this.#shard.fullness;
  }

  get startSegment(): number {
    return this.#shard.position.segment;
  }

  push({ buffer, length, position, next }: DurableGroup): void {
    this.#shard.applyGroup(new Uint8Array(buffer, 0, length), position, next);
    this.pushed++;
    this.#recycle(buffer);
  }
}
