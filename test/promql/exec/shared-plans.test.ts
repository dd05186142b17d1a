// What a plan saves: equal parts are evaluated once, constants are worked out while planning, matchers cross binary operators. Answers,
// annotations and errors are what they were: metamorphic-fuzz.test.ts compares.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ExplainNode, type LeafPlan, printExplain } from '../../../src/promql/index.ts';
import { type TestStore, show, testStore } from './support.ts';

const STEP_MS = 60_000;

function store(onPlan: (plan: LeafPlan) => void = () => {}): TestStore {
  const made = testStore(1, {}, (client) => ({
    estimate: (plan, control) =>
      client.estimate?.(plan, control) ?? Promise.resolve({ series: 0, samples: 0, bytes: 0 }),
    execute(plan, control) {
      onPlan(plan);
      return client.execute(plan, control);
    },
  }));
  for (const name of ['a', 'b', 'c_total']) {
    for (let i = 0; i < 6; i++) {
      const labels = { __name__: name, x: String(i % 3), i: String(i) };
      made.load(
        labels,
        Array.from({ length: 20 }, (_, k) => k * (i + 1)),
        STEP_MS,
      );
    }
  }
  return made;
}

const END_MS = 19 * STEP_MS;
const sharedOf = (node: ExplainNode): number =>
  (node.shared ? 1 : 0) + node.children.reduce((sum, child) => sum + sharedOf(child), 0);

async function explained(query: string): Promise<ExplainNode> {
  const { explain } = await store().engine.range(query, 0, END_MS, STEP_MS, { explain: 'run' });
  assert.ok(explain);
  return explain;
}

describe('equal parts of a query', () => {
  test('are evaluated once', async () => {
    const shared = async (query: string, want: number): Promise<void> =>
      assert.equal(sharedOf(await explained(query)), want, query);
    await shared('(a + 1) / (a + 1)', 1);
    await shared('(a + 1) / (a + 2)', 0);
    await shared('topk(2, abs(a)) or topk(2, abs(a)) or abs(a)', 2);
    await shared('max_over_time(abs(a)[5m:1m]) - min_over_time(abs(a)[5m:1m])', 1);
    await shared('a / a', 0); // leaves are told apart by their keys
    assert.match(printExplain(await explained('(a + 1) / (a + 1)')), /evaluated once, as above/);
  });

  test('say what they have to say of each of their places', async () => {
    const { warnings } = await store().engine.range('quantile(2, a) + quantile(2, a) * 0', 0, END_MS, STEP_MS);
    assert.deepEqual(warnings, ['PromQL warning: quantile value should be between 0 and 1, got 2 (1:27)']);
  });

  test('are held once by the budget, and until the last has used them', async () => {
    const peak = async (query: string): Promise<number> =>
      (await store().engine.range(query, 0, END_MS, STEP_MS)).stats.peakBytes;
    const [one, two, four] = [
      await peak('-abs(a)'),
      await peak('abs(a) * abs(a)'),
      await peak('abs(a) + abs(a) + abs(a) + abs(a)'),
    ];
    assert.ok(two < one * 2, `${two} and ${one}`);
    assert.ok(four < one * 3, `${four} and ${one}`);
  });

  test('fail together', async () => {
    const query = 'label_replace(a, "i", "", "", "") + label_replace(a, "i", "", "", "")';
    await assert.rejects(store().engine.range(query, 0, END_MS, STEP_MS), /same labelset/);
  });
});

test('operators of numbers are worked out while planning', async () => {
  const node = await explained('a * (2 ^ 3 - -1)');
  assert.deepEqual(
    node.children.map(({ operator }) => operator),
    ['leaf', '9'],
  );
  const leaf = await explained('quantile_over_time(1 - 0.1, a[5m])');
  assert.equal(leaf.children[0].operator, '0.9');
  const { data } = await store().engine.range('1 - 3 > bool 2', 0, 2 * STEP_MS, STEP_MS);
  assert.deepEqual(data.type === 'matrix' && [...data.vs], [0, 0, 0]);
});

test('matchers cross binary operators where nothing but the number of series read changes', async () => {
  const selectors = async (query: string, ...want: string[]): Promise<void> => {
    const plans: LeafPlan[] = [];
    const plain = testStore(1, { pushDown: false });
    const made = store((plan) => plans.push(plan));
    for (const name of ['a', 'b']) {
      for (let i = 0; i < 6; i++) {
        const labels = { __name__: name, x: String(i % 3), i: String(i) };
        plain.load(
          labels,
          Array.from({ length: 20 }, (_, k) => k * (i + 1)),
          STEP_MS,
        );
      }
    }
    const ask = async (s: TestStore): Promise<string[]> => {
      try {
        return show(await s.engine.range(query, 0, END_MS, STEP_MS));
      } catch (error) {
        return [String(error)];
      }
    };
    assert.deepEqual(await ask(made), await ask(plain), query);
    const text = ({ matchers }: LeafPlan): string =>
      matchers
        .filter(({ name }) => name !== '__name__')
        .map(({ name, op, value }) => `${name}${op}${value}`)
        .join();
    assert.deepEqual(plans.map(text), want, query);
  };
  await selectors('a{x="1"} and on (x) b', 'x=1', 'x=1');
  await selectors('a and on (x) b{x=~"1|2"}', 'x=~1|2', 'x=~1|2');
  await selectors('a and b{i!="3"}', 'i!=3', 'i!=3');
  await selectors('a{x="1"} and on (i) b', 'x=1', '');
  await selectors('a{x="1"} and ignoring (x) b', 'x=1', '');
  await selectors('a{x="1"} unless b', 'x=1', 'x=1');
  await selectors('a unless b{x="1"}', '', 'x=1');
  await selectors('a{x="1"} or b', 'x=1', '');
  await selectors('a * b{x="1"}', '', 'x=1'); // b's duplicates are an error, unless a is empty
  await selectors('a{x="1"} * b', 'x=1', '');
  await selectors('a * on (x) group_left b{x="1"}', '', 'x=1');
  await selectors('a{x="1"} * on (x) group_left b', 'x=1', '');
  await selectors('sum by (x) (a) * on (x) b{x="1"}', '', 'x=1');
  await selectors('a{x=""} and b', 'x=', 'x=');
});
