// npm run fuzz -- --inputs=1000000 [--seed=N] [words...]: nearly good inputs for all decoders and parsers, or those whose names have one of
// the words. An input must end in a result or in an error that says what is wrong, within a bound of processor time, and what is held must
// not grow. What fails is written to a directory that is named at the end; the exit code is then 1.
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { STORE_TARGETS } from './store-targets.ts';
import { type Target, isExpected } from './target.ts';
import { TEXT_TARGETS } from './text-targets.ts';
import { WIRE_TARGETS, randomOf } from './wire-targets.ts';

/** Of the thread, so that others on the machine do not count. */
const INPUT_CPU_MS_MAX = 1000;
/** Held after a batch, JavaScript and WebAssembly together. */
const HELD_BYTES_MAX = 2 ** 30;
const BATCH = 500;
const FAILURES_SHOWN_MAX = 3;

interface Outcome {
  readonly name: string;
  inputs: number;
  good: number;
  bad: number;
  failures: number;
  slowestMs: number;
  heldBytesMax: number;
  seconds: number;
}

const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

class Run {
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'tidemark-fuzz-'));
  readonly #shown = new Map<string, number>();
  failures = 0;

  fail(target: Target, input: string | Uint8Array, why: string): void {
    const file = path.join(
      this.#directory,
      `${target.name}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`,
    );
    writeFileSync(file, input);
    const shown = this.#shown.get(target.name) ?? 0;
    this.#shown.set(target.name, shown + 1);
    this.failures++;
    if (shown < FAILURES_SHOWN_MAX) console.log(`${target.name}: ${why.slice(0, 1500)}\n  input: ${file}`);
  }

  async input(target: Target, input: string | Uint8Array, outcome: Outcome): Promise<void> {
    const startedMs = threadMs();
    try {
      const pending = target.run(input);
      if (pending instanceof Promise) await pending;
      outcome.good++;
    } catch (error) {
      outcome.bad++;
      if (!isExpected(error)) {
        outcome.failures++;
        this.fail(target, input, String((error as Error).stack ?? error));
      }
    }
    const ms = threadMs() - startedMs;
    if (ms > outcome.slowestMs) outcome.slowestMs = ms;
    if (ms > INPUT_CPU_MS_MAX) {
      outcome.failures++;
      this.fail(target, input, `took ${Math.round(ms)} ms of processor time`);
    }
  }

  async target(target: Target, count: number, seed: number): Promise<Outcome> {
    const random = randomOf(seed, target.name);
    const outcome: Outcome = {
      name: target.name,
      ...{ inputs: count, good: 0, bad: 0, failures: 0, slowestMs: 0, heldBytesMax: 0, seconds: 0 },
    };
    const startedMs = performance.now();
    for (let done = 0; done < count; done++) {
      await this.input(target, target.make(random), outcome);
      if (done % BATCH !== BATCH - 1) continue;
      const { heapUsed, external, arrayBuffers } = process.memoryUsage();
      const held = heapUsed + external + arrayBuffers;
      outcome.heldBytesMax = Math.max(outcome.heldBytesMax, held);
      if (held <= HELD_BYTES_MAX) continue;
      outcome.failures++;
      this.fail(target, '', `${Math.round(held / 2 ** 20)} MiB are held after ${done + 1} inputs`);
      break;
    }
    outcome.seconds = (performance.now() - startedMs) / 1000;
    return outcome;
  }
}

const { values, positionals } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const all = [...WIRE_TARGETS, ...TEXT_TARGETS, ...STORE_TARGETS];
const chosen =
  positionals.length === 0 ? all : all.filter(({ name }) => positionals.some((word) => name.includes(word)));
// Shares are of all targets, so that pieces of a run add up to it.
const shares = all.reduce((sum, { share }) => sum + share, 0);
const run = new Run();
let total = 0;
for (const target of chosen) {
  const count = Math.max(1, Math.round((Number(values.inputs) * target.share) / shares));
  const { name, inputs, good, bad, failures, slowestMs, heldBytesMax, seconds } = await run.target(
    target,
    count,
    Number(values.seed),
  );
  total += inputs;
  console.log(
    `${name.padEnd(20)} ${inputs} inputs: ${good} good, ${bad} refused, ${failures} failures; slowest ${slowestMs.toFixed(1)} ms, ` +
      `${Math.round(heldBytesMax / 2 ** 20)} MiB, ${seconds.toFixed(1)} s`,
  );
}
console.log(`${total} inputs, ${run.failures} failures, seed ${values.seed}`);
process.exitCode = run.failures === 0 ? 0 : 1;
