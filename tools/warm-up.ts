// Runs the program once for a moment, so that Node keeps the compiled code of all its threads (build/.compile-cache): a start with it
// takes half the time, and no thread needs the compiler of TypeScript in its memory.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;

/** Questions whose code is to be kept, too. */
const PATHS: readonly string[] = [
  '/api/v1/query?query=sum(rate(up[5m]))',
  '/api/v1/query_range?query=up&start=0&end=60&step=15',
  '/api/v1/labels',
  '/metrics',
];

async function addressOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('it has no standard output');
  for await (const line of createInterface(child.stdout)) {
    const address = /http:\/\/\S+/.exec(line)?.[0];
    if (address) return address;
  }
  throw new Error('it ended before it was ready');
}

async function ask(address: string): Promise<void> {
  for (const question of PATHS) await (await fetch(new URL(question, address))).arrayBuffer();
}

/** Resolves with what went wrong, null if nothing did: then starts are slower, and nothing else. */
export async function warmUp(root: string): Promise<string | null> {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidemark-warm-up-'));
  const args = [`--storage.tsdb.path=${path.join(directory, 'data')}`, '--web.listen-address=127.0.0.1:0'];
  const child = spawn(path.join(root, 'bin/tidemark'), args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const exit = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS_MAX);
  try {
    await ask(await addressOf(child));
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX).unref();
    await exit;
    return null;
  } catch (error) {
    child.kill('SIGKILL');
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
    rmSync(directory, { recursive: true, force: true });
  }
}
