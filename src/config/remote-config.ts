// `remote_write` and `remote_read`: where samples go besides our own store, and where old ones may be.
import { goQuote } from '../model/index.ts';
import { checkHttpClient, httpClientFields } from './http-client.ts';
import { relabelRules } from './relabel-config.ts';
import { bool, duration, int, path, scalarName, secret, text, uint, url } from './scalars.ts';
import { type Infer, type Place, kept, list, mapOf, named, optional, struct, withDefault } from './schema.ts';

const RESERVED_HEADERS = new Set(
  `host content-encoding content-length content-type user-agent connection keep-alive proxy-authenticate
   proxy-authorization www-authenticate accept-encoding x-prometheus-remote-write-version
   x-prometheus-remote-read-version x-amz-date x-amz-security-token x-amz-content-sha256`.split(/\s+/),
);

/** Refuses headers that the protocol sets itself. `authorization`: what to say of that one. */
export function checkHeaders(headers: Record<string, string>, authorization: string, at: Place): void {
  for (const name of Object.keys(headers)) {
    const place = at.at('headers').at(name);
    if (name.toLowerCase() === 'authorization') place.fail(authorization);
    if (RESERVED_HEADERS.has(name.toLowerCase())) place.fail(`${name} is a reserved header. It must not be changed`);
  }
}

const AUTHORIZATION_HEADER =
  'authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter';

export const sigv4 = struct(
  {
    region: text,
    accessKey: text,
    secretKey: secret,
    profile: text,
    roleArn: text,
    externalId: text,
    useFipsStsEndpoint: bool,
    serviceName: text,
  },
  (aws, at) => {
    if ((aws.accessKey === '') !== aws.secretKey.isEmpty)
      at.fail('must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config');
    if (aws.externalId !== '' && aws.roleArn === '')
      at.at('external_id').fail('external_id can only be used with role_arn');
  },
);
/** A `sigv4` section: as whom requests are signed. */
export type Sigv4Config = Infer<typeof sigv4>;

const AZURE_CLOUDS = ['AzureChina', 'AzureGovernment', 'AzurePublic'];

const azuread = struct(
  {
    managedIdentity: optional(struct({ clientId: text })),
    workloadIdentity: optional(struct({ clientId: text, tenantId: text, tokenFilePath: path })),
    oauth: optional(struct({ clientId: text, clientSecret: secret, tenantId: text })),
    sdk: optional(struct({ tenantId: text })),
    cloud: withDefault(text, 'AzurePublic'),
    scope: text,
  },
  (azure, at) => {
    if (!AZURE_CLOUDS.includes(azure.cloud)) at.at('cloud').fail('must provide a valid cloud in the Azure AD config');
    const ways = [azure.managedIdentity, azure.workloadIdentity, azure.oauth, azure.sdk].filter(Boolean).length;
    if (ways === 0)
      at.fail(
        'must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth or Azure SDK in the Azure AD config',
      );
    if (ways > 1) at.fail('cannot provide multiple authentication methods in the Azure AD config');
  },
);

const queueConfig = struct(
  {
    capacity: withDefault(int, 10_000),
    maxShards: withDefault(int, 50),
    minShards: withDefault(int, 1),
    maxSamplesPerSend: withDefault(int, 2000),
    batchSendDeadlineMs: withDefault(duration, 5000),
    minBackoffMs: withDefault(duration, 30),
    maxBackoffMs: withDefault(duration, 5000),
    retryOnHttp429: named('retry_on_http_429', bool),
    sampleAgeLimitMs: duration,
  },
  (queue, at) => {
    const positive = (name: string, value: number) => {
      if (value <= 0) at.at(name).fail(`${name} must be greater than 0; got ${value}`);
    };
    positive('capacity', queue.capacity);
    positive('max_shards', queue.maxShards);
    positive('min_shards', queue.minShards);
    positive('max_samples_per_send', queue.maxSamplesPerSend);
    if (queue.minShards > queue.maxShards)
      at.at('min_shards').fail(
        `min_shards must not be greater than max_shards; got ${queue.minShards} and ${queue.maxShards}`,
      );
    if (queue.maxBackoffMs < queue.minBackoffMs)
      at.at('max_backoff').fail('max_backoff must not be less than min_backoff');
  },
);

