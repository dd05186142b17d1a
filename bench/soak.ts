// Everything at once for an hour: targets that are scraped, rules, queries of dashboards, and remote write. The process must not
// grow, miss a scrape or an evaluation, refuse a write, or fail a query.
//
//   npm run bench -- soak [--minutes=60] [--targets=200] [--series=300000]
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { queryNumber, send } from '../apptest/client.ts';
import { Program } from '../test/support/program.ts';
import { cpuMsOf, residentOf } from './process-tree.ts';
import { type Bench, type Body, bodiesOf, count, ownMetrics, quantile, sendBodies } from './traffic.ts';

const SCRAPE_MS = 15_000;
const WRITTEN_SERIES = 20_000;
const DASHBOARD_CLIENTS = 4;
const DASHBOARD_PAUSE_MS = 1000;
const ROW_MS = 60_000;
/** Minutes that are not looked at: caches fill, the first blocks are to come. */
const WARM_SHARE = 0.25;

const RULES = `groups:
  - name: recording
    interval: 15s
    rules:
${Array.from(
  { length: 20 },
  (_, i) => `      - record: zone:soak_family_${2 * i}:rate1m
        expr: sum by (zone) (rate(soak_family_${2 * i}_total[1m]))`,
).join('\n')}
  - name: alerting
    interval: 15s
    rules:
${Array.from(
  { length: 10 },
  (_, i) => `      - alert: High${i}
        expr: avg by (zone) (soak_family_${2 * i + 1}) > ${4 + i / 10}
        for: 30s
        annotations: {summary: 'zone {{ $labels.zone }} has {{ $value | humanize }}'}`,
).join('\n')}
`;

