// Discovery from registries and orchestrators: Consul, DNS, Docker, Eureka, Kuma, Marathon, Nerve, Nomad, PuppetDB, Serverset,
// Uyuni.
import { goQuote } from '../model/index.ts';
import { checkHttpClient, httpClientFields } from './http-client.ts';
import { bool, duration, int, oneOf, path, secret, text, uint, url, urlProblem } from './scalars.ts';
import { type Place, kept, list, mapOf, struct, withDefault } from './schema.ts';
import { checkHttpUrl } from './service-discovery.ts';

const SECOND_MS = 1000;

const filter = struct({ name: kept(text), values: kept(list(text)) });

export const consulSd = struct(
  {
    server: withDefault(text, 'localhost:8500'),
    pathPrefix: text,
    token: secret,
    datacenter: text,
    namespace: text,
    partition: text,
    tagSeparator: withDefault(text, ','),
    scheme: withDefault(text, 'http'),
    username: text,
    password: secret,
    allowStale: kept(bool, true),
    refreshIntervalMs: withDefault(duration, 30 * SECOND_MS),
    services: list(text),
    tags: list(text),
    nodeMeta: mapOf(text),
    filter: text,
    healthFilter: text,
    ...httpClientFields,
  },
  (sd, at) => {
    if (sd.server.trim() === '') at.at('server').fail('consul SD configuration requires a server address');
    const userPassword = sd.username !== '' || !sd.password.isEmpty;
    if (userPassword && sd.basicAuth)
      at.fail('at most one of consul SD configuration username and password and basic auth can be configured');
    if (!sd.token.isEmpty && (sd.authorization || sd.oauth2))
      at.fail('at most one of consul SD token, authorization, or oauth2 can be configured');
    checkHttpClient(sd, at);
  },
);

export const dnsSd = struct(
  {
    names: kept(list(text)),
    refreshIntervalMs: withDefault(duration, 30 * SECOND_MS),
    type: withDefault(text, 'SRV'),
    port: uint,
  },
  (sd, at) => {
    if (sd.names.length === 0) at.fail('DNS-SD config must contain at least one SRV record name');
    const type = sd.type.toUpperCase();
    if (type === 'SRV') return;
    if (!['A', 'AAAA', 'MX', 'NS'].includes(type)) at.at('type').fail(`invalid DNS-SD records type ${sd.type}`);
    if (sd.port === 0) at.fail('a port is required in DNS-SD configs for all record types except SRV');
  },
);

export const dockerSd = struct(
  {
    host: kept(text),
    port: kept(uint, 80),
    filters: list(filter),
    hostNetworkingHost: kept(text, 'localhost'),
    matchFirstNetwork: kept(bool, true),
    refreshIntervalMs: withDefault(duration, 60 * SECOND_MS),
    ...httpClientFields,
  },
  (sd, at) => {
    checkDockerHost(sd.host, at);
    checkHttpClient(sd, at);
  },
);

function checkDockerHost(host: string, at: Place): void {
  if (host === '') at.fail('host missing');
  const problem = urlProblem(host);
  if (problem !== null) at.at('host').fail(problem);
}

const SWARM_ROLES = ['services', 'tasks', 'nodes'] as const;

export const dockerswarmSd = struct(
  {
    host: kept(text),
    role: kept(oneOf(SWARM_ROLES, (value) => `invalid role ${value}, expected tasks, services, or nodes`)),
    port: kept(uint, 80),
    filters: list(filter),
    refreshIntervalMs: withDefault(duration, 60 * SECOND_MS),
    ...httpClientFields,
  },
  (sd, at) => {
    checkDockerHost(sd.host, at);
    if (sd.role === '') at.fail('role missing (one of: tasks, services, nodes)');
    checkHttpClient(sd, at);
  },
);

export const eurekaSd = struct(
  { server: withDefault(text, ''), refreshIntervalMs: withDefault(duration, 30 * SECOND_MS), ...httpClientFields },
  (sd, at) => {
    if (sd.server === '') at.at('server').fail('eureka_sd: empty or null eureka server');
    const problem = urlProblem(sd.server);
    if (problem !== null) at.at('server').fail(problem);
    if (!/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]/.test(sd.server))
      at.at('server').fail('eureka_sd: invalid eureka server URL');
    checkHttpClient(sd, at);
  },
);