const metadataConfig = struct({
  send: kept(bool, true),
  sendIntervalMs: kept(duration, 60_000),
  maxSamplesPerSend: withDefault(int, 2000),
});

export const WRITE_MESSAGES = ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] as const;
type WriteMessage = (typeof WRITE_MESSAGES)[number];

const DEFAULT_QUEUE = decodeDefaults();
function decodeDefaults(): Infer<typeof queueConfig> {
  return {
    capacity: 10_000,
    maxShards: 50,
    minShards: 1,
    maxSamplesPerSend: 2000,
    batchSendDeadlineMs: 5000,
    minBackoffMs: 30,
    maxBackoffMs: 5000,
    retryOnHttp429: false,
    sampleAgeLimitMs: 0,
  };
}

export const remoteWrite = struct(
  {
    url: kept(url),
    remoteTimeoutMs: withDefault(duration, 30_000),
    headers: mapOf(text),
    writeRelabelConfigs: relabelRules('relabeling rule in remote write config'),
    name: text,
    sendExemplars: bool,
    sendNativeHistograms: bool,
    roundRobinDns: bool,
    protobufMessage: withDefault(scalarName<WriteMessage>('a message type'), 'prometheus.WriteRequest'),
    ...httpClientFields,
    enableHttp2: kept(bool, false),
    queueConfig: withDefault(queueConfig, DEFAULT_QUEUE),
    metadataConfig: withDefault(metadataConfig, { send: true, sendIntervalMs: 60_000, maxSamplesPerSend: 2000 }),
    sigv4: optional(sigv4),
    azuread: optional(azuread),
    googleIam: optional(struct({ credentialsFile: path })),
  },
  (write, at) => {
    if (write.url === '') at.at('url').fail('url for remote_write is empty');
    checkHeaders(write.headers, AUTHORIZATION_HEADER, at);
    if (!WRITE_MESSAGES.includes(write.protobufMessage)) {
      const known = WRITE_MESSAGES.join(' ');
      at.at('protobuf_message').fail(
        `invalid protobuf_message value: unknown type for remote write protobuf message ${write.protobufMessage}, supported: [${known}]`,
      );
    }
    checkHttpClient(write, at);
    checkAuthentications(write, at);
  },
);
/** One entry of `remote_write`, with its defaults filled in; durations in ms. */
export type RemoteWriteConfig = Infer<typeof remoteWrite>;

type Authentications = Record<'basicAuth' | 'authorization' | 'oauth2' | 'sigv4' | 'azuread' | 'googleIam', unknown>;

function checkAuthentications(write: Authentications, at: Place): void {
  const { basicAuth, authorization, oauth2, azuread: azure, googleIam, sigv4: aws } = write;
  const all = { basic_auth: basicAuth, authorization, oauth2, sigv4: aws, azuread: azure, google_iam: googleIam };
  const used = Object.entries(all).flatMap(([name, value]) => (value ? [name] : []));
  if (used.length > 1) {
    at.fail(
      `at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: [${used.join(' ')}]`,
    );
  }
}

export const remoteRead = struct(
  {
    url: kept(url),
    remoteTimeoutMs: withDefault(duration, 60_000),
    chunkedReadLimit: withDefault(uint, 50_000_000),
    headers: mapOf(text),
    readRecent: bool,
    name: text,
    ...httpClientFields,
    requiredMatchers: mapOf(text),
    filterExternalLabels: withDefault(bool, true),
  },
  (read, at) => {
    if (read.url === '') at.at('url').fail('url for remote_read is empty');
    checkHeaders(read.headers, AUTHORIZATION_HEADER, at);
    for (const name of Object.keys(read.requiredMatchers)) {
      if (name === '' || !name.isWellFormed())
        at.at('required_matchers')
          .at(name)
          .fail(`${goQuote(name)} is not a valid label name`);
    }
    checkHttpClient(read, at);
  },
);
/** One entry of `remote_read`, with its defaults filled in; durations in ms. */
export type RemoteReadConfig = Infer<typeof remoteRead>;

export const remoteWrites = list(remoteWrite, 'empty or null remote write config section');
export const remoteReads = list(remoteRead, 'empty or null remote read config section');
