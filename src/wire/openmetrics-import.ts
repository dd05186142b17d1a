// OpenMetrics text with timestamps as a source of history: read in pieces of whole lines, so that memory holds one piece and the
// names of the series, whatever the size of the file. Each piece goes through the same parser as a scrape; what a TYPE line says
// is carried into the pieces behind it. A line ends at a newline, also within quotes.
//
//   bytes ─► pieces of whole lines ─► parser ─► (series number, time, value) ─► sink
import { TidemarkError } from '../base/index.ts';
import type { ExpositionKernel } from '../kernel/index.ts';
import { Labels, NORMAL_NAN_BITS } from '../model/index.ts';
import { parseSeriesText } from './exposition-labels.ts';
import { METRIC_TYPES, type MetricType, decodeText } from './exposition-scan.ts';
import { metadataLines, parseExposition } from './exposition.ts';

const NEWLINE = 10;
const EOF_LINE = new TextEncoder().encode('# EOF\n');
/** A piece is parsed when it has this many bytes: long enough that the call costs nothing, short enough to be nothing in memory. */
const PIECE_BYTES = 1 << 20;
/** No line of samples is longer; a file without newlines is not read into memory whole. */
const LINE_BYTES_MAX = 16 << 20;
const NAN_HIGH = Number(NORMAL_NAN_BITS >> 32n);
const NAN_LOW = Number(NORMAL_NAN_BITS & 0xffffffffn);

/** Takes what is imported. */
export interface OpenMetricsSink {
  /** A series that comes for the first time; the result names it from then on. */
  series(labels: Labels): number;
  /** A sample: time in ms since the epoch, the halves of the value's bits. In the order of the file. */
  sample(series: number, timeMs: number, high: number, low: number): void;
  /** Called between pieces: here it may write. */
  flush(): Promise<void>;
}

const value = new Float64Array(1);
const valueWords = new Uint32Array(value.buffer);

/** Reads one document, given in pieces of any size. */
export class OpenMetricsImport {
  readonly #kernel: ExpositionKernel;
  readonly #sink: OpenMetricsSink;
  /** Series numbers by text. */
  readonly #series = new Map<string, number>();
  #rest = new Uint8Array(0);
  /** Lines before the piece. */
  #lines = 0;
  #type: MetricType = 'unknown';
  #isEnded = false;
  sampleCount = 0;

  constructor(kernel: ExpositionKernel, sink: OpenMetricsSink) {
    this.#kernel = kernel;
    this.#sink = sink;
  }

  /** Number of different series texts. */
  get seriesCount(): number {
    return this.#series.size;
  }

