// Prometheus' own scripts, where they are at hand.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { runScript } from '../testlang/runner.ts';
import { scriptEngine } from './script-engine.ts';

const FOLDER = new URL('../../../../shared/conformance/testdata/', import.meta.url);

/** Runs a script; returns how many evals there are, and the failures. */
async function runEvals(text: string, shards: number): Promise<{ run: number; failures: string[] }> {
  const outcomes = await runScript(text, () => scriptEngine(shards));
  const failed = outcomes.filter(({ failures }) => failures.length > 0);
  return {
    run: outcomes.length,
    failures: failed.map(({ line, query, failures }) => `${line}: ${query}: ${failures.join('; ')}`),
  };
}

if (!existsSync(FOLDER)) {
  test('evals of the shared scripts hold', { skip: 'no shared scripts here' }, () => {});
} else {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.test'))) {
    for (const shards of [1, 5]) {
      test(`evals of ${file} hold with ${shards} shards`, async () => {
        const { run, failures } = await runEvals(readFileSync(new URL(file, FOLDER), 'utf8'), shards);
        assert.deepEqual(failures, [], `${failures.length} of ${run} evals failed`);
      });
    }
  }
}
