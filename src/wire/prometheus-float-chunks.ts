// Chunks of float samples of Prometheus' TSDB: XOR (encoding 1) and XOR2 (encoding 4, which may carry start timestamps).
//
//   XOR    ┌─────────────┬────────────┬─────────────┬────────────────────┬─────────────┬─────────────────┬───────────┬ ─
//          │ samples u16 │ t0 varint  │ v0 64 bits  │ t1 - t0 uvarint    │ v1 xor      │ t2: change of   │ v2 xor    │
//          │ big-endian  │            │             │                    │             │ the step        │           │
//          └─────────────┴────────────┴─────────────┴────────────────────┴─────────────┴─────────────────┴───────────┴ ─
//   XOR2   the same with a byte about start timestamps behind the count, and one control prefix for time and value from t2 on:
//          0 same step and value · 10 same step · 110 13 bits · 1110 20 bits · 11110 64 bits of change · 11111 same step, stale
import { corruptError } from '../base/index.ts';
import { STALE_NAN_HIGH, STALE_NAN_LOW, StartTimes } from '../model/index.ts';
import { BitReader, XorFloat, timeOf } from './prometheus-bits.ts';

/** Samples that grow: times in ms since the epoch, raw bits of values. */
export class SampleBuffer {
  ts = new Float64Array(1024);
  vs = new Float64Array(1024);
  vsWords = new Uint32Array(this.vs.buffer);
  readonly starts = new StartTimes();
  count = 0;

  clear(): void {
    this.count = 0;
    this.starts.clear();
  }

  /** `startMs` 0: no start time. */
  push(timeMs: number, high: number, low: number, startMs = 0): void {
    const at = this.count++;
    if (at === this.ts.length) this.#grow();
    this.ts[at] = timeMs;
    this.vsWords[2 * at] = low;
    this.vsWords[2 * at + 1] = high;
    if (startMs === 0) this.starts.none(at, 1);
    else this.starts.begin(at, 1)[at] = startMs;
  }

  /** Adds samples [0, count) of other arrays, which have no start times. */
  append(from: { readonly ts: Float64Array; readonly vsWords: Uint32Array }, count: number): void {
    while (this.count + count > this.ts.length) this.#grow();
    this.ts.set(from.ts.subarray(0, count), this.count);
    this.vsWords.set(from.vsWords.subarray(0, 2 * count), 2 * this.count);
    this.starts.none(this.count, count);
    this.count += count;
  }

  #grow(): void {
    const ts = new Float64Array(2 * this.ts.length);
    const vsWords = new Uint32Array(2 * this.vsWords.length);
    ts.set(this.ts);
    vsWords.set(this.vsWords);
    this.ts = ts;
    this.vsWords = vsWords;
    this.vs = new Float64Array(vsWords.buffer);
  }

  /**
   * Sorts samples from `from` on by time; of equal times the first one stays. Samples that are in order, as nearly always, cost
   * one look each.
   */
  sortByTime(from = 0): void {
    const { ts, vsWords } = this;
    let inOrder = true;
    for (let i = from + 1; i < this.count && inOrder; i++) inOrder = ts[i] > ts[i - 1];
    if (inOrder) return;
    const order = Array.from({ length: this.count - from }, (_, i) => from + i);
    order.sort((a, b) => ts[a] - ts[b] || a - b);
    const oldTs = ts.slice(0, this.count);
    const oldWords = vsWords.slice(0, 2 * this.count);
    const oldStarts = this.starts.any ? this.starts.ms.slice(0, this.count) : null;
    this.count = from;
    for (const i of order) {
      if (this.count > from && this.ts[this.count - 1] === oldTs[i]) continue;
      this.push(oldTs[i], oldWords[2 * i + 1], oldWords[2 * i], oldStarts?.[i]);
    }
  }

  /** Removes the samples for which `isGone(time)`. */
  removeTimes(isGone: (timeMs: number) => boolean): void {
    const { ts, vsWords, starts, count } = this;
    this.count = 0;
    for (let i = 0; i < count; i++) {
      if (!isGone(ts[i])) this.push(ts[i], vsWords[2 * i + 1], vsWords[2 * i], starts.of(i));
    }
  }
}

