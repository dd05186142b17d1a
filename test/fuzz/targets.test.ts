// The fuzz targets (npm run fuzz -- --inputs=N) with a few inputs each, so that they keep working.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutateBytes, mutateMessage, mutateText } from '../../fuzz/mutate.ts';
import { STORE_TARGETS } from '../../fuzz/store-targets.ts';
import { isExpected } from '../../fuzz/target.ts';
import { TEXT_TARGETS } from '../../fuzz/text-targets.ts';
import { WIRE_TARGETS, randomOf } from '../../fuzz/wire-targets.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

for (const target of [...WIRE_TARGETS, ...TEXT_TARGETS, ...STORE_TARGETS]) {
  test(`${target.name}: nearly good inputs end in a result or an error that says what is wrong`, async () => {
    const random = randomOf(fuzzSeed(1), target.name);
    for (let i = 0; i < fuzzCases(40); i++) {
      const input = target.make(random);
      try {
        await target.run(input);
      } catch (error) {
        assert.ok(isExpected(error), `${String((error as Error).stack)}\n${Buffer.from(input).toString('base64')}`);
      }
    }
  });
}

test('a seed gives the same inputs again', () => {
  const bytes = Uint8Array.from({ length: 50 }, (_, i) => i * 5);
  const of = (seed: number): unknown[] => {
    const random = randomOf(seed, 'x');
    return [mutateBytes(random, bytes), mutateMessage(random, bytes), mutateText(random, 'a{b="c"} 1', ['x'])];
  };
  assert.deepEqual(of(3), of(3));
  assert.notDeepEqual(of(3), of(4));
});

test('a field of a message is damaged with the lengths around it kept right', () => {
  // 1: {1: "abc"}: whatever happens within, most results are still messages of one field.
  const message = Uint8Array.of(0x0a, 5, 0x0a, 3, 97, 98, 99);
  const random = randomOf(1, 'm');
  let whole = 0;
  for (let i = 0; i < 400; i++) {
    const mutated = mutateMessage(random, message);
    if (mutated[0] === 0x0a && mutated[1] === mutated.length - 2) whole++;
  }
  assert.ok(whole > 100, `${whole}`);
});
