// Queries under way in the real program: who goes away costs nothing any more, they can be listed and ended, slow ones are logged,
// and what was running at a crash is refused afterwards.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readFile, readdir } from 'node:fs/promises';
import { Program, runProgram, until } from '../test/support/program.ts';
import { oneSeries, send, write } from './client.ts';

const endMs = Math.floor(Date.now() / 60_000) * 60_000;
const SERIES = 4000;
const SAMPLES = 60;
/** Canceled within this time: what a thread did after it may be the end of a slice. */
const CANCEL_MS_MAX = 100;

let program: Program;

before(async () => {
  program = await Program.start(null, {
    args: ['--query.slow-log-threshold=20ms', '--query.refuse-after-crash=1h'],
  });
  for (let from = 0; from < SERIES; from += 1000) {
    const batch = Array.from({ length: 1000 }, (_, i) => {
      const labels = { path: `/p/${from + i}`, job: `j${i % 3}`, le: String(i % 10) };
      const samples = Array.from({ length: SAMPLES }, (_, k): [number, number] => [
        endMs - (SAMPLES - 1 - k) * 60_000,
        k * ((i % 13) + 1) + from + i,
      ]);
      return oneSeries('requests_total', labels, samples);
    });
    assert.equal((await write(program, 1, batch)).status, 204);
  }
});
after(() => program.dispose());

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const path = (query: string, stepSeconds: number): string => {
  const [end, start] = [endMs / 1000, endMs / 1000 - 3600];
  const times = stepSeconds === 0 ? { time: String(end) } : { start, end, step: stepSeconds };
  const parameters = new URLSearchParams(Object.entries({ query, ...times }).map(([k, v]) => [k, String(v)]));
  return `/api/v1/query${stepSeconds === 0 ? '' : '_range'}?${parameters}`;
};

