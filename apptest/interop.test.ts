// The real program among real peers, each killed once while samples flow:
//
//   prometheus A ── remote write ──► tidemark ── remote write ──► prometheus B, VictoriaMetrics
//        ▲                           │  │  │
//        └─────── remote read ───────┘  │  └── federation ──► prometheus F
//                                       └── promtool query, check
//
// At the end both ends of each arrow must hold the same samples. TIDEMARK_INTEROP_SECONDS: how long they flow (default 30).
//
// What peers cannot do is not asked of them: Prometheus does not send what it had not sent before it was killed, so it is killed when
// nothing waits; VictoriaMetrics keeps the last seconds in memory, so it is asked to stop.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type Peer,
  peerBinary,
  peerQuery,
  skipWithout,
  startPrometheus,
  startVictoriaMetrics,
} from '../test/support/peers.ts';
import { Program, freePort, spawnGuarded, until } from '../test/support/program.ts';

const RUN_MS = Number(process.env.TIDEMARK_INTEROP_SECONDS ?? 30) * 1000;
const WINDOW = `${Math.ceil(RUN_MS / 60_000) + 10}m`;
const SETTLE_MS = 60_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const QUEUE = '{batch_send_deadline: 200ms, min_backoff: 50ms, max_backoff: 500ms}';

const senderConfig = (tidemark: string, own: string, isScraping: boolean): string => `global:
  scrape_interval: 1s
  external_labels: {peer: a}
${isScraping ? `scrape_configs: [{job_name: a, static_configs: [{targets: ['${own}']}]}]` : ''}
remote_write: [{url: '${tidemark}/api/v1/write', queue_config: ${QUEUE}}]
remote_read: [{url: '${tidemark}/api/v1/read', read_recent: true, filter_external_labels: false, required_matchers: {job: t}}]
`;

const tidemarkConfig = (self: string, b: string, victoria: string, isScraping: boolean): string => `global:
  scrape_interval: 1s
${isScraping ? `scrape_configs: [{job_name: t, static_configs: [{targets: ['${self}']}]}]` : ''}
remote_write:
  - {url: '${b}/api/v1/write', name: b, write_relabel_configs: [{source_labels: [job], regex: t, action: keep}], queue_config: ${QUEUE}}
  - {url: '${victoria}/api/v1/write', name: victoria, write_relabel_configs: [{source_labels: [job], regex: t, action: keep}], queue_config: ${QUEUE}}
`;

/** Every sample of a job by series. */
async function samplesOf(url: string, job: string, atMs: number): Promise<Map<string, string>> {
  const series = (await peerQuery(url, `{job="${job}"}[${WINDOW}]`, atMs)).map(
    ({ metric, values }): [string, string] => {
      const pairs = Object.entries(metric).filter(([name]) => name !== 'peer');
      return [JSON.stringify(pairs.sort()), (values ?? []).map(([t, v]) => `${v}@${t}`).join(' ')];
    },
  );
  return new Map(series.sort());
}

/** What VictoriaMetrics has of a job; its values have fewer digits. */
async function exportedOf(url: string, job: string, atMs: number): Promise<Map<string, string>> {
  const parameters = new URLSearchParams({ 'match[]': `{job="${job}"}`, end: String(atMs / 1000) });
  const text = await (await fetch(`${url}/api/v1/export?${parameters}`)).text();
  const series = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { metric: Record<string, string>; values: unknown[]; timestamps: number[] })
    .map(({ metric, values, timestamps }): [string, string] => [
      JSON.stringify(Object.entries(metric).sort()),
      // What is no number in JSON is the mark of a series that ended.
      timestamps.flatMap((ms, i) => (typeof values[i] === 'number' ? [`0@${ms / 1000}`] : [])).join(' '),
    ]);
  return new Map(series.sort());
}

const timesOf = async (samples: Promise<Map<string, string>>): Promise<Map<string, string>> =>
  new Map([...(await samples)].map(([series, text]) => [series, text.replace(/(^| )[^ @]+@/g, '$1')]));

const countOf = (samples: ReadonlyMap<string, string>): number =>
  [...samples.values()].reduce((sum, text) => sum + (text === '' ? 0 : text.split(' ').length), 0);

async function same(t: TestContext, what: string, want: () => Promise<Map<string, string>>, got: typeof want) {
  const expected = await want();
  let found = new Map<string, string>();
  await until(what, SETTLE_MS, async () => {
    found = await got();
    return countOf(found) >= countOf(expected);
  }).catch(() => {}); // the comparison below says more
  t.diagnostic(`${what}: ${expected.size} series, ${countOf(expected)} samples; got ${countOf(found)}`);
  assert.ok(countOf(expected) > (RUN_MS / 1000) * 20, `${what}: ${countOf(expected)} samples`);
  assert.equal(countOf(found), countOf(expected), what);
  for (const [series, samples] of expected) assert.equal(found.get(series), samples, `${what}: ${series}`);
}

