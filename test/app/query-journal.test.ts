// The journal of running queries over real files: what a process that died had in it is refused by the next.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../../src/base/index.ts';
import { SimRandom, createRealWorld } from '../../src/io/index.ts';
import { JOURNAL_FILE, QueryJournal, parseJournal } from '../../src/app/query-journal.ts';
import { until } from '../support/program.ts';

async function place(t: TestContext) {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tidemark-journal-'));
  t.after(() => fs.rm(directory, { recursive: true, force: true }));
  const { files, clock } = createRealWorld(directory);
  const open = (refuseMs = 60_000) => QueryJournal.open({ files, clock, logger: silentLogger, refuseMs });
  const text = () => fs.readFile(path.join(directory, JOURNAL_FILE), 'utf8');
  const has = (part: string) => until(`the journal has ${part}`, 5000, async () => (await text()).includes(part));
  return { open, text, has, directory };
}

test('a query that was running when the process died is refused, for its tenant and its text alone', async (t) => {
  const { open, has } = await place(t);
  const died = await open();
  died.begin(1, 'a', 'heavy');
  await has('heavy');
  const next = await open();
  assert.match(
    next.refusal('a', 'heavy')?.message ?? '',
    /^cannot execute query: it was running, since 20.* when the server died;/,
  );
  assert.equal(next.refusal('b', 'heavy'), null);
  assert.equal(next.refusal('a', 'heavy '), null);
  await next.close();
  const third = await open();
  assert.ok(third.refusal('a', 'heavy'), 'an orderly end keeps what is refused');
  await third.close();
  await died.close();
});

test('queries that end, soon or late, and those of an orderly end are not refused', async (t) => {
  const { open, has, text } = await place(t);
  const journal = await open();
  journal.begin(1, 'a', 'short');
  journal.end(1);
  journal.begin(2, 'a', 'long');
  await has('long');
  assert.ok(!(await text()).includes('short'));
  journal.end(2);
  await until('the journal lost it', 5000, async () => !(await text()).includes('long'));
  journal.begin(3, 'a', 'late');
  await has('late');
  await journal.close();
  const next = await open();
  for (const query of ['short', 'long', 'late']) assert.equal(next.refusal('a', query), null);
  await next.close();
});

test('refusals run out, and 0 refuses nothing', async (t) => {
  const { open, has } = await place(t);
  const died = await open();
  died.begin(1, 'a', 'heavy');
  await has('heavy');
  const short = await open(30);
  assert.ok(short.refusal('a', 'heavy'));
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(short.refusal('a', 'heavy'), null);
  short.begin(2, 'a', 'other');
  await has('other');
  const off = await open(0);
  assert.equal(off.refusal('a', 'other'), null);
  for (const journal of [died, short, off]) await journal.close();
});

test('long texts are told apart by their beginning and length', async (t) => {
  const { open, has } = await place(t);
  const died = await open();
  const query = 'x'.repeat(100_000);
  died.begin(1, 'a', query);
  await has('xxx');
  const next = await open();
  assert.ok(next.refusal('a', query));
  assert.equal(next.refusal('a', `${query}x`), null);
  await died.close();
  await next.close();
});

test('a damaged journal costs nothing', () => {
  const random = new SimRandom(5);
  const entry = { tenant: 'a', text: 'q', length: 1, startedMs: 5 };
  const good = Buffer.from(JSON.stringify({ running: [entry], refused: [{ ...entry, untilMs: 9 }] }));
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.from(good.subarray(0, Math.floor(random.next() * (good.length + 1))));
    for (let k = 0; k < 3 && bytes.length > 0; k++) {
      bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
    }
    const { running, refused } = parseJournal(
      i % 2 === 0 ? bytes : Buffer.concat([bytes, good.subarray(bytes.length)]),
    );
    for (const each of [...running, ...refused]) new Date(each.startedMs).toISOString();
  }
  for (const text of ['null', '[]', '{"running":5}', '{"running":[null,{"tenant":1}]}']) {
    assert.deepEqual(parseJournal(Buffer.from(text)), { running: [], refused: [] });
  }
});
