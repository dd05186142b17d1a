// The explanation of a query: plan, estimates, costs; and its text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExplainNode, printExplain } from '../../src/promql/index.ts';
import { testStore } from './exec/support.ts';

const STEP_MS = 60_000;
const END_MS = 99 * STEP_MS;

function store() {
  const made = testStore(2);
  const values = Array.from({ length: 100 }, (_, k) => k);
  for (let i = 0; i < 30; i++) made.load({ __name__: 'm', i: String(i), job: `j${i % 3}` }, values, STEP_MS);
  return made;
}

const explained = async (query: string, explain: 'run' | 'only'): Promise<ExplainNode> => {
  const result = await store().engine.range(query, 0, END_MS, STEP_MS, { explain });
  assert.ok(result.explain);
  return result.explain;
};

const sumOf = (node: ExplainNode, part: 'estimated' | 'actual', of: 'series' | 'samples'): number =>
  (node.leaf?.shards ?? []).reduce((sum, shard) => sum + (shard[part]?.[of] ?? 0), 0);

test('nobody who does not ask is told', async () => {
  const { explain } = await store().engine.range('sum(m)', 0, END_MS, STEP_MS);
  assert.equal(explain, null);
});

test('a leaf tells what is pushed down, what was estimated and what it read, by shard', async () => {
  const node = await explained('sum by (job) (rate(m{i!="7"}[5m] offset 1m))', 'run');
  assert.equal(node.operator, 'leaf');
  assert.deepEqual(node.steps, { start: 0, step: 60, count: 100 });
  const { leaf, actual } = node;
  assert.equal(leaf?.selector, '{i!="7",__name__="m"}');
  assert.deepEqual([leaf?.of, leaf?.windowSeconds, leaf?.fold], ['rate', 300, 'sum by (job)']);
  assert.deepEqual([leaf?.start, leaf?.end], [-359.999, 99 * 60 - 60]);
  assert.equal(leaf?.shards.length, 2);
  assert.equal(sumOf(node, 'estimated', 'series'), 29);
  assert.equal(sumOf(node, 'actual', 'series'), 29);
  assert.equal(sumOf(node, 'actual', 'samples'), 29 * 99);
  assert.ok(sumOf(node, 'estimated', 'samples') >= 29 * 99);
  assert.equal(actual?.series, 3);
  assert.equal(actual?.points, 3 * 98);
});

test('operators tell what they gave; leaves that ask for the same tell the same', async () => {
  const node = await explained('topk(2, m) / on (i) group_left () m', 'run');
  assert.equal(node.operator, '/ on (i) group_left ()');
  const [topk, m] = node.children;
  assert.equal(topk.operator, 'topk');
  assert.equal(topk.actual?.points, 200);
  assert.equal(m.actual?.series, 30);
  const inner = topk.children.find(({ operator }) => operator === 'leaf');
  assert.ok(inner);
  assert.equal(sumOf(inner, 'actual', 'samples'), 3000);
  assert.equal(sumOf(m, 'actual', 'samples'), 3000);
});

test('without running, the plan and the estimates are there', async () => {
  const node = await explained('max_over_time(sum(m)[10m:30s])', 'only');
  assert.equal(node.operator, 'max_over_time over subquery [10m:30s]');
  assert.equal(node.actual, null);
  const [leaf] = node.children;
  assert.equal(sumOf(leaf, 'estimated', 'series'), 30);
  assert.ok(leaf.leaf?.shards.every(({ actual }) => actual === null));
});

test('the text has an operator a line, and the leaves below', async () => {
  const text = printExplain(await explained('-count(m) > 1', 'run'));
  const lines = text.trimEnd().split('\n');
  assert.match(lines[0], /^>: 100 steps every 1m: 0 series, 0 points, 0 B, \d/);
  assert.match(lines[1], /^ {2}negate: 100 steps every 1m: 1 series, 100 points, 1028 B, \d/);
  assert.match(lines[2], /^ {4}leaf: 100 steps every 1m: 1 series, 100 points/);
  assert.match(text, /^ {8}count of newest within 5m of \{__name__="m"\}$/m);
  assert.match(text, /^ {8}samples from 1969-12-31T23:55:00.001Z to 1970-01-01T01:39:00.000Z$/m);
  const shard =
    /^ {8}shard 1: estimated \d+ series, [\d,]+ samples, \d+ B; read \d+ series, [\d,]+ samples, \d+ .*ms$/m;
  assert.match(text, shard);
  assert.match(lines.at(-1) ?? '', /^ {2,}1: 100 steps/);
});
