import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configurationStamp, readConfiguration } from '../../src/app/configuration.ts';
import { hostFiles } from '../../src/config/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

async function optionsIn(t: TestContext, text: string) {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'p.yml');
  await fs.writeFile(file, text);
  const files = hostFiles(createRealWorld('/').files, process.cwd());
  return { directory, options: { file, isNamed: true, port: 9090, files, env: {} } };
}

test('the stamp changes with the file and with each file that it names', async (t) => {
  const { directory, options } = await optionsIn(t, 'rule_files: ["*.rules"]\nscrape_config_files: [jobs.yml]\n');
  await fs.writeFile(join(directory, 'jobs.yml'), 'scrape_configs: [{job_name: a}]');
  const config = await readConfiguration(options);
  const stamps = new Set([await configurationStamp(options, config)]);
  const changed = async (name: string, text: string) => {
    await fs.writeFile(join(directory, name), text);
    const stamp = await configurationStamp(options, config);
    assert.ok(!stamps.has(stamp), name);
    stamps.add(stamp);
  };
  await changed('a.rules', 'groups: []');
  await changed('a.rules', 'groups: [] ');
  await changed('jobs.yml', 'scrape_configs: [{job_name: b}]');
  await changed('p.yml', '{}');
  assert.ok(stamps.has(await configurationStamp(options, config)));
  await fs.writeFile(join(directory, 'other.yml'), 'x');
  assert.ok(stamps.has(await configurationStamp(options, config)));
});

test('a named file must be there, one of the default name need not', async (t) => {
  const { options } = await optionsIn(t, '');
  const gone = { ...options, file: `${options.file}.gone` };
  await assert.rejects(readConfiguration(gone), { code: 'bad_config', message: /cannot read configuration/ });
  const config = await readConfiguration({ ...gone, isNamed: false });
  assert.deepEqual(
    config.scrapeConfigs.map(({ jobName }) => jobName),
    ['tidemark', 'node'],
  );
});
