import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../src/io/index.ts';
import { intersect, subtract, unite } from '../../src/tsdb/postings.ts';

test('lists of postings behave as sets', () => {
  const random = new SimRandom(4);
  const list = (share: number, span: number, offset: number) =>
    Uint32Array.from(Array.from({ length: span }, (_, i) => i + offset).filter(() => random.next() < share));
  for (let i = 0; i < 300; i++) {
    const span = 1 + Math.floor(random.next() * 300);
    const offset = random.next() < 0.3 ? 2 ** 31 + 7 : Math.floor(random.next() * 50);
    const a = list(random.next(), span, offset);
    const b = list(random.next(), span, offset);
    const inB = new Set(b);
    assert.deepEqual(
      [...intersect(a, b)],
      [...a].filter((n) => inB.has(n)),
    );
    const rest = subtract(a, b);
    assert.deepEqual(
      [...rest],
      [...a].filter((n) => !inB.has(n)),
    );
    assert.deepEqual(
      [...unite([b, rest])],
      [...new Set([...a, ...b])].sort((x, y) => x - y),
    );
    const apart = list(0.5, 40, 4_000_000_000);
    assert.deepEqual([...unite([apart, a])], [...a, ...apart]);
  }
  assert.deepEqual([...unite([])], []);
});
