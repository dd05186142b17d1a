// Memory of one query over very many samples: most that the process had above what it has when it is idle.
//
//   npm run bench -- query-memory [--days=90] [--series=1000] [--live]
//
// The sum of a query that reads everything twice is of 1G samples with the defaults.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  ALL,
  type Range,
  type Server,
  loadInto,
  mebibytes,
  must,
  rangeOf,
  rangeQuery,
  startTidemark,
} from './ninety-days.ts';
import { SCRAPE_INTERVAL_MS, hasRecording, recordedSeries } from './recorded-traffic.ts';
import { type Bench, count } from './traffic.ts';

const QUERIES = [
  `sum(rate(${ALL}[1h]))`,
  `sum(rate(${ALL}[1h])) + max(max_over_time(${ALL}[1h]))`,
  `sum by (job) (rate(${ALL}[1h])) / sum by (job) (avg_over_time(${ALL}[1h]))`,
  `max_over_time(${ALL}[1h])`,
];
const IDLE_MS = 5000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Of /proc/PID/status. */
function statusBytes(pid: number, name: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024;
}

/** Resident memory and the parts of it that have no file behind them. */
const resident = (pid: number): number => statusBytes(pid, 'VmRSS');

async function measure(server: Server, text: string, range: Range): Promise<string> {
  const { pid, port } = server;
  await sleep(IDLE_MS);
  const idle = resident(pid);
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // the peak begins anew
  const { body, elapsedMs } = await must(port, 'GET', rangeQuery(text, range));
  const peak = statusBytes(pid, 'VmHWM');
  await sleep(IDLE_MS);
  const after = resident(pid);
  return (
    `idle ${mebibytes(idle)}, peak ${mebibytes(peak - idle)} above, ${mebibytes(after - idle)} above after ${IDLE_MS / 1000} s; ` +
    `${(elapsedMs / 1000).toFixed(2)} s, answer ${mebibytes(body.length)}  ${text}`
  );
}

/** Most memory of queries that read all of three months. */
export const queryMemory: Bench = async (scale, say, options) => {
  if (!hasRecording()) {
    say('skipped: the recorded exporters (../shared/corpus) are not here');
    return;
  }
  const days = Number(options.get('days') ?? 90);
  const range = rangeOf(days);
  const series = await recordedSeries(Number(options.get('series') ?? Math.round(1000 * scale)), options.has('live'));
  const samples = series.length * ((days * 86_400_000) / SCRAPE_INTERVAL_MS);
  say(`${count(series.length)} series over ${days} days: ${count(samples)} samples`);
  const server = await startTidemark();
  try {
    await loadInto(server, series, range, () => {});
    await server.restart();
    // What the first query opens stays open.
    for (const round of ['first', 'second']) {
      for (const text of QUERIES) say(`${round}: ${await measure(server, text, range)}`);
    }
  } finally {
    await server.dispose();
  }
};
