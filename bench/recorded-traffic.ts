// Remote write of recorded exporters, months of it, at next to no cost for the sender: request bodies are made once and then only
// patched. A body holds some series with SAMPLES_PER_BODY samples each, as raw protobuf in one literal of snappy; every sample is 18
// bytes, of which the value and the time change:
//
//   12 10 | 09 value:f64 | 10 time:varint of 6 bytes
//
// The recording has a row per second. Scrapes take every 15th row; each pass over the recording begins one row later, so nothing
// repeats for 22 hours, and counters go on where the pass before left them.
import { existsSync } from 'node:fs';
import http from 'node:http';

export const SCRAPE_INTERVAL_MS = 15_000;
export const SAMPLES_PER_BODY = 40;
const ROWS_PER_SCRAPE = 15;
const SAMPLE_BYTES = 18;
/** Decimals beyond these are binary noise: such values are not rounded. */
const DECIMALS_MAX = 9;

/** A recorded series. */
interface RecordedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly type: string;
  readonly values: Float64Array;
}

/** What is sent of one series. */
export interface SentSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly changes: boolean;
  readonly isCounter: boolean;
  /** Values of all passes' scrapes, pass by pass. */
  readonly values: Float64Array;
  /** What a counter gains in a pass. */
  readonly gain: number;
  /** Sent values are multiples of 1 / scale; 0: as they are. */
  readonly scale: number;
}

const corpusModule = new URL('../../shared/bench/corpus.mjs', import.meta.url);
const corpusFile = new URL('../../shared/corpus/exporters.bin', import.meta.url);

/** Whether the recording is here. */
export const hasRecording = (): boolean => existsSync(corpusModule) && existsSync(corpusFile);

/** `count` series of the recording, evenly spread over it; with `isLive` only of those that change. */
export async function recordedSeries(count: number, isLive: boolean): Promise<SentSeries[]> {
  const { loadCorpus } = (await import(corpusModule.href)) as {
    loadCorpus(file: URL, options: object): { series: RecordedSeries[] };
  };
  const whole = loadCorpus(corpusFile, { minPresence: 1 }).series;
  // VictoriaMetrics does not store NaN.
  const all = whole.filter(({ values }) => !values.some((value) => Number.isNaN(value)));
  const wanted = isLive ? all.filter(({ values }) => values.some((value) => !Object.is(value, values[0]))) : all;
  return Array.from({ length: count }, (_, i) => {
    const recorded = wanted[Math.floor((i * wanted.length) / count)];
    return sentSeries(recorded, i);
  });
}

function sentSeries({ labels, type, values }: RecordedSeries, number: number): SentSeries {
  const isBucket = /_(bucket|sum|count)$/.test(labels.__name__) && (type === 'histogram' || type === 'summary');
  const isCounter = type === 'counter' || isBucket;
  const rising = isCounter ? withoutResets(values) : values;
  const changes = values.some((value) => !Object.is(value, values[0]));
  const own = {
    ...labels,
    env: 'production',
    kind: isCounter ? 'counter' : 'other',
    instance: `10.0.0.${labels.job.length}:9100`,
    place: `${number}`.padStart(5, '0'),
  };
  const gain = isCounter ? rising[rising.length - 1] - rising[0] : 0;
  return { labels: own, changes, isCounter, values: inPasses(rising), gain, scale: scaleOf(values) };
}

function withoutResets(values: Float64Array): Float64Array {
  let lost = 0;
  return values.map((value, i) => {
    if (i > 0 && value < values[i - 1]) lost += values[i - 1];
    return value + lost;
  });
}

function inPasses(values: Float64Array): Float64Array {
  const scrapes = Math.floor(values.length / ROWS_PER_SCRAPE);
  const out = new Float64Array(scrapes * ROWS_PER_SCRAPE);
  for (let pass = 0, at = 0; pass < ROWS_PER_SCRAPE; pass++) {
    for (let scrape = 0; scrape < scrapes; scrape++) out[at++] = values[scrape * ROWS_PER_SCRAPE + pass];
  }
  return out;
}

/** 10^decimals of the values, if they are decimals and sums of them stay exact. */
function scaleOf(values: Float64Array): number {
  for (let decimals = 0; decimals <= DECIMALS_MAX; decimals++) {
    const scale = 10 ** decimals;
    if (values.every((value) => Math.abs(value) * scale < 2 ** 50 && Math.round(value * scale) / scale === value))
      return scale;
  }
  return 0;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}

const field = (tag: number, body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([tag, ...varint(body.length)]), body]);

function encodedLabels(labels: Readonly<Record<string, string>>): Buffer {
  const names = Object.keys(labels).sort((a, b) => (a < b ? -1 : 1));
  return Buffer.concat(
    names.map((name) => field(10, Buffer.concat([field(10, Buffer.from(name)), field(18, Buffer.from(labels[name]))]))),
  );
}

/** A request body that is filled again and again. */
export class BodyTemplate {
  readonly bytes: Buffer;
  readonly #series: readonly SentSeries[];
  readonly #view: DataView;
  /** Where the samples of each series begin. */
  readonly #places: Uint32Array;

