// Remote write while heavy queries run: time per write request in quiet, and while eight clients ask for everything in a loop. The
// clients stand for other machines: a process of their own, last in line for the processors, which counts what comes and keeps
// nothing. As a thread of this process that parsed its answers they took up to 10 ms of a write's time with collecting garbage, in
// helper threads that no priority reaches.
//
//   npm run bench -- isolation [--seconds=12]    of each of the two phases: p99 is of 50 requests a second
import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Program } from '../test/support/program.ts';
import {
  type Bench,
  type Body,
  INTERVAL_MS,
  bodiesOf,
  count,
  load,
  machineLoad,
  quantile,
  sendBodies,
  spread,
} from './traffic.ts';

const SERIES = 20_000;
const TICKS = 240;
const CLIENTS = 8;
const WRITE_GAP_MS = 20;
const PHASE_SECONDS = 12;
/** Of queries before writes are timed: their code is compiled meanwhile, by helper threads too. */
const WARM_MS = 6000;
/** The argument that makes this file the process of the clients. */
const AS_CLIENTS = '--as-clients';

const HEAVY: readonly string[] = [
  'sum by (region) (rate({job="node-exporter"}[5m]))',
  'sum by (instance, device) (rate({__name__=~".+_total"}[30m]))',
  'count by (mode) ({instance=~"10\\\\..*[0-9]+:9100",device=~"nvme(1|3|5)n1"})',
  'max_over_time(sum by (cluster) (rate({__name__=~"node_part[0-4]_.*"}[5m]))[30m:30s])',
  '{__name__=~"node_part[0-3]_.*"}',
  'topk(10, quantile_over_time(0.9, {__name__=~".*_ratio"}[10m]))',
];

interface Clients {
  readonly port: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** How much queries get in the way of writes. */
export const isolation: Bench = async (scale, say, options) => {
  const phaseMs = Number(options.get('seconds') ?? PHASE_SECONDS) * 1000;
  const seriesCount = Math.round(SERIES * scale);
  const startMs = Math.floor(Date.now() / 1000) * 1000 - TICKS * INTERVAL_MS;
  const program = await Program.start(null);
  let child: ChildProcess | null = null;
  try {
    const samples = await load(program, seriesCount, TICKS, startMs);
    say(
      `${count(seriesCount)} series, ${count(samples)} samples; writes of 2,000 samples, one every ${WRITE_GAP_MS} ms; ${machineLoad()}`,
    );
    await writeFor(program, phaseMs / 4, bodiesOf(seriesCount, TICKS, TICKS + 1, startMs));
    const quiet = await writeFor(program, phaseMs, bodiesOf(seriesCount, TICKS + 1, TICKS + 2, startMs));
    say(`quiet: ${spread(quiet)} (${count(quiet.length)} requests)`);
    const bodies = bodiesOf(seriesCount, TICKS + 2, TICKS + 3, startMs);
    const clients: Clients = { port: program.port, startMs, endMs: startMs + TICKS * INTERVAL_MS };
    child = forkClients(clients);
    const answered = answerOf(child);
    await writeFor(program, WARM_MS, bodies);
    const busy = await writeFor(program, phaseMs, bodies);
    child.send('stop');
    say(`${CLIENTS} clients with heavy queries: ${spread(busy)} (${count(busy.length)} requests)`);
    say(`queries meanwhile: ${await answered}`);
    const ratio = (share: number): string => (quantile(busy, share) / quantile(quiet, share)).toFixed(1);
    say(`busy to quiet: p50 ${ratio(0.5)} times, p99 ${ratio(0.99)} times; ${machineLoad()}`);
  } finally {
    child?.kill();
    await program.dispose();
  }
};

/** Sends the bodies round and round at a steady pace; resolves with the milliseconds each request took. */
async function writeFor(program: Program, durationMs: number, bodies: readonly Body[]): Promise<number[]> {
  const elapsedMs: number[] = [];
  const beginMs = performance.now();
  const under: Promise<void>[] = [];
  // At its pace whether or not answers are late: a queue that forms is seen.
  for (let n = 0; performance.now() - beginMs < durationMs; n++) {
    const dueMs = beginMs + n * WRITE_GAP_MS;
    await new Promise((go) => setTimeout(go, Math.max(0, dueMs - performance.now())));
    under.push(sendBodies(program, [bodies[n % bodies.length]], 1).then(([ms]) => void elapsedMs.push(ms)));
  }
  await Promise.all(under);
  return elapsedMs;
}

function forkClients(clients: Clients): ChildProcess {
  const args = [AS_CLIENTS, JSON.stringify(clients)];
  return fork(fileURLToPath(import.meta.url), args, { execArgv: ['--single-threaded-gc'] });
}

/** What the clients say when they are told to stop. Rejects if they end before. */
function answerOf(child: ChildProcess): Promise<unknown> {
  const answer = new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`the clients ended with code ${code}`)));
  });
  answer.catch(() => {}); // seen where it is awaited, at the end
  return answer;
}

/** Asks, and reads the answer to its end without keeping it. */
function ask(agent: http.Agent, port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ agent, host: '127.0.0.1', port, path }, (answer) => {
      answer.on('data', () => {});
      answer.on('error', reject);
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    request.on('error', reject);
  });
}

async function runClients({ port, startMs, endMs }: Clients): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  const statuses = new Map<number, number>();
  const elapsedMs: number[] = [];
  let isStopping = false;
  process.once('message', () => (isStopping = true));
  const client = async (first: number): Promise<void> => {
    for (let n = first; !isStopping; n++) {
      const parameters = new URLSearchParams({
        query: HEAVY[n % HEAVY.length],
        start: String(startMs / 1000),
        end: String(endMs / 1000),
        step: '15',
      });
      const fromMs = performance.now();
      const status = await ask(agent, port, `/api/v1/query_range?${parameters}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      elapsedMs.push(performance.now() - fromMs);
      if (status !== 200 && status !== 422 && status !== 503) throw new Error(`a query was answered with ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)));
  const byStatus = [...statuses].map(([status, answers]) => `${answers} with ${status}`).join(', ');
  process.send?.(`${byStatus}; ${spread(elapsedMs)}`, () => process.exit(0));
}

if (process.argv[2] === AS_CLIENTS) {
  if (process.platform === 'linux') {
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), constants.priority.PRIORITY_LOW);
  }
  await runClients(JSON.parse(process.argv[3]) as Clients);
}
