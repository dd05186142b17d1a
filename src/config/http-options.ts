// What an HTTP client of the io layer needs, from the HTTP options of a configuration: certificates and credentials are read
// from their files here, each time a client is made.
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import type { HttpClientOptions, OAuth2Grant } from '../io/index.ts';
import type { HttpClientConfig, OAuth2, TlsConfig } from './http-client.ts';
import type { Secret } from './secret.ts';

/** Contents of a file; rejects if there is none. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

const TLS_VERSION = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

async function readSecret(inline: string, file: string, what: string, readFile: ReadFile): Promise<string> {
  if (file === '') return inline;
  try {
    return utf8Text(await readFile(file));
  } catch (cause) {
    throw new TidemarkError('bad_config', `cannot read ${what} file ${file}: ${errorText(cause)}`, { cause });
  }
}

const trimmed = async (inline: Secret | string, file: string, what: string, readFile: ReadFile): Promise<string> =>
  (await readSecret(typeof inline === 'string' ? inline : inline.reveal(), file, what, readFile)).trim();

async function tlsOptions(tls: TlsConfig, readFile: ReadFile): Promise<HttpClientOptions['tls']> {
  const ca = await readSecret(tls.ca, tls.caFile, 'CA', readFile);
  const cert = await readSecret(tls.cert, tls.certFile, 'certificate', readFile);
  const key = await readSecret(tls.key.reveal(), tls.keyFile, 'key', readFile);
  return {
    ...(ca !== '' && { ca }),
    ...(cert !== '' && { cert, key }),
    ...(tls.serverName !== '' && { serverName: tls.serverName }),
    ...(tls.insecureSkipVerify && { insecure: true }),
    minVersion: tls.minVersion === '' ? 'TLSv1.2' : TLS_VERSION[tls.minVersion],
    ...(tls.maxVersion !== '' && { maxVersion: TLS_VERSION[tls.maxVersion] }),
  };
}

async function extraHeaders(config: HttpClientConfig, readFile: ReadFile): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [name, { values, secrets, files }] of Object.entries(config.httpHeaders ?? {})) {
    const fromFiles = await Promise.all(files.map((file) => trimmed('', file, 'header', readFile)));
    out[name] = [...values, ...secrets.map((secret) => secret.reveal()), ...fromFiles].join(', ');
  }
  return out;
}

/** A variable by its name in capitals or in small letters, as programs look for those of proxies. */
function variable(environment: Environment, name: string): string | undefined {
  return environment[name] || environment[name.toLowerCase()] || undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;
type ProxyConfig = Pick<HttpClientConfig, 'proxyUrl' | 'noProxy' | 'proxyFromEnvironment' | 'proxyConnectHeader'>;

function proxyOptions(config: ProxyConfig, environment: Environment): Partial<HttpClientOptions> {
  const headers = Object.entries(config.proxyConnectHeader).map(([name, values]) => [
    name,
    values.map((value) => value.reveal()).join(', '),
  ]);
  const proxyHeaders = headers.length > 0 && { proxyHeaders: Object.fromEntries(headers) };
  if (config.proxyFromEnvironment) {
    const http = variable(environment, 'HTTP_PROXY');
    const https = variable(environment, 'HTTPS_PROXY');
    const proxyUrls = { ...(http && { http: proxyUrl(http) }), ...(https && { https: proxyUrl(https) }) };
    return { proxyUrls, noProxy: variable(environment, 'NO_PROXY') ?? '', ...proxyHeaders };
  }
  return {
    ...(config.proxyUrl !== '' && { proxyUrl: config.proxyUrl }),
    ...(config.noProxy !== '' && { noProxy: config.noProxy }),
    ...proxyHeaders,
  };
}

/** A proxy may be given as host:port in the environment. */
const proxyUrl = (text: string): string => (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);

/** Options for an HTTP client. Throws TidemarkError `bad_config` if a file cannot be read. */
export async function httpClientOptions(
  config: HttpClientConfig,
  readFile: ReadFile,
  environment: Environment = {},
): Promise<HttpClientOptions> {
  const { basicAuth, authorization } = config;
  return {
    tls: await tlsOptions(config.tlsConfig, readFile),
    ...(basicAuth && {
      basicAuth: {
        username: await trimmed(basicAuth.username, basicAuth.usernameFile, 'username', readFile),
        password: await trimmed(basicAuth.password, basicAuth.passwordFile, 'password', readFile),
      },
    }),
    ...(authorization && {
      authorization: `${authorization.type} ${await trimmed(authorization.credentials, authorization.credentialsFile, 'credentials', readFile)}`,
    }),
    ...proxyOptions(config, environment),
    headers: await extraHeaders(config, readFile),
  };
}

/** The grant of an `oauth2` section, and the client that asks for its tokens. Throws TidemarkError `bad_config`. */
export async function oauth2Options(
  config: OAuth2,
  readFile: ReadFile,
  environment: Environment = {},
): Promise<{ grant: OAuth2Grant; client: HttpClientOptions }> {
  const isAssertion = config.grantType === 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  const grant: OAuth2Grant = {
    tokenUrl: config.tokenUrl,
    clientId: config.clientId,
    clientSecret: await trimmed(config.clientSecret, config.clientSecretFile, 'client secret', readFile),
    scopes: config.scopes,
    parameters: config.endpointParams,
    ...(isAssertion && {
      assertion: {
        key: await trimmed(config.clientCertificateKey, config.clientCertificateKeyFile, 'client key', readFile),
        keyId: config.clientCertificateKeyId,
        algorithm: config.signatureAlgorithm || 'RS256',
        issuer: config.iss,
        audience: config.audience,
        claims: config.claims,
      },
    }),
  };
  const tls = await tlsOptions(config.tlsConfig, readFile);
  return { grant, client: { tls, ...proxyOptions(config, environment) } };
}

/** Files that a client's credentials and certificates are read from. */
export function credentialFiles({
  basicAuth,
  authorization,
  oauth2,
  tlsConfig,
  httpHeaders,
}: HttpClientConfig): string[] {
  const ofTls = (tls: TlsConfig) => [tls.caFile, tls.certFile, tls.keyFile];
  return [
    ...(basicAuth ? [basicAuth.usernameFile, basicAuth.passwordFile] : []),
    authorization?.credentialsFile ?? '',
    ...(oauth2 ? [oauth2.clientSecretFile, oauth2.clientCertificateKeyFile, ...ofTls(oauth2.tlsConfig)] : []),
    ...ofTls(tlsConfig),
    ...Object.values(httpHeaders ?? {}).flatMap(({ files }) => files),
  ].filter((file) => file !== '');
}
