// The scrape caches of the intake kernel (kernels/intake/scrape-cache.ts). Calls come in the order that file gives; the rows
// they speak of are those of the ExpositionKernel on the same instance.
import type { Labels } from '../model/index.ts';
import { kernelMemoryError } from './exposition-wasm.ts';

/** What kernels/intake/scrape-cache.ts exports. */
export interface ScrapeCacheExports {
  readonly memory: WebAssembly.Memory;
  scrapeOpen(): number;
  scrapeClose(cache: number): void;
  scrapeEntryCount(cache: number): number;
  scrapeBegin(cache: number): void;
  scrapeResolve(cache: number, options: number): number;
  scrapeRowList(): number;
  scrapeStarts(count: number): number;
  scrapeKept(): number;
  scrapeDuplicates(): number;
  scrapeOutOfBounds(): number;
  scrapeMeet(cache: number, row: number, options: number): number;
  scrapeLabelBuffer(bytes: number): number;
  scrapeSeries(count: number): number;
  scrapeAdd(cache: number, row: number, dropped: number, options: number): number;
  scrapeAppend(cache: number, timeMs: number, minMs: number, maxMs: number, options: number): number;
  scrapeDefine(cache: number, row: number, timeMs: number): number;
  scrapeExemplars(cache: number, timeMs: number, minMs: number, maxMs: number): number;
  scrapeExemplar(
    cache: number,
    row: number,
    labels: number,
    value: number,
    ownMs: number,
    timeMs: number,
    minMs: number,
    maxMs: number,
  ): number;
  scrapeReport(cache: number, number: number, timeMs: number, value: number, labelled: number): number;
  scrapeReportStale(cache: number, number: number, timeMs: number): number;
  scrapeStale(cache: number, timeMs: number): number;
  scrapeSettle(cache: number, flush: number): void;
}

/** An exemplar of a page's row; `timestampMs` undefined: it has no time of its own. */
export interface RowExemplar {
  readonly row: number;
  /** Names and values in turns. */
  readonly labels: readonly string[];
  readonly value: number;
  readonly timestampMs: number | undefined;
}

/** Bits of the `options` that the calls take. */
export const SCRAPE_OPTIONS = { honorTimestamps: 1, trackTimestampsStaleness: 2 } as const;

const encoder = new TextEncoder();

/** Scrape caches by address; what a cache is for is its caller's business. */
export class ScrapeCacheKernel {
  readonly #exports: ScrapeCacheExports;

  constructor(exports: ScrapeCacheExports) {
    this.#exports = exports;
  }

