// Kubernetes' client configuration files (kubeconfig): which server, with which certificates and credentials, the current
// context means. Programs that give credentials (`exec`, `auth-provider`) are not run.
import { dirname } from 'node:path';
import { parse } from 'yaml';
import { TidemarkError, errorText } from '../base/index.ts';
import { type HttpClientConfig, httpClientDefaults } from './http-client.ts';
import { joinDirectory } from './scalars.ts';
import { Secret } from './secret.ts';

/** The current context of a kubeconfig. */
export interface Kubeconfig {
  readonly server: string;
  readonly client: HttpClientConfig;
}

type Mapping = Readonly<Record<string, unknown>>;

/** Reads a kubeconfig. `file` names it in errors; relative paths start at its directory. Throws TidemarkError `bad_config`. */
export function parseKubeconfig(text: string, file: string): Kubeconfig {
  const reader = new KubeconfigReader(text, file);
  const context = reader.named('contexts', 'context', reader.text(reader.root, 'current-context'));
  const cluster = reader.named('clusters', 'cluster', reader.text(context, 'cluster'));
  const userName = reader.text(context, 'user');
  const user = userName === '' ? {} : reader.named('users', 'user', userName);
  const server = reader.text(cluster, 'server');
  if (server === '') throw reader.problem('the cluster has no server');
  return { server, client: clientOf(reader, cluster, user) };
}

function clientOf(reader: KubeconfigReader, cluster: Mapping, user: Mapping): HttpClientConfig {
  for (const program of ['exec', 'auth-provider'])
    if (user[program]) throw reader.problem(`user.${program} is not supported: use a token or a certificate`);
  const client = httpClientDefaults();
  const tls = client.tlsConfig;
  Object.assign(tls, reader.textOrFile(cluster, 'certificate-authority', 'ca', 'caFile'));
  Object.assign(tls, reader.textOrFile(user, 'client-certificate', 'cert', 'certFile'));
  const { key = '', ...rest } = reader.textOrFile(user, 'client-key', 'key', 'keyFile');
  Object.assign(tls, rest, { key: key === '' ? Secret.none : new Secret(key) });
  tls.serverName = reader.text(cluster, 'tls-server-name');
  tls.insecureSkipVerify = cluster['insecure-skip-tls-verify'] === true;
  client.proxyUrl = reader.text(cluster, 'proxy-url');
  const token = reader.text(user, 'token');
  const tokenFile = reader.path(user, 'tokenFile');
  if (token !== '' || tokenFile !== '') {
    // As Kubernetes' own clients: the file wins, since it is what gets renewed.
    const credentials = tokenFile === '' ? new Secret(token) : Secret.none;
    client.authorization = { type: 'Bearer', credentials, credentialsFile: tokenFile, credentialsRef: '' };
  } else if (reader.text(user, 'username') !== '') {
    const password = new Secret(reader.text(user, 'password'));
    const none = { usernameFile: '', usernameRef: '', passwordFile: '', passwordRef: '' };
    client.basicAuth = { ...none, username: reader.text(user, 'username'), password };
  }
  return client;
}

class KubeconfigReader {
  readonly root: Mapping;
  readonly #file: string;

  constructor(text: string, file: string) {
    this.#file = file;
    let value: unknown;
    try {
      value = parse(text);
    } catch (cause) {
      throw this.problem(errorText(cause));
    }
    this.root = this.#mapping(value, 'the file');
  }

  problem(fact: string): TidemarkError {
    return new TidemarkError('bad_config', `cannot read kubeconfig ${this.#file}: ${fact}`);
  }

  #mapping(value: unknown, what: string): Mapping {
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      throw this.problem(`${what}: want a mapping`);
    return value as Mapping;
  }

  /** The member `kind` of the entry of a list that has this name. */
  named(listName: string, kind: string, name: string): Mapping {
    const list = this.root[listName] ?? [];
    if (!Array.isArray(list)) throw this.problem(`${listName}: want a list`);
    const found = list.map((item) => this.#mapping(item, listName)).find((item) => item.name === name);
    if (!found) throw this.problem(`${listName}: there is no ${kind} named ${JSON.stringify(name)}`);
    return this.#mapping(found[kind] ?? {}, `${listName}[name=${name}].${kind}`);
  }

  text(map: Mapping, name: string): string {
    const value = map[name] ?? '';
    if (typeof value !== 'string') throw this.problem(`${name}: want a text`);
    return value;
  }

  path(map: Mapping, name: string): string {
    return joinDirectory(dirname(this.#file), this.text(map, name));
  }

  /** `<name>-data`, which is base64, as `inline`; or the path in `<name>` as `file`. The data win. */
  textOrFile(map: Mapping, name: string, inline: string, file: string): Record<string, string> {
    const data = this.text(map, `${name}-data`);
    if (data !== '') return { [inline]: Buffer.from(data, 'base64').toString('utf8') };
    return { [file]: this.path(map, name) };
  }
}
