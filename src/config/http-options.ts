// What an HTTP client of the io layer needs, from the HTTP options of a configuration: certificates and credentials are read
// from their files here, each time a client is made.
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import type { HttpClientOptions } from '../io/index.ts';
import type { HttpClientConfig, TlsConfig } from './http-client.ts';
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

/** Options for an HTTP client. Throws TidemarkError `bad_config` if a file cannot be read. OAuth2 tokens are the caller's. */
export async function httpClientOptions(config: HttpClientConfig, readFile: ReadFile): Promise<HttpClientOptions> {
  const { basicAuth, authorization, proxyConnectHeader } = config;
  const proxyHeaders = Object.entries(proxyConnectHeader).map(([name, values]) => [
    name,
    values.map((value) => value.reveal()).join(', '),
  ]);
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
    ...(config.proxyUrl !== '' && { proxyUrl: config.proxyUrl }),
    ...(proxyHeaders.length > 0 && { proxyHeaders: Object.fromEntries(proxyHeaders) }),
    headers: await extraHeaders(config, readFile),
  };
}