const QUERIES: readonly string[] = [
  'sum by (zone) (rate(soak_family_0_total[1m]))',
  'topk(5, soak_family_1)',
  'zone:soak_family_2:rate1m',
  'max by (device) (max_over_time(soak_family_3[5m]))',
  'count by (job) (up)',
  'soak_family_5{instance="target-17"}',
  'quantile(0.9, soak_family_7)',
  'sum by (cluster) (rate(node_part0_operations_total[1m]))',
  'ALERTS',
];

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function startTargets(series: number): Promise<{ port: number; stop(): void }> {
  const file = fileURLToPath(new URL('./soak-targets.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, String(series)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
  return { port, stop: () => child.stdin.end() };
}

const configText = (targets: number, port: number, ruleFile: string): string => `global:
  scrape_interval: ${SCRAPE_MS / 1000}s
  evaluation_interval: 15s
rule_files: [${JSON.stringify(ruleFile)}]
scrape_configs:
${Array.from(
  { length: targets },
  (_, i) => `  - job_name: soak-${i}
    metrics_path: /target/${i}
    static_configs: [{targets: ['127.0.0.1:${port}'], labels: {instance: target-${i}}}]`,
).join('\n')}
`;

/** What went wrong, and how long things took. */
class Record {
  readonly failures: string[] = [];
  readonly queryMs: number[] = [];
  readonly writeMs: number[] = [];
  queries = 0;
  writes = 0;

  failed(what: string): void {
    if (this.failures.length < 100) this.failures.push(`${new Date().toISOString()} ${what}`);
  }
}

async function writeLoop(program: Program, record: Record, endMs: number): Promise<void> {
  while (Date.now() < endMs) {
    const nextMs = Date.now() + SCRAPE_MS;
    const bodies: Body[] = bodiesOf(WRITTEN_SERIES, 0, 1, Date.now() - SCRAPE_MS);
    for (const body of bodies) {
      const [elapsedMs] = await sendBodies(program, [body], 1).catch((error: unknown) => {
        record.failed(`write: ${String(error)}`);
        return [];
      });
      if (elapsedMs !== undefined) record.writeMs.push(elapsedMs);
      record.writes++;
      await sleep(Math.min(SCRAPE_MS / bodies.length, Math.max(0, nextMs - Date.now())));
    }
    await sleep(Math.max(0, nextMs - Date.now()));
  }
}

async function dashboardLoop(program: Program, record: Record, client: number, endMs: number): Promise<void> {
  for (let i = client; Date.now() < endMs; i++) {
    const now = Math.floor(Date.now() / 1000);
    const form = new URLSearchParams({
      query: QUERIES[i % QUERIES.length],
      start: String(now - 1800),
      end: String(now),
      step: '15',
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const reply = await send(program, { path: '/api/v1/query_range', headers, body: form.toString() });
    if (reply.status !== 200) record.failed(`query: ${reply.status} ${reply.text.slice(0, 200)}`);
    record.queryMs.push(reply.elapsedMs);
    record.queries++;
    await sleep(DASHBOARD_PAUSE_MS);
  }
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

/** One line a minute; resolves with the resident bytes at each. */
async function watchLoop(
  program: Program,
  record: Record,
  endMs: number,
  say: (line: string) => void,
): Promise<number[]> {
  const resident: number[] = [];
  for (let minute = 1; Date.now() < endMs; minute++) {
    const cpuBeforeMs = cpuMsOf(program.pid);
    const [queriesBefore, writesBefore] = [record.queryMs.length, record.writeMs.length];
    await sleep(ROW_MS);
    const metrics = await ownMetrics(program);
    const { bytes } = residentOf(program.pid);
    resident.push(bytes);
    const busy = (cpuMsOf(program.pid) - cpuBeforeMs) / ROW_MS;
    const p99 = (all: readonly number[], from: number): string => quantile(all.slice(from), 0.99).toFixed(0);
    say(
      `${String(minute).padStart(3)} min  RSS ${mib(bytes)} MiB  heads ${mib(metrics.get('tidemark_head_bytes') ?? 0)} MiB  ` +
        `series ${count(metrics.get('tidemark_head_series') ?? 0)}  processor ${busy.toFixed(2)}  ` +
        `query p99 ${p99(record.queryMs, queriesBefore)} ms  write p99 ${p99(record.writeMs, writesBefore)} ms  ` +
        `failures ${record.failures.length}`,
    );
  }
  return resident;
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** The gaps: what should be there by the clock and is not. */
async function missing(program: Program, targets: number, beginMs: number, endMs: number): Promise<string[]> {
  const seconds = Math.floor((endMs - beginMs) / 1000);
  const at = endMs;
  const least = Math.floor(seconds / (SCRAPE_MS / 1000)) - 1;
  const few = await queryNumber(program, `count(count_over_time(up[${seconds}s]) < ${least}) or vector(0)`, at);
  const down = await queryNumber(program, `sum(count_over_time((up == 0)[${seconds}s:15s])) or vector(0)`, at);
  const samples = await queryNumber(program, `sum(count_over_time(up[${seconds}s]))`, at);
  return [
    `targets with fewer than ${least} scrapes in ${seconds} s: ${few}; scrapes that failed: ${down}; scrapes: ${count(samples ?? 0)} of ${targets} targets`,
  ];
}

export const soak: Bench = async (scale, say, options) => {
  const minutes = Number(options.get('minutes') ?? 60) * scale;
  const targets = Number(options.get('targets') ?? 200);
  const series = Number(options.get('series') ?? 300_000);
  const { port, stop } = await startTargets(Math.floor(series / targets));
  const program = await Program.start(null, { args: ['--web.enable-lifecycle'] });
  try {
    const ruleFile = path.join(path.dirname(program.configFile), 'rules.yml');
    await writeFile(ruleFile, RULES);
    await writeFile(program.configFile, configText(targets, port, ruleFile));
    const reloaded = await send(program, { path: '/-/reload', method: 'POST' });
    if (reloaded.status !== 200) throw new Error(`cannot load the configuration: ${reloaded.text}`);
    await sleep(2 * SCRAPE_MS); // until every target had its first turn
    const beginMs = Date.now();
    const endMs = beginMs + minutes * 60_000;
    const record = new Record();
    const clients = Array.from({ length: DASHBOARD_CLIENTS }, (_, i) => dashboardLoop(program, record, i, endMs));
    const [resident] = await Promise.all([
      watchLoop(program, record, endMs, say),
      writeLoop(program, record, endMs),
      ...clients,
    ]);
    const looked = resident.slice(Math.floor(resident.length * WARM_SHARE));
    const half = Math.floor(looked.length / 2);
    say(
      `RSS after the first quarter: mean of the first half ${mib(mean(looked.slice(0, half)))} MiB, of the second ${mib(mean(looked.slice(half)))} MiB, most ${mib(Math.max(...resident))} MiB`,
    );
    say(
      `${count(record.queries)} queries, p50 ${quantile(record.queryMs, 0.5).toFixed(1)} ms, p99 ${quantile(record.queryMs, 0.99).toFixed(1)} ms; ` +
        `${count(record.writes)} writes, p99 ${quantile(record.writeMs, 0.99).toFixed(1)} ms`,
    );
    for (const line of await missing(program, targets, beginMs, Math.floor(endMs / 1000) * 1000)) say(line);
    const metrics = await ownMetrics(program);
    for (const name of [
      'prometheus_rule_group_iterations_total',
      'prometheus_rule_group_iterations_missed_total',
      'prometheus_rule_evaluation_failures_total',
      'tidemark_scrapes_failed_total',
      'tidemark_scrape_appends_failed_total',
    ]) {
      say(`${name} ${metrics.get(name) ?? 'is not there'}`);
    }
    const complaints = program.log.split('\n').filter((line) => /level=(WARN|ERROR)/.test(line));
    say(`warnings and errors in the log: ${complaints.length}`);
    for (const line of [...complaints.slice(0, 20), ...record.failures.slice(0, 20)]) say(`  ${line.slice(0, 300)}`);
  } finally {
    stop();
    await program.dispose();
  }
};
