// The exposition kernel (kernels/intake/exposition.ts) as rows: parse() leaves them in the module's memory, the views here
// look at them. They hold until the next parse. What the kernel leaves to its host (numbers that need exact reading, error
// texts) is done in wire/exposition.ts.
import { TidemarkError } from '../base/index.ts';

/** What kernels/intake/exposition.ts exports. Addresses are byte offsets into `memory`; negative results are codes. */
export interface ExpositionExports {
  readonly memory: WebAssembly.Memory;
  expositionBody(length: number): number;
  expositionParse(length: number, openMetrics: number): number;
  expositionRows(): number;
  expositionMetas(): number;
  expositionMetaCount(): number;
  expositionMetaHash(): bigint;
  expositionExemplars(): number;
  expositionExemplarCount(): number;
  expositionPending(): number;
}

const MALFORMED = -1;
const ROW_WORDS = 12;
const META_WORDS = 6;
const EXEMPLAR_WORDS = 8;
const EXEMPLAR_HAS_TIME = 1;

const HAS_TIME = 1;
const VALUE_PENDING = 2;
const TIME_PENDING = 4;
const EXEMPLAR_PENDING = 8;

/** Error of a kernel whose memory is full. */
export function kernelMemoryError(what: string): TidemarkError {
  return new TidemarkError('kernel_memory', `cannot hold ${what}: the intake kernel's memory is full`);
}

/** Rows of the body that was parsed last. Offsets are bytes of that body. */
export class ExpositionKernel {
  readonly #exports: ExpositionExports;
  #buffer: ArrayBufferLike | null = null;
  #words = new Uint32Array(0);
  #floats = new Float64Array(0);
  #rows = 0;
  #metas = 0;
  /** Sample rows. */
  count = 0;

  constructor(exports: ExpositionExports) {
    this.#exports = exports;
  }

  /** Parses a body; false if it is malformed. */
  parse(body: Uint8Array, openMetrics: boolean): boolean {
    const exports = this.#exports;
    const address = exports.expositionBody(body.length) >>> 0;
    if (address === 0) throw kernelMemoryError('a scraped body');
    new Uint8Array(exports.memory.buffer, address, body.length).set(body);
    const count = exports.expositionParse(body.length, openMetrics ? 1 : 0);
    this.count = Math.max(0, count);
    if (count < 0 && count !== MALFORMED) throw kernelMemoryError('the rows of a scraped body');
    this.#rows = exports.expositionRows() >>> 2;
    this.#metas = exports.expositionMetas() >>> 2;
    this.#look();
    return count >= 0;
  }

  #look(): void {
    const { buffer } = this.#exports.memory;
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#words = new Uint32Array(buffer);
    this.#floats = new Float64Array(buffer);
  }

  #word(row: number, index: number): number {
    this.#look();
    return this.#words[this.#rows + row * ROW_WORDS + index];
  }

  /** Start of the series text. */
  start(row: number): number {
    return this.#word(row, 0);
  }
  /** Bytes of the series text. */
  length(row: number): number {
    return this.#word(row, 1);
  }
  /** Code of the metric type in force, an index of METRIC_TYPES. */
  type(row: number): number {
    return (this.#word(row, 10) >>> 8) & 15;
  }
  hasTime(row: number): boolean {
    return (this.#word(row, 10) & HAS_TIME) !== 0;
  }
  value(row: number): number {
    this.#look();
    return this.#floats[(this.#rows >>> 1) + row * 6 + 1];
  }
  timeMs(row: number): number {
    this.#look();
    return this.#floats[(this.#rows >>> 1) + row * 6 + 2];
  }

  /** How many rows have a number pending: the loop over them can be left out if there are none. */
  get pending(): number {
    return this.#exports.expositionPending();
  }
  /** Offset and end of the value's word if it is pending. */
  pendingValue(row: number): { start: number; end: number } | undefined {
    return this.#pending(row, VALUE_PENDING, 2);
  }
  /** Offset and end of the timestamp's word if it is pending. */
  pendingTime(row: number): { start: number; end: number } | undefined {
    return this.#pending(row, TIME_PENDING, 4);
  }
  #pending(row: number, flag: number, at: number): { start: number; end: number } | undefined {
    if ((this.#word(row, 10) & flag) === 0) return undefined;
    const start = this.#word(row, at);
    return { start, end: start + this.#word(row, at + 1) };
  }
  /** The number of the row's exemplar if its numbers are pending. */
  pendingExemplar(row: number): number | undefined {
    return (this.#word(row, 10) & EXEMPLAR_PENDING) === 0 ? undefined : this.#word(row, 11);
  }

  /** How many exemplars the page has; they are in the order of their rows. */
  get exemplarCount(): number {
    return this.#exports.expositionExemplarCount();
  }
  /** Row of an exemplar's sample, where its labels begin in the body (behind the brace), and where its value. */
  exemplarPlaces(index: number): { row: number; labels: number; value: number } {
    this.#look();
    const at = this.#exemplarAt(index);
    return { row: this.#words[at], labels: this.#words[at + 1], value: this.#words[at + 2] };
  }
  /** Value and own time of an exemplar. */
  exemplar(index: number): { value: number; timestampMs: number | undefined } {
    this.#look();
    const at = this.#exemplarAt(index);
    const hasTime = (this.#words[at + 3] & EXEMPLAR_HAS_TIME) !== 0;
    return {
      value: this.#floats[(at >>> 1) + 2],
      timestampMs: hasTime ? this.#floats[(at >>> 1) + 3] : undefined,
    };
  }
  /** Settles the numbers of an exemplar; the value is no NaN of other bits than the usual. */
  setExemplar(index: number, value: number, timestampMs: number | undefined): void {
    this.#look();
    const at = this.#exemplarAt(index);
    this.#floats[(at >>> 1) + 2] = value;
    if (timestampMs !== undefined) this.#floats[(at >>> 1) + 3] = timestampMs;
  }
  #exemplarAt(index: number): number {
    return (this.#exports.expositionExemplars() >>> 2) + index * EXEMPLAR_WORDS;
  }

  /** Settles a pending value, which is no NaN. */
  setValue(row: number, value: number): void {
    this.#look();
    this.#floats[(this.#rows >>> 1) + row * 6 + 1] = value;
  }
  setTimeMs(row: number, timeMs: number): void {
    this.#look();
    this.#floats[(this.#rows >>> 1) + row * 6 + 2] = timeMs;
  }

  /** Metadata rows. */
  get metaCount(): number {
    return this.#exports.expositionMetaCount();
  }
  /** A hash of all metadata lines in order. */
  get metaHash(): bigint {
    return this.#exports.expositionMetaHash();
  }
  /** Words of a metadata row: 0 kind (0 type, 1 help, 2 unit), 1 name start, 2 name end, 3 text start, 4 text end. */
  meta(row: number, word: 0 | 1 | 2 | 3 | 4): number {
    this.#look();
    return this.#words[this.#metas + row * META_WORDS + word];
  }
}
