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

/** A shard in this thread: applies at once, or in order behind what waits for block files. */
export class LocalShardPort implements ShardPort {
  readonly #shard: Shard;
  readonly #recycle: (buffer: SharedArrayBuffer) => void;
  readonly #onFailure: ((error: unknown) => void) | undefined;
  readonly #queue: DurableGroup[] = [];
  #working: Promise<void> | null = null;
  pushed = 0;
  pendingBytes = 0;

  /** `onFailure`: a record could not be obeyed; nothing is applied any more. Without it the error ends the program. */
  constructor(
    shard: Shard,
    recycle: (buffer: SharedArrayBuffer) => void = () => {},
    onFailure?: (error: unknown) => void,
  ) {
    this.#shard = shard;
    this.#recycle = recycle;
    this.#onFailure = onFailure;
  }

  get fullness(): number {
    return this.#shard.fullness;
  }

  get startSegment(): number {
    return this.#shard.position.segment;
  }

  push(group: DurableGroup): void {
    this.pushed++;
    this.pendingBytes += group.length;
    this.#queue.push(group);
    if (!this.#working) this.#work();
  }

  /** Resolves when all that was pushed is applied. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working;
  }

  #work(): void {
    for (let group = this.#queue.shift(); group; group = this.#queue.shift()) {
      const { buffer, length, position, next } = group;
      const waiting = this.#shard.applyGroup(new Uint8Array(buffer, 0, length), position, next);
      if (waiting) {
        this.#working = this.#wait(waiting, group);
        if (this.#onFailure) this.#working.catch(this.#onFailure);
        return;
      }
      this.#done(group);
    }
  }

  async #wait(waiting: Promise<void>, group: DurableGroup): Promise<void> {
    await waiting;
    this.#done(group);
    this.#working = null;
    this.#work();
  }

  #done({ buffer, length }: DurableGroup): void {
    this.pendingBytes -= length;
    this.#recycle(buffer);
  }
}
