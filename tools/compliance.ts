// npm run compliance [-- --show 20]: the compliance queries that vendors publish scores for, asked of this program and of Prometheus over
// the same data. The queries are in ../shared/conformance/promql-test-queries.yml, Prometheus among the installed peers. The data is of
// our own making, with the names and labels that the queries ask for: a sample every 5 s for two hours, by remote write to both.
//
// A query passes if both fail, or both have the same series and every point agrees to 1e-5 of its value. Exit status 1: some do not.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { Program, freePort, spawnGuarded, until } from '../test/support/program.ts';
import { seeded } from '../test/model/histogram-samples.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const shared = fileURLToPath(new URL('../../shared/', import.meta.url));
const queriesFile = `${shared}conformance/promql-test-queries.yml`;
const peers = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'tidemark-peers', 'bin');
const prometheusBinary = path.join(peers, 'prometheus');
const INTERVAL_MS = 5000;
const HOURS = 2;
const TOLERANCE = 1e-5;
const STEP_S = 10;

/** What a variable of a query stands for. */
const ARITHMETIC = ['+', '-', '*', '/', '%', '^'];
const COMPARISONS = ['==', '!=', '<', '>', '<=', '>='];
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  simpleAggrOp: ['sum', 'avg', 'max', 'min', 'count', 'stddev', 'stdvar'],
  simpleTimeAggrOp: ['sum', 'avg', 'max', 'min', 'count', 'stddev', 'stdvar', 'absent', 'last'],
  topBottomOp: ['topk', 'bottomk'],
  quantile: ['-0.5', '0.1', '0.5', '0.75', '0.95', '0.90', '0.99', '1', '1.5'],
  range: ['1s', '15s', '1m', '5m', '15m', '1h'],
  offset: ['1m', '5m', '10m'],
  arithBinOp: ARITHMETIC,
  compBinOp: COMPARISONS,
  binOp: [...ARITHMETIC, ...COMPARISONS],
  simpleMathFunc: ['abs', 'ceil', 'floor', 'exp', 'sqrt', 'ln', 'log2', 'log10', 'round'],
  extrapolatedRateFunc: ['delta', 'rate', 'increase'],
  instantRateFunc: ['idelta', 'irate'],
  clampFunc: ['clamp_min', 'clamp_max'],
  dateFunc: ['day_of_month', 'day_of_week', 'days_in_month', 'hour', 'minute', 'month', 'year'],
};

interface TestCase {
  readonly query: string | number;
}

/** All queries of a template. */
function expand(template: string): string[] {
  const name = /\{\{\.(\w+)\}\}/.exec(template)?.[1];
  if (name === undefined) return [template];
  const values = VARIANTS[name];
  if (!values) throw new Error(`cannot expand query: variable ${name} is not known; got ${template}`);
  return values.flatMap((value) => expand(template.replaceAll(`{{.${name}}}`, value)));
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** null: no sample at this time; NaN as 'stale' is written where a series ends. */
  readonly value: (i: number) => number | null;
}

/** What a demo service shows: three instances of memory, processors, disks, requests. */
function demoSeries(): Series[] {
  const out: Series[] = [];
  const random = seeded(539);
  const add = (name: string, labels: Record<string, string>, value: Series['value']): void =>
    void out.push({ labels: { __name__: name, job: 'demo', ...labels }, value });
  for (const port of ['10000', '10001', '10002']) {
    const instance = `demo.promlabs.com:${port}`;
    const [phase, speed] = [random() * 6, 0.5 + random()];
    for (const [k, type] of ['used', 'free', 'buffers', 'cached'].entries()) {
      add('demo_memory_usage_bytes', { instance, type }, (i) =>
        Math.round(2e9 * (k + 1.2 + Math.sin(i / 50 + phase + k))),
      );
    }
    add('demo_num_cpus', { instance }, () => 4);
    for (const [k, mode] of ['idle', 'user', 'system'].entries()) {
      // Instance 10001 is restarted after an hour.
      const since = (i: number): number => (port === '10001' && i > 720 ? i - 720 : i);
      add('demo_cpu_usage_seconds_total', { instance, mode }, (i) => since(i) * speed * (k + 0.37));
    }
    add('demo_disk_usage_bytes', { instance }, (i) => 1e9 + i * 12345 * speed);
    add('demo_disk_total_bytes', { instance }, () => 2.5e11);
    add('demo_batch_last_success_timestamp_seconds', { instance }, (i) => Math.floor((nowS(i) - 3) / 60) * 60 + phase);
    add('demo_intermittent_metric', { instance }, (i) => (i % 120 < 60 ? i : null));
    add('up', { instance }, () => 1);
    requests(add, instance, random);
  }
  return out;
}

let startMs = 0;
const nowS = (i: number): number => (startMs + i * INTERVAL_MS) / 1000;

function requests(
  add: (name: string, labels: Record<string, string>, value: Series['value']) => void,
  instance: string,
  random: () => number,
): void {
  for (const [method, status] of [
    ['GET', '200'],
    ['POST', '200'],
    ['POST', '500'],
  ]) {
    const rate = 1 + random() * 5;
    const labels = { instance, method, status, path: '/api/foo' };
    const name = 'demo_api_request_duration_seconds';
    for (const [k, le] of ['0.0001', '0.001', '0.01', '0.1', '1', '+Inf'].entries()) {
      add(`${name}_bucket`, { ...labels, le }, (i) =>
        Math.floor(i * rate * (1 - 0.6 ** (k + 1)) + (k === 5 ? i * rate * 0.6 ** 6 : 0)),
      );
    }
    add(`${name}_count`, labels, (i) => Math.floor(i * rate));
    add(`${name}_sum`, labels, (i) => i * rate * 0.013);
  }
}

