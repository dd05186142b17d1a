import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { repositoryRoot } from '../support/sources.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

/** A checkout with nothing in it but bin/tidemark, a program that prints its arguments, and a build that leaves a mark. */
async function smallCheckout(t: TestContext): Promise<string> {
  const root = path.join(await temporaryDirectory(t), 'a checkout');
  for (const folder of ['bin', 'src/app', 'tools', 'node_modules/.bin']) {
    await fs.mkdir(path.join(root, folder), { recursive: true });
  }
  await fs.cp(path.join(repositoryRoot, 'bin/tidemark'), path.join(root, 'bin/tidemark'));
  const print = 'console.log(JSON.stringify({ args: process.argv.slice(2), pid: process.pid }))';
  await fs.writeFile(path.join(root, 'src/app/main.ts'), `const x: number = 1; ${print}; process.exitCode = 2 + x;`);
  const build = "import fs from 'node:fs'; fs.mkdirSync('build'); fs.writeFileSync('build/head.wasm', '');";
  await fs.writeFile(path.join(root, 'tools/build.ts'), `process.chdir(import.meta.dirname + '/..'); ${build}`);
  return root;
}

test('it builds what is missing, becomes the program, and passes arguments and exit code on', async (t) => {
  const root = await smallCheckout(t);
  await fs.symlink(process.execPath, path.join(root, 'node_modules/.bin/node'));
  await fs.symlink('../../bin/tidemark', path.join(root, 'node_modules/.bin/tidemark'));
  await fs.symlink(path.join(root, 'node_modules/.bin/tidemark'), path.join(root, 'link'));
  for (const command of ['bin/tidemark', 'node_modules/.bin/tidemark', 'link']) {
    const { status, stdout, pid } = spawnSync(path.join(root, command), ['--a.b=c d', ''], { encoding: 'utf8' });
    assert.deepEqual([status, JSON.parse(stdout)], [3, { args: ['--a.b=c d', ''], pid }], command);
    assert.ok((await fs.stat(path.join(root, 'build/head.wasm'))).isFile());
  }
});

test('without a Node that is new enough it says so in one line', async (t) => {
  const root = await smallCheckout(t);
  const tools = path.join(root, 'path');
  await fs.mkdir(tools);
  for (const name of ['sh', 'dirname', 'readlink']) {
    const real = execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    await fs.symlink(real, path.join(tools, name));
  }
  const run = () => spawnSync(path.join(root, 'bin/tidemark'), [], { encoding: 'utf8', env: { PATH: tools } });
  const want =
    /^tidemark: cannot start: Node 24\.12 or newer is needed; run npm ci in .*a checkout, which brings it\n$/;
  assert.match(run().stderr, want);
  await fs.writeFile(path.join(tools, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 }); // as an older one answers
  const { status, stderr } = run();
  assert.equal(status, 1);
  assert.match(stderr, want);
});
