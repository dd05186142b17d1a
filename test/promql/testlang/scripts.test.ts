import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { ALL_PARSER_FEATURES, parseExpr } from '../../../src/promql/index.ts';
import { scriptEngine } from '../exec/script-engine.ts';
import { runScript } from './runner.ts';
import { parseScript } from './script.ts';

const FOLDER = new URL('../scripts/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, FOLDER), 'utf8');

test('our scripts are well formed and every query in them parses', () => {
  let count = 0;
  for (const file of readdirSync(FOLDER)) {
    for (const command of parseScript(read(file))) {
      if (command.kind !== 'eval') continue;
      count++;
      parseExpr(command.query, { features: ALL_PARSER_FEATURES });
    }
  }
  assert.ok(count >= 150, `${count} evals`);
});

for (const file of readdirSync(FOLDER)) {
  test(`every eval of ${file} holds`, async () => {
    const outcomes = await runScript(read(file), () => scriptEngine());
    const failed = outcomes.filter(({ failures }) => failures.length > 0);
    assert.deepEqual(
      failed.map(({ line, query, failures }) => `${file}:${line} ${query}: ${failures.join('; ')}`),
      [],
    );
  });
}
