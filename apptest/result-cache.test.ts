// Results that are kept, in the real program: what is asked again is the same, and never what it was before samples came late or were
// deleted.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Program } from '../test/support/program.ts';
import { oneSeries, send, write } from './client.ts';

const STEP_MS = 15_000;
const SERIES = 60;
const SAMPLES = 300;
const startMs = Math.floor(Date.now() / 60_000) * 60_000 - SAMPLES * STEP_MS;
let program: Program;

const value = (series: number, i: number): number => (i * (series + 1)) / 7;

async function put(from: number, to: number): Promise<void> {
  const all = Array.from({ length: SERIES }, (_, s) => {
    const samples = Array.from({ length: to - from }, (_, k): [number, number] => [
      startMs + (from + k) * STEP_MS,
      value(s, from + k),
    ]);
    return oneSeries('kept_total', { s: String(s) }, samples);
  });
  const reply = await write(program, 1, all);
  assert.equal(reply.status, 204, reply.text);
}

before(async () => {
  program = await Program.start(null, { args: ['--web.enable-admin-api'] });
  await put(0, SAMPLES);
});
after(() => program.dispose());

async function ask(from: number, to: number, more: Record<string, string> = {}): Promise<string> {
  const parameters = new URLSearchParams({
    query: 'sum(rate(kept_total[5m]))',
    start: String((startMs + from * STEP_MS) / 1000),
    end: String((startMs + to * STEP_MS) / 1000),
    step: '15',
    ...more,
  });
  const reply = await send(program, { path: `/api/v1/query_range?${parameters}` });
  assert.equal(reply.status, 200, reply.text);
  return reply.text;
}

/** The answer, which is the same without what is kept, and how many steps were taken from that. */
async function both(from: number, to: number): Promise<{ text: string; reused: number }> {
  const reusedBefore = await metric('tidemark_result_cache_steps_reused_total');
  const text = await ask(from, to);
  const reused = (await metric('tidemark_result_cache_steps_reused_total')) - reusedBefore;
  assert.equal(text, await ask(from, to, { nocache: '1' }));
  return { text, reused };
}

async function metric(name: string): Promise<number> {
  const { text } = await send(program, { path: '/metrics' });
  return [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'gm'))].reduce((sum, [, n]) => sum + Number(n), 0);
}

test('a range that is asked again is taken from what is kept, until samples in it change', async () => {
  assert.equal((await both(20, 299)).reused, 0);
  const first = await both(20, 299);
  assert.ok(first.reused >= 280, `${first.reused} steps`);
  assert.ok((await metric('tidemark_result_cache_bytes')) > 0);

  // The newest samples: a dashboard that moves on.
  await put(SAMPLES, SAMPLES + 1);
  const moved = await both(21, 300);
  assert.ok(moved.reused >= 279, `${moved.reused} steps`);

  // Late ones.
  const late: [number, number][] = [[startMs + 200 * STEP_MS + 7000, 1e6]];
  assert.equal((await write(program, 1, [oneSeries('kept_total', { s: '1' }, late)])).status, 204);
  const changed = await both(21, 300);
  assert.notEqual(changed.text, moved.text);

  // Deletes.
  const match = encodeURIComponent('kept_total{s="1"}');
  const reply = await send(program, { method: 'POST', path: `/api/v1/admin/tsdb/delete_series?match[]=${match}` });
  assert.equal(reply.status, 204, reply.text);
  const deleted = await both(21, 300);
  assert.notEqual(deleted.text, changed.text);

  // Samples that move into blocks are the same samples.
  assert.ok((await send(program, { method: 'POST', path: '/api/v1/admin/tsdb/flush' })).status < 300);
  assert.equal((await both(21, 300)).text, deleted.text);

  await program.stop();
  await program.start();
  const restarted = await both(21, 300);
  assert.deepEqual(restarted, { text: deleted.text, reused: 0 });
});
