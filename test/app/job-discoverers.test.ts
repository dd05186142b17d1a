import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobDiscovery } from '../../src/app/job-discoverers.ts';
import { silentLogger } from '../../src/base/index.ts';
import { hostFiles, parseConfig } from '../../src/config/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import { until } from '../support/discovery-rig.ts';
import { KubeApiServer } from '../support/kube-api.ts';
import { service } from '../support/kube-objects.ts';

test('Alertmanagers are found as targets are, and two jobs with one section take one watch', async (t) => {
  const server = new KubeApiServer();
  const url = await server.start();
  t.after(() => server.stop());
  server.put('services', service);
  const { files, clock } = createRealWorld('/');
  const discovery = new JobDiscovery({ clock, files: hostFiles(files, '/'), logger: silentLogger });
  t.after(() => discovery.stop());
  const sd = `kubernetes_sd_configs: [{role: service, api_server: "${url}"}]`;
  const config = parseConfig(
    `{alerting: {alertmanagers: [{${sd}}]}, scrape_configs: [{job_name: a, ${sd}}, {job_name: b, ${sd}}]}`,
    { file: '/c/p.yml' },
  );
  const found: string[] = [];
  const holders = [...config.scrapeConfigs, ...config.alerting.alertmanagers];
  for (const [i, holder] of holders.entries()) {
    for (const discoverer of discovery.of(holder, `job ${i}`)) {
      discoverer.start((groups) => {
        for (const { targets } of groups) for (const target of targets) found.push(`${i} ${target.get('__address__')}`);
      });
    }
  }
  await until(
    () => found.length === 3,
    () => `three targets; got ${found}`,
  );
  assert.deepEqual(found.sort(), ['0 web.shop.svc:80', '1 web.shop.svc:80', '2 web.shop.svc:80']);
  assert.equal(server.requests.filter((request) => request.includes('limit=')).length, 1);
});
