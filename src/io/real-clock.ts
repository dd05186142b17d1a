// Time and randomness of the machine.
import { randomFillSync } from 'node:crypto';
import type { Clock, Random } from './ports.ts';

const TIMER_MS_MAX = 2 ** 31 - 1; // a longer setTimeout would fire at once

export class RealClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const onAbort = (): void => {
        cancel();
        reject(abortError(signal));
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  after(ms: number, callback: () => void): () => void {
    let leftMs = Math.max(0, ms);
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const stepMs = Math.min(leftMs, TIMER_MS_MAX);
      leftMs -= stepMs;
      timer = setTimeout(() => (leftMs > 0 ? arm() : callback()), stepMs);
    };
    arm();
    return () => clearTimeout(timer);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  pause(ms: number): void {
    Atomics.wait(neverNotified, 0, 0, ms);
  }
}

/** What pause() waits on. */
const neverNotified = new Int32Array(new SharedArrayBuffer(4));

/** What sleep() rejects with: an AbortError that keeps the signal's reason as its cause. */
export function abortError(signal?: AbortSignal): Error {
  const error = new Error('cannot wait: the operation was aborted', { cause: signal?.reason });
  error.name = 'AbortError';
  return error;
}

export class RealRandom implements Random {
  next(): number {
    return Math.random();
  }

  bytes(count: number): Uint8Array {
    return randomFillSync(new Uint8Array(count));
  }
}
