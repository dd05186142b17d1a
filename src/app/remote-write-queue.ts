// The queues of one destination. A series goes to the same queue always, so that its samples arrive in order; each queue has one
// request under way. A full queue makes who fills it wait: the log keeps what has not been read.
//
//   add ─► batch being filled ─► (full, or old) ─► batches waiting ─► request, repeated until taken or refused ─► settled
import type { Clock } from '../io/index.ts';
import { type LogMark, type RemoteSample, WriteBatch } from './remote-write-batch.ts';
import type { DestinationSettings } from './remote-write-settings.ts';

/** Sends a batch; resolves with whether nothing more is to be done about it. */
export type SendBatch = (batch: WriteBatch) => Promise<boolean>;

class Queue {
  readonly #options: WriteQueuesOptions;
  readonly #waiting: WriteBatch[] = [];
  readonly #batchesMax: number;
  #filling: WriteBatch | null = null;
  #cancelDeadline: (() => void) | null = null;
  #isSending = false;
  #room: PromiseWithResolvers<void> | null = null;

  constructor(options: WriteQueuesOptions) {
    this.#options = options;
    const { capacity, maxSamplesPerSend } = options.queue;
    this.#batchesMax = Math.max(1, Math.floor(capacity / maxSamplesPerSend));
  }

  get isIdle(): boolean {
    return !this.#isSending && this.#filling === null && this.#waiting.length === 0;
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#batchesMax;
  }

  /** Resolves when there may be room. */
  changed(): Promise<void> {
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  add(sample: RemoteSample, mark: LogMark): void {
    const { queue, clock } = this.#options;
    if (!this.#filling) {
      this.#filling = new WriteBatch(queue.maxSamplesPerSend, clock.monotonicMs());
      this.#cancelDeadline = clock.after(queue.batchSendDeadlineMs, () => this.flush());
    }
    this.#filling.add(sample, mark);
    if (this.#filling.isFull) this.flush();
  }

  /** Has what was added so far sent. */
  flush(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
    if (!this.#filling) return;
    this.#waiting.push(this.#filling);
    this.#filling = null;
    if (!this.#isSending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    for (let batch = this.#waiting[0]; batch; batch = this.#waiting[0]) {
      if (await this.#options.send(batch)) batch.settle();
      this.#waiting.shift();
      this.#wake();
    }
    this.#isSending = false;
    this.#wake();
  }

  #wake(): void {
    this.#room?.resolve();
    this.#room = null;
  }
}

export interface WriteQueuesOptions {
  readonly clock: Clock;
  readonly queue: DestinationSettings['queue'];
  readonly send: SendBatch;
}

/** All queues of a destination. */
export class WriteQueues {
  readonly #options: WriteQueuesOptions;
  #queues: Queue[];
  #wanted: number;
  #resizing: Promise<void> | null = null;
  /** Times that a sample found its queue full. */
  fullCount = 0;

  constructor(options: WriteQueuesOptions) {
    this.#options = options;
    this.#wanted = options.queue.minShards;
    this.#queues = this.#make(this.#wanted);
  }

  #make(count: number): Queue[] {
    return Array.from({ length: count }, () => new Queue(this.#options));
  }

  get length(): number {
    return this.#queues.length;
  }

  /** Sends through another number of queues from now on; what is queued is sent before, so that samples stay in order. */
  resize(count: number): void {
    if (count === this.#wanted) return;
    this.#wanted = count;
    this.#resizing ??= this.#resize();
  }

  async #resize(): Promise<void> {
    while (this.#queues.length !== this.#wanted) {
      const count = this.#wanted;
      await this.drain();
      this.#queues = this.#make(count);
    }
    this.#resizing = null;
  }

  /** Puts a sample into its queue; a promise if that is full: the sample is in it when it resolves. */
  add(sample: RemoteSample, mark: LogMark): Promise<void> | null {
    const queue = this.#queues[sample.series.hash % this.#queues.length];
    if (this.#resizing || queue.isFull) return this.#addLater(sample, mark);
    queue.add(sample, mark);
    return null;
  }

  async #addLater(sample: RemoteSample, mark: LogMark): Promise<void> {
    this.fullCount++;
    for (;;) {
      if (this.#resizing) await this.#resizing;
      const queue = this.#queues[sample.series.hash % this.#queues.length];
      if (!this.#resizing && !queue.isFull) return queue.add(sample, mark);
      if (!this.#resizing) await queue.changed();
    }
  }

  /** Has everything sent; resolves when all of it is settled. */
  async drain(): Promise<void> {
    await Promise.all(
      this.#queues.map(async (queue) => {
        queue.flush();
        while (!queue.isIdle) await queue.changed();
      }),
    );
  }
}
