// Options of an HTTP client, shared by scraping, discovery, remote write and read, and alerting: credentials, TLS, proxy,
// headers. Checks and texts are those of Prometheus' common library.
import { bool, oneOf, path, secret, text, url } from './scalars.ts';
import { type Infer, type Place, kept, list, mapOf, named, optional, struct } from './schema.ts';
import type { Secret } from './secret.ts';
import { Secret as SecretText } from './secret.ts';

const countSet = (...values: (string | Secret)[]): number =>
  values.filter((value) => (typeof value === 'string' ? value !== '' : !value.isEmpty)).length;

const TLS_VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'] as const;
const tlsVersion = oneOf(TLS_VERSIONS, (value) => `unknown TLS version: ${value}`);

export const tlsConfig = struct(
  {
    ca: text,
    cert: text,
    key: secret,
    caFile: path,
    certFile: path,
    keyFile: path,
    caRef: text,
    certRef: text,
    keyRef: text,
    serverName: text,
    insecureSkipVerify: kept(bool),
    minVersion: tlsVersion,
    maxVersion: tlsVersion,
  },
  (tls, at) => {
    if (countSet(tls.ca, tls.caFile, tls.caRef) > 1) at.fail('at most one of ca, ca_file & ca_ref must be configured');
    const certs = countSet(tls.cert, tls.certFile, tls.certRef);
    const keys = countSet(tls.key, tls.keyFile, tls.keyRef);
    if (certs > 1) at.fail('at most one of cert, cert_file & cert_ref must be configured');
    if (keys > 1) at.fail('at most one of key, key_file & key_ref must be configured');
    if (certs > keys)
      at.fail('exactly one of key or key_file must be configured when a client certificate is configured');
    if (keys > certs) at.fail('exactly one of cert or cert_file must be configured when a client key is configured');
    const { minVersion, maxVersion } = tls;
    if (minVersion !== '' && maxVersion !== '' && minVersion > maxVersion)
      at.fail('tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified');
  },
);
/** The `tls_config` section: certificates in place or as files, server name, allowed versions. */
export type TlsConfig = Infer<typeof tlsConfig>;

/** Fields of a proxy, to be spread into a struct. */
export const proxyFields = {
  proxyUrl: url,
  noProxy: text,
  proxyFromEnvironment: bool,
  proxyConnectHeader: mapOf(list(secret)),
};

interface ProxyConfig {
  proxyUrl: string;
  noProxy: string;
  proxyFromEnvironment: boolean;
  proxyConnectHeader: Record<string, Secret[]>;
}

function checkProxy(proxy: ProxyConfig, at: Place): void {
  const hasUrl = proxy.proxyUrl !== '';
  const hasHeader = Object.keys(proxy.proxyConnectHeader).length > 0;
  if (hasHeader && !proxy.proxyFromEnvironment && !hasUrl) {
    at.at('proxy_connect_header').fail(
      'if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured',
    );
  }
  if (proxy.proxyFromEnvironment && hasUrl)
    at.at('proxy_url').fail('if proxy_from_environment is configured, proxy_url must not be configured');
  if (proxy.proxyFromEnvironment && proxy.noProxy !== '')
    at.at('no_proxy').fail('if proxy_from_environment is configured, no_proxy must not be configured');
  if (!hasUrl && proxy.noProxy !== '')
    at.at('no_proxy').fail('if no_proxy is configured, proxy_url must also be configured');
}

export const basicAuth = struct(
  {
    username: kept(text),
    usernameFile: path,
    usernameRef: text,
    password: secret,
    passwordFile: path,
    passwordRef: text,
  },
  (auth, at) => {
    if (countSet(auth.username, auth.usernameFile, auth.usernameRef) > 1)
      at.fail('at most one of basic_auth username, username_file & username_ref must be configured');
    if (countSet(auth.password, auth.passwordFile, auth.passwordRef) > 1)
      at.fail('at most one of basic_auth password, password_file & password_ref must be configured');
  },
);
/** User name and password of HTTP basic authentication, each in place or from a file. */
export type BasicAuth = Infer<typeof basicAuth>;

export const authorization = struct(
  { type: text, credentials: secret, credentialsFile: path, credentialsRef: text },
  (auth, at) => {
    if (countSet(auth.credentials, auth.credentialsFile, auth.credentialsRef) > 1)
      at.fail('at most one of authorization credentials & credentials_file must be configured');
    auth.type = auth.type.trim() || 'Bearer';
    if (auth.type.toLowerCase() === 'basic')
      at.at('type').fail('authorization type cannot be set to "basic", use "basic_auth" instead');
  },
);
/** An Authorization header: its type and credentials given in place, from a file or from a secret store. */
export type Authorization = Infer<typeof authorization>;

