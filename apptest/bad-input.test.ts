// Malformed input of every kind against one running process: each gets a clear answer within two seconds, and afterwards the
// process works as before and has not grown.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { freePort, Program, QUIET_CONFIG, runProgram } from '../test/support/program.ts';
import type { BadCase } from './bad-input/case.ts';
import { configCases } from './bad-input/configs.ts';
import { badEndpoints } from './bad-input/endpoints.ts';
import { badQueries } from './bad-input/queries.ts';
import { socketCases } from './bad-input/sockets.ts';
import { badWrites } from './bad-input/writes.ts';
import { exchangeBytes, oneSeries, queryNumber, type Reply, send, write } from './client.ts';

const ANSWER_MS_MAX = 2000;
const GROWTH_BYTES_MAX = 150 << 20;
const ANSWER_LENGTH_MAX = 4096;
const nowMs = Date.now();

let program: Program;
let residentBytes = 0;

before(async () => {
  // A small heap: memory that merely waits for the collector is not taken for memory that is lost.
  program = await Program.start(null, {
    args: ['--web.enable-lifecycle'],
    env: { NODE_OPTIONS: '--max-old-space-size=160' },
  });
  // A level to compare with: code is compiled, the buffers of large requests are there. What grows after this grows for ever.
  for (let i = 0; i < 50; i++) assert.deepEqual(await normalWork(i), 'works');
  const all = [...badWrites(nowMs), ...badQueries(), ...badEndpoints()];
  for (const one of [...all, ...all]) await answerOf(one);
  residentBytes = await program.residentBytes();
});

after(() => program?.dispose());

/** A write and a query as they come all day. */
async function normalWork(value: number): Promise<string> {
  const series = Array.from({ length: 200 }, (_, i) =>
    oneSeries('good_input', { i: String(i) }, [[nowMs + value, value]]),
  );
  const reply = await write(program, value % 2 === 0 ? 1 : 2, series);
  if (reply.status !== 204) return `write: ${reply.status} ${reply.text}`;
  const sum = await queryNumber(program, 'sum(good_input)', nowMs + value);
  return sum === value * 200 ? 'works' : `query: ${sum}`;
}

/** The answer; one that was cut off counts as a refusal where the request passed a limit on its way. */
async function answerOf({ request, statuses }: BadCase): Promise<Reply> {
  try {
    return await send(program, request);
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (!statuses.includes(413) || !/ECONNRESET|EPIPE/.test(code)) throw error;
    return { status: 413, headers: {}, text: 'larger than', elapsedMs: 0 };
  }
}

async function sendAll(cases: readonly BadCase[]): Promise<void> {
  const faults: string[] = [];
  for (const one of cases) {
    const reply = await answerOf(one).catch((error: unknown) => String(error));
    const fault = typeof reply === 'string' ? reply : faultOf(one, reply);
    if (fault !== '') faults.push(`${one.name}: ${fault}`);
    assert.ok(program.isRunning, `the process ended after ${one.name}\n${program.log.slice(-4000)}`);
  }
  assert.equal(faults.length, 0, `${faults.length} of ${cases.length}:\n${faults.join('\n')}`);
}

function faultOf({ statuses, message }: BadCase, { status, text, elapsedMs }: Reply): string {
  const shown = text.slice(0, 200);
  if (!statuses.includes(status)) return `status ${status}, not ${statuses.join(' or ')}: ${shown}`;
  if (status !== 204 && !message.test(text)) return `${status} does not say ${message}: ${shown}`;
  if (status >= 400 && text.length > ANSWER_LENGTH_MAX) return `an error of ${text.length} characters`;
  if (elapsedMs > ANSWER_MS_MAX) return `${elapsedMs.toFixed(0)} ms`;
  return '';
}

