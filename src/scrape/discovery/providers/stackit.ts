// STACKIT: servers of a project (https://docs.api.eu01.stackit.cloud). A service account's key is exchanged for tokens.
import { randomUUID } from 'node:crypto';
import { TidemarkError, errorText, utf8Text } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { type AccessToken, CachedToken, type TokenSource, signedJwt } from '../../../io/index.ts';
import { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { Api, type FetchGroups, type ProviderParts, jsonOf, oneGroup, prefixed, trimSlash } from '../provider.ts';

type StackitSdConfig = SdConfig<'stackitSdConfigs'>;

const TOKEN_URL = 'https://service-account.api.stackit.cloud/token';
const ASSERTION_SECONDS = 600;

const endpointOf = (config: StackitSdConfig): string =>
  trimSlash(config.endpoint) || `https://iaas.api.${config.region}.stackit.cloud`;

/** Null for a server without an address. */
function serverTarget(server: Json, config: StackitSdConfig): Record<string, string> | null {
  const nics = server.at('nics').list();
  const publicIp = nics.map((nic) => nic.at('publicIp').text()).find(Boolean) ?? '';
  const withV4 = nics.filter((nic) => nic.at('ipv4').text() !== '');
  const address = publicIp || withV4[0]?.at('ipv4').text();
  if (!address) return null;
  const out: Record<string, string> = {};
  for (const nic of withV4)
    out[`private_ipv4_${sanitizeLabelName(nic.at('networkName').text())}`] = nic.at('ipv4').text();
  for (const [name, value] of server.at('labels').entries()) {
    if (typeof value.value !== 'string') continue;
    out[`labelpresent_${sanitizeLabelName(name)}`] = 'true';
    out[`label_${sanitizeLabelName(name)}`] = value.text();
  }
  return {
    __address__: joinHostPort(address, config.port),
    ...prefixed('__meta_stackit_', {
      project: config.project,
      id: server.at('id').text(),
      name: server.at('name').text(),
      availability_zone: server.at('availabilityZone').text(),
      status: server.at('status').text(),
      power_status: server.at('powerStatus').text(),
      type: server.at('machineType').text(),
      public_ipv4: publicIp,
      ...out,
    }),
  };
}

/** The token of a service account; null if the configuration names none. */
function tokenOf(config: StackitSdConfig, parts: ProviderParts, api: Api): TokenSource | null {
  if (config.serviceAccountKey.isEmpty && config.serviceAccountKeyPath === '') return null;
  return new CachedToken(parts.clock, () => fetchToken(config, parts, api));
}

async function readText(parts: ProviderParts, file: string, what: string): Promise<string> {
  try {
    return utf8Text(await parts.files.readFile(file));
  } catch (cause) {
    throw new TidemarkError('bad_discovery', `cannot read ${what} ${file}: ${errorText(cause)}`, { cause });
  }
}

/** JSON of a file or of the configuration; errors do not quote it. */
function secretJson(text: string, what: string): Json {
  try {
    return new Json(JSON.parse(text), what);
  } catch {
    throw new TidemarkError('bad_discovery', `cannot read ${what}: it is not JSON`);
  }
}

/** The private key: as configured, or where the credentials file says, or in the service account's key itself. */
async function privateKeyOf(config: StackitSdConfig, parts: ProviderParts, own: string): Promise<string> {
  if (!config.privateKey.isEmpty) return config.privateKey.reveal();
  if (config.privateKeyPath !== '') return readText(parts, config.privateKeyPath, 'private_key_path');
  if (own !== '') return own;
  if (config.credentialsFilePath !== '') {
    const file = config.credentialsFilePath;
    const credentials = secretJson(await readText(parts, file, 'credentials_file_path'), `credentials file ${file}`);
    const inline = credentials.at('STACKIT_PRIVATE_KEY').text();
    const path = credentials.at('STACKIT_PRIVATE_KEY_PATH').text();
    if (inline !== '' || path !== '') return inline || readText(parts, path, 'STACKIT_PRIVATE_KEY_PATH');
  }
  throw new TidemarkError('bad_discovery', 'cannot authenticate: there is no private key for the service account');
}

async function fetchToken(config: StackitSdConfig, parts: ProviderParts, api: Api): Promise<AccessToken> {
  const text = config.serviceAccountKey.isEmpty
    ? await readText(parts, config.serviceAccountKeyPath, 'service_account_key_path')
    : config.serviceAccountKey.reveal();
  const credentials = secretJson(text, 'service account key').at('credentials');
  const seconds = Math.floor(parts.clock.nowMs() / 1000);
  const claims = {
    iss: credentials.at('iss').text(),
    sub: credentials.at('sub').text(),
    aud: credentials.at('aud').text(),
    jti: randomUUID(),
    iat: seconds,
    exp: seconds + ASSERTION_SECONDS,
  };
  const key = await privateKeyOf(config, parts, credentials.at('privateKey').text());
  const assertion = signedJwt('RS512', credentials.at('kid').text(), claims, key);
  const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const { signal } = new AbortController();
  const answer = await api.ask(TOKEN_URL, { method: 'POST', headers, body: form.toString(), signal });
  const json = jsonOf(answer, TOKEN_URL);
  const token = json.at('access_token').text();
  if (token === '') throw new TidemarkError('bad_discovery', 'cannot authenticate: the answer has no access_token');
  return { token, lifeSeconds: json.at('expires_in').number() };
}

export function stackitGroups(config: StackitSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const token = tokenOf(config, parts, api);
  const url = `${endpointOf(config)}/v1/projects/${encodeURIComponent(config.project)}/servers?details=true`;
  return async (signal) => {
    const headers: Record<string, string> = token ? { Authorization: `Bearer ${await token.token()}` } : {};
    const servers = (await api.json(url, { signal, headers })).at('items').list();
    const targets = servers.map((server) => serverTarget(server, config));
    return oneGroup(
      'stackit',
      targets.filter((target) => target !== null),
    );
  };
}