const OAUTH2_GRANTS = ['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer'] as const;
const JWT_ALGORITHMS = ['RS256', 'RS384', 'RS512'] as const;

export const oauth2 = struct(
  {
    clientId: kept(text),
    clientSecret: kept(secret),
    clientSecretFile: kept(path),
    clientSecretRef: kept(text),
    clientCertificateKeyId: text,
    clientCertificateKey: secret,
    clientCertificateKeyFile: path,
    clientCertificateKeyRef: text,
    grantType: oneOf(OAUTH2_GRANTS),
    signatureAlgorithm: oneOf(JWT_ALGORITHMS),
    iss: text,
    audience: text,
    claims: mapOf(text),
    scopes: list(text),
    tokenUrl: kept(text),
    endpointParams: mapOf(text),
    tlsConfig,
    ...proxyFields,
  },
  (auth, at) => {
    if (auth.clientId === '') at.fail('oauth2 client_id must be configured');
    if (auth.tokenUrl === '') at.fail('oauth2 token_url must be configured');
    if (countSet(auth.clientSecret, auth.clientSecretFile, auth.clientSecretRef) > 1)
      at.fail('at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured');
    if (countSet(auth.clientCertificateKey, auth.clientCertificateKeyFile, auth.clientCertificateKeyRef) > 1)
      at.fail(
        'at most one of oauth2 client_certificate_key, client_certificate_key_file & client_certificate_key_ref must be configured',
      );
    checkProxy(auth, at);
  },
);
/** An OAuth 2.0 token source: the client credentials or JWT bearer grant, with its own TLS and proxy. */
export type OAuth2 = Infer<typeof oauth2>;

const RESERVED_HEADERS = new Set(
  `authorization host content-encoding content-length content-type user-agent connection keep-alive proxy-authenticate
   proxy-authorization www-authenticate accept-encoding x-prometheus-remote-write-version
   x-prometheus-remote-read-version x-prometheus-scrape-timeout-seconds x-amz-date x-amz-security-token
   x-amz-content-sha256`.split(/\s+/),
);

const header = struct({ values: list(text), secrets: list(secret), files: list(path) });

const canonicalHeader = (name: string): string =>
  name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

/** Fields of an HTTP client, to be spread into a struct that calls checkHttpClient. */
export const httpClientFields = {
  basicAuth: optional(basicAuth),
  authorization: optional(authorization),
  oauth2: optional(oauth2),
  /** Deprecated spellings of authorization; moved there by checkHttpClient. */
  bearerToken: secret,
  bearerTokenFile: path,
  tlsConfig,
  followRedirects: kept(bool, true),
  enableHttp2: kept(bool, true),
  ...proxyFields,
  httpHeaders: named('http_headers', optional(mapOf(header))),
};

const httpClient = struct(httpClientFields);
/** How an HTTP client authenticates, encrypts, proxies and redirects; the defaults are filled in. */
export type HttpClientConfig = Infer<typeof httpClient>;

/** A client of which the configuration says nothing, for mechanisms that have no HTTP options of their own. */
export const httpClientDefaults = (): HttpClientConfig => ({
  ...httpClient.zero,
  tlsConfig: { ...tlsConfig.zero },
  followRedirects: true,
  enableHttp2: true,
});

/** Checks HTTP client fields against each other and moves bearer_token into authorization. */
export function checkHttpClient(client: HttpClientConfig, at: Place): void {
  const { basicAuth: basic, oauth2: oauth, bearerToken, bearerTokenFile } = client;
  const bearers = countSet(bearerToken, bearerTokenFile);
  if (bearers > 1) at.at('bearer_token').fail('at most one of bearer_token & bearer_token_file must be configured');
  if (bearers > 0 && (basic || oauth))
    at.fail('at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured');
  if (bearers > 0 && client.authorization)
    at.at('authorization').fail('authorization is not compatible with bearer_token & bearer_token_file');
  if ([basic, oauth, client.authorization].filter(Boolean).length > 1)
    at.fail('at most one of basic_auth, oauth2 & authorization must be configured');
  if (bearers > 0) {
    const rest = { credentialsRef: '' };
    client.authorization = { type: 'Bearer', credentials: bearerToken, credentialsFile: bearerTokenFile, ...rest };
    client.bearerToken = SecretText.none;
    client.bearerTokenFile = '';
  }
  checkProxy(client, at);
  for (const name of Object.keys(client.httpHeaders ?? {})) {
    if (RESERVED_HEADERS.has(name.toLowerCase()))
      at.at('http_headers')
        .at(name)
        .fail(`setting header "${canonicalHeader(name)}" is not allowed`);
  }
}
