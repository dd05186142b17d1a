// Other programs of this field as the other side of a test. A binary is looked for in PATH and in $TIDEMARK_PEERS (absent:
// ~/.cache/tidemark-peers/bin); without one there is nothing to test.
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { freePort, spawnGuarded, until } from './program.ts';
import { temporaryDirectory } from './temp-directory.ts';

const home = process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin');

/** Where the binary is; undefined: nowhere. */
export const peerBinary = (name: string): string | undefined =>
  [home, ...(process.env.PATH ?? '').split(path.delimiter)]
    .map((place) => path.join(place, name))
    .find((file) => existsSync(file));

/** For a test's `skip`: false, or what is missing. */
export const skipWithout = (...names: readonly string[]): string | false => {
  const missing = names.filter((name) => peerBinary(name) === undefined);
  return missing.length === 0 ? false : `no ${missing.join(', ')} in PATH or TIDEMARK_PEERS`;
};

/** A peer that runs until the test ends. */
export interface Peer {
  readonly url: string;
  readonly directory: string;
  log(): string;
  /** As a power cut. */
  kill(): Promise<void>;
  /** Asks it to stop. */
  stop(): Promise<void>;
  /** Starts it again on the same directory and port. */
  start(): Promise<void>;
}

interface PeerOptions {
  readonly readyPath: string;
  arguments(port: number, directory: string): readonly string[];
  /** Files in its directory, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

async function startPeer(t: TestContext, name: string, options: PeerOptions): Promise<Peer> {
  const directory = await temporaryDirectory(t);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  for (const [file, text] of Object.entries(options.files ?? {})) await fs.writeFile(path.join(directory, file), text);
  let run: ReturnType<typeof spawnGuarded> | null = null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    run?.child.kill(signal);
    await run?.ended;
  };
  const kill = () => end('SIGKILL');
  const start = async (): Promise<void> => {
    run = spawnGuarded(peerBinary(name) as string, options.arguments(port, directory));
    const isReady = () =>
      fetch(url + options.readyPath).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(`${name} is ready`, 60_000, isReady);
  };
  t.after(kill);
  await start();
  return { url, directory, log: () => run?.output.stderr ?? '', kill, stop: () => end('SIGTERM'), start };
}

/** A Prometheus with this configuration. */
export const startPrometheus = (t: TestContext, config: string, args: readonly string[] = []): Promise<Peer> =>
  startPeer(t, 'prometheus', {
    readyPath: '/-/ready',
    files: { 'prometheus.yml': config },
    arguments: (port, directory) => [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
      ...args,
    ],
  });

/** A VictoriaMetrics of one node. */
export const startVictoriaMetrics = (t: TestContext, args: readonly string[] = []): Promise<Peer> =>
  startPeer(t, 'victoria-metrics', {
    readyPath: '/health',
    arguments: (port, directory) => [
      `-storageDataPath=${directory}/data`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-retentionPeriod=1d',
      ...args,
    ],
  });

/** One series of an answer. */
export interface PeerSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
  readonly histogram?: readonly [number, object];
  readonly histograms?: readonly (readonly [number, object])[];
}

/** An instant query of any server of the API; throws its error. */
export async function peerQuery(url: string, expression: string, timeMs?: number): Promise<PeerSeries[]> {
  const parameters = new URLSearchParams({ query: expression });
  if (timeMs !== undefined) parameters.set('time', String(timeMs / 1000));
  const answer = await fetch(`${url}/api/v1/query?${parameters}`);
  const { status, error, data } = (await answer.json()) as {
    status: string;
    error?: string;
    data?: { result: PeerSeries[] };
  };
  if (status !== 'success' || !data) throw new Error(`${url}: ${error}`);
  return data.result;
}
