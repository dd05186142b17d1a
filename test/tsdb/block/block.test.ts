// Block files against plain lists of series: what was written comes back to the bit, and matchers select what a walk over all would.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRealWorld } from '../../../src/io/index.ts';
import { createBlockWasm, loadKernel } from '../../../src/kernel/index.ts';
import { type Matcher, compareUtf8 } from '../../../src/model/index.ts';
import { Block } from '../../../src/tsdb/block/block.ts';
import { BlockCache } from '../../../src/tsdb/block/block-cache.ts';
import { PART_SAMPLES_MAX } from '../../../src/tsdb/block/block-writer.ts';
import { VALUE_PAGE } from '../../../src/tsdb/block/pages.ts';
import { NO_SYMBOL } from '../../../src/tsdb/head.ts';
import {
  BLOCK_START,
  META,
  type ModelSeries,
  bitsOf,
  compareModel,
  isSelected,
  keyOf,
  randomSeries,
  readBlock,
  seeded,
  writeBlock,
} from '../../support/block-model.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';
import type { TestContext } from 'node:test';

const kernel = createBlockWasm(await loadKernel('block'));

async function blockOf(t: TestContext, series: readonly ModelSeries[], cache = new BlockCache(1 << 24)) {
  const { files } = createRealWorld(await temporaryDirectory(t));
  const meta = await writeBlock(files, 'test.block', kernel, series);
  const block = await Block.open(files, 'test.block', cache);
  t.after(() => block.close());
  assert.deepEqual(block.meta, meta);
  return { files, block, index: await block.index(), series: [...series].sort(compareModel), cache };
}

