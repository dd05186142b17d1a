// The real program in agent mode: it scrapes, receives and sends on, and has nothing to be queried.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import http from 'node:http';
import type net from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Program, runProgram, until } from '../test/support/program.ts';
import { oneSeries, queryNumber, send, write } from './client.ts';

const FAST = '{batch_send_deadline: 100ms, min_backoff: 10ms, max_backoff: 100ms}';

const agentArgs = (directory: string): string[] => [
  '--agent',
  `--storage.agent.path=${directory}`,
  '--storage.agent.wal-truncate-frequency=500ms',
  '--storage.agent.retention.min-time=0s',
  '--web.enable-otlp-receiver',
];

const segmentCount = async (directory: string): Promise<number> =>
  (await fs.readdir(path.join(directory, 'log'), { recursive: true })).filter((name) => name.endsWith('.log')).length;

test('an agent sends on what it scrapes and receives, and refuses all that needs a store', async (t) => {
  const far = await Program.start(t);
  const directory = path.join(far.directory, '..', 'agent');
  const config = `global: {scrape_interval: 1s}
scrape_configs: [{job_name: far, static_configs: [{targets: ['127.0.0.1:${far.port}']}]}]
remote_write: [{url: '${far.url}/api/v1/write', queue_config: ${FAST}}]
`;
  const agent = await Program.start(t, { config, args: agentArgs(directory) });
  const nowMs = Date.now();
  assert.equal((await write(agent, 1, [oneSeries('pushed', {}, [[nowMs, 7]])])).status, 204);
  await until('what was pushed has come', 15_000, async () => (await queryNumber(far, 'pushed', nowMs)) === 7);
  await until(
    'what was scraped has come',
    15_000,
    async () => (await queryNumber(far, 'up{job="far"}', Date.now())) === 1,
  );
  for (const route of [
    'query?query=up',
    'labels',
    'rules',
    'alerts',
    'series?match[]=up',
    'status/tsdb',
    'label/a/values',
  ]) {
    const { status, text } = await send(agent, { path: `/api/v1/${route}` });
    assert.equal(status, 422, route);
    assert.deepEqual(
      JSON.parse(text),
      { status: 'error', errorType: 'execution', error: 'unavailable with Prometheus Agent' },
      route,
    );
  }
  assert.equal((await send(agent, { path: '/federate?match[]=up' })).status, 500);
  assert.equal((await send(agent, { path: '/query' })).status, 404);
  assert.equal((await send(agent, { path: '/' })).headers.location, '/targets');
  assert.equal((await send(agent, { path: '/-/ready' })).text, 'Tidemark Agent is Ready.\n');
  const targets = JSON.parse((await send(agent, { path: '/api/v1/targets' })).text);
  assert.equal(targets.data.activeTargets.length, 1);
  assert.match((await send(agent, { path: '/metrics' })).text, /^tidemark_log_syncs\{shard="0"\} \d+$/m);
  assert.equal((await agent.stop()).code, 0);
});

test('an agent sends exemplars to who wants them', async (t) => {
  const far = await Program.start(t, { args: ['--enable-feature=exemplar-storage'] });
  const directory = path.join(far.directory, '..', 'agent');
  const config = `remote_write: [{url: '${far.url}/api/v1/write', send_exemplars: true, queue_config: ${FAST}}]\n`;
  const agent = await Program.start(t, { config, args: agentArgs(directory) });
  const nowMs = Date.now();
  const exemplars = [{ labels: ['trace_id', 'x'], value: 0.5, timestampMs: nowMs }];
  assert.equal((await write(agent, 1, [{ ...oneSeries('pushed', {}, [[nowMs, 7]]), exemplars }])).status, 204);
  const query = `/api/v1/query_exemplars?query=pushed&start=${nowMs / 1000 - 1}&end=${nowMs / 1000 + 1}`;
  await until('the exemplar has come', 15_000, async () =>
    (await send(far, { path: query })).text.includes('"trace_id":"x"'),
  );
});

/** A destination that refuses until it is opened, and then passes on. */
async function gate(t: TestContext, to: string): Promise<{ url: string; open(): void }> {
  let isOpen = false;
  const pass = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const body = Buffer.concat(await Array.fromAsync(request));
    const headers = Object.entries(request.headers).filter(([name]) =>
      /^(?:content-(?:type|encoding)|x-.*)$/.test(name),
    );
    const answer = await fetch(to + request.url, { method: 'POST', headers: headers as [string, string][], body });
    response.writeHead(answer.status).end(await answer.text());
  };
  const server = http.createServer((request, response) => {
    if (isOpen) void pass(request, response);
    else response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  return { url, open: () => (isOpen = true) };
}

test('samples stay until they are sent, also over a kill, and then go', async (t) => {
  const far = await Program.start(t);
  const destination = await gate(t, far.url);
  const directory = path.join(far.directory, '..', 'agent');
  const config = `remote_write: [{url: '${destination.url}/api/v1/write', queue_config: ${FAST}}]\n`;
  const agent = await Program.start(t, { config, args: agentArgs(directory) });
  const startMs = Date.now();
  const push = async (i: number): Promise<void> => {
    const reply = await write(agent, 1, [oneSeries('kept', { i: String(i) }, [[startMs + i, i]])]);
    assert.equal(reply.status, 204);
  };
  for (let i = 0; i < 4; i++) {
    await push(i);
    await until('a segment has ended', 15_000, async () => (await segmentCount(directory)) > i);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  assert.ok((await segmentCount(directory)) > 2, 'nothing was removed');
  await agent.kill();
  await agent.start();
  await push(4);
  destination.open();
  const sum = () => queryNumber(far, 'sum(kept)', startMs + 1000);
  await until('all have come', 30_000, async () => (await sum()) === 10);
  await until('segments have gone', 30_000, async () => (await segmentCount(directory)) <= 2);
});

test('samples that cannot be sent go when they are too old', async (t) => {
  const home = await Program.start(t);
  const directory = path.join(home.directory, '..', 'agent');
  const config = `remote_write: [{url: 'http://127.0.0.1:1/', queue_config: ${FAST}}]\n`;
  const args = [
    ...agentArgs(directory),
    '--storage.agent.retention.max-time=1s',
    '--storage.remote.flush-deadline=100ms',
  ];
  const agent = await Program.start(t, { config, args });
  for (let i = 0; i < 4; i++) {
    await write(agent, 1, [oneSeries('lost', { i: String(i) }, [[Date.now(), i]])]);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  await until('segments have gone', 30_000, async () => (await segmentCount(directory)) <= 1);
  assert.match(agent.log, /log segments removed unsent: they are too old/);
  assert.equal((await agent.stop()).code, 0);
});

test('an agent does not start with what it cannot do', async (t) => {
  const home = await Program.start(t);
  const ok = async (config: string, want: RegExp): Promise<void> => {
    const file = path.join(home.directory, '..', 'agent.yml');
    await fs.writeFile(file, config);
    const { code, stderr } = await runProgram([
      '--agent',
      `--config.file=${file}`,
      `--storage.agent.path=${home.directory}-agent`,
    ]);
    assert.equal(code, 1, config);
    assert.match(stderr, want);
  };
  await ok('{}', /at least one remote_write target must be specified in agent mode/);
  const target = "remote_write: [{url: 'http://localhost:1'}]";
  await ok(`${target}\nrule_files: [x.yml]`, /field rule_files is not allowed in agent mode/);
  await ok(`${target}\nremote_read: [{url: 'http://localhost:1'}]`, /field remote_read is not allowed in agent mode/);
});
