// Where the Kubernetes API is and what it is asked with: a kubeconfig, the service account of the pod that this process runs
// in, or an address with HTTP options. Tokens and certificates in files are read again when they change.
import { TidemarkError, utf8Text } from '../../../base/index.ts';
import { type SdConfig, httpClientDefaults, parseKubeconfig } from '../../../config/index.ts';
import type { HttpClient } from '../../../io/index.ts';
import { joinHostPort } from '../labels.ts';
import type { DiscoveryWorld } from '../world.ts';

export type KubernetesSdConfig = SdConfig<'kubernetesSdConfigs'>;

/** A way to the API. */
export interface KubeConnection {
  /** Without a slash at its end. */
  readonly server: string;
  readonly http: HttpClient;
  /** Namespaces to look in; [''] is all. */
  readonly namespaces: readonly string[];
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Throws TidemarkError when files are missing or wrong; it may go well later. */
export async function connectKubernetes(config: KubernetesSdConfig, world: DiscoveryWorld): Promise<KubeConnection> {
  const { names, ownNamespace } = config.namespaces;
  const own = ownNamespace ? [utf8Text(await world.files.readFile(`${ACCOUNT}/namespace`)).trim()] : [];
  const wanted = [...new Set([...names, ...own])];
  const { server, http } = await serverOf(config, world);
  return { server: server.replace(/\/+$/, ''), http, namespaces: wanted.length === 0 ? [''] : wanted };
}

async function serverOf(
  config: KubernetesSdConfig,
  world: DiscoveryWorld,
): Promise<{ server: string; http: HttpClient }> {
  const { apiServer, kubeconfigFile } = config;
  if (kubeconfigFile !== '') {
    const text = utf8Text(await world.files.readFile(kubeconfigFile));
    const { server, client } = parseKubeconfig(text, kubeconfigFile);
    return { server, http: world.httpClient(client) };
  }
  if (apiServer !== '') return { server: apiServer, http: world.httpClient(config) };
  return inCluster(world);
}

function inCluster({ environment, httpClient }: DiscoveryWorld): { server: string; http: HttpClient } {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port) {
    const fact = 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set where no api_server is configured';
    throw new TidemarkError('bad_discovery', `cannot find Kubernetes API: ${fact}`);
  }
  const client = httpClientDefaults();
  const files = { credentialsFile: `${ACCOUNT}/token`, credentialsRef: '' };
  client.authorization = { type: 'Bearer', credentials: client.bearerToken, ...files };
  client.tlsConfig.caFile = `${ACCOUNT}/ca.crt`;
  return { server: `https://${joinHostPort(host, port)}`, http: httpClient(client) };
}
