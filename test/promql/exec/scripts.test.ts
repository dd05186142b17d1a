// Our own scripts, with one shard and with several.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { runScript } from '../testlang/runner.ts';
import { scriptEngine } from './script-engine.ts';

const FOLDER = new URL('../scripts/', import.meta.url);

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.test.txt'))) {
  const text = readFileSync(new URL(file, FOLDER), 'utf8');
  for (const shards of [1, 3]) {
    test(`script ${file} holds with ${shards} shards`, async () => {
      const outcomes = await runScript(text, () => scriptEngine(shards));
      const failed = outcomes.filter(({ failures }) => failures.length > 0);
      assert.deepEqual(
        failed.map(({ line, query, failures }) => `${line}: ${query}: ${failures.join('; ')}`),
        [],
      );
      assert.ok(outcomes.length > 0);
    });
  }
}
