import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimRandom } from '../../../src/io/index.ts';
import { BlockCache, type CacheEntry } from '../../../src/tsdb/block/block-cache.ts';

describe('block cache', () => {
  test('drops what was used longest ago once its budget is spent', () => {
    const cache = new BlockCache(100);
    const [a, b, c] = ['a', 'b', 'c'].map((value) => cache.add(value, 40));
    assert.deepEqual([a.value, b.value, c.value], [undefined, 'b', 'c']);
    assert.equal(cache.use(b), 'b');
    const d = cache.add('d', 40);
    assert.deepEqual([b.value, c.value, d.value], ['b', undefined, 'd']);
    assert.deepEqual(cache.stats(), { bytes: 80, bytesMax: 100, entries: 2, hits: 1, misses: 0, evictions: 2 });
  });

  test('keeps the newest even if it alone is above the budget', () => {
    const cache = new BlockCache(10);
    const large = cache.add('large', 50);
    assert.equal(cache.use(large), 'large');
    const small = cache.add('small', 1);
    assert.equal(large.value, undefined);
    cache.remove(small);
    cache.remove(small);
    assert.deepEqual([cache.stats().bytes, cache.stats().entries], [0, 0]);
  });

  test('does as a list in order of use does', () => {
    const random = new SimRandom(6);
    const cache = new BlockCache(500);
    let model: CacheEntry<number>[] = [];
    const bytes = () => model.reduce((sum, entry) => sum + entry.bytes, 0);
    for (let i = 0; i < 3000; i++) {
      const entry = model[Math.floor(random.next() * model.length)];
      const dice = random.next();
      if (dice < 0.4 || entry === undefined) {
        model.push(cache.add(i, 1 + Math.floor(random.next() * 80)));
        while (bytes() > 500) model.shift();
      } else if (dice < 0.9) {
        cache.use(entry);
        model = [...model.filter((other) => other !== entry), entry];
      } else {
        cache.remove(entry);
        model = model.filter((other) => other !== entry);
      }
      assert.deepEqual([cache.stats().bytes, cache.stats().entries], [bytes(), model.length]);
      assert.ok(model.every(({ value }) => value !== undefined));
    }
  });
});