const post = async (
  port: number,
  where: string,
  body: Buffer | URLSearchParams,
  headers: Record<string, string> = {},
) => fetch(`http://127.0.0.1:${port}${where}`, { method: 'POST', body, headers });

interface Wire {
  readonly HEADERS: Readonly<Record<number, Record<string, string>>>;
  readonly STALE: symbol;
  encodeSeriesV1(list: readonly object[]): Uint8Array;
}

/** Writes ten minutes after ten minutes to each server: a fresh Prometheus takes nothing that is older than an hour. */
async function load(ports: readonly number[]): Promise<void> {
  const wire = (await import(`${shared}bench/lib/remote-write.mjs`)) as Wire;
  const { compress } = (await import(`${shared}bench/lib/snappy.mjs`)) as { compress(bytes: Uint8Array): Uint8Array };
  const series = demoSeries();
  const slice = 600_000 / INTERVAL_MS;
  for (let from = 0; from < (HOURS * 3_600_000) / INTERVAL_MS; from += slice) {
    const part = series.map(({ labels, value }) => {
      const samples: (readonly [number, number | symbol])[] = [];
      for (let i = from; i < from + slice; i++) {
        const x = value(i);
        const wasThere = i > 0 && value(i - 1) !== null;
        if (x !== null || wasThere) samples.push([startMs + i * INTERVAL_MS, x ?? wire.STALE]);
      }
      return { labels, samples, histograms: [] };
    });
    const body = Buffer.from(compress(wire.encodeSeriesV1(part.filter(({ samples }) => samples.length > 0))));
    for (const port of ports) {
      const reply = await post(port, '/api/v1/write', body, wire.HEADERS[1]);
      if (!reply.ok)
        throw new Error(`cannot load the data: port ${port} answers ${reply.status}: ${await reply.text()}`);
    }
  }
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { result: { metric: Record<string, string>; values: [number, string][] }[] };
}

const number = (text: string): number => Number(text.replace('Inf', 'Infinity'));
const keyOf = (metric: Record<string, string>): string => JSON.stringify(Object.entries(metric).sort());

function near(a: number, b: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

/** Why two answers are not the same; null if they are. */
function difference(want: Answer, got: Answer): string | null {
  if (want.status !== got.status)
    return `${got.status} ${got.error ?? ''} instead of ${want.status} ${want.error ?? ''}`;
  const theirs = new Map((want.data?.result ?? []).map(({ metric, values }) => [keyOf(metric), values]));
  const ours = new Map((got.data?.result ?? []).map(({ metric, values }) => [keyOf(metric), values]));
  for (const key of new Set([...theirs.keys(), ...ours.keys()])) {
    const [a, b] = [theirs.get(key), ours.get(key)];
    if (!a || !b) return `${key} is ${b ? 'too much' : 'missing'}`;
    if (a.length !== b.length) return `${key} has ${b.length} points instead of ${a.length}`;
    const at = a.findIndex(([time, value], i) => time !== b[i][0] || !near(number(value), number(b[i][1])));
    if (at >= 0) return `${key}: ${b[at].join(' ')} instead of ${a[at].join(' ')}`;
  }
  return null;
}

async function ask(port: number, query: string, endS: number): Promise<Answer> {
  const parameters = { query, start: String(endS - 600), end: String(endS), step: String(STEP_S), nocache: '1' };
  return (await (await post(port, '/api/v1/query_range', new URLSearchParams(parameters))).json()) as Answer;
}

async function startPrometheus(home: string): Promise<number> {
  const port = await freePort();
  writeFileSync(path.join(home, 'prometheus.yml'), 'global: {}\n');
  const run = spawnGuarded(prometheusBinary, [
    `--config.file=${path.join(home, 'prometheus.yml')}`,
    `--storage.tsdb.path=${path.join(home, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
    '--log.level=warn',
  ]);
  await until('Prometheus is ready', 60_000, async () => {
    if (run.child.exitCode !== null) throw new Error(`Prometheus ended at its start: ${run.output.stderr}`);
    return (await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => null))?.ok === true;
  });
  return port;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { show: { type: 'string', default: '20' } } });
  for (const file of [queriesFile, prometheusBinary]) {
    if (existsSync(file)) continue;
    console.log(`skipped: ${file} is not here`);
    return;
  }
  const cases = (parse(readFileSync(queriesFile, 'utf8')) as { test_cases: TestCase[] }).test_cases;
  const queries = cases.flatMap(({ query }) => expand(String(query)));
  startMs = Math.floor((Date.now() - HOURS * 3_600_000) / 60_000) * 60_000;
  const home = mkdtempSync(path.join(os.tmpdir(), 'tidemark-compliance-'));
  const program = await Program.start(null, {});
  try {
    const reference = await startPrometheus(home);
    await load([reference, program.port]);
    const endS = startMs / 1000 + HOURS * 3600 - 720;
    let passed = 0;
    let shown = 0;
    for (const query of queries) {
      const [want, got] = await Promise.all([ask(reference, query, endS), ask(program.port, query, endS)]);
      const reason = difference(want, got);
      if (reason === null) passed++;
      else if (shown++ < Number(values.show)) console.log(`DIFFERENT ${query}\n  ${reason.slice(0, 500)}`);
    }
    console.log(`${queries.length} queries: ${passed} as Prometheus, ${queries.length - passed} not`);
    process.exitCode = passed === queries.length ? 0 : 1;
  } finally {
    await program.dispose();
    rmSync(home, { recursive: true, force: true });
  }
}

await main();
process.exit();
