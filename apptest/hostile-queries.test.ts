// Hostile queries against the real program: each ends with an answer or one clear error in its time, memory stays within its
// bounds, and writes and ordinary queries do not notice.
import assert from 'node:assert/strict';
import { before, after, test } from 'node:test';
import { Program } from '../test/support/program.ts';
import { type Reply, oneSeries, queryNumber, send, write } from './client.ts';
import { type HostileQuery, hostileQueries, hostileSeries } from './hostile-queries.ts';

const TIMEOUT_MS = 3000;
/** From the timeout to the answer that says so, on a busy machine with other queries in the same thread. */
const LATE_MS_MAX = 6000;
/** On a machine where this process, the writes and other queries want the two processors, too. */
const SEND_BYTES_PER_MS = 4000;
const QUERY_BYTES = 256 << 20;
const QUERIES_BYTES = 512 << 20;
/**
 * Garbage that is not collected yet, answers on their way, results that are kept, and what the head and the block cache take meanwhile.
 * Measured: 870 MiB above idle in all.
 */
const MARGIN_BYTES = 384 << 20;
const CLIENTS = 2;
const SAMPLES = 90;
const nowMs = Math.floor(Date.now() / 60_000) * 60_000;
const endMs = nowMs - 60_000;

let program: Program;

async function fill(): Promise<void> {
  const all = [...hostileSeries()];
  for (let from = 0; from < all.length; from += 1000) {
    const batch = all.slice(from, from + 1000).map(({ __name__, ...labels }, i) => {
      const values = Array.from({ length: SAMPLES }, (_, k): [number, number] => [
        endMs - (SAMPLES - 1 - k) * 60_000,
        k * ((i % 13) + 1) + (from + i) / 7,
      ]);
      return oneSeries(__name__, labels, values);
    });
    const reply = await write(program, 1, batch);
    assert.equal(reply.status, 204, reply.text);
  }
}

before(async () => {
  program = await Program.start(null, {
    args: [
      `--query.timeout=${TIMEOUT_MS}ms`,
      `--query.max-bytes=${QUERY_BYTES}B`,
      `--query.max-total-bytes=${QUERIES_BYTES}B`,
      '--enable-feature=promql-experimental-functions',
    ],
  });
  await fill();
});
after(() => program.dispose());

function ask({ query, range, step = 1 }: HostileQuery): Promise<Reply> {
  const parameters: Record<string, string> =
    range === undefined
      ? { query, time: String(endMs / 1000) }
      : { query, start: String(endMs / 1000 - range), end: String(endMs / 1000), step: String(step) };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const path = range === undefined ? '/api/v1/query' : '/api/v1/query_range';
  return send(program, { path, headers, body: new URLSearchParams(parameters).toString() });
}

interface Watch {
  readonly writeMs: number[];
  /** How long the thread of the queries took to say which it has. */
  readonly turnMs: number[];
  peakBytes: number;
  stop(): Promise<void>;
}

/** A write each 100 ms, and a look at the memory. */
function watch(): Watch {
  let isOver = false;
  const stop = (): Promise<void> => {
    isOver = true;
    return done;
  };
  const found: Watch = { writeMs: [], turnMs: [], peakBytes: 0, stop };
  const once = async (n: number) => {
    const reply = await write(program, 1, [oneSeries('beside', { n: String(n % 10) }, [[nowMs + n, n]])]);
    assert.ok(reply.status >= 200 && reply.status < 300, `write: ${reply.status} ${reply.text}`);
    found.writeMs.push(reply.elapsedMs);
    const { elapsedMs, text } = await send(program, { path: '/api/v1/query/active' });
    if (process.env.HOSTILE_LOG && elapsedMs > 150)
      console.log(`turn after ${elapsedMs.toFixed(0)} ms: ${text.slice(0, 900)}`);
    found.turnMs.push(elapsedMs);
    found.peakBytes = Math.max(found.peakBytes, await program.residentBytes());
  };
  const done = (async () => {
    for (let n = 0; !isOver; n++) {
      await Promise.all([once(n), new Promise((resolve) => setTimeout(resolve, 100))]);
    }
  })();
  return found;
}

