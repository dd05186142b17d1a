// Service discovery beside Prometheus' own: `promtool check service-discovery` and ours see the same servers and must find the
// same targets with the same labels, but for what Prometheus 3.5, whose promtool this is, does not know yet. promtool is looked for
// in PATH and in $TIDEMARK_PEERS (absent: ~/.cache/tidemark-peers/bin); without one there is nothing to compare.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { ConsulServer } from '../test/support/consul-api.ts';
import { KubeApiServer } from '../test/support/kube-api.ts';
import { fillCluster, ipv6Pod } from '../test/support/kube-objects.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';

const run = promisify(execFile);
const peers = process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin');
const places = [peers, ...(process.env.PATH ?? '').split(path.delimiter)];
const promtool = places.map((place) => path.join(place, 'promtool')).find((file) => existsSync(file));
const skip = promtool === undefined ? 'no promtool in PATH or TIDEMARK_PEERS' : false;
const tidemark = path.join(import.meta.dirname, '../bin/tidemark');

/** promtool waits out its whole time. */
const TIMEOUT = '4s';
/** Labels that came after Prometheus 3.5. */
const NEWER = /^__meta_kubernetes_node_condition_/;

/** Targets before relabelling, as sorted text. */
async function found(program: string, file: string, job: string): Promise<string[]> {
  const { stdout } = await run(program, ['check', 'service-discovery', `--timeout=${TIMEOUT}`, file, job]);
  const targets = JSON.parse(stdout) as { discoveredLabels: Record<string, string>; error?: string }[];
  return targets
    .map(({ discoveredLabels, error = '' }) => {
      const labels = Object.entries(discoveredLabels).filter(([name, value]) => value !== '' && !NEWER.test(name));
      return JSON.stringify([labels.sort(), error]);
    })
    .sort();
}

/** Distributions leave mechanisms out. */
async function knows(file: string): Promise<boolean> {
  const refusal = await run(promtool as string, ['check', 'config', file]).then(
    () => '',
    ({ stderr }) => String(stderr),
  );
  return !refusal.includes('not found in type');
}

/** Newer versions tell a target's wishes for histograms by labels. */
const withoutNewer = (text: string): string =>
  text.replaceAll(
    /\["__(scrape_native|always_scrape_classic|convert_classic)_histograms(_to_nhcb)?__","[^"]*"\],?/g,
    '',
  );

async function compare(t: TestContext, sections: readonly string[]): Promise<void> {
  const file = path.join(await temporaryDirectory(t), 'prometheus.yml');
  const jobs = sections.map((section, i) => `- job_name: job-${i}\n  ${section}`);
  await fs.writeFile(file, `scrape_configs:\n${jobs.join('\n')}\n`);
  if (!(await knows(file))) return t.skip('this promtool was built without the mechanism');
  await Promise.all(
    sections.map(async (section, i) => {
      const theirs = await found(promtool as string, file, `job-${i}`);
      const ours = await found(tidemark, file, `job-${i}`);
      assert.ok(theirs.length > 0, `promtool found nothing: ${section}`);
      assert.deepEqual(ours.map(withoutNewer), theirs.map(withoutNewer), section);
    }),
  );
}

test('every Kubernetes role finds what Prometheus finds', { skip }, async (t) => {
  const server = new KubeApiServer();
  const url = await server.start();
  t.after(() => server.stop());
  fillCluster(server);
  server.remove('pods', `lab/${ipv6Pod.metadata.name}`); // newer versions leave out pods of unknown nodes
  const roles = ['node', 'pod', 'service', 'endpoints', 'endpointslice', 'ingress'];
  const plain = roles.map((role) => `kubernetes_sd_configs: [{role: ${role}, api_server: "${url}"}]`);
  const attached = ['pod', 'endpoints', 'endpointslice'].map(
    (role) => `kubernetes_sd_configs: [{role: ${role}, api_server: "${url}", attach_metadata: {node: true}}]`,
  );
  await compare(t, [...plain, ...attached]);
});

test('Consul’s services are what Prometheus finds', { skip }, async (t) => {
  const server = new ConsulServer();
  const address = await server.start();
  t.after(() => server.stop());
  const node = {
    Node: 'n',
    Address: '10.0.0.1',
    Datacenter: 'dc1',
    TaggedAddresses: { lan: '10.0.0.1' },
    Meta: { 'a-b': 'c' },
  };
  const service = { ID: 'web-1', Service: 'web', Tags: ['a', 'b'], Address: '', Port: 80, Meta: { 'x.y': 'z' } };
  server.register('1', { Node: node, Service: service, Checks: [{ CheckID: 'c', Status: 'warning' }] });
  server.register('2', {
    Node: node,
    Service: { ...service, ID: 'web-2', Address: 'fd00::1', Tags: ['b'] },
    Checks: [],
  });
  server.register('3', { Node: node, Service: { ...service, ID: 'db', Service: 'db', Tags: [] }, Checks: [] });
  const section = (fields: string): string => `consul_sd_configs: [{server: "${address}"${fields}}]`;
  await compare(t, [section(''), section(', tags: [a, b]'), section(', services: [db], tag_separator: ";"')]);
});
