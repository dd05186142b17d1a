// Short turns on the processor.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { askForShortTurns } from '../../src/io/index.ts';

const program = `
  const { askForShortTurns } = await import(${JSON.stringify(new URL('../../src/io/index.ts', import.meta.url).href)});
  console.log(askForShortTurns());`;
const run = (...flags: string[]): number => {
  const args = [...flags, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
};

test('without foreign functions nothing is asked for', () => {
  assert.equal(askForShortTurns(), 0);
  assert.equal(run(), 0);
});

test('on Linux they are granted to threads, or nothing changes', { skip: process.platform !== 'linux' }, (t) => {
  const granted = run('--experimental-ffi');
  t.diagnostic(`${granted} threads`);
  assert.ok(granted >= 0);
});
