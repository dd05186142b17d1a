// A real Prometheus scrapes itself and remote-writes to the real Tidemark: afterwards both hold the same samples. Its binary is
// looked for in PATH and in $TIDEMARK_PEERS (absent: ~/.cache/tidemark-peers/bin); without one there is nothing to test.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort, Program, spawnGuarded, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';

const SCRAPING_MS = 20_000;
const peers = process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin');
const places = [peers, ...(process.env.PATH ?? '').split(path.delimiter)];
const binary = places.map((place) => path.join(place, 'prometheus')).find((file) => existsSync(file));
const skip = binary === undefined ? 'no prometheus in PATH or TIDEMARK_PEERS' : false;

const MESSAGES = { '1.0': 'prometheus.WriteRequest', '2.0': 'io.prometheus.write.v2.Request' } as const;

interface Peer {
  readonly url: string;
  stop(): Promise<void>;
  log(): string;
}

/** A Prometheus that scrapes itself every second until its configuration is taken away from it. */
async function startPrometheus(t: TestContext, target: string, message: string): Promise<Peer> {
  const home = await temporaryDirectory(t);
  const port = await freePort();
  const config = (interval: string): string => `global:
  scrape_interval: ${interval}
  external_labels: {peer: prometheus}
scrape_configs:
  - job_name: self
    static_configs: [{targets: ['127.0.0.1:${port}']}]
remote_write:
  - url: ${target}/api/v1/write
    protobuf_message: ${message}
    queue_config: {batch_send_deadline: 500ms}
`;
  await fs.writeFile(path.join(home, 'prometheus.yml'), config('1s'));
  const { child, output, ended } = spawnGuarded(binary as string, [
    `--config.file=${home}/prometheus.yml`,
    `--storage.tsdb.path=${home}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-lifecycle',
  ]);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await until('Prometheus is ready', 30_000, () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  const stop = async (): Promise<void> => {
    // No more scrapes, but the process lives on: what is queued is sent, and it can be asked what it holds.
    await fs.writeFile(path.join(home, 'prometheus.yml'), config('1s').replace(/scrape_configs:\n.*\n.*\n/, ''));
    assert.equal((await fetch(`${url}/-/reload`, { method: 'POST' })).status, 200);
  };
  return { url, stop, log: () => output.stderr };
}

/** Every sample of the job by series: `labels` → `value@time ...`, without the label that Prometheus adds when it sends. */
async function samplesOf(url: string, timeMs: number): Promise<Map<string, string>> {
  const parameters = new URLSearchParams({ query: '{job="self"}[10m]', time: String(timeMs / 1000) });
  const answer = (await (await fetch(`${url}/api/v1/query?${parameters}`)).json()) as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  const series = answer.data.result.map(({ metric, values }): [string, string] => {
    const pairs = Object.entries(metric).filter(([name]) => name !== 'peer');
    return [JSON.stringify(pairs.sort()), values.map(([t, v]) => `${v}@${t}`).join(' ')];
  });
  return new Map(series.sort());
}

const sampleCount = (samples: Map<string, string>): number =>
  [...samples.values()].reduce((sum, text) => sum + text.split(' ').length, 0);

for (const [version, message] of Object.entries(MESSAGES)) {
  test(`what a real Prometheus sends by remote write ${version} is all there`, { skip }, async (t) => {
    const program = await Program.start(t);
    const prometheus = await startPrometheus(t, program.url, message);
    await new Promise((resolve) => setTimeout(resolve, SCRAPING_MS));
    await prometheus.stop();
    const atMs = Date.now() + 5000;
    const want = await samplesOf(prometheus.url, atMs);
    assert.ok(
      want.size > 300 && sampleCount(want) > 10 * want.size,
      `${want.size} series, ${sampleCount(want)} samples`,
    );
    let got = new Map<string, string>();
    await until('all samples have come', 15_000, async () => {
      got = await samplesOf(program.url, atMs);
      return sampleCount(got) >= sampleCount(want);
    }).catch(() => {}); // the comparison below says more
    t.diagnostic(`${want.size} series, ${sampleCount(want)} samples`);
    assert.equal(sampleCount(got), sampleCount(want), prometheus.log().slice(-2000));
    assert.deepEqual(got, want);
    const up = (await (await fetch(`${program.url}/api/v1/series?match[]=up`)).json()) as {
      data: Record<string, string>[];
    };
    assert.equal(up.data[0]?.peer, 'prometheus');
  });
}