/** Milliseconds of processor time of the threads that work for queries, by thread name or all of them but the main one. */
async function workerCpuMs(): Promise<number> {
  let ticks = 0;
  for (const thread of await readdir(`/proc/${program.pid}/task`)) {
    if (thread === String(program.pid)) continue;
    const stat = await readFile(`/proc/${program.pid}/task/${thread}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks * 10;
}

interface Active {
  readonly id: number;
  readonly query: string;
  readonly state: string;
  readonly kind: string;
  readonly seconds: number;
}

async function active(): Promise<Active[]> {
  const { text } = await send(program, { path: '/api/v1/query/active' });
  return (JSON.parse(text) as { data: Active[] }).data;
}

const HEAVY: readonly (readonly [what: string, query: string, stepSeconds: number])[] = [
  ['range function over long windows', 'sum(quantile_over_time(0.5, requests_total[1h]))', 1],
  ['all points of all series', 'round(requests_total, 0.1)', 1],
  ['binary operator of many pairs', 'requests_total * on(path) group_left() requests_total', 1],
  ['conflicts of a large group', 'requests_total and requests_total + on(path) requests_total', 1],
  ['topk by step', 'topk(2000, -requests_total)', 1],
  ['count_values', 'count_values("v", requests_total)', 5],
  ['histogram_quantile', 'histogram_quantile(0.5, requests_total)', 1],
  ['subquery', 'max_over_time(requests_total[1h:1s])', 0],
  [
    'deep subquery',
    ['sum', 'max', 'min', 'avg', 'count', 'stddev']
      .map((op) => `quantile_over_time(0.5, ${op}(requests_total)[1h:1s])`)
      .join(' + '),
    1,
  ],
  [
    'label_replace with a slow regex',
    `label_replace(requests_total, "a", "$1", "path", "${'(a*)*'.repeat(200)}.*")`,
    0,
  ],
];

/**
 * Asks, and returns what breaks it off once the query has been at work for a moment. A machine that is too fast for it is asked more:
 * the query together with itself a second earlier, and so on, twice as many each time.
 */
async function startHeavy(query: string, stepSeconds: number): Promise<{ abort(): void } | null> {
  for (let times = 1; times <= 64; times *= 2) {
    const earlier = (seconds: number): string =>
      seconds === 0 ? query : query.replaceAll(/requests_total(\[[^\]]+\])?/g, `$& offset ${seconds}s`);
    const text = Array.from({ length: times }, (_, i) => `(${earlier(i)})`).join(' or ');
    const controller = new AbortController();
    const answer = fetch(`http://127.0.0.1:${program.port}${path(text, stepSeconds)}`, { signal: controller.signal });
    let isAnswered = false;
    const settled = answer.then(
      () => (isAnswered = true),
      () => {},
    );
    await sleep(250);
    if (!isAnswered) return controller;
    controller.abort();
    await settled;
  }
  return null;
}

for (const [what, query, step] of HEAVY) {
  test(`a client that goes away frees the processor: ${what}`, { skip: process.platform !== 'linux' }, async () => {
    const isUnderWay = await startHeavy(query, step);
    assert.ok(isUnderWay, 'even the heaviest form was answered at once');
    isUnderWay.abort();
    await sleep(CANCEL_MS_MAX);
    const beforeMs = await workerCpuMs();
    await sleep(300);
    const spentMs = (await workerCpuMs()) - beforeMs;
    assert.ok(spentMs <= 60, `${spentMs} ms of work in 300 ms, ${CANCEL_MS_MAX} ms after the client went away`);
    assert.deepEqual(await active(), []);
  });
}

test('a query under way is listed and can be ended', async () => {
  const query = 'sum(quantile_over_time(0.77, requests_total[1h]))';
  const answer = send(program, { path: path(query, 0.5) });
  let found: Active | undefined;
  await until('the query is listed', 5000, async () => {
    found = (await active()).find((each) => each.query === query && each.state === 'running');
    return found !== undefined;
  });
  assert.equal(found?.kind, 'range');
  const others = await send(program, { path: '/api/v1/query/active', headers: { 'x-scope-orgid': 'other' } });
  assert.deepEqual((JSON.parse(others.text) as { data: unknown[] }).data, []);
  const cancel = `/api/v1/query/active/${found?.id}/cancel`;
  const stranger = await send(program, { method: 'POST', path: cancel, headers: { 'x-scope-orgid': 'other' } });
  assert.equal(stranger.status, 404);
  assert.equal((await send(program, { method: 'POST', path: cancel })).status, 204);
  const reply = await answer;
  assert.equal(reply.status, 499);
  assert.match(reply.text, /"errorType":"canceled"/);
  assert.equal((await send(program, { method: 'DELETE', path: `/api/v1/query/active/${found?.id}` })).status, 404);
});

test('a query is explained, with its result, in place of it, and on the command line', async () => {
  const query = 'sum by (job) (rate(requests_total[5m])) > 0';
  interface Node {
    readonly operator: string;
    readonly actual: { readonly series: number } | null;
    readonly leaf?: { readonly shards: readonly { readonly actual: { readonly samples: number } | null }[] };
    readonly children: readonly Node[];
  }
  const explain = async (how: string) => {
    const { text } = await send(program, { path: `${path(query, 60)}&explain=${how}` });
    return (JSON.parse(text) as { data: { result?: unknown[]; explain: Node } }).data;
  };
  const both = await explain('true');
  assert.equal(both.result?.length, 3);
  assert.equal(both.explain.actual?.series, 3);
  const leaf = both.explain.children.find(({ operator }) => operator === 'leaf');
  assert.ok(leaf?.leaf?.shards.every(({ actual }) => (actual?.samples ?? 0) > 1000));
  const only = await explain('only');
  assert.equal(only.result, undefined);
  assert.equal(only.explain.actual, null);
  assert.equal((await send(program, { path: `${path(query, 60)}&explain=maybe` })).status, 400);
  const printed = await runProgram(['query', 'instant', program.url, query, `--time=${endMs / 1000}`, '--explain']);
  assert.equal(printed.code, 0, printed.stderr);
  assert.match(printed.stdout, /^ {6}sum by \(job\) of rate\[5m\] of \{__name__="requests_total"\}$/m);
  assert.match(
    printed.stdout,
    /^ {6}shard 0: estimated .* series, .* samples, .*; read .* series, .* samples, .* ms$/m,
  );
});

test('a slow query is logged with what it cost', async () => {
  const query = 'sum(quantile_over_time(0.33, requests_total[1h]))';
  await send(program, { path: path(query, 2) });
  await until('the query is in the log', 5000, () => program.log.includes('0.33'));
  const line = program.log.split('\n').find((each) => each.includes('0.33')) ?? '';
  assert.match(line, /slow query.*kind=range tenant=anonymous status=200 seconds=\d/);
  assert.match(line, /samplesRead=\d{5,} seriesRead=4000 peakBytes=\d+/);
});

test('a query that was running at a crash is refused, until it is changed', async () => {
  const parts = Array.from({ length: 40 }, (_, i) => `sum(quantile_over_time(0.66${i}, requests_total[1h]))`);
  const query = parts.join(' + ');
  const answer = send(program, { path: path(query, 0.5) }).catch(() => null);
  await until('the query is in the journal', 10_000, async () => {
    const text = await readFile(`${program.directory}/queries.active`, 'utf8').catch(() => '');
    return text.includes('0.66');
  });
  await program.kill();
  assert.equal(await answer, null);
  for (let start = 1; start <= 2; start++) {
    await program.start();
    const refused = await send(program, { path: path(query, 60) });
    assert.equal(refused.status, 422);
    assert.match(
      refused.text,
      /cannot execute query: it was running, since 20.*, when the server died; refused until 20/,
    );
    assert.equal((await send(program, { path: path(`${query} + 0`, 60) })).status, 200);
    assert.equal((await program.stop()).code, 0);
  }
});
