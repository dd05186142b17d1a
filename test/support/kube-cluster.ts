// A Kubernetes API server for a test, and what discovery is told of it.
import type { TestContext } from 'node:test';
import { shortened } from './discovery-rig.ts';
import { KubeApiServer } from './kube-api.ts';

export const META = '__meta_kubernetes_';

export async function cluster(t: TestContext): Promise<{ server: KubeApiServer; url: string }> {
  const server = new KubeApiServer();
  const url = await server.start();
  t.after(() => server.stop());
  return { server, url };
}

export const sd = (url: string, fields: string): string => `kubernetes_sd_configs: [{api_server: "${url}", ${fields}}]`;

export const short = (targets: Record<string, Record<string, string>>) =>
  Object.fromEntries(Object.entries(targets).map(([address, labels]) => [address, shortened(labels, META)]));
