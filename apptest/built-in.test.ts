// The program without a configuration file: it scrapes itself and its machine, on whatever port it has.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { spawnGuarded, until } from '../test/support/program.ts';
import { repositoryRoot } from '../test/support/sources.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';

const WAIT_MS = 30_000;

test('on a port that was found, the built-in configuration scrapes that one', async (t) => {
  const directory = await temporaryDirectory(t);
  const args = [`--storage.tsdb.path=${directory}`, '--web.listen-address=127.0.0.1:0'];
  const { child, output, ended } = spawnGuarded(path.join(repositoryRoot, 'bin/tidemark'), args);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await until('it says where it is', WAIT_MS, () => /Tidemark is at/.test(output.stdout));
  const address = /http:\/\/\S+/.exec(output.stdout)?.[0] ?? '';
  assert.ok(Number(new URL(address).port) > 0, output.stdout);
  await until('both jobs are up', WAIT_MS, async () => {
    const answer = await fetch(new URL('/api/v1/query?query=sum(up)', address));
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result[0]?.value[1] === '2';
  });
});
