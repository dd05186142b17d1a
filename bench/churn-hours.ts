// Many hours of churn in one process: all series are replaced every hour, as pods are, and the process must not grow with the number of
// series that ever came. Scrapes are sent in the order of time, by remote write, as fast as they are taken; after each hour
// the process says where its memory is.
//
//   npm run bench -- churn-hours [--hours=26] [--series=20000] [--interval=60]
import { encodeMessage, send, writeHeaders } from '../apptest/client.ts';
import type { WireSeries } from '../src/wire/index.ts';
import { Program } from '../test/support/program.ts';
import { cpuMsOf, residentOf } from './process-tree.ts';
import { type Bench, count, labelsOf, ownMetrics, sampleValue } from './traffic.ts';

const HOUR_MS = 3_600_000;
const PER_REQUEST = 2000;
const CONNECTIONS = 2;
/** Hours that are not looked at: caches and pools fill. */
const WARM_HOURS = 6;
const LITERAL_BYTES = 65_536;
const SETTLE_MS = 1000;

/** A request whose times and values are changed in place: to encode it anew would take longer than the server takes. */
class Template {
  readonly #message: Uint8Array;
  readonly #view: DataView;
  readonly #packed: Uint8Array;
  /** Where each series' value is; its time follows after a tag. */
  readonly #places: Uint32Array;
  readonly #first: number;

