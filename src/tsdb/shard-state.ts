// What a shard's life cycle remembers between records. It lies in the head's memory, so that it is part of the image: after a restart
// the shard goes on at the same point of the same cut. f64 words at HOST_STATE, an area of the root that the kernel leaves alone.
//
//   0 version   1 cut is pending   2 end of the last window cut   3,4 position of the newest cut   5 clock at that cut
//   6 clock at which it is dropped   7 log bytes since that cut    8 clock of the last look for idle series
//   9 the clock's window   10,11 position at its beginning   12,13 the same of the window before   14,15 log needed from here on
//   16,17 the same once the pending cut is dropped   18,19 bounds of the newest cut
//   21 the head has samples that were ahead of the clock   22,23 log position of the first record that had some
//   24,25 log position of the newest compaction   26 the clock there   27 its stage, 0 none
//   28 what samples took in memory when the newest cut had left it
//   20 its blocks have more than the head had: a cut that a replay without an image made again
import { type LogPosition, compareLogPositions } from '../io/index.ts';
import type { CutRecord } from './block-set.ts';
import type { HeadMemory } from './head-memory.ts';

/** Bounds of a cut that takes everything. */
export const ALL_MS = 2 ** 53;

const HOST_STATE = 32768;
const VERSION = 1;

/** What compacts at one position of the log, in this order: what is due before a cut is made there, what is due after it, and all. */
export const BEFORE_CUT = 1;
export const AFTER_CUT = 2;
export const ALL_BLOCKS = 3;
export type CompactionStage = typeof BEFORE_CUT | typeof AFTER_CUT | typeof ALL_BLOCKS;

/** Where in the log a compaction was planned: with the blocks there are it decides what becomes one. */
export interface CompactionPoint {
  readonly position: LogPosition;
  readonly clockMs: number;
  readonly stage: CompactionStage;
}

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

  /** What samples took when the last cut had left. */
  get sampleBytesLeft(): number {
    return this.#get(28);
  }
  set sampleBytesLeft(bytes: number) {
    this.#set(28, bytes);
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

  /** What the newest cut took. */
  get cutBounds(): { endMs: number; idleBeforeMs: number } {
    return { endMs: this.#get(18), idleBeforeMs: this.#get(19) };
  }

  /** Whether the blocks of the newest cut have more than the head. */
  get isCutPartial(): boolean {
    return this.#get(20) === 1;
  }

  beginCut(cut: CutRecord, clockMs: number, isPartial: boolean): void {
    this.#set(1, 1);
    this.#setPosition(3, cut);
    this.#set(5, clockMs);
    this.#set(18, cut.endMs);
    this.#set(19, cut.idleBeforeMs);
    this.#set(20, isPartial ? 1 : 0);
    // Samples may be a window ahead of the clock: what the head has beyond the cut came after the clock entered the window before.
    this.#setPosition(16, cut.endMs === ALL_MS ? cut : this.#position(12));
  }

  /** The pending cut is due again, because it came to its end or because it failed. */
  postpone(clockMs: number): void {
    this.#set(6, clockMs);
    this.#set(7, 0);
  }

  endCut(): void {
    this.#set(1, 0);
    const needed = this.#position(16);
    const { aheadFrom } = this;
    this.#setPosition(14, aheadFrom && compareLogPositions(aheadFrom, needed) < 0 ? aheadFrom : needed);
  }

  /** The newest compaction; it may be under way. */
  get compaction(): CompactionPoint | null {
    const stage = this.#get(27);
    if (stage === 0) return null;
    return { position: this.#position(24), clockMs: this.#get(26), stage: stage as CompactionStage };
  }
  set compaction(point: CompactionPoint) {
    this.#setPosition(24, point.position);
    this.#set(26, point.clockMs);
    this.#set(27, point.stage);
  }

  /** Where in the log the first sample is that was further ahead of the clock than a window and may still be in the head. */
  get aheadFrom(): LogPosition | null {
    return this.#get(21) === 1 ? this.#position(22) : null;
  }
  set aheadFrom(position: LogPosition | null) {
    this.#set(21, position ? 1 : 0);
    if (position) this.#setPosition(22, position);
  }
}
