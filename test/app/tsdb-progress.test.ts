import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../src/app/tsdb-progress.ts';
import type { Clock } from '../../src/io/index.ts';

function run(isTerminal: boolean, work: (progress: Progress, passMs: (ms: number) => void) => void): string {
  let text = '';
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs } as Clock;
  const progress = new Progress('work', 200, { write: (part) => (text += part), isTerminal }, clock);
  work(progress, (ms) => (nowMs += ms));
  return text;
}

test('without a terminal there is a line for each tenth that is passed', () => {
  const text = run(false, (progress) => {
    for (let i = 0; i < 50; i++) progress.add(1);
    progress.add(100);
    progress.finish();
  });
  assert.equal(text, 'work: 10 %\nwork: 20 %\nwork: 70 %\nwork: 100 %\n');
});

test('a terminal gets a bar that is drawn now and then, and ends full', () => {
  const text = run(true, (progress, passMs) => {
    for (let i = 0; i < 100; i++) {
      progress.add(1);
      passMs(10);
    }
    progress.finish();
  });
  const bars = text.split('\r').slice(1);
  assert.equal(bars.length, 11);
  assert.equal(bars[0], `work [${'.'.repeat(30)}]   0 %`);
  assert.equal(bars[10], `work [${'#'.repeat(30)}] 100 %\n`);
});

test('work that breaks off leaves the line of the bar', () => {
  assert.ok(
    run(true, (progress) => {
      progress.add(50);
      progress.abort();
    }).endsWith('25 %\n'),
  );
});