  /** Address of a new, empty cache. */
  open(): number {
    return this.#checked(this.#exports.scrapeOpen() >>> 0 || -1, 'another scrape cache');
  }
  close(cache: number): void {
    this.#exports.scrapeClose(cache);
  }
  /** Series texts in the cache, known and dropped, and the scrape's own series. */
  entryCount(cache: number): number {
    return this.#exports.scrapeEntryCount(cache);
  }
  begin(cache: number): void {
    this.#exports.scrapeBegin(cache);
  }
  /** Looks all rows up; returns the unknown ones. */
  resolve(cache: number, options: number): Uint32Array {
    return this.#list(this.#exports.scrapeResolve(cache, options));
  }
  /** Whether an unknown row has become known by an equal one before it. */
  meet(cache: number, row: number, options: number): boolean {
    return this.#exports.scrapeMeet(cache, row, options) !== 0;
  }
  /** Makes an unknown row known: as a series, or as dropped (null). Returns why its labels cannot be taken, or 0. */
  add(cache: number, row: number, labels: Labels | null, options: number): number {
    const reason = labels === null ? 0 : this.#series(labels);
    if (reason === 0) this.#checked(this.#exports.scrapeAdd(cache, row, labels === null ? 1 : 0, options), 'a series');
    return reason;
  }
  /** Rows that were not dropped, duplicates included. */
  get kept(): number {
    return this.#exports.scrapeKept();
  }
  get duplicates(): number {
    return this.#exports.scrapeDuplicates();
  }
  get outOfBounds(): number {
    return this.#exports.scrapeOutOfBounds();
  }
  /** Gives the rows start times, in ms; 0: none. They are forgotten at the next begin(). */
  starts(starts: Float64Array): void {
    const address = this.#exports.scrapeStarts(starts.length) >>> 0;
    if (address === 0) throw kernelMemoryError('start times');
    new Float64Array(this.#exports.memory.buffer, address, starts.length).set(starts);
  }
  /** Appends the samples; returns the rows whose series the log segment does not define, which are not appended. */
  append(cache: number, timeMs: number, minMs: number, maxMs: number, options: number): Uint32Array {
    return this.#list(this.#exports.scrapeAppend(cache, timeMs, minMs, maxMs, options));
  }
  /** Defines the series of such a row and appends its sample. Returns why it cannot be taken, or 0. */
  define(cache: number, row: number, labels: Labels, timeMs: number): number {
    const reason = this.#series(labels);
    return reason !== 0 ? reason : this.#checked(this.#exports.scrapeDefine(cache, row, timeMs), 'a sample');
  }
  /** Appends the exemplars that the page has. Bounds are those of append(). */
  exemplars(cache: number, timeMs: number, minMs: number, maxMs: number): void {
    this.#checked(this.#exports.scrapeExemplars(cache, timeMs, minMs, maxMs), 'exemplars');
  }
  /** Appends an exemplar of a row that the page does not have. `labels`: names and values in turns. */
  exemplar(
    cache: number,
    { row, labels, value, timestampMs }: RowExemplar,
    timeMs: number,
    minMs: number,
    maxMs: number,
  ): void {
    this.#putLabels(labels);
    const count = labels.length / 2;
    const ownMs = timestampMs ?? Number.NaN;
    this.#checked(this.#exports.scrapeExemplar(cache, row, count, value, ownMs, timeMs, minMs, maxMs), 'an exemplar');
  }
  /** Appends a sample of one of the scrape's own series, which keep their number and labels for the cache's life. */
  report(cache: number, number: number, labels: Labels, timeMs: number, value: number): void {
    const code = this.#checked(this.#exports.scrapeReport(cache, number, timeMs, value, 0), 'a sample');
    if (code === 0 || this.#series(labels) !== 0) return;
    this.#checked(this.#exports.scrapeReport(cache, number, timeMs, value, 1), 'a sample');
  }
  /** Marks one of the scrape's own series as ended. */
  reportStale(cache: number, number: number, timeMs: number): void {
    this.#checked(this.#exports.scrapeReportStale(cache, number, timeMs), 'a stale mark');
  }
  /** Marks series that were there and are not any more; returns how many. */
  stale(cache: number, timeMs: number): number {
    return this.#checked(this.#exports.scrapeStale(cache, timeMs), 'stale marks');
  }
  /** The scrape is durable. `flush`: it had a body. */
  settle(cache: number, flush: boolean): void {
    this.#exports.scrapeSettle(cache, flush ? 1 : 0);
  }

  #list(count: number): Uint32Array {
    this.#checked(count, 'a scrape');
    if (count === 0) return new Uint32Array(0);
    return new Uint32Array(this.#exports.memory.buffer, this.#exports.scrapeRowList() >>> 0, count).slice();
  }

  #series(labels: Labels): number {
    this.#putLabels(labels.pairs);
    return this.#checked(this.#exports.scrapeSeries(labels.pairs.length / 2), 'the labels of a series');
  }

  /** Puts names and values into the label buffer. */
  #putLabels(pairs: readonly string[]): void {
    let units = 0;
    for (const text of pairs) units += text.length;
    const rowBytes = pairs.length * 8;
    const address = this.#exports.scrapeLabelBuffer(rowBytes + units * 3) >>> 0;
    if (address === 0) throw kernelMemoryError('the labels of a series');
    const { buffer } = this.#exports.memory;
    const words = new Uint32Array(buffer, address, pairs.length * 2);
    const bytes = new Uint8Array(buffer, address + rowBytes, units * 3);
    let at = 0;
    for (let i = 0; i < pairs.length; i++) {
      const { written } = encoder.encodeInto(pairs[i], bytes.subarray(at));
      words[2 * i] = address + rowBytes + at;
      words[2 * i + 1] = written;
      at += written;
    }
  }

  #checked(code: number, what: string): number {
    if (code < 0) throw kernelMemoryError(what);
    return code;
  }
}
