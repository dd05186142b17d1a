import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { utf8, utf8Text } from '../../src/base/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { checkFilesContract } from './files-contract.ts';

checkFilesContract('real files', async (t) => ({
  files: createRealWorld(await temporaryDirectory(t)).files,
  run: (program) => program(),
}));

test('large and small writes, one by one and in groups, land where they belong', async (t) => {
  const { files } = createRealWorld(await temporaryDirectory(t));
  const file = await files.open('f', 'create');
  const big = new Uint8Array(700_000).map((_, i) => i % 251);
  await file.write(big, 0);
  await file.writev([big.subarray(0, 300_000), new Uint8Array(0), utf8('tail')], 700_000);
  await file.writev(
    Array.from({ length: 2500 }, (_, i) => Uint8Array.of(i & 255)),
    1_000_004,
  );
  await file.sync();
  assert.equal(await file.size(), 1_002_504);
  await file.close();
  const bytes = await files.readFile('f');
  assert.deepEqual(bytes.subarray(0, 700_000), big);
  assert.deepEqual(bytes.subarray(700_000, 1_000_000), big.subarray(0, 300_000));
  assert.equal(utf8Text(bytes.subarray(1_000_000, 1_000_004)), 'tail');
  assert.equal(bytes[1_000_004 + 1027], 1027 & 255);
});

test('a closed file refuses every operation', async (t) => {
  const { files } = createRealWorld(await temporaryDirectory(t));
  const file = await files.open('f', 'create');
  await file.close();
  await file.close();
  for (const operation of [
    () => file.write(utf8('x'), 0),
    () => file.writev([utf8('x')], 0),
    () => file.read(new Uint8Array(1), 0),
    () => file.sync(),
    () => file.size(),
  ]) {
    await assert.rejects(operation, { code: 'io_error', message: /it is closed$/ });
  }
});

test('a full disk is disk_full and names the file', async () => {
  const full = createRealWorld('/dev').files;
  if (!(await full.exists('full'))) return;
  const file = await full.open('full', 'write');
  await assert.rejects(file.write(utf8('x'), 0), {
    code: 'disk_full',
    message: 'cannot write /dev/full: no space left on device',
  });
  await assert.rejects(file.writev([utf8('x')], 0), { code: 'disk_full' });
  await assert.rejects(file.write(new Uint8Array(1 << 20), 0), { code: 'disk_full' });
  await file.close();
});

test('a file without a size, as in /proc, is read whole', async () => {
  const { files } = createRealWorld('/proc');
  if (!(await files.exists('self/stat'))) return;
  assert.match(utf8Text(await files.readFile('self/stat')), /^\d+ \(/);
});

const holderScript = `
  import { createRealWorld } from ${JSON.stringify(path.resolve('src/io/index.ts'))};
  await createRealWorld(process.argv[1]).files.lock('lock');
  console.log('locked');
  setInterval(() => {}, 1000);
`;

async function startHolder(root: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', holderScript, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('a directory locked by a running process is refused with its pid; a killed one leaves no lock', async (t) => {
  const root = await temporaryDirectory(t);
  const { files } = createRealWorld(root);
  const child = await startHolder(root);
  await assert.rejects(files.lock('lock'), {
    code: 'locked',
    message: `cannot lock ${path.join(root, 'lock')}: process ${child.pid} holds it`,
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await files.lock('lock');
  await assert.rejects(files.lock('lock'), {
    code: 'locked',
    message: new RegExp(`this process ${process.pid} holds it`),
  });
  await lock.release();
  await (await files.lock('lock')).release();
  assert.deepEqual(await files.list(''), []);
});

test('a lock is stale when its pid now belongs to another process, or its content is not a lock', async (t) => {
  const root = await temporaryDirectory(t);
  const { files } = createRealWorld(root);
  for (const content of [`${process.pid} another-boot/1\n`, '', 'garbage', '\0\0\0\0']) {
    await fs.writeFile(path.join(root, 'lock'), content);
    await (await files.lock('lock')).release();
  }
  await fs.writeFile(path.join(root, 'lock.takeover'), '999999999 x/1\n'); // who died while taking over
  await fs.writeFile(path.join(root, 'lock'), '999999999 x/1\n');
  await (await files.lock('lock')).release();
  assert.deepEqual(await files.list(''), []);
});

test('a lock is stale when its process has ended and its parent has not noticed', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs /proc');
  const root = await temporaryDirectory(t);
  // The shell becomes sleep, which never waits for the shell's child, and then that one ends.
  const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 20'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = line.toString().trim();
  const isZombie = async () => / Z /.test(await fs.readFile(`/proc/${pid}/stat`, 'utf8'));
  while (!(await isZombie())) await new Promise((resolve) => setTimeout(resolve, 5));
  await fs.writeFile(path.join(root, 'lock'), `${pid} unknown\n`);
  await (await createRealWorld(root).files.lock('lock')).release();
});

test('of many that find a stale lock at once, one gets it', async (t) => {
  const root = await temporaryDirectory(t);
  const { files } = createRealWorld(root);
  for (let round = 0; round < 40; round++) {
    await fs.writeFile(path.join(root, 'lock'), '999999999 x/1\n');
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => files.lock('lock')));
    const winners = results.filter((result) => result.status === 'fulfilled');
    assert.equal(winners.length, 1);
    await winners[0].value.release();
  }
});