const quantileOf = (values: number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? 0;

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

const shortened = (text: string): string => (text.length > 90 ? `${text.slice(0, 70)}... (${text.length})` : text);

function judge({ query }: HostileQuery, reply: Reply): void {
  const about = `${shortened(query)}: ${reply.status} after ${reply.elapsedMs.toFixed(0)} ms: ${reply.text.slice(0, 300)}`;
  assert.ok([200, 400, 413, 422, 503].includes(reply.status), about);
  // The timeout is the evaluation's; a long answer then takes as long as its bytes do.
  const sendMs = reply.status === 200 ? reply.text.length / SEND_BYTES_PER_MS : 0;
  assert.ok(reply.elapsedMs < TIMEOUT_MS + LATE_MS_MAX + sendMs, about);
  if (reply.status === 200 || reply.status === 413) return;
  const { status, errorType, error } = JSON.parse(reply.text) as Record<string, string>;
  assert.equal(status, 'error', about);
  assert.match(errorType, /^(bad_data|execution|timeout)$/, about);
  assert.ok(error.length > 0 && !error.includes('Maximum call stack') && !/\n\s+at /.test(error), about);
}

test('hostile queries end in time, within memory, and beside writes', { timeout: 900_000 }, async (t) => {
  const idleBytes = await program.residentBytes();
  const usual = 'sum(rate(requests_total{job="j1"}[5m]))';
  const want = await queryNumber(program, usual, endMs);
  const usualMs = async () => {
    const reply = await ask({ query: usual });
    assert.equal(reply.status, 200, reply.text);
    return reply.elapsedMs;
  };
  const beforeMs = quantileOf([await usualMs(), await usualMs(), await usualMs()], 0.5);
  const beside = watch();
  const queue = hostileQueries.entries();
  const failures: string[] = [];
  const counts = new Map<number, number>();
  const client = async (): Promise<void> => {
    for (const [i, hostile] of queue) {
      const reply = await ask(hostile).catch((error: unknown) => {
        throw new Error(`${shortened(hostile.query)}: ${String(error)}`);
      });
      counts.set(reply.status, (counts.get(reply.status) ?? 0) + 1);
      if (process.env.HOSTILE_LOG) {
        const memory = `${mebibytes(await program.residentBytes())}`;
        console.log(`${i} ${reply.status} ${reply.elapsedMs.toFixed(0)} ms ${memory} ${shortened(hostile.query)}`);
        if (reply.status !== 200) console.log(`    ${reply.text.slice(0, 200)}`);
      }
      try {
        judge(hostile, reply);
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await beside.stop();
  const { writeMs, turnMs, peakBytes } = beside;
  t.diagnostic(`answers by status: ${JSON.stringify([...counts])}`);
  t.diagnostic(
    `writes beside: ${writeMs.length}, p50 ${quantileOf(writeMs, 0.5).toFixed(0)} ms, p99 ${quantileOf(writeMs, 0.99).toFixed(0)} ms`,
  );
  t.diagnostic(
    `turns of the query thread: p50 ${quantileOf(turnMs, 0.5).toFixed(0)} ms, p99 ${quantileOf(turnMs, 0.99).toFixed(0)} ms, longest ${Math.max(...turnMs).toFixed(0)} ms`,
  );
  t.diagnostic(`memory: idle ${mebibytes(idleBytes)}, peak ${mebibytes(peakBytes)}`);
  assert.deepEqual(failures, []);
  assert.ok(
    peakBytes < idleBytes + 1.25 * QUERIES_BYTES + MARGIN_BYTES,
    `${mebibytes(peakBytes)}, idle ${mebibytes(idleBytes)}`,
  );
  const afterMs = quantileOf([await usualMs(), await usualMs(), await usualMs()], 0.5);
  assert.equal(await queryNumber(program, usual, endMs), want);
  assert.ok(afterMs < 4 * beforeMs + 100, `an ordinary query: ${beforeMs} ms before, ${afterMs} ms after`);
});
