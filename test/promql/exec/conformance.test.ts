// Prometheus' own scripts, where they are at hand. Left out: scenarios with start timestamps, and functions that read them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { runScript } from '../testlang/runner.ts';
import { SCRIPT_FEATURES, scriptEngine } from './script-engine.ts';

const FOLDER = new URL('../../../../shared/conformance/testdata/', import.meta.url);

const NOT_YET = /\bstart_timestamp\s*\(/;

/** Runs a script, leaving out what is out; returns how many evals there were in, and the failures. */
async function runEvals(text: string, shards: number): Promise<{ run: number; failures: string[] }> {
  const out = new Set<string>();
  const outcomes = await runScript(text, () => {
    let startTimestamps = false;
    const engine = scriptEngine(shards, SCRIPT_FEATURES, (series) => {
      startTimestamps ||= series.some(({ points }) => points.some(({ startMs }) => startMs !== undefined));
    });
    const seen = (query: string): void => {
      if (startTimestamps || NOT_YET.test(query)) out.add(query);
    };
    return {
      ...engine,
      instant(query, timeMs) {
        seen(query);
        return engine.instant(query, timeMs);
      },
      range(query, startMs, endMs, stepMs) {
        seen(query);
        return engine.range(query, startMs, endMs, stepMs);
      },
    };
  });
  const within = outcomes.filter(({ query }) => !out.has(query));
  const failed = within.filter(({ failures }) => failures.length > 0);
  return {
    run: within.length,
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