/** Resolves when nothing waits in Prometheus' queues. */
const idle = (prometheus: Peer): Promise<void> =>
  until('nothing waits to be sent', SETTLE_MS, async () => {
    const text = await (await fetch(`${prometheus.url}/metrics`)).text();
    const pending = [...text.matchAll(/^prometheus_remote_storage_samples_pending\{.*\} (\S+)$/gm)];
    return pending.length > 0 && pending.every(([, value]) => Number(value) === 0);
  });

async function promtool(...args: readonly string[]): Promise<string> {
  const { output, ended } = spawnGuarded(peerBinary('promtool') as string, args);
  const { code } = await ended;
  assert.equal(code, 0, `promtool ${args.join(' ')}: ${output.stderr}`);
  return output.stdout;
}

test('peers and the program hold the same samples after each was killed once', {
  skip: skipWithout('prometheus', 'promtool', 'victoria-metrics'),
}, async (t) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const late = 'storage: {tsdb: {out_of_order_time_window: 1h}}\n';
  const b = await startPrometheus(t, late, ['--web.enable-remote-write-receiver']);
  const victoria = await startVictoriaMetrics(t, ['-dedup.minScrapeInterval=1ms']);
  const config = (isScraping: boolean) => tidemarkConfig(`127.0.0.1:${port}`, b.url, victoria.url, isScraping);
  const tidemark = await Program.start(t, { config: config(true), port });
  const a = await startPrometheus(t, 'global: {}\n');
  const configure = async (isScraping: boolean): Promise<void> => {
    await fs.writeFile(path.join(a.directory, 'prometheus.yml'), senderConfig(url, new URL(a.url).host, isScraping));
    assert.equal((await fetch(`${a.url}/-/reload`, { method: 'POST' })).status, 200);
  };
  await configure(true);
  const federated = `scrape_configs:
  - {job_name: federate, scrape_interval: 1s, honor_labels: true, metrics_path: /federate, params: {'match[]': ['{job="t"}']}, static_configs: [{targets: ['127.0.0.1:${port}']}]}
`;
  const f = await startPrometheus(t, federated);

  await sleep(RUN_MS / 4);
  await tidemark.kill();
  await sleep(Math.min(5000, RUN_MS / 10));
  await tidemark.start();
  await sleep(RUN_MS / 4);
  await idle(a);
  await a.kill();
  await a.start();
  await sleep(RUN_MS / 4);
  await b.kill();
  await sleep(Math.min(5000, RUN_MS / 10));
  await b.start();
  await victoria.stop();
  await victoria.start();
  await sleep(RUN_MS / 4);
  assert.equal((await peerQuery(f.url, 'count(up{job="t"})'))[0]?.value?.[1], '1', 'federation');
  const listed = await peerQuery(f.url, 'count({job="t"})');
  assert.ok(Number(listed[0].value?.[1]) > 100, `${listed[0].value?.[1]} series federated`);

  const liveMs = Date.now();
  await configure(false);
  await fs.writeFile(tidemark.configFile, config(false));
  tidemark.signal('SIGHUP');
  await until('the program scrapes no more', SETTLE_MS, async () => {
    const targets = (await (await fetch(`${url}/api/v1/targets`)).json()) as { data: { activeTargets: unknown[] } };
    return targets.data.activeTargets.length === 0;
  });
  await sleep(2000);
  await idle(a);
  const atMs = Date.now();
  await same(
    t,
    'Prometheus to Tidemark',
    () => samplesOf(a.url, 'a', atMs),
    () => samplesOf(url, 'a', atMs),
  );
  await same(
    t,
    'Tidemark to Prometheus',
    () => samplesOf(url, 't', atMs),
    () => samplesOf(b.url, 't', atMs),
  );
  await same(
    t,
    'Prometheus reads from Tidemark',
    () => samplesOf(url, 't', atMs),
    () => samplesOf(a.url, 't', atMs),
  );
  await same(
    t,
    'Tidemark to VictoriaMetrics',
    () => timesOf(samplesOf(url, 't', atMs)),
    () => timesOf(exportedOf(victoria.url, 't', atMs)),
  );

  // Before the series ended.
  const [start, end] = [liveMs - 60_000, liveMs - 2000].map((ms) => String(Math.floor(ms / 1000)));
  assert.match(await promtool('query', 'instant', url, 'count({job="t"})', `--time=${end}`), /^\{\} => \d+ @/m);
  assert.match(
    await promtool('query', 'range', url, 'count({job="t"})', `--start=${start}`, `--end=${end}`, '--step=10s'),
    /^\{\} =>/m,
  );
  assert.match(
    await promtool('query', 'series', url, '--match=up{job="t"}', `--start=${start}`, `--end=${end}`),
    /__name__="up"/,
  );
  assert.match(await promtool('query', 'labels', url, 'job'), /^t$/m);
  await promtool('check', 'healthy', `--url=${url}`);
  await promtool('check', 'ready', `--url=${url}`);
});
