// The real program under test: bin/tidemark as a child process on a free port and a directory of its own. Whatever happens to
// the test, the child is killed with it: when the test ends, when this process ends, and on the signals that end it.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from './sources.ts';

const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 45_000;
const POLL_MS = 20;
const START_ATTEMPTS_MAX = 5;
const LOG_BYTES_MAX = 8 << 20;

/** Scrapes nothing: what is in the store is what the test has put there. */
export const QUIET_CONFIG = 'global:\n  scrape_interval: 1m\n';

export interface ProgramOptions {
  /** The data directory; absent: an empty one, removed by dispose(). */
  readonly directory?: string;
  /** Text of the configuration file. */
  readonly config?: string;
  /** Flags besides address, directory, configuration and retention. A flag given here replaces the own one. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A run of the program from begin to end. */
export interface Run extends Ending {
  readonly stdout: string;
  readonly stderr: string;
}

const children = new Set<ChildProcess>();
let isGuarded = false;

function guard(): void {
  if (isGuarded) return;
  isGuarded = true;
  process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL');
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
}

/** A child of `command` that does not outlive this process. */
export function spawnGuarded(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  guard();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  children.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout = (output.stdout + chunk).slice(-LOG_BYTES_MAX)));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr = (output.stderr + chunk).slice(-LOG_BYTES_MAX)));
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  ended.catch(() => children.delete(child));
  return { child, output, ended };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when `condition` holds; rejects after `msMax`, saying what was waited for. */
export async function until(what: string, msMax: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + msMax;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited ${msMax} ms in vain: ${what}`);
    await sleep(POLL_MS);
  }
}

/** Runs the program with exactly these arguments until it ends; one that does not is killed after `msMax`. */
export async function runProgram(args: readonly string[], msMax = READY_MS_MAX): Promise<Run> {
  const { child, output, ended } = spawnGuarded(path.join(repositoryRoot, 'bin/tidemark'), args);
  const timer = setTimeout(() => child.kill('SIGKILL'), msMax);
  const ending = await ended.finally(() => clearTimeout(timer));
  return { ...ending, ...output };
}

type Spawned = ReturnType<typeof spawnGuarded>;

/** The program on one data directory; may be killed and started again. */
export class Program {
  readonly directory: string;
  readonly configFile: string;
  readonly #options: ProgramOptions;
  readonly #home: string;
  #run: Spawned | null = null;
  port = 0;

  private constructor(options: ProgramOptions, home: string) {
    this.#options = options;
    this.#home = home;
    this.directory = options.directory ?? path.join(home, 'data');
    this.configFile = path.join(home, 'prometheus.yml');
  }

  /** Starts the program and waits until it is ready. `t` (a TestContext will do) disposes of it. */
  static async start(
    t: { after(work: () => Promise<void>): void } | null,
    options: ProgramOptions = {},
  ): Promise<Program> {
    const home = await fs.mkdtemp(path.join(os.tmpdir(), 'tidemark-program-'));
    const program = new Program(options, home);
    t?.after(() => program.dispose());
    await fs.writeFile(program.configFile, options.config ?? QUIET_CONFIG);
    try {
      await program.start();
    } catch (error) {
      await program.dispose();
      throw error;
    }
    return program;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#run?.child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#run !== null && this.#run.child.exitCode === null && this.#run.child.signalCode === null;
  }

  /** What the last run has logged so far. */
  get log(): string {
    return this.#run?.output.stderr ?? '';
  }

  /** Resolves when the last run has ended. */
  get ended(): Promise<Ending> {
    return this.#run?.ended ?? Promise.reject(new Error('the program was not started'));
  }

  /** Starts (again) on the same directory; resolves when it is ready. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.port = await freePort();
      this.#run = spawnGuarded(path.join(repositoryRoot, 'bin/tidemark'), this.#args(), this.#options.env);
      const { output, ended } = this.#run;
      let ending: Ending | null = null;
      void ended.then((found) => (ending = found));
      await until('the program is ready', READY_MS_MAX, async () => ending !== null || (await this.#isReady()));
      if (ending === null) return;
      const text = output.stderr.slice(-2000);
      if (!text.includes('port is taken') || attempt === START_ATTEMPTS_MAX) {
        throw new Error(`the program ended at its start: ${JSON.stringify(ending)}\n${text}`);
      }
    }
  }

  #args(): string[] {
    const given = this.#options.args ?? [];
    const own = [
      `--config.file=${this.configFile}`,
      `--storage.tsdb.path=${this.directory}`,
      `--web.listen-address=127.0.0.1:${this.port}`,
      '--storage.tsdb.retention.time=100y',
      // On a slow machine what a test asks may run long enough to count, when the test kills the program.
      '--query.refuse-after-crash=0s',
    ];
    const names = new Set(given.map((arg) => arg.split('=')[0]));
    return [...own.filter((arg) => !names.has(arg.split('=')[0])), ...given];
  }

  async #isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/-/ready`, { signal: AbortSignal.timeout(2000) });
      await answer.arrayBuffer();
      return answer.status === 200;
    } catch {
      return false; // not listening yet
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#run?.child.kill(signal);
  }

  /** As a power cut for the process: no handler runs. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Asks the program to stop (SIGTERM) and waits for its end; after a long while it is killed. */
  async stop(): Promise<Ending> {
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_MS_MAX);
    this.signal('SIGTERM');
    return this.ended.finally(() => clearTimeout(timer));
  }

  /** Memory the process holds, from /proc; 0 where there is none. */
  async residentBytes(): Promise<number> {
    const status = await fs.readFile(`/proc/${this.pid}/status`, 'utf8').catch(() => '');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /** User and system time the process has used, in seconds (all threads); 0 where there is no /proc. */
  async cpuSeconds(): Promise<number> {
    const stat = await fs.readFile(`/proc/${this.pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
  }

  /** Kills what still runs and removes what start() has made. */
  async dispose(): Promise<void> {
    if (this.isRunning) await this.kill();
    await fs.rm(this.#home, { recursive: true, force: true });
  }
}
