// Prometheus' own scripts, where they are at hand, on the float half of the language. Left out, by rule:
// - evals that can read native histograms: they name a series that the scenario loads as one (or as buckets with nhcb), or
//   select without a name where there are such series, or expect histograms;
// - scenarios with start timestamps; functions that read them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { type LoadedSeries, runScript } from '../testlang/runner.ts';
import { SCRIPT_FEATURES, nameOf, scriptEngine } from './script-engine.ts';

const FOLDER = new URL('../../../../shared/conformance/testdata/', import.meta.url);

const NOT_YET = /\bstart_timestamp\s*\(/;

/** What the series loaded since the last clear rule out. */
class Scenario {
  readonly natives = new Set<string>();
  startTimestamps = false;

  note(series: readonly LoadedSeries[], withNhcb: boolean): void {
    for (const { labels, points } of series) {
      const name = nameOf(labels);
      if (points.some(({ value }) => typeof value === 'object')) this.natives.add(name);
      if (points.some(({ startMs }) => startMs !== undefined)) this.startTimestamps = true;
      if (withNhcb) this.natives.add(name.replace(/_(bucket|sum|count)$/, ''));
    }
  }

  isOut(query: string): boolean {
    if (this.startTimestamps || NOT_YET.test(query)) return true;
    if (this.natives.size === 0) return false;
    if (/(^|[^\w:\s"'}]|\b(and|or|unless|by|without|bool|atan2)\b)\s*\{/i.test(query)) return true;
    const names = query.match(/[a-zA-Z_:][\w:]*/g) ?? [];
    return names.some((name) => this.natives.has(name));
  }
}

/** Runs a script, leaving out what is out; returns how many evals there were in, and the failures. */
export async function runFloatEvals(text: string, shards: number): Promise<{ run: number; failures: string[] }> {
  const out = new Set<string>();
  const outcomes = await runScript(text, () => {
    const scenario = new Scenario();
    const engine = scriptEngine(shards, SCRIPT_FEATURES, (series, nhcb) => scenario.note(series, nhcb));
    const seen = (query: string): void => {
      if (scenario.isOut(query)) out.add(query);
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
  test('float evals of the shared scripts hold', { skip: 'no shared scripts here' }, () => {});
} else {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.test'))) {
    for (const shards of [1, 5]) {
      test(`float evals of ${file} hold with ${shards} shards`, async () => {
        const { run, failures } = await runFloatEvals(readFileSync(new URL(file, FOLDER), 'utf8'), shards);
        assert.deepEqual(failures, [], `${failures.length} of ${run} evals failed`);
      });
    }
  }
}
