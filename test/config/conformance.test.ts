// Prometheus' own configuration files, where they lie beside the repository: each good one is taken, each bad one refused.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { errorText } from '../../src/base/index.ts';
import { loadConfig, printConfig, parseConfig } from '../../src/config/index.ts';

const DIRECTORY = join(import.meta.dirname, '../../../shared/conformance/config');
const skip = existsSync(DIRECTORY) ? false : 'the conformance files are not there';

// Files whose names do not say it. Agent mode has rules of its own; as files they are plain good ones.
const ALSO_BAD = ['config_with_deprecated_am_api_config.yml'];
const ALSO_GOOD = ['otlp_empty.yml', 'agent_mode.with_rule_files.yml', 'scrape_config_local_infer_escaping.yml'];

const load = (file: string) =>
  loadConfig(readFileSync(file, 'utf8'), {
    file,
    readFile: async (path) => readFileSync(path),
    list: async (path) => (existsSync(path) ? readdirSync(path) : []),
  });

async function outcome(name: string): Promise<string | null> {
  try {
    const config = await load(join(DIRECTORY, name));
    const printed = printConfig(config);
    assert.doesNotThrow(() => parseConfig(printed, { file: join(dirname(name), 'again.yml') }), `${name} printed`);
    return null;
  } catch (error) {
    return errorText(error);
  }
}

test('every good configuration of the suite is accepted and its print is too', { skip }, async (t) => {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith('.good.yml') || ALSO_GOOD.includes(name));
  const wrong: string[] = [];
  for (const name of names) {
    const error = await outcome(name);
    if (error !== null) wrong.push(`${name}: ${error}`);
  }
  t.diagnostic(`${names.length - wrong.length} of ${names.length} good configurations accepted`);
  assert.deepEqual(wrong, []);
});

test('every bad configuration of the suite is refused with its place', { skip }, async (t) => {
  const names = readdirSync(DIRECTORY).filter(
    (name) => name.endsWith('.bad.yml') || name.includes('.incompatible.') || ALSO_BAD.includes(name),
  );
  const wrong: string[] = [];
  for (const name of names) {
    const error = await outcome(name);
    if (process.env.SHOW) console.log(name, '->', error?.replace(DIRECTORY, ''));
    if (error === null) wrong.push(`${name}: accepted`);
    else if (!/: line \d+, column \d+: /.test(error)) wrong.push(`${name}: no place in: ${error}`);
  }
  t.diagnostic(`${names.length - wrong.length} of ${names.length} bad configurations refused`);
  assert.deepEqual(wrong, []);
});
