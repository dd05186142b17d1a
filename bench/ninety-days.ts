// Ninety days at 15 s: a thousand recorded series are written by remote write, in the order of time, into the program and into
// VictoriaMetrics (where tools of the comparison have installed it), one after the other; then both are asked about all of it.
//
//   npm run bench -- ninety-days [--days=90] [--series=1000] [--live] [--only=tidemark|victoriametrics]
//
// --live: only series that change. Cold is the first query after a restart of the process; files may be in the system's page cache.
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Program, freePort, spawnGuarded, until } from '../test/support/program.ts';
import { cpuMsOf, diskBytes, residentOf } from './process-tree.ts';
import {
  RecordedSender,
  SAMPLES_PER_BODY,
  SCRAPE_INTERVAL_MS,
  type Sent,
  type SentSeries,
  hasRecording,
  recordedSeries,
} from './recorded-traffic.ts';
import { type Bench, count, machineLoad, quantile } from './traffic.ts';

const CONNECTIONS = 4;
const ROUNDS = 5;
const STEP_MS = 3_600_000;
const DAY_MS = 86_400_000;
const REPLY_MS_MAX = 900_000;
const SETTLE_MS_MAX = 600_000;
const PROGRESS_SLICES = 1000;

/** A server under test. */
export interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Brings everything to its resting form. */
  settle(): Promise<void>;
  /** Bytes of data and index at rest. */
  restingBytes(): number;
  restart(): Promise<void>;
  dispose(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly elapsedMs: number;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask(port: number, method: string, pathAndQuery: string): Promise<Reply> {
  const beginMs = performance.now();
  return new Promise((resolve, reject) => {
    const options = { agent, host: '127.0.0.1', port, method, path: pathAndQuery, timeout: REPLY_MS_MAX };
    const request = http.request(options, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const body = Buffer.concat(parts);
        resolve({ status: answer.statusCode ?? 0, body, elapsedMs: performance.now() - beginMs });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${pathAndQuery.slice(0, 200)}`)));
    request.on('error', reject);
    request.end();
  });
}

export async function must(port: number, method: string, pathAndQuery: string): Promise<Reply> {
  const reply = await ask(port, method, pathAndQuery);
  if (reply.status < 300) return reply;
  throw new Error(`${pathAndQuery.slice(0, 300)}: ${reply.status} ${reply.body.toString('utf8', 0, 500)}`);
}

export async function startTidemark(): Promise<Server> {
  const program = await Program.start(null, { args: ['--query.timeout=15m'] });
  return {
    name: 'tidemark',
    get port() {
      return program.port;
    },
    get pid() {
      return program.pid;
    },
    settle: async () => void (await must(program.port, 'POST', '/api/v1/admin/tsdb/flush')),
    restingBytes: () => diskBytes(path.join(program.directory, 'blocks')),
    restart: async () => {
      await program.stop();
      await program.start();
    },
    dispose: () => program.dispose(),
  };
}

const cacheHome = process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache');
const victoriaBinary = path.join(cacheHome, 'tidemark-peers', 'bin', 'victoria-metrics');

class VictoriaMetrics implements Server {
  readonly name = 'victoriametrics';
  readonly #home: string;
  #run: ReturnType<typeof spawnGuarded> | null = null;
  port = 0;

  private constructor(home: string) {
    this.#home = home;
  }

  static async start(): Promise<VictoriaMetrics> {
    const server = new VictoriaMetrics(await fs.mkdtemp(path.join(os.tmpdir(), 'victoria-metrics-')));
    try {
      await server.#start();
    } catch (error) {
      await server.dispose();
      throw error;
    }
    return server;
  }

  get pid(): number {
    return this.#run?.child.pid ?? 0;
  }

  async #start(): Promise<void> {
    this.port = await freePort();
    const run = spawnGuarded(victoriaBinary, [
      `-storageDataPath=${path.join(this.#home, 'data')}`,
      `-httpListenAddr=127.0.0.1:${this.port}`,
      '-retentionPeriod=100y',
      '-loggerLevel=WARN',
      '-search.maxQueryDuration=15m',
    ]);
    this.#run = run;
    await until('VictoriaMetrics is ready', 60_000, async () => {
      if (run.child.exitCode !== null) throw new Error(`VictoriaMetrics ended at its start: ${run.output.stderr}`);
      return (await ask(this.port, 'GET', '/health').catch(() => null))?.status === 200;
    });
  }

  async settle(): Promise<void> {
    await must(this.port, 'GET', '/internal/force_flush');
    await must(this.port, 'GET', '/internal/force_merge');
    await until('VictoriaMetrics has merged', SETTLE_MS_MAX, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { body } = await must(this.port, 'GET', '/metrics');
      return !/^vm_active_force_merges [1-9]/m.test(body.toString());
    });
    await must(this.port, 'GET', '/internal/force_flush');
  }

  restingBytes(): number {
    return diskBytes(path.join(this.#home, 'data/data'), path.join(this.#home, 'data/indexdb'));
  }

  async #stop(): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    run.child.kill('SIGTERM');
    await run.ended;
  }

  async restart(): Promise<void> {
    await this.#stop();
    await this.#start();
  }

  async dispose(): Promise<void> {
    await this.#stop();
    await fs.rm(this.#home, { recursive: true, force: true });
  }
}

export const ALL = '{env="production"}';

/** Prometheus takes every fall of a gauge for a reset, VictoriaMetrics does not: only the rates of counters can be compared. */
const COUNTERS = '{env="production",kind="counter"}';

interface Query {
  readonly text: string;
  /** Greatest relative difference that is no mistake; null: the definitions differ. */
  readonly tolerance: number | null;
}

/** VictoriaMetrics extrapolates rates in its own way, and stores 15 digits. */
const EXTRAPOLATION = 0.02;
const ROUNDING = 1e-12;

const queriesOf = (one: string): Query[] => [
  { text: `sum(rate(${ALL}[1h]))`, tolerance: null },
  { text: `sum(rate(${COUNTERS}[1h]))`, tolerance: EXTRAPOLATION },
  { text: `sum by (job) (rate(${ALL}[1h]))`, tolerance: null },
  { text: `max(max_over_time(${ALL}[1h]))`, tolerance: ROUNDING },
  { text: `max_over_time(${ALL}[1h])`, tolerance: ROUNDING },
  { text: `rate(${one}[1h])`, tolerance: EXTRAPOLATION },
  { text: `max_over_time(${one}[1h])`, tolerance: ROUNDING },
];

/** An answer: values by time, by labels without the name. */
type Answer = Map<string, Map<number, number>>;

interface Result {
  readonly metric: Record<string, string>;
  readonly values: readonly (readonly [number, string])[];
}

function answerOf(body: Buffer): Answer {
  const { data } = JSON.parse(body.toString()) as { data: { result: Result[] } };
  return new Map(
    data.result.map(({ metric, values }) => {
      const labels = Object.entries(metric).filter(([name]) => name !== '__name__');
      const key = labels.sort(([a], [b]) => (a < b ? -1 : 1)).join();
      return [key, new Map(values.map(([time, value]) => [time, Number(value.replace('Inf', 'Infinity'))]))];
    }),
  );
}

interface Difference {
  points: number;
  missing: number;
  /** Of points in both. */
  worst: number;
  median: number;
}

function compare(a: Answer, b: Answer): Difference {
  const off: number[] = [];
  let missing = 0;
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [left, right] = [a.get(key) ?? new Map<number, number>(), b.get(key) ?? new Map<number, number>()];
    for (const time of new Set([...left.keys(), ...right.keys()])) {
      const [x, y] = [left.get(time), right.get(time)];
      if (x === undefined || y === undefined) missing++;
      else off.push(Object.is(x, y) || x === y ? 0 : Math.abs(x - y) / Math.max(Math.abs(x), Math.abs(y)));
    }
  }
  const worst = off.reduce((a, b) => Math.max(a, b), 0);
  return { points: off.length, missing, worst, median: quantile(off, 0.5) };
}

export interface Range {
  readonly startMs: number;
  readonly slices: number;
  /** Of the queries. */
  readonly fromMs: number;
  readonly toMs: number;
}

type Say = (line: string) => void;

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

export async function loadInto(server: Server, series: readonly SentSeries[], range: Range, say: Say): Promise<void> {
  const sender = new RecordedSender(series, CONNECTIONS);
  let sent: Sent;
  try {
    sent = await sender.send(server.port, range.startMs, range.slices, (slice) => {
      if (slice % PROGRESS_SLICES !== 0 || slice === 0) return;
      process.stderr.write(
        `    ${server.name}: ${slice} of ${range.slices} slices, ${mebibytes(residentOf(server.pid).bytes)}\n`,
      );
    });
  } finally {
    sender.close();
  }
  const { samples, elapsedMs, clientCpuMs, refusals, slicesMs } = sent;
  const perSample = (ms: number): string => `${((ms * 1e6) / samples).toFixed(0)} ns`;
  say(
    `loaded ${count(samples)} samples in ${(elapsedMs / 1000).toFixed(1)} s: ${count(samples / (elapsedMs / 1000))} per second, ` +
      `${perSample(cpuMsOf(server.pid))} of processor time per sample (client ${perSample(clientCpuMs)}); slice p50 ` +
      `${quantile(slicesMs, 0.5).toFixed(1)} ms, p99 ${quantile(slicesMs, 0.99).toFixed(0)} ms; refused for a moment ${refusals}`,
  );
  const settleBeginMs = performance.now();
  await server.settle();
  const resident = residentOf(server.pid);
  say(
    `at rest after ${((performance.now() - settleBeginMs) / 1000).toFixed(1)} s: ${perSample(cpuMsOf(server.pid))} of processor time per ` +
      `sample in all, ${(server.restingBytes() / samples).toFixed(3)} bytes per sample (${mebibytes(server.restingBytes())}); ` +
      `memory ${mebibytes(resident.bytes)}, at most ${mebibytes(resident.highWaterBytes)}`,
  );
}

export const rangeQuery = (text: string, { fromMs, toMs }: Range): string =>
  `/api/v1/query_range?${new URLSearchParams({
    query: text,
    start: String(fromMs / 1000),
    end: String(toMs / 1000),
    step: String(STEP_MS / 1000),
    nocache: '1',
  })}`;

/** Every window of an hour has as many samples as were sent. */
async function checkComplete(server: Server, series: number, range: Range): Promise<void> {
  const { body } = await must(server.port, 'GET', rangeQuery(`sum(count_over_time(${ALL}[1h]))`, range));
  const steps = [...(answerOf(body).values().next().value?.values() ?? [])];
  const want = series * (STEP_MS / SCRAPE_INTERVAL_MS);
  const wrong = steps.findIndex((found) => found !== want);
  const wantSteps = (range.toMs - range.fromMs) / STEP_MS + 1;
  if (wrong >= 0) throw new Error(`${server.name}: step ${wrong} has ${steps[wrong]} samples instead of ${want}`);
  if (steps.length !== wantSteps) throw new Error(`${server.name}: ${steps.length} steps instead of ${wantSteps}`);
}

interface Timed {
  readonly coldMs: number;
  readonly warmMs: number;
  readonly cpuMs: number;
  readonly answer: Answer;
}

async function timeQuery(server: Server, text: string, range: Range): Promise<Timed> {
  await server.restart();
  const cold = await must(server.port, 'GET', rangeQuery(text, range));
  const elapsedMs: number[] = [];
  const cpuBeforeMs = cpuMsOf(server.pid);
  for (let round = 0; round < ROUNDS; round++) {
    elapsedMs.push((await must(server.port, 'GET', rangeQuery(text, range))).elapsedMs);
  }
  const cpuMs = (cpuMsOf(server.pid) - cpuBeforeMs) / ROUNDS;
  return { coldMs: cold.elapsedMs, warmMs: quantile(elapsedMs, 0.5), cpuMs, answer: answerOf(cold.body) };
}

interface Work {
  readonly series: readonly SentSeries[];
  readonly range: Range;
  readonly queries: readonly Query[];
}

async function run(server: Server, { series, range, queries }: Work, say: Say): Promise<Map<string, Timed>> {
  const timed = new Map<string, Timed>();
  try {
    await loadInto(server, series, range, (line) => say(`${server.name}: ${line}`));
    await checkComplete(server, series.length, range);
    for (const { text } of queries) {
      const result = await timeQuery(server, text, range);
      timed.set(text, result);
      const { coldMs, warmMs, cpuMs } = result;
      say(`${server.name}: ${[coldMs, warmMs, cpuMs].map((ms) => ms.toFixed(1).padStart(9)).join(' ')}  ${text}`);
    }
    say(`${server.name}: memory after the queries, at most ${mebibytes(residentOf(server.pid).highWaterBytes)}`);
  } finally {
    await server.dispose();
  }
  return timed;
}

function sayComparison(
  ours: Map<string, Timed>,
  theirs: Map<string, Timed>,
  queries: readonly Query[],
  say: Say,
): void {
  say('how many times faster than VictoriaMetrics, cold and warm; the answers side by side');
  for (const { text, tolerance } of queries) {
    const [a, b] = [ours.get(text), theirs.get(text)];
    if (a === undefined || b === undefined) continue;
    const { points, missing, worst, median } = compare(a.answer, b.answer);
    const verdict =
      missing > 0 || worst > (tolerance ?? Infinity) ? 'DIFFERENT' : tolerance === null ? 'of another meaning' : 'same';
    const ratios = [b.coldMs / a.coldMs, b.warmMs / a.warmMs].map((ratio) => `${ratio.toFixed(2)}x`.padStart(7));
    const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
    say(
      `${ratios.join(' ')}  ${text}: ${verdict}: ${count(points)} points, ${missing} in one only, off by ${percent(median)} ` +
        `(median), ${percent(worst)} (most)`,
    );
  }
}

export function rangeOf(days: number): Range {
  const slices = Math.floor((days * DAY_MS) / (SAMPLES_PER_BODY * SCRAPE_INTERVAL_MS));
  const spanMs = slices * SAMPLES_PER_BODY * SCRAPE_INTERVAL_MS;
  const startMs = Math.floor((Date.now() - spanMs) / 1000) * 1000;
  // A step whose window is whole: behind the first sample, and before the last one.
  const fromMs = Math.ceil((startMs + STEP_MS) / STEP_MS) * STEP_MS;
  const toMs = Math.floor((startMs + spanMs - SCRAPE_INTERVAL_MS) / STEP_MS) * STEP_MS;
  return { startMs, slices, fromMs, toMs };
}

/** Loading months of data, and what queries over all of it cost. */
export const ninetyDays: Bench = async (scale, say, options) => {
  if (!hasRecording()) {
    say('skipped: the recorded exporters (../shared/corpus) are not here');
    return;
  }
  const range = rangeOf(Number(options.get('days') ?? 90));
  const seriesCount = Number(options.get('series') ?? Math.round(1000 * scale));
  const series = await recordedSeries(seriesCount, options.has('live'));
  const changing = series.filter(({ changes }) => changes).length;
  const steps = (range.toMs - range.fromMs) / STEP_MS + 1;
  say(
    `${count(seriesCount)} series, ${changing} of which change, every 15 s for ${options.get('days') ?? 90} days; ` +
      `${steps} steps of 1 h; columns of queries: cold ms, warm ms (median of ${ROUNDS}), processor ms; ${machineLoad()}`,
  );
  const one = series.find(({ changes, isCounter }) => changes && isCounter) ?? series[0];
  const work: Work = { series, range, queries: queriesOf(`{place="${one.labels.place}"}`) };
  const only = options.get('only');
  const ours = only === 'victoriametrics' ? null : await run(await startTidemark(), work, say);
  if (only === 'tidemark') return;
  if (!existsSync(victoriaBinary)) {
    say(`skipped: VictoriaMetrics is not at ${victoriaBinary}`);
    return;
  }
  const theirs = await run(await VictoriaMetrics.start(), work, say);
  if (ours !== null) sayComparison(ours, theirs, work.queries, say);
};
