// Single bits that flip in a store at rest: each is harmless, or the program says what is damaged and the rest is right. More of them, and
// what comes of each: npm run sim:flips -- --count 10000.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flipBits } from '../../sim/bit-flips.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

const KINDS = ['log', 'image', 'block', 'cuts', 'tombstones', 'manifest'];

test('a flipped bit is harmless or reported, never a wrong answer', async (context) => {
  const { table, findings } = await flipBits(fuzzSeed(1), 0, fuzzCases(150));
  for (const [place, row] of Object.entries(table)) context.diagnostic(`${place}: ${JSON.stringify(row)}`);
  assert.deepEqual(findings, []);
  for (const kind of KINDS) {
    const rows = Object.entries(table).filter(([place]) => place.startsWith(kind));
    assert.ok(
      rows.some(([, { reported, refused }]) => reported + refused > 0),
      `damage of ${kind} is seen`,
    );
  }
});
