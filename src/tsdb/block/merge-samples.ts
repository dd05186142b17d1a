// Samples of one series from several blocks, merged by time: of equal times the sample of the first block stays. Runs that do not overlap
// are copied as a whole; a series that only one block has is copied without decoding.
import type { BlockKernel } from '../../kernel/index.ts';
import { type HistogramSamples, StartTimes } from '../../model/index.ts';
import { copyHistograms } from '../histogram-moves.ts';
import type { Breathe } from '../slices.ts';
import { lowerBound, timeBytes, valueBytes } from './block-read.ts';
import { type BlockWriter, PART_HISTOGRAM_BYTES, PART_SAMPLES_MAX } from './block-writer.ts';
import type { MergeInput } from './merge-input.ts';

export class SampleMerger {
  readonly #writer: BlockWriter;
  readonly #kernel: BlockKernel;
  readonly #breathe: Breathe;
  #ts = new Float64Array(4096);
  #words = new Uint32Array(8192);
  readonly #histograms: HistogramSamples = { at: [], bytes: [] };
  readonly #starts = new StartTimes();
  #count = 0;
  /** The series whose samples are collected, until its first part is written. */
  #begin: (() => void) | null = null;

  constructor(writer: BlockWriter, kernel: BlockKernel, breathe: Breathe) {
    this.#writer = writer;
    this.#kernel = kernel;
    this.#breathe = breathe;
  }

  /** Writes the series at which the inputs stand, given by priority. A series without samples left is not written. */
  async merge(inputs: readonly MergeInput[]): Promise<void> {
    const [first] = inputs;
    this.#begin = () => this.#writer.begin(first.tenant, first.labels, first.id);
    if (inputs.length === 1 && first.isWhole) this.#copy(first);
    else await this.#mergeSamples(inputs);
    if (this.#begin === null) this.#writer.end();
  }

  #copy(input: MergeInput): void {
    for (const part of input.parts()) {
      this.#open();
      this.#writer.encodedSamples(
        timeBytes(part, input.pages),
        valueBytes(part, input.pages),
        part.samples,
        part.minMs,
        part.maxMs,
      );
    }
  }

  #open(): void {
    this.#begin?.();
    this.#begin = null;
  }

  async #mergeSamples(inputs: readonly MergeInput[]): Promise<void> {
    let active = inputs.filter((input) => input.fill());
    while (active.length > 0) {
      const next = earliest(active);
      const timeMs = next.column.ts[next.at];
      let limitMs = Infinity;
      for (const input of active) {
        if (input === next) continue;
        if (input.column.ts[input.at] === timeMs) input.at++;
        // One that has nothing left in memory may go on right after this time.
        limitMs = Math.min(limitMs, input.at < input.end ? input.column.ts[input.at] : timeMs);
      }
      const run = Math.max(next.at + 1, lowerBound(next.column.ts, limitMs, next.at, next.end));
      this.#take(next, run);
      if (active.some((input) => input.at === input.end)) {
        if (this.#isHeavy) this.#emit();
        active = active.filter((input) => input.fill());
        await this.#breathe();
      }
    }
    this.#emit();
  }

  /** Takes the input's samples up to `to` of its column. */
  #take(input: MergeInput, to: number): void {
    while (input.at < to) {
      const count = Math.min(to - input.at, PART_SAMPLES_MAX - this.#count);
      this.#reserve(this.#count + count);
      this.#ts.set(input.column.ts.subarray(input.at, input.at + count), this.#count);
      this.#words.set(input.column.vsWords.subarray(2 * input.at, 2 * (input.at + count)), 2 * this.#count);
      copyHistograms(input.column.histograms, input.at, input.at + count, this.#histograms, this.#count - input.at);
      this.#starts.copy(input.column.starts, input.at, input.at + count, this.#count);
      this.#count += count;
      input.at += count;
      if (this.#count === PART_SAMPLES_MAX) this.#emit();
    }
  }

  /** Whether so many bytes of histograms wait that they are a part. */
  get #isHeavy(): boolean {
    const { bytes } = this.#histograms;
    return bytes.length > 0 && bytes.reduce((sum, { length }) => sum + length, 0) > PART_HISTOGRAM_BYTES;
  }

  /** Writes what was collected as a part, or several. */
  #emit(): void {
    const count = this.#count;
    if (count === 0) return;
    if (this.#kernel.ts.length < count) this.#kernel.reserve(count);
    this.#kernel.ts.set(this.#ts.subarray(0, count));
    this.#kernel.vsWords.set(this.#words.subarray(0, 2 * count));
    this.#open();
    this.#writer.samples(count, this.#histograms, this.#starts);
    this.#starts.clear();
    this.#histograms.at.length = 0;
    this.#histograms.bytes.length = 0;
    this.#count = 0;
  }

  #reserve(samples: number): void {
    if (this.#ts.length >= samples) return;
    const length = Math.min(PART_SAMPLES_MAX, samples * 2);
    const ts = new Float64Array(length);
    const words = new Uint32Array(2 * length);
    ts.set(this.#ts.subarray(0, this.#count));
    words.set(this.#words.subarray(0, 2 * this.#count));
    this.#ts = ts;
    this.#words = words;
  }
}

/** The input with the earliest sample; the first of several. */
function earliest(inputs: readonly MergeInput[]): MergeInput {
  let best = inputs[0];
  for (const input of inputs) if (input.column.ts[input.at] < best.column.ts[best.at]) best = input;
  return best;
}
