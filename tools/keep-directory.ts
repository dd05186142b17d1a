// node tools/keep-directory.ts [--replace]: keeps a data directory as today's code writes it, for the test that later versions open it
// (test/app/kept-directories.test.ts). Run it when the version number of a format changes, and commit the file. --replace: in place of
// the newest one, while nothing of that version was released.
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLogger } from '../src/base/index.ts';
import { createSimWorld } from '../src/io/index.ts';
import { Session } from '../sim/session.ts';
import { dumpStore } from '../test/support/dump-store.ts';
import { formatVersions } from '../test/support/format-versions.ts';
import { keptNumbers, layOut, readKept, writeKept } from '../test/support/kept-directory.ts';
import { type StoreParts, type StoredFiles, buildStore, layOutSimulated, storeParts } from '../sim/sample-store.ts';

const SEED = 5;
const SHARDS = 2;

/** The model of what was written judges a copy: what is kept as expected is right. */
async function judge(files: StoredFiles, parts: StoreParts): Promise<void> {
  const sim = createSimWorld(SEED);
  await sim.run(async () => {
    await layOutSimulated(files, sim);
    const session = new Session({ ...parts, sim }, sim.random.fork());
    await session.start(false);
    await session.readAll();
    await session.stop(0);
  });
}

async function dumped(files: StoredFiles): Promise<string[]> {
  const directory = fs.mkdtempSync(join(os.tmpdir(), 'tidemark-keep-'));
  try {
    layOut(files, directory);
    return await dumpStore(directory, silentLogger);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

const { values } = parseArgs({ options: { replace: { type: 'boolean', default: false } } });
const parts = await storeParts(SEED, SHARDS);
const files = await buildStore(SEED, parts);
await judge(files, parts);
const expected = await dumped(files);
const versions = JSON.stringify(formatVersions(files));
const newest = keptNumbers().at(-1) ?? 0;
if (newest > 0 && !values.replace && JSON.stringify(formatVersions(readKept(newest).files)) === versions) {
  console.log(`directory ${newest} has the same version numbers: ${versions}; nothing is written`);
} else {
  const number = values.replace ? Math.max(newest, 1) : newest + 1;
  const bytes = writeKept(number, { files, expected });
  console.log(`directory ${number}: ${bytes} bytes, ${files.size} files, ${expected.length} samples, ${versions}`);
}
