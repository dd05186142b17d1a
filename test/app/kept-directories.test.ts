// Directories that earlier versions wrote are opened by this one, and what is in them is all there. docs/formats/README.md tells how they
// are kept.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Logger } from '../../src/base/index.ts';
import { createSimWorld } from '../../src/io/index.ts';
import { Session } from '../../sim/session.ts';
import { storeFiles } from '../../sim/rot.ts';
import { dumpStore } from '../support/dump-store.ts';
import { formatVersions } from '../support/format-versions.ts';
import { keptNumbers, layOut, readKept } from '../support/kept-directory.ts';
import { type StoredFiles, buildStore, layOutSimulated, storeParts } from '../../sim/sample-store.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const numbers = keptNumbers();
const newest = numbers[numbers.length - 1];

/** Collects what is said of damage. */
function complaining(): { logger: Logger; complaints: string[] } {
  const complaints: string[] = [];
  const say = (text: string, fields?: object): void => void complaints.push(`${text} ${JSON.stringify(fields)}`);
  return { logger: { debug: () => undefined, info: () => undefined, warn: say, error: say }, complaints };
}

async function dumped(t: TestContext, files: StoredFiles): Promise<{ lines: string[]; complaints: string[] }> {
  const directory = await temporaryDirectory(t);
  layOut(files, directory);
  const { logger, complaints } = complaining();
  return { lines: await dumpStore(directory, logger), complaints };
}

/** The files after everything was moved to blocks, and these were compacted and cleaned by today's code. */
async function rewritten(files: StoredFiles): Promise<StoredFiles> {
  const shards = new Set([...files.keys()].filter((path) => path.startsWith('log/')).map((path) => path.split('/')[1]));
  const parts = await storeParts(1, shards.size);
  const sim = createSimWorld(1);
  return sim.run(async () => {
    await layOutSimulated(files, sim);
    const session = new Session({ ...parts, sim }, sim.random.fork());
    await session.start(false);
    await session.command({ type: 'flush' });
    await session.command({ type: 'clean' });
    await session.stop(1);
    const after = new Map([...files].filter(([path]) => !path.includes('/')));
    for (const path of await storeFiles(sim)) after.set(path, await sim.world.files.readFile(path));
    return after;
  });
}

for (const number of numbers) {
  const { files, expected } = readKept(number);

  test(`directory ${number} is read from images, log and blocks`, async (t) => {
    const { lines, complaints } = await dumped(t, files);
    assert.deepEqual(lines, expected);
    // An image is a cache: one of another layout is passed over.
    const others = complaints.filter((text) => number === newest || !text.startsWith('head image is passed over'));
    assert.deepEqual(others, []);
  });

  test(`directory ${number} is read without its images`, async (t) => {
    const { lines } = await dumped(t, new Map([...files].filter(([path]) => !path.startsWith('head/'))));
    assert.deepEqual(lines, expected);
  });

  test(`directory ${number} is compacted and cleaned`, async (t) => {
    const { lines, complaints } = await dumped(t, await rewritten(files));
    assert.deepEqual(lines, expected);
    assert.deepEqual(complaints, []);
  });

  test(`directory ${number} has some of everything`, () => {
    const paths = [...files.keys()];
    for (const kind of [/\.log$/, /\.image$/, /-0-\d+-\d+\.block$/, /-1-\d+-\d+.*\.block$/, /tombstones\.json$/])
      assert.ok(
        paths.some((path) => kind.test(path)),
        String(kind),
      );
    assert.ok(
      expected.some((line) => line.startsWith('anonymous ')) && expected.some((line) => line.startsWith('other ')),
    );
    assert.ok(
      expected.some((line) => / histogram -53 /.test(line)) && expected.some((line) => / histogram 2 /.test(line)),
    );
  });
}

test('a directory of today’s version numbers is kept (node tools/keep-directory.ts writes it)', async () => {
  const fresh = await buildStore(5, await storeParts(5, 1));
  assert.deepEqual(formatVersions(fresh), formatVersions(readKept(newest).files));
});

test('what is damaged in a kept directory is seen', async (t) => {
  const { files, expected } = readKept(newest);
  const directory = await temporaryDirectory(t);
  layOut(files, directory);
  const [block] = [...files].filter(([path]) => path.endsWith('.block')).sort((a, b) => b[1].length - a[1].length)[0];
  const bytes = (files.get(block) as Uint8Array).slice();
  bytes[bytes.length - 40] ^= 4;
  await fs.writeFile(join(directory, block), bytes);
  const { logger, complaints } = complaining();
  const lines = await dumpStore(directory, logger);
  assert.ok(lines.length < expected.length);
  assert.match(complaints.join('\n'), /block is damaged and set aside/);
});