describe('malformed input', { concurrency: false }, () => {
  test('remote write bodies', () => sendAll(badWrites(nowMs)));
  test('expressions and their parameters', () => sendAll(badQueries()));
  test('parameters, paths and methods of all endpoints', () => sendAll(badEndpoints()));

  test('connections that do not speak HTTP', async () => {
    const faults: string[] = [];
    for (const { name, parts, want } of socketCases) {
      const answer = await exchangeBytes(program.port, parts, 700);
      if (!want.test(answer)) faults.push(`${name}: ${JSON.stringify(answer.slice(0, 200))}`);
      const reply = await send(program, { path: '/-/healthy' });
      if (reply.status !== 200 || reply.elapsedMs > ANSWER_MS_MAX) faults.push(`${name}: unhealthy afterwards`);
    }
    assert.equal(faults.length, 0, `${faults.length} of ${socketCases.length}:\n${faults.join('\n')}`);
  });

  test('configurations at a reload: the message names the place, the one before stays', async () => {
    const configOf = async (): Promise<string> => (await send(program, { path: '/api/v1/status/config' })).text;
    const before = await configOf();
    const faults: string[] = [];
    for (const { name, text, place, message } of configCases) {
      await fs.writeFile(program.configFile, text);
      const { status, text: answer, elapsedMs } = await send(program, { method: 'POST', path: '/-/reload' });
      const fault = configFault(answer, place, message);
      if (status !== 500) faults.push(`${name}: status ${status}`);
      else if (fault !== '') faults.push(`${name}: ${fault}`);
      else if (elapsedMs > ANSWER_MS_MAX) faults.push(`${name}: ${elapsedMs.toFixed(0)} ms`);
    }
    assert.equal(faults.length, 0, `${faults.length} of ${configCases.length}:\n${faults.join('\n')}`);
    assert.equal(await configOf(), before);
    await fs.writeFile(program.configFile, QUIET_CONFIG);
    assert.equal((await send(program, { method: 'POST', path: '/-/reload' })).status, 200);
  });

  test('configurations at the start: one line on standard error, exit code 1', async (t) => {
    const directory = await temporaryDirectory(t);
    const file = `${directory}/bad.yml`;
    const few = configCases.filter((_, i) => i % 9 === 0);
    for (const { name, text, place, message } of few) {
      await fs.writeFile(file, text);
      const address = `--web.listen-address=127.0.0.1:${await freePort()}`;
      const run = await runProgram([`--config.file=${file}`, `--storage.tsdb.path=${directory}/data`, address]);
      assert.equal(run.code, 1, name);
      assert.equal(run.stderr.trimEnd().split('\n').length, 1, `${name}: ${run.stderr}`);
      assert.equal(configFault(run.stderr, place, message), '', name);
    }
  });

  test('afterwards a normal write and query work at normal speed, and the process has not grown', async () => {
    const startMs = performance.now();
    for (let i = 50; i < 100; i++) assert.deepEqual(await normalWork(i), 'works');
    const elapsedMs = performance.now() - startMs;
    assert.ok(elapsedMs < 50 * 200, `${elapsedMs / 50} ms for a write and a query`);
    const growthBytes = (await program.residentBytes()) - residentBytes;
    assert.ok(growthBytes < GROWTH_BYTES_MAX, `resident memory grew by ${(growthBytes / 2 ** 20).toFixed(0)} MiB`);
    assert.deepEqual((await program.stop()).code, 0, program.log.slice(-2000));
  });
});

function configFault(answer: string, place: string, message: RegExp): string {
  const shown = answer.slice(0, 300);
  if (answer.length > ANSWER_LENGTH_MAX) return `an error of ${answer.length} characters`;
  if (!message.test(answer)) return `does not say ${message}: ${shown}`;
  const found = /line (\d+), column (\d+)/.exec(answer);
  if (!found) return `names no line and column: ${shown}`;
  return `${found[1]}:${found[2]}`.startsWith(place) ? '' : `is not at ${place}: ${shown}`;
}