describe('block', () => {
  test('gives back every series and sample to the bit, whatever was asked', async (t) => {
    for (let seed = 1; seed <= 4; seed++) {
      const { block, series } = await blockOf(t, randomSeries(seeded(seed), 150, 300));
      assert.deepEqual(await readBlock(block, kernel), series);
      const middle = BLOCK_START + 150 * 15_000;
      for (const [minMs, maxMs] of [
        [BLOCK_START, middle],
        [middle, Infinity],
        [middle, middle + 15_000],
        [middle + 0.5, middle - 0.5],
      ]) {
        const want = series.map((one) => ({
          ...one,
          samples: one.samples.filter(([timeMs]) => timeMs >= minMs && timeMs <= maxMs),
        }));
        assert.deepEqual(await readBlock(block, kernel, minMs, maxMs), want);
      }
      assert.deepEqual(await block.verify(kernel), []);
    }
  });

  test('spans many chunks and pages, with a cache that holds next to nothing', async (t) => {
    const cache = new BlockCache(1);
    const { block, series } = await blockOf(t, randomSeries(seeded(9), 5000, 40), cache);
    assert.deepEqual(await readBlock(block, kernel), series);
    assert.ok(cache.stats().entries <= 1);
  });

  test('stores equal columns of near series once', async (t) => {
    const random = seeded(5);
    const columns = Array.from({ length: 7 }, () =>
      Array.from(
        { length: 200 },
        (_, i) => [BLOCK_START + i * 15_000, bitsOf(Math.floor(random.next() * 1e6))] as const,
      ),
    );
    const list = Array.from({ length: 2500 }, (_, i): ModelSeries => {
      const labels = [['__name__', `m${10_000 + i}`]] as const;
      return { tenant: 't', labels, id: [i, 0, 0, 0], samples: columns[i % columns.length] };
    });
    const { block, index, series } = await blockOf(t, list);
    // Each of the three chunks of series has its own.
    assert.equal(index.pages.columns(VALUE_PAGE), 3 * columns.length);
    assert.deepEqual(await readBlock(block, kernel), series);
    assert.deepEqual(await block.verify(kernel), []);
  });

  test('keeps a series of more samples than one part', async (t) => {
    const count = PART_SAMPLES_MAX * 2 + 5;
    const samples = Array.from({ length: count }, (_, i) => [BLOCK_START + i * 10, bitsOf(i % 7)] as const);
    const one = { tenant: 't', labels: [['__name__', 'm']] as const, id: [1, 2, 3, 4], samples };
    const small = { ...one, labels: [['__name__', 'n']] as const, samples: samples.slice(0, 3) };
    const { block, index } = await blockOf(t, [one, small]);
    assert.deepEqual(index.timeRange(0), { minMs: samples[0][0], maxMs: samples[count - 1][0], count });
    assert.deepEqual(await readBlock(block, kernel), [one, small]);
    const [minMs, maxMs] = [samples[PART_SAMPLES_MAX - 2][0], samples[PART_SAMPLES_MAX + 1][0]];
    const [read] = await readBlock(block, kernel, minMs, maxMs, Uint32Array.of(0));
    assert.deepEqual(read.samples, samples.slice(PART_SAMPLES_MAX - 2, PART_SAMPLES_MAX + 2));
    assert.deepEqual(await block.verify(kernel), []);
  });

  test('selects by matchers as a walk over all series would', async (t) => {
    for (const count of [70, 1200]) {
      const { index, series } = await blockOf(t, randomSeries(seeded(count), count, 3));
      const ok = (tenant: string, ...matchers: Matcher[]) => {
        const want = series.flatMap((one, i) => (one.tenant === tenant && isSelected(one, matchers) ? [i] : []));
        assert.deepEqual([...index.select(tenant, matchers)], want, JSON.stringify(matchers));
      };
      for (const tenant of ['anonymous', 'team-b', 'nobody', 'job']) {
        ok(tenant);
        for (const name of ['__name__', 'Zone', 'instance', 'job', 'long', 'extra_3', 'nowhere', 'up']) {
          for (const value of ['', 'up', 'api', 'host-7', '😀', 'nothing', '\uffff', '.*', 'x']) {
            ok(tenant, { name, op: '=', value });
            ok(tenant, { name, op: '!=', value });
          }
          for (const value of [
            '',
            '.*',
            '.+',
            'up|a',
            'api.*',
            'host-[0-4].*',
            '|api',
            'host-1|host-2|zz',
            'x+y?',
            '.',
          ]) {
            ok(tenant, { name, op: '=~', value });
            ok(tenant, { name, op: '!~', value });
            ok(tenant, { name, op: '!~', value }, { name: 'job', op: '=', value: 'db' });
            ok(tenant, { name: '__name__', op: '=', value: 'up' }, { name, op: '=~', value });
          }
        }
      }
    }
  });

  test('keeps tenants apart that have the same labels', async (t) => {
    const labels = [
      ['__name__', 'up'],
      ['job', 'api'],
    ] as const;
    const of = (tenant: string, value: number) =>
      ({ tenant, labels, id: [value, 0, 0, 0], samples: [[BLOCK_START, bitsOf(value)]] }) as const;
    const { block, index } = await blockOf(t, [of('b', 2), of('a', 1), of('', 0)]);
    for (const [number, tenant] of ['', 'a', 'b'].entries()) {
      assert.deepEqual([...index.select(tenant, [{ name: 'job', op: '=', value: 'api' }])], [number]);
      assert.deepEqual(index.tenantRange(tenant), { from: number, to: number + 1 });
    }
    assert.equal(index.tenantRange('job'), null);
    assert.deepEqual(block.meta.tenants[1], { tenant: 'a', series: 1, samples: 1 });
  });

  test('lists names, values and cardinality by tenant, and columns of labels', async (t) => {
    const { index, series } = await blockOf(t, randomSeries(seeded(31), 2500, 2));
    for (const tenant of ['anonymous', 'team-b', 'nobody']) {
      const model = new Map<string, Map<string, number>>();
      for (const one of series.filter((each) => each.tenant === tenant)) {
        for (const [name, value] of one.labels) {
          const values = model.get(name) ?? new Map<string, number>();
          model.set(name, values.set(value, (values.get(value) ?? 0) + 1));
        }
      }
      const names = [...model.keys()].sort(compareUtf8);
      assert.deepEqual(index.labelNames(tenant), names);
      for (const name of [...names, 'nowhere'])
        assert.deepEqual(index.labelValues(tenant, name), [...(model.get(name)?.keys() ?? [])].sort(compareUtf8));
      const got = index.cardinality(tenant);
      assert.deepEqual(new Map(got.map(({ name, values }) => [name, new Map(values)])), model);
    }
    const all = Uint32Array.from(series, (_, i) => i);
    for (const name of ['instance', 'Zone', 'nowhere']) {
      const column = Array.from(index.labelColumn(all, name), (s) => (s === NO_SYMBOL ? undefined : index.text(s)));
      assert.deepEqual(
        column,
        series.map(({ labels }) => new Map(labels).get(name)),
      );
    }
  });

  test('finds each of its texts as a symbol, and no other', async (t) => {
    const { index, series } = await blockOf(t, randomSeries(seeded(5), 4000, 1));
    const texts = [...new Set(series.flatMap(({ tenant, labels }) => [tenant, ...labels.flat()]))].sort(compareUtf8);
    assert.equal(index.symbolCount, texts.length);
    for (const [number, text] of texts.entries()) {
      assert.equal(index.text(number), text);
      assert.equal(index.symbol(text), number);
      assert.equal(index.symbol(`${text}\u0000`), NO_SYMBOL);
    }
    assert.equal(index.symbol(''), NO_SYMBOL);
  });

  test('finds the postings of a label whose values fill many chunks', async (t) => {
    const labels = (i: number) =>
      [
        ['__name__', `m${i % 3}`],
        ['id', `value-${i * 7919}`],
        ['ie', i % 2 === 0 ? 'even' : 'odd'],
      ] as const;
    const count = 30_000;
    const samples = [[BLOCK_START, 1n]] as const;
    const { index } = await blockOf(
      t,
      Array.from({ length: count }, (_, i) => ({ tenant: 't', labels: labels(i), id: [i, 0, 0, 0], samples })),
    );
    assert.ok(index.chunks.postings.length > 3);
    for (let i = 0; i < count; i += 97) {
      const [series, ...others] = index.select('t', [{ name: 'id', op: '=', value: `value-${i * 7919}` }]);
      assert.equal(index.ids(Uint32Array.of(series))[0], i);
      assert.deepEqual(others, []);
    }
    assert.equal(index.labelValues('t', 'id').length, count);
    assert.equal(index.select('t', [{ name: 'id', op: '=~', value: '.*9' }]).length, count / 10);
    assert.equal(index.select('t', [{ name: 'ie', op: '!=', value: 'odd' }]).length, count / 2);
  });

  test('filters by time without reading a column', async (t) => {
    const at = (fromMs: number, toMs: number, name: string) => ({
      tenant: 't',
      labels: [['__name__', name]] as const,
      id: [0, 0, 0, 0],
      samples: [[fromMs, 1n] as const, [toMs, 2n] as const],
    });
    const { index } = await blockOf(t, [at(10, 20, 'a'), at(15, 40, 'b'), at(30, 50, 'c')]);
    const ok = (minMs: number, maxMs: number, want: number[]) =>
      assert.deepEqual([...index.filterByTime(Uint32Array.of(0, 1, 2), minMs, maxMs)], want);
    ok(0, 9, []);
    ok(0, 10, [0]);
    ok(21, 29, [1]);
    ok(41, 41, [2]);
    ok(51, 90, []);
    ok(10, 50, [0, 1, 2]);
  });

  test('opening and the index cost one read each, and pages of neighbours one', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    const series = randomSeries(seeded(2), 400, 200);
    await writeBlock(files, 'test.block', kernel, series);
    let reads = 0;
    const counting = Object.create(files, {
      open: {
        value: async (path: string, mode: 'read') => {
          const file = await files.open(path, mode);
          const read = (into: Uint8Array, offset: number) => {
            reads++;
            return file.read(into, offset);
          };
          return { read, size: () => file.size(), close: () => file.close() };
        },
      },
    }) as typeof files;
    const block = await Block.open(counting, 'test.block', new BlockCache(1 << 24));
    assert.equal(reads, 1);
    const index = await block.index();
    assert.equal(reads, 2);
    await readBlock(block, kernel);
    assert.equal(reads, 3);
    const again = block.prefetch(index, Uint32Array.of(1, 2, 3));
    assert.ok(!(again instanceof Promise), 'what is cached needs no promise');
    await readBlock(block, kernel);
    await block.close();
    assert.equal(reads, 3);
  });

  test('has no name any more once it is removed, and is read to the end by who holds it', async (t) => {
    const { files, block } = await blockOf(t, randomSeries(seeded(3), 5, 5));
    block.retain();
    await block.remove();
    assert.ok(!(await files.exists('test.block')));
    assert.equal((await readBlock(block, kernel)).length, 5);
    block.release();
    assert.throws(() => block.retain(), /a released block is not retained/);
  });

  test('writes the same bytes for the same series', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    const series = randomSeries(seeded(77), 300, 50);
    await writeBlock(files, 'a.block', kernel, series);
    await writeBlock(files, 'b.block', kernel, [...series].reverse());
    assert.deepEqual(await files.readFile('a.block'), await files.readFile('b.block'));
    assert.equal((await Block.open(files, 'a.block', new BlockCache(1))).meta.shard, META.shard);
    assert.equal(keyOf(series[0]), keyOf({ ...series[0] }));
  });
});
