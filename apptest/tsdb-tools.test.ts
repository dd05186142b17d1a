// `tidemark tsdb` as a user runs it: import, look, export, damage, verify. Where promtool is there ($TIDEMARK_PEERS, absent:
// ~/.cache/tidemark-peers/bin), what it reads and writes is compared, line by line.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createRealWorld } from '../src/io/index.ts';
import { Program, runProgram } from '../test/support/program.ts';
import { repositoryRoot } from '../test/support/sources.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';

const promtool = path.join(
  process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin'),
  'promtool',
);
const HANDED_OUT = `${repositoryRoot}../shared/conformance/tsdb-block`;
const START_SECONDS = 1_700_000_000;

/** Two counters over two days, gauges with awkward values, a name that needs quotes. */
function openMetrics(): string {
  const lines = ['# TYPE requests counter'];
  for (let series = 0; series < 3; series++) {
    for (let i = 0; i < 600; i++)
      lines.push(
        `requests_total{pod="p${series}",job="a\\"b"} ${i * (series + 1)} ${START_SECONDS + i * 300}.${series}`,
      );
  }
  lines.push('# TYPE awkward gauge');
  for (const [i, value] of ['1e6', '1.5e-7', '+Inf', '-Inf', 'NaN', '-0', '123456789', '0.1'].entries()) {
    lines.push(`awkward{Upper="é"} ${value} ${START_SECONDS + i}`);
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

const sortedLines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .sort();

async function tsdb(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(['tsdb', ...args]);
  assert.equal(code, 0, stderr);
  return stdout;
}

describe('tidemark tsdb', () => {
  test('what is imported comes out again, by dump and by export, and a second import changes nothing', async (t) => {
    const directory = await temporaryDirectory(t);
    const [input, one, two] = ['in.om', 'one', 'two'].map((name) => path.join(directory, name));
    await fs.writeFile(input, openMetrics());
    await tsdb('import', 'openmetrics', input, `--storage.tsdb.path=${one}`);
    const dumped = await tsdb('dump', one);
    assert.equal(sortedLines(dumped).length, 1808);
    assert.match(dumped, /^\{__name__="requests_total", job="a\\"b", pod="p1"\} 1198 1700179700100$/m);
    assert.match(dumped, /^\{Upper="é", __name__="awkward"\} 1\.23456789e\+08 1700000006000$/m);
    const exported = path.join(directory, 'out.om');
    await fs.writeFile(exported, await tsdb('export', one));
    await tsdb('create-blocks-from', 'openmetrics', exported, '--storage.tsdb.path', two);
    assert.equal(await tsdb('dump', two), dumped);
    await tsdb('import', 'openmetrics', input, `--storage.tsdb.path=${two}`);
    assert.equal(await tsdb('dump', two), dumped);
    const some = await tsdb(
      'dump',
      '--match=awkward',
      '--match={pod="p0"}',
      '--min-time=1700000005000',
      '--max-time=1700000600000',
      two,
    );
    assert.equal(sortedLines(some).length, 3 + 2);
    assert.equal(await tsdb('export', two, '--tenant=other'), '# EOF\n');
  });

  test('list, analyze and verify see the blocks, and verify finds a flipped bit', async (t) => {
    const data = path.join(await temporaryDirectory(t), 'data');
    const input = `${data}.om`;
    await fs.writeFile(input, openMetrics());
    await tsdb('import', 'openmetrics', input, '--storage.tsdb.path', data);
    const list = await tsdb('list', '-r', `--storage.tsdb.path=${data}`);
    assert.match(list, /^\d +2023-11-14T00:00:00Z +2023-11-15T00:00:00Z +1d +1 /m);
    const analysis = await tsdb('analyze', data, '--limit=2');
    assert.match(analysis, /^Total Series: 4\nLive Series: 3$/m);
    assert.match(analysis, /^3 requests_total\n1 awkward$/m);
    assert.equal((await runProgram(['tsdb', 'verify', data])).code, 0);
    const [block] = /blocks\/\S+/.exec(list) as RegExpExecArray;
    const bytes = await fs.readFile(path.join(data, block));
    bytes[Math.floor(bytes.length / 3)] ^= 4;
    await fs.writeFile(path.join(data, block), bytes);
    const { code, stdout } = await runProgram(['tsdb', 'verify', data]);
    assert.deepEqual([code, stdout.includes(block)], [1, true]);
  });

  test('a directory that a server uses is left alone, and what is imported is there when it starts', async (t) => {
    const directory = await temporaryDirectory(t);
    const [data, input] = ['data', 'in.om'].map((name) => path.join(directory, name));
    await fs.writeFile(input, openMetrics());
    await tsdb('import', 'openmetrics', input, '--storage.tsdb.path', data);
    const program = await Program.start(t, { directory: data, args: ['--storage.tsdb.retention.time=100y'] });
    const refused = await runProgram(['tsdb', 'list', data]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^tidemark: error: cannot open \S+: a running server or tool uses it .*; stop it first$/m,
    );
    const parameters = new URLSearchParams({
      query: 'count(count_over_time(requests_total[3d]) == 600)',
      time: '1700180000',
    });
    const answer = await (await fetch(`${program.url}/api/v1/query?${parameters}`)).json();
    assert.equal((answer as { data: { result: { value: [number, string] }[] } }).data.result[0].value[1], '3');
  });

  test('what is malformed is told with its line, and leaves no blocks', async (t) => {
    const data = path.join(await temporaryDirectory(t), 'data');
    const input = `${data}.om`;
    await fs.writeFile(input, 'a 1 1\nb 2\n# EOF\n');
    const { code, stderr } = await runProgram(['tsdb', 'import', 'openmetrics', input, '--storage.tsdb.path', data]);
    assert.equal(code, 1);
    assert.match(stderr, /^tidemark: error: expected timestamp for series b, got none \(line 2\)$/m);
    assert.deepEqual(sortedLines(await tsdb('list', data)).length, 1);
    assert.match((await runProgram(['tsdb', 'dump', `${data}/none`])).stderr, /it is no data directory/);
    assert.match(
      (await runProgram(['tsdb', 'frobnicate'])).stderr,
      /^tidemark: error: expected command but got "frobnicate"/,
    );
  });

  test('the Prometheus block that is handed out is imported', async (t) => {
    if (!existsSync(HANDED_OUT)) return t.skip('../shared is not there');
    const data = path.join(await temporaryDirectory(t), 'data');
    await tsdb('import', 'prometheus', HANDED_OUT, '--storage.tsdb.path', data, '--tenant=acme');
    assert.equal(sortedLines(await tsdb('dump', data, '--tenant=acme')).length, 102);
  });

  test("promtool's blocks, and its dump of what we export, have the same samples", async (t) => {
    if (!existsSync(promtool)) return t.skip('promtool is not there');
    const directory = await temporaryDirectory(t);
    const at = (name: string) => path.join(directory, name);
    const dumpOf = (name: string) => {
      execFileSync('mkdir', ['-p', at(`${name}/wal`)]); // promtool wants one
      return sortedLines(execFileSync(promtool, ['tsdb', 'dump', at(name)], { encoding: 'utf8' }));
    };
    await fs.writeFile(at('in.om'), openMetrics());
    execFileSync(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', at('in.om'), at('theirs')]);
    await tsdb('import', 'prometheus', at('theirs'), '--storage.tsdb.path', at('ours'));
    const want = dumpOf('theirs');
    assert.deepEqual(sortedLines(await tsdb('dump', at('ours'))), want);
    await fs.writeFile(at('out.om'), await tsdb('export', at('ours')));
    execFileSync(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', at('out.om'), at('again')]);
    assert.deepEqual(dumpOf('again'), want);
    assert.ok((await createRealWorld(at('theirs')).files.list('')).length > 20);
  });
});
