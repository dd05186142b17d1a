// The main thread's end of a long answer: chunks in slots, as they come from the query worker, until the last one, or until it is
// clear that it cannot come.
import type { BodyChunk, BodyStream } from '../api/index.ts';
import { SLOT_BYTES } from './answer-slots.ts';
import type { FilledSlots } from './query-protocol.ts';

export interface AnswerBodyOptions {
  readonly views: readonly Uint8Array[];
  /** Tells the query worker that slots were read. */
  readonly give: (slots: readonly number[]) => void;
  /** All of it has come and was read. Not called after fail(). */
  readonly onEnd: () => void;
}

export class AnswerBody implements BodyStream {
  readonly length: number | null;
  readonly #options: AnswerBodyOptions;
  #ready: BodyChunk[] = [];
  readonly #unreleased = new Set<BodyChunk>();
  #isComplete = false;
  #error: Error | null = null;
  #wake: () => void = () => {};

  constructor(options: AnswerBodyOptions, first: FilledSlots) {
    this.#options = options;
    this.length = first.isEnd ? first.length : null;
    this.push(first);
  }

  /** More of it. */
  push({ slots, length, isEnd }: FilledSlots): void {
    const parts = slots.map((slot, i) =>
      this.#options.views[slot].subarray(0, Math.min(SLOT_BYTES, length - i * SLOT_BYTES)),
    );
    const chunk: BodyChunk = {
      parts,
      release: () => {
        if (!this.#unreleased.delete(chunk)) return;
        this.#options.give(slots);
        if (this.#isComplete && this.#unreleased.size === 0 && !this.#error) this.#options.onEnd();
      },
    };
    if (slots.length > 0) {
      this.#unreleased.add(chunk);
      this.#ready.push(chunk);
    }
    this.#isComplete = isEnd;
    this.#wake();
  }

  /** The rest will not come; what is here is not read any more. */
  fail(error: Error): void {
    this.#error = error;
    this.#ready = [];
    for (const chunk of this.#unreleased) chunk.release();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BodyChunk, void, void> {
    for (;;) {
      if (this.#error) throw this.#error;
      const chunk = this.#ready.shift();
      if (chunk) yield chunk;
      else if (this.#isComplete) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