  /** Reads a whole document. Throws TidemarkError `bad_exposition` with the reason and the line. */
  async run(source: AsyncIterable<Uint8Array>): Promise<void> {
    let waiting: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of source) {
      waiting.push(part);
      bytes += part.length;
      if (bytes < PIECE_BYTES) continue;
      await this.#take(waiting);
      waiting = [];
      bytes = 0;
    }
    await this.#take(waiting);
    await this.#finish();
  }

  /** Parses the whole lines that are there; what comes behind them waits. */
  async #take(parts: readonly Uint8Array[]): Promise<void> {
    const all = concat([this.#rest, ...parts, EOF_LINE]);
    const length = all.length - EOF_LINE.length;
    // (From a negative index lastIndexOf would search from the end.)
    const end = length === 0 ? 0 : all.lastIndexOf(NEWLINE, length - 1) + 1;
    this.#rest = all.slice(end, length);
    if (this.#rest.length > LINE_BYTES_MAX) throw this.#error(`a line has more than ${LINE_BYTES_MAX} bytes`, 1);
    if (end === 0) return;
    if (this.#isEnded) throw this.#error('unexpected data after # EOF', 1);
    this.#isEnded = endsWithEof(all, end);
    // The parser wants an end: the document's own, or one behind the last whole line.
    if (!this.#isEnded) all.set(EOF_LINE, end);
    this.#parse(this.#isEnded ? all.subarray(0, end) : all.subarray(0, end + EOF_LINE.length));
    for (let i = all.indexOf(NEWLINE); i >= 0 && i < end; i = all.indexOf(NEWLINE, i + 1)) this.#lines++;
    await this.#sink.flush();
  }

  /** The last line, which may lack its newline. */
  async #finish(): Promise<void> {
    if (this.#isEnded && this.#rest.length === 0) return;
    if (this.#isEnded) throw this.#error('unexpected data after # EOF', 1);
    this.#parse(this.#rest); // Throws unless it is the end.
    await this.#sink.flush();
  }

  #error(reason: string, line: number): TidemarkError {
    return new TidemarkError('bad_exposition', `${reason} (line ${this.#lines + line})`);
  }

  /** The parser counts lines from the start of the piece. */
  #placed(error: unknown): unknown {
    const found = error instanceof TidemarkError && /^(.*) \(line (\d+)\)$/s.exec(error.message);
    return found ? this.#error(found[1], Number(found[2])) : error;
  }

  #parse(body: Uint8Array): void {
    const kernel = this.#kernel;
    try {
      parseExposition(kernel, body, 'openmetrics');
    } catch (error) {
      throw this.#placed(error);
    }
    const before = this.#type;
    const typesFrom = this.#readTypes(body);
    const text = Buffer.from(body.buffer, body.byteOffset, body.length);
    for (let row = 0; row < kernel.count; row++) {
      const start = kernel.start(row);
      const end = start + kernel.length(row);
      if (!kernel.hasTime(row)) throw this.#noTime(body, start, end);
      const type = start < typesFrom ? before : METRIC_TYPES[kernel.type(row)];
      this.#sample(this.#seriesOf(text, start, end, type), kernel.timeMs(row), kernel.value(row));
    }
  }

  /** Offset of the first TYPE line, or the end. */
  #readTypes(body: Uint8Array): number {
    const kernel = this.#kernel;
    let from = body.length;
    for (let row = kernel.metaCount - 1; row >= 0; row--) if (kernel.meta(row, 0) === 0) from = kernel.meta(row, 1);
    if (from === body.length) return from;
    const types = metadataLines(kernel, body, 'openmetrics').filter(({ kind }) => kind === 'type');
    this.#type = types[types.length - 1].text as MetricType;
    return from;
  }

  #noTime(body: Uint8Array, start: number, end: number): TidemarkError {
    const series = decodeText(body.subarray(start, end)) ?? '';
    let line = 1;
    for (let i = body.indexOf(NEWLINE); i >= 0 && i < start; i = body.indexOf(NEWLINE, i + 1)) line++;
    return this.#error(`expected timestamp for series ${series}, got none`, line);
  }

  #seriesOf(text: Buffer, start: number, end: number, type: MetricType): number {
    // The type decides how bounds of buckets are written: the same text may be two series.
    const front = type === 'histogram' ? 'h' : type === 'summary' ? 's' : ' ';
    const key = front + text.toString('latin1', start, end);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = this.#sink.series(Labels.from(parseSeriesText(text.subarray(start, end), type)));
      this.#series.set(key, series);
    }
    return series;
  }

  #sample(series: number, timeMs: number, number: number): void {
    this.sampleCount++;
    if (Number.isNaN(number)) {
      this.#sink.sample(series, timeMs, NAN_HIGH, NAN_LOW);
      return;
    }
    value[0] = number;
    this.#sink.sample(series, timeMs, valueWords[1], valueWords[0]);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Whether bytes [0, end) end with a line `# EOF`. */
function endsWithEof(bytes: Uint8Array, end: number): boolean {
  const at = end - EOF_LINE.length;
  return at >= 0 && (at === 0 || bytes[at - 1] === NEWLINE) && EOF_LINE.every((c, i) => bytes[at + i] === c);
}