export const kumaSd = struct(
  {
    server: kept(text),
    refreshIntervalMs: withDefault(duration, 15 * SECOND_MS),
    fetchTimeoutMs: withDefault(duration, 120 * SECOND_MS),
    clientId: text,
    ...httpClientFields,
  },
  (sd, at) => {
    if (!/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]/.test(sd.server))
      at.at('server').fail(`kuma SD server must not be empty and have a scheme: ${sd.server}`);
    checkHttpClient(sd, at);
  },
);

export const marathonSd = struct(
  {
    servers: list(text),
    refreshIntervalMs: withDefault(duration, 30 * SECOND_MS),
    authToken: secret,
    authTokenFile: path,
    ...httpClientFields,
  },
  (sd, at) => {
    if (sd.servers.length === 0) at.fail('marathon_sd: must contain at least one Marathon server');
    if (!sd.authToken.isEmpty && sd.authTokenFile !== '')
      at.fail('marathon_sd: at most one of auth_token & auth_token_file must be configured');
    if (!sd.authToken.isEmpty || sd.authTokenFile !== '') {
      const other = sd.basicAuth ?? sd.authorization ?? sd.oauth2;
      if (other || !sd.bearerToken.isEmpty || sd.bearerTokenFile !== '')
        at.fail('marathon_sd: at most one of auth_token, auth_token_file & another authentication must be configured');
    }
    checkHttpClient(sd, at);
  },
);

/** Nerve and Serverset: paths in ZooKeeper. */
const zookeeperSd = (mechanism: string) =>
  struct(
    { servers: kept(list(text)), paths: kept(list(text)), timeoutMs: withDefault(duration, 10 * SECOND_MS) },
    (sd, at) => {
      if (sd.servers.length === 0) at.fail(`${mechanism} SD config must contain at least one Zookeeper server`);
      if (sd.paths.length === 0) at.fail(`${mechanism} SD config must contain at least one path`);
      const relative = sd.paths.find((name) => !name.startsWith('/'));
      if (relative !== undefined) at.at('paths').fail(`${mechanism} SD config paths must begin with '/': ${relative}`);
    },
  );
export const nerveSd = zookeeperSd('nerve');
export const serversetSd = zookeeperSd('serverset');

export const nomadSd = struct(
  {
    allowStale: kept(bool, true),
    namespace: kept(text, 'default'),
    refreshIntervalMs: kept(duration, 60 * SECOND_MS),
    region: kept(text, 'global'),
    server: kept(text, 'http://localhost:4646'),
    tagSeparator: withDefault(text, ','),
    ...httpClientFields,
  },
  (sd, at) => {
    if (sd.server.trim() === '') at.at('server').fail('nomad SD configuration requires a server address');
    checkHttpClient(sd, at);
  },
);

export const puppetdbSd = struct(
  {
    ...httpClientFields,
    refreshIntervalMs: withDefault(duration, 60 * SECOND_MS),
    url: kept(url),
    query: kept(text),
    includeParameters: kept(bool),
    port: kept(uint, 80),
  },
  (sd, at) => {
    checkHttpUrl(sd.url, at.at('url'));
    if (sd.query === '') at.fail('query missing');
    checkHttpClient(sd, at);
  },
);

export const tritonSd = struct(
  {
    account: kept(text),
    role: kept(
      oneOf(['container', 'cn'], (value) => `triton SD role must be one of container, cn; got ${goQuote(value)}`),
      'container',
    ),
    dnsSuffix: kept(text),
    endpoint: kept(text),
    groups: list(text),
    port: kept(uint, 9163),
    refreshIntervalMs: withDefault(duration, 60 * SECOND_MS),
    tlsConfig: httpClientFields.tlsConfig,
    version: kept(int, 1),
  },
  (sd, at) => {
    if (sd.account === '') at.fail('triton SD configuration requires an account');
    if (sd.dnsSuffix === '') at.fail('triton SD configuration requires a dns_suffix');
    if (sd.endpoint === '') at.fail('triton SD configuration requires an endpoint');
    if (sd.refreshIntervalMs <= 0) at.fail('triton SD configuration requires RefreshInterval to be a positive integer');
  },
);

export const uyuniSd = struct(
  {
    server: kept(url),
    username: kept(text),
    password: kept(secret),
    ...httpClientFields,
    entitlement: withDefault(text, 'monitoring_entitled'),
    separator: withDefault(text, ','),
    refreshIntervalMs: withDefault(duration, 60 * SECOND_MS),
  },
  (sd, at) => {
    if (sd.server === '') at.fail('uyuni SD configuration requires server host');
    if (sd.username === '') at.fail('uyuni SD configuration requires a username');
    if (sd.password.isEmpty) at.fail('uyuni SD configuration requires a password');
    checkHttpClient(sd, at);
  },
);
