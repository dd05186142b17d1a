// What a shard's life cycle remembers between records. It lies in the head's memory, so that it is part of the image: after a restart
// the shard goes on at the same point of the same cut. f64 words at HOST_STATE, an area of the root that the kernel leaves alone.
//
//   0 version   1 cut is pending   2 end of the last window cut   3,4 position of the newest cut   5 clock at that cut
//   6 clock at which it is dropped   7 log bytes since that cut    8 clock of the last look for idle series
//   9 the clock's window   10,11 position at its beginning   12,13 the same of the window before   14,15 log needed from here on
//   16,17 the same once the pending cut is dropped
import type { LogPosition } from '../io/index.ts';
import type { HeadMemory } from './head-memory.ts';

const HOST_STATE = 32768;
const VERSION = 1;

export class ShardState {
  readonly #memory: HeadMemory;

  constructor(memory: HeadMemory) {
    this.#memory = memory;
    if (this.#get(0) !== VERSION) this.#set(0, VERSION);
  }

  #get(word: number): number {
    return this.#memory.doubles[HOST_STATE / 8 + word];
  }

  #set(word: number, value: number): void {
    this.#memory.doubles[HOST_STATE / 8 + word] = value;
  }

  #position(word: number): LogPosition {
    return { segment: this.#get(word), offset: this.#get(word + 1) };
  }

  #setPosition(word: number, { segment, offset }: LogPosition): void {
    this.#set(word, segment);
    this.#set(word + 1, offset);
  }

  /** A cut has begun and its samples are still in the head. */
  get isCutPending(): boolean {
    return this.#get(1) === 1;
  }

  /** Samples before this time were cut with their window; 0 before the first one. */
  get lastCutEndMs(): number {
    return this.#get(2);
  }
  set lastCutEndMs(timeMs: number) {
    this.#set(2, timeMs);
  }

  /** Where in the log the newest cut was made. */
  get cutPosition(): LogPosition {
    return this.#position(3);
  }
  /** The shard's clock there. */
  get cutClockMs(): number {
    return this.#get(5);
  }

  /** The shard's clock at which a pending cut leaves the head. */
  get dropClockMs(): number {
    return this.#get(6);
  }
  get bytesSinceCut(): number {
    return this.#get(7);
  }
  set bytesSinceCut(bytes: number) {
    this.#set(7, bytes);
  }

  get idleClockMs(): number {
    return this.#get(8);
  }
  set idleClockMs(timeMs: number) {
    this.#set(8, timeMs);
  }

  /** The window that the shard's clock is in. */
  get windowStartMs(): number {
    return this.#get(9);
  }
  enterWindow(startMs: number, position: LogPosition): void {
    this.#setPosition(12, this.#position(10));
    this.#set(9, startMs);
    this.#setPosition(10, position);
  }

  /** Head and blocks can be rebuilt from the log from here on, should every image be lost. */
  get logNeededFrom(): LogPosition {
    return this.#position(14);
  }

  /** A cut begins; `isAll`: it leaves nothing in the head. */
  beginCut(position: LogPosition, clockMs: number, isAll: boolean): void {
    this.#set(1, 1);
    this.#setPosition(3, position);
    this.#set(5, clockMs);
    // Samples may be a window ahead of the clock: what the head has beyond the cut came after the clock entered the window before.
    this.#setPosition(16, isAll ? position : this.#position(12));
  }

  /** The pending cut is due again, because it came to its end or because it failed. */
  postpone(clockMs: number): void {
    this.#set(6, clockMs);
    this.#set(7, 0);
  }

  endCut(): void {
    this.#set(1, 0);
    this.#setPosition(14, this.#position(16));
  }
}
