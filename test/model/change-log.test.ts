import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangeLog } from '../../src/model/index.ts';
import { seeded } from './histogram-samples.ts';

test('it tells the least time of all changes after a version', () => {
  const log = new ChangeLog();
  assert.equal(log.changedFromMs(0, 'a'), Infinity);
  for (const fromMs of [100, 110, 120]) log.note(fromMs);
  assert.deepEqual(
    [0, 1, 2, 3].map((version) => log.changedFromMs(version, 'a')),
    [100, 110, 120, Infinity],
  );
  log.note(105); // late
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((version) => log.changedFromMs(version, 'a')),
    [100, 105, 105, 105, Infinity],
  );
  log.note(-Infinity);
  assert.equal(log.changedFromMs(4, 'a'), -Infinity);
});

test('changes of one tenant are none of another, those of all are', () => {
  const log = new ChangeLog();
  log.note(100, 'a');
  log.note(50, 'b');
  assert.deepEqual(
    [log.changedFromMs(0, 'a'), log.changedFromMs(0, 'b'), log.changedFromMs(0, 'c')],
    [100, 50, Infinity],
  );
  log.note(70);
  assert.deepEqual([log.changedFromMs(0, 'a'), log.changedFromMs(2, 'b'), log.changedFromMs(2, 'c')], [70, 70, 70]);
});

test('tenants beyond those that are told apart change all', () => {
  const log = new ChangeLog();
  for (let i = 0; i < 2000; i++) log.note(1000 + i, `t${i}`);
  assert.equal(log.changedFromMs(0, 't5'), 1005);
  assert.equal(log.changedFromMs(2000, 't5'), Infinity);
  assert.equal(log.changedFromMs(1999, 't5'), 2999);
});

test('what changes nothing is no change', () => {
  const log = new ChangeLog();
  log.note(Infinity);
  assert.equal(log.version, 0);
});

test('of very many changes it forgets the details of the oldest, never a change', () => {
  const random = seeded(5);
  const log = new ChangeLog();
  const times: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    times.push(i * 10 - (random() < 0.02 ? Math.floor(random() * 5000) : 0));
    log.note(times[i]);
  }
  const least = new Array<number>(times.length + 1).fill(Infinity);
  for (let i = times.length - 1; i >= 0; i--) least[i] = Math.min(least[i + 1], times[i]);
  for (let version = 0; version <= times.length; version++) {
    const got = log.changedFromMs(version, 'a');
    if (version > times.length - 1000) assert.equal(got, least[version]);
    else assert.ok(got <= least[version], `version ${version}`);
  }
});
