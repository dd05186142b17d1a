// What answers look like to the byte, in the real program: long series and short ones, numbers of all kinds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { numberText } from '../src/api/index.ts';
import { Program } from '../test/support/program.ts';
import { oneSeries, send, write } from './client.ts';

const STEP_MS = 15_000;
const SAMPLES = 2500;
const startMs = Math.floor(Date.now() / 60_000) * 60_000 - SAMPLES * STEP_MS + 123;
const timeMs = (i: number): number => startMs + i * STEP_MS;

const values: Readonly<Record<string, (i: number) => number>> = {
  counter: (i) => i * 7919,
  decimals: (i) => i / 100 - 3,
  thirds: (i) => i / 3,
  steady: (i) => Math.floor(i / 50) / 7,
  large: (i) => 1.1 ** (3 * i),
  tiny: (i) => -(1.3 ** -i),
  special: (i) => [NaN, Infinity, -Infinity, -0, 0, 5e-324, 1e21, 1e-7][i % 8],
};

let program: Program;

before(async () => {
  program = await Program.start(null);
  for (const [kind, value] of Object.entries(values)) {
    const samples = Array.from({ length: SAMPLES }, (_, i): [number, number] => [timeMs(i), value(i)]);
    assert.equal((await write(program, 1, [oneSeries('answered', { kind }, samples)])).status, 204);
  }
});
after(() => program.dispose());

function pointText(i: number, value: number): string {
  return `[${(timeMs(i) / 1000).toFixed(3)},"${numberText(value)}"]`;
}

const textOf = (kind: string, from: number, to: number): string =>
  Array.from({ length: to - from }, (_, k) => pointText(from + k, values[kind](from + k))).join(',');

async function answer(path: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const reply = await send(program, { path: `/api/v1/${path}?${new URLSearchParams(parameters)}` });
  assert.equal(reply.status, 200, reply.text);
  return reply.text;
}

const matrix = (kind: string, metric: string, points: string): string =>
  `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{${metric}"kind":"${kind}"},"values":[${points}]}]}}`;

for (const kind of Object.keys(values)) {
  test(`all samples and a few of them are written in full: ${kind}`, async () => {
    const named = '"__name__":"answered",';
    const selector = `answered{kind="${kind}"}`;
    for (const count of [1, 2, 5, SAMPLES]) {
      const time = String(timeMs(count - 1) / 1000);
      const text = await answer('query', { query: `${selector}[${count * STEP_MS}ms]`, time });
      assert.equal(text, matrix(kind, named, textOf(kind, 0, count)));
    }
    const [from, to] = [100, 2400];
    const range = { start: String(timeMs(from) / 1000), end: String(timeMs(to - 1) / 1000), step: '15' };
    assert.equal(
      await answer('query_range', { query: selector, ...range }),
      matrix(kind, named, textOf(kind, from, to)),
    );
  });
}
