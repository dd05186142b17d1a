import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SegmentLife } from '../../src/tsdb/segment-life.ts';

const MINUTE_MS = 60_000;

/** Plays rounds of samples of `live` series, of which `churned` are new each round; the round after which it is over, or null. */
function overAfter(live: number, churned: number, rounds: number, perBatch = 2000): number | null {
  const life = new SegmentLife();
  let defined = 0;
  for (let round = 1; round <= rounds; round++) {
    const news = round === 1 ? live : churned;
    for (let sent = 0; sent < live; sent += perBatch) {
      defined += Math.min(perBatch, Math.max(0, news - sent));
      life.add(Math.min(perBatch, live - sent), defined, 0);
    }
    if (life.isOver(0)) return round;
  }
  return null;
}

describe('a log segment', () => {
  test('goes on while its series do, however many samples come', () => {
    assert.equal(overAfter(100_000, 0, 200), null);
    assert.equal(overAfter(100_000, 100, 200), null);
  });

  test('ends when a good part of many definitions is new and there are three samples for each', () => {
    // 10,000 a round: 70,000 of them after 7 rounds, and three samples for each never, since each has one.
    assert.equal(overAfter(10_000, 10_000, 100), null);
    // Each goes on for four rounds: 10,000 new ones per round of 40,000.
    assert.equal(overAfter(40_000, 10_000, 100), 9);
    assert.equal(overAfter(40_000, 10_000, 100, 40_000), 9);
    assert.equal(overAfter(100_000, 20_000, 100), 7);
  });

  test('goes on when few series were defined', () => {
    assert.equal(overAfter(4000, 100, 500), null);
    assert.equal(overAfter(4000, 100, 700), 617);
  });

  test('ends when it is half an hour old, from its first record on, and begins anew', () => {
    const life = new SegmentLife();
    assert.equal(life.isOver(1e12), false);
    life.add(0, 0, 5 * MINUTE_MS); // stale marks only
    assert.equal(life.isOver(35 * MINUTE_MS - 1), false);
    assert.equal(life.isOver(35 * MINUTE_MS), true);
    life.reset();
    assert.equal(life.isOver(1e12), false);
    life.add(1, 1, 100 * MINUTE_MS);
    assert.equal(life.isOver(129 * MINUTE_MS), false);
    assert.equal(life.isOver(130 * MINUTE_MS), true);
  });
});