  constructor(series: readonly SentSeries[]) {
    this.#series = series;
    this.#places = new Uint32Array(series.length);
    const sample = Buffer.alloc(SAMPLE_BYTES);
    sample.set([0x12, SAMPLE_BYTES - 2, 0x09]);
    sample[11] = 0x10;
    const samples = Buffer.concat(Array.from({ length: SAMPLES_PER_BODY }, () => sample));
    const parts: Buffer[] = [];
    let length = 0;
    for (const [i, { labels }] of series.entries()) {
      const message = field(10, Buffer.concat([encodedLabels(labels), samples]));
      parts.push(message);
      length += message.length;
      this.#places[i] = length - samples.length;
    }
    const last = length - 1;
    const head = Buffer.from([...varint(length), 62 << 2, last & 255, (last >> 8) & 255, last >> 16]);
    this.#places.forEach((place, i) => (this.#places[i] = place + head.length));
    this.bytes = Buffer.concat([head, ...parts]);
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  get samples(): number {
    return this.#series.length * SAMPLES_PER_BODY;
  }

  /** Puts scrapes [from, from + SAMPLES_PER_BODY) in, the first of all at `startMs`. */
  fill(from: number, startMs: number): void {
    const times = timesOf(from, startMs);
    for (let i = 0; i < this.#series.length; i++) this.#fillSeries(this.#series[i], this.#places[i], from, times);
  }

  #fillSeries(series: SentSeries, place: number, from: number, times: Float64Array): void {
    const { values, gain, scale } = series;
    const perPass = values.length / ROWS_PER_SCRAPE;
    const view = this.#view;
    for (let i = 0, at = place; i < SAMPLES_PER_BODY; i++, at += SAMPLE_BYTES) {
      const passes = Math.floor((from + i) / perPass);
      let value = values[(passes % ROWS_PER_SCRAPE) * perPass + ((from + i) % perPass)];
      if (gain !== 0) {
        value += passes * gain;
        if (scale !== 0) value = Math.round(value * scale) / scale;
      }
      view.setFloat64(at + 3, value, true);
      view.setUint32(at + 12, times[2 * i], true);
      view.setUint16(at + 16, times[2 * i + 1], true);
    }
  }
}

/** Times as varints of 6 bytes: the low four, the high two, in turns. */
function timesOf(from: number, startMs: number): Float64Array {
  const out = new Float64Array(SAMPLES_PER_BODY * 2);
  for (let i = 0; i < SAMPLES_PER_BODY; i++) {
    const b = varint(startMs + (from + i) * SCRAPE_INTERVAL_MS);
    if (b.length !== 6) throw new Error(`cannot patch time: it has to have 6 bytes; got ${b.length}`);
    out[2 * i] = (b[0] | (b[1] << 8) | (b[2] << 16) | (b[3] << 24)) >>> 0;
    out[2 * i + 1] = b[4] | (b[5] << 8);
  }
  return out;
}

const HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
};

/** One POST of a body; resolves with the status. */
function post(agent: http.Agent, port: number, bytes: Buffer): Promise<{ status: number; text: string }> {
  const headers = { ...HEADERS, 'content-length': bytes.length };
  return new Promise((resolve, reject) => {
    const options = { agent, host: '127.0.0.1', port, method: 'POST', path: '/api/v1/write', headers };
    const request = http.request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end(bytes);
  });
}

/** What sending came to. */
export interface Sent {
  readonly samples: number;
  readonly elapsedMs: number;
  readonly clientCpuMs: number;
  /** Requests that were refused for the moment (429, 503) and sent again. */
  readonly refusals: number;
  readonly slicesMs: readonly number[];
}

/** The series' way into a server. */
export class RecordedSender {
  readonly #sets: readonly (readonly BodyTemplate[])[];
  readonly #agent: http.Agent;
  #refusals = 0;

  constructor(series: readonly SentSeries[], connections: number) {
    const share = Math.ceil(series.length / connections);
    const parts = Array.from({ length: connections }, (_, i) => series.slice(i * share, (i + 1) * share));
    const templates = () => parts.filter((part) => part.length > 0).map((part) => new BodyTemplate(part));
    // Two sets: one is filled while the other is under way.
    this.#sets = [templates(), templates()];
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Sends so many slices of SAMPLES_PER_BODY scrapes; one begins when all of the one before is acknowledged. */
  async send(port: number, startMs: number, slices: number, progress: (slice: number) => void): Promise<Sent> {
    const cpuBefore = process.cpuUsage();
    const beginMs = performance.now();
    const slicesMs: number[] = [];
    let samples = 0;
    let underWay: Promise<void> = Promise.resolve();
    for (let slice = 0; slice < slices; slice++) {
      const set = this.#sets[slice % 2];
      for (const template of set) template.fill(slice * SAMPLES_PER_BODY, startMs);
      await underWay;
      const sentMs = performance.now();
      underWay = Promise.all(set.map((template) => this.#post(port, template))).then(() => {
        slicesMs.push(performance.now() - sentMs);
      });
      for (const template of set) samples += template.samples;
      progress(slice);
    }
    await underWay;
    const { user, system } = process.cpuUsage(cpuBefore);
    const elapsedMs = performance.now() - beginMs;
    return { samples, elapsedMs, clientCpuMs: (user + system) / 1000, refusals: this.#refusals, slicesMs };
  }

  async #post(port: number, template: BodyTemplate): Promise<void> {
    for (;;) {
      const { status, text } = await post(this.#agent, port, template.bytes);
      if (status === 200 || status === 204) return;
      if (status !== 429 && status !== 503) throw new Error(`cannot write: ${status} ${text.slice(0, 500)}`);
      this.#refusals++;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}