  constructor(first: number, seriesCount: number, generation: number, timeMs: number) {
    this.#first = first;
    const series = Array.from({ length: seriesCount }, (_, i) => seriesOf(first + i, generation, timeMs));
    this.#message = encodeMessage(1, series);
    this.#view = new DataView(this.#message.buffer, this.#message.byteOffset);
    this.#places = Uint32Array.from(placesOf(this.#message, timeMs));
    if (this.#places.length !== seriesCount) throw new Error('a template has other samples than series');
    this.#packed = new Uint8Array(this.#message.length + 16 + 4 * Math.ceil(this.#message.length / LITERAL_BYTES));
  }

  /** The body of a scrape, valid until the next one. */
  body(timeMs: number, tick: number): Uint8Array {
    for (let i = 0; i < this.#places.length; i++) {
      const at = this.#places[i];
      this.#view.setFloat64(at, sampleValue(this.#first + i, tick), true);
      putVarint(this.#message, at + 9, timeMs);
    }
    return this.#packed.subarray(0, packLiterals(this.#message, this.#packed));
  }
}

const seriesOf = (k: number, generation: number, timeMs: number): WireSeries => {
  const pod: [string, string] = ['pod', `workload-${k % 200}-${(generation * 7919 + k).toString(36)}`];
  const labels = [...labelsOf(k), pod].sort(([a], [b]) => (a < b ? -1 : 1)) as WireSeries['labels'];
  return { labels, samples: [{ timestampMs: timeMs, value: Math.PI }] };
};

/** Offsets of the values of samples that have this time and the value of seriesOf(). */
function* placesOf(message: Uint8Array, timeMs: number): Generator<number> {
  const sample = new Uint8Array(16);
  new DataView(sample.buffer).setFloat64(0, Math.PI, true);
  sample[8] = 0x10;
  const length = 9 + putVarint(sample, 9, timeMs);
  const wanted = Buffer.from(sample.buffer, 0, length);
  const all = Buffer.from(message.buffer, message.byteOffset, message.length);
  for (let at = all.indexOf(wanted); at >= 0; at = all.indexOf(wanted, at + length)) yield at;
}

/** Writes a time; all of this century take as many bytes. Returns how many. */
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let i = at;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes[i++] = (rest % 128) + 128;
  bytes[i++] = rest;
  return i - at;
}

/** Snappy that compresses nothing. Returns the length. */
function packLiterals(message: Uint8Array, into: Uint8Array): number {
  let at = putVarint(into, 0, message.length);
  for (let from = 0; from < message.length; from += LITERAL_BYTES) {
    const piece = message.subarray(from, from + LITERAL_BYTES);
    into[at++] = 61 << 2;
    into[at++] = (piece.length - 1) & 255;
    into[at++] = (piece.length - 1) >> 8;
    into.set(piece, at);
    at += piece.length;
  }
  return at;
}

async function scrape(program: Program, templates: readonly Template[], timeMs: number, tick: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < templates.length) {
      const body = templates[next++].body(timeMs, tick);
      const request = { path: '/api/v1/write', headers: writeHeaders(1), body };
      let reply = await send(program, request);
      for (; reply.status === 503; reply = await send(program, request)) await new Promise((go) => setTimeout(go, 50));
      if (reply.status !== 204) throw new Error(`cannot write: ${reply.status} ${reply.text}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
}

/** Columns of the table: a name, and the own metric that it shows. */
const COLUMNS: readonly (readonly [string, string])[] = [
  ['head', 'tidemark_head_bytes'],
  ['dictionary', 'tidemark_intake_dictionary_bytes'],
  ['intake', 'tidemark_intake_memory_bytes'],
  ['heaps', 'tidemark_thread_heap_bytes'],
  ['external', 'tidemark_thread_external_bytes'],
  ['block cache', 'tidemark_block_cache_bytes'],
];

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1).padStart(11);

async function row(program: Program, hour: number): Promise<{ text: string; residentBytes: number }> {
  const metrics = await ownMetrics(program);
  const residentBytes = residentOf(program.pid).bytes;
  const cells = COLUMNS.map(([, name]) => mib(metrics.get(name) ?? Number.NaN));
  const counts = ['tidemark_head_series', 'tidemark_blocks', 'tidemark_cuts_total'].map((name) =>
    count(metrics.get(name) ?? Number.NaN).padStart(11),
  );
  return { text: `${String(hour).padStart(4)}${mib(residentBytes)}${cells.join('')}${counts.join('')}`, residentBytes };
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** Memory after each hour. */
export const churnHours: Bench = async (scale, say, options) => {
  const hours = Number(options.get('hours') ?? 26);
  const seriesCount = Math.round(Number(options.get('series') ?? 20_000) * scale);
  const intervalMs = Number(options.get('interval') ?? 60) * 1000;
  const startMs = Math.floor((Date.now() - hours * HOUR_MS) / HOUR_MS) * HOUR_MS;
  const program = await Program.start(null);
  try {
    const names = ['RSS', ...COLUMNS.map(([name]) => name), 'series', 'blocks', 'cuts'];
    say(`hour${names.map((name) => name.padStart(11)).join('')}   (MiB)`);
    const resident: number[] = [];
    for (let hour = 0; hour < hours; hour++) {
      const beginMs = startMs + hour * HOUR_MS;
      const templates: Template[] = [];
      for (let first = 0; first < seriesCount; first += PER_REQUEST)
        templates.push(new Template(first, Math.min(PER_REQUEST, seriesCount - first), hour, beginMs));
      for (let timeMs = beginMs; timeMs < beginMs + HOUR_MS; timeMs += intervalMs)
        await scrape(program, templates, timeMs, (timeMs - startMs) / intervalMs);
      // A real hour has time for the collector.
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const { text, residentBytes } = await row(program, hour + 1);
      resident.push(residentBytes);
      say(text);
    }
    const looked = resident.slice(WARM_HOURS);
    const half = Math.floor(looked.length / 2);
    const [before, after] = [mean(looked.slice(0, half)), mean(looked.slice(half))];
    const perSeries = (after - before) / ((looked.length - half) * seriesCount);
    say(
      `RSS after hour ${WARM_HOURS}: mean of the first half ${mib(before).trim()} MiB, of the second ${mib(after).trim()} MiB: ` +
        `${perSeries.toFixed(1)} B per series created`,
    );
    const samples = hours * seriesCount * Math.ceil(HOUR_MS / intervalMs);
    say(`${count(samples)} samples, ${((cpuMsOf(program.pid) * 1e3) / samples).toFixed(3)} µs of processor each`);
  } finally {
    await program.dispose();
  }
};