/** Decodes the data of an XOR chunk, bytes [from, to). */
export function decodeXor(bytes: Uint8Array, from: number, to: number, into: SampleBuffer): void {
  const reader = new BitReader(bytes, from, to);
  const count = reader.bits(16);
  const value = new XorFloat();
  let time = 0;
  let step = 0;
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      time = timeOf(reader.varint());
      value.start(reader);
    } else {
      step = i === 1 ? timeOf(reader.uvarint()) : step + stepChange(reader);
      time = checkedTime(time + step);
      value.next(reader);
    }
    into.push(time, value.high, value.low);
  }
}

const STEP_WIDTHS = [0, 14, 17, 20];

function stepChange(reader: BitReader): number {
  const ones = reader.ones(4);
  return ones === 4 ? timeOf(reader.signed(64)) : Number(reader.signedUp(STEP_WIDTHS[ones]));
}

function checkedTime(timeMs: number): number {
  if (!Number.isSafeInteger(timeMs)) throw corruptError(`time ${timeMs} is out of range`);
  return timeMs;
}

/**
 * Start times beside the samples of newer chunks: a header byte tells whether the first sample has one, and from which sample on they
 * change. The first one is how long before its sample the counter began; from the first change on each is a distance to the sample
 * before, as a change of that distance.
 */
export class ChunkStarts {
  readonly #firstKnown: boolean;
  readonly #changesFrom: number;
  #start = 0;
  #distance = 0;
  #beforeMs = 0;

  constructor(header: number) {
    this.#firstKnown = (header & 0x80) !== 0;
    this.#changesFrom = header & 0x7f;
  }

  /** Reads what follows sample `index`; its start time, 0 if there is none. */
  next(reader: BitReader, index: number, timeMs: number): number {
    if (index === 0) {
      if (this.#firstKnown) this.#start = checkedTime(timeMs - Number(reader.varint()));
    } else if (this.#changesFrom > 0 && index >= this.#changesFrom) {
      this.#distance += Number(reader.varbitInt());
      this.#start = checkedTime(this.#beforeMs - this.#distance);
    }
    this.#beforeMs = timeMs;
    return this.#start;
  }
}

/** Decodes the data of an XOR2 chunk, bytes [from, to). */
export function decodeXor2(bytes: Uint8Array, from: number, to: number, into: SampleBuffer): void {
  const reader = new BitReader(bytes, from, to);
  const count = reader.bits(16);
  const starts = new ChunkStarts(reader.byte());
  const state = new Xor2State();
  for (let i = 0; i < count; i++) {
    if (i === 0) state.first(reader);
    else if (i === 1) state.second(reader);
    else state.next(reader);
    const startMs = starts.next(reader, i, state.time);
    if (state.isStale) into.push(state.time, STALE_NAN_HIGH, STALE_NAN_LOW, startMs);
    else into.push(state.time, state.value.high, state.value.low, startMs);
  }
}

class Xor2State {
  /** The last value that was no stale marker: what the next one differs from. */
  readonly value = new XorFloat();
  time = 0;
  isStale = false;
  #step = 0;

  first(reader: BitReader): void {
    this.time = timeOf(reader.varint());
    this.value.start(reader);
    const { value } = this;
    this.isStale = value.high === STALE_NAN_HIGH && value.low === STALE_NAN_LOW;
    if (this.isStale) value.high = value.low = 0;
  }

  second(reader: BitReader): void {
    this.#advance(timeOf(reader.uvarint()));
    this.#freeValue(reader);
  }

  next(reader: BitReader): void {
    const ones = reader.ones(5);
    this.isStale = ones === 5;
    if (ones === 2) this.#advance(Number(reader.signed(13)));
    else if (ones === 3) this.#advance(Number(reader.signed(20)));
    else if (ones === 4) this.#advance(timeOf(reader.signed(64)));
    else this.#advance(0);
    if (ones === 1) this.#changedValue(reader);
    else if (ones >= 2 && ones <= 4) this.#freeValue(reader);
  }

  #advance(change: number): void {
    this.#step += change;
    this.time = checkedTime(this.time + this.#step);
  }

  /** 0 unchanged, 10 same window, 110 new window, 111 stale. */
  #freeValue(reader: BitReader): void {
    const ones = reader.ones(3);
    this.isStale = ones === 3;
    if (ones === 1) this.value.sameWindow(reader);
    if (ones === 2) this.value.newWindow(reader);
  }

  /** 0 same window, 1 new window. */
  #changedValue(reader: BitReader): void {
    if (reader.bit() === 0) this.value.sameWindow(reader);
    else this.value.newWindow(reader);
  }
}
