// The query worker's end of one answer: fills slots with its bytes and says so to the main thread, as fast as slots come back. A
// short answer goes inside its message.
import type { EncodedPiece } from '../api/index.ts';
import { type SlotPool, SLOT_BYTES } from './answer-slots.ts';
import type { FilledSlots, QueryCost, QueryEvent } from './query-protocol.ts';

/** Copied twice, which costs less than a slot's way back. */
const INLINE_BYTES_MAX = 4096;

export interface AnswerSenderOptions {
  readonly id: number;
  readonly status: number;
  readonly stats: QueryCost;
  readonly pool: SlotPool;
  readonly signal: AbortSignal;
  readonly post: (event: QueryEvent) => void;
}

export class AnswerSender {
  readonly #options: AnswerSenderOptions;
  #held = 0;
  #isBegun = false;

  constructor(options: AnswerSenderOptions) {
    this.#options = options;
  }

  /** Resolves when all bytes of the piece are on their way. Rejects when the signal aborts. */
  async send({ bytes, coding, isEnd }: EncodedPiece): Promise<void> {
    const { pool, signal } = this.#options;
    if (!this.#isBegun && isEnd && bytes.length <= INLINE_BYTES_MAX) {
      const { id, status, stats, post } = this.#options;
      post({ type: 'answer', id, status, stats, coding, body: bytes.slice() });
      return;
    }
    let at = 0;
    do {
      signal.throwIfAborted();
      const { slots, length } = this.#fill(bytes.subarray(at));
      at += length;
      if (length > 0 || bytes.length === 0) this.#post({ slots, length, isEnd: isEnd && at === bytes.length }, coding);
      if (at < bytes.length) await pool.change(signal);
    } while (at < bytes.length);
  }

  /** The receiver has taken so many slots. */
  released(count: number): void {
    this.#held -= count;
  }

  #fill(bytes: Uint8Array): { slots: number[]; length: number } {
    const slots: number[] = [];
    let at = 0;
    while (at < bytes.length) {
      const part = bytes.subarray(at, at + SLOT_BYTES);
      const slot = this.#options.pool.fill(this.#held, part);
      if (slot < 0) break;
      this.#held++;
      slots.push(slot);
      at += part.length;
    }
    return { slots, length: at };
  }

  #post(filled: FilledSlots, coding: EncodedPiece['coding']): void {
    const { id, status, stats, post } = this.#options;
    if (this.#isBegun) post({ type: 'more', id, filled });
    else post({ type: 'answer', id, status, stats, coding, body: filled });
    this.#isBegun = true;
  }
}
