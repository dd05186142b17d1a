// The file of --web.config.file, as Prometheus' servers read it: TLS, headers of answers, users of basic authentication, a limit
// of requests. Reading is pure; the files that `tls_server_config` names are read by serverTls.
import { dirname } from 'node:path';
import { goQuote } from '../model/index.ts';
import { bool, duration, int, path, secret, text } from './scalars.ts';
import {
  type Infer,
  type Place,
  Source,
  type StructValue,
  type Type,
  decodeNode,
  isNull,
  list,
  mapOf,
  struct,
  withDefault,
} from './schema.ts';
import { CIPHER_SUITES, CURVES, TLS_VERSIONS } from './web-tls-names.ts';

/** What becomes of a client's certificate. */
export type ClientAuth = 'none' | 'request' | 'require-any' | 'verify-if-given' | 'require-and-verify';

const CLIENT_AUTH: Readonly<Record<string, ClientAuth>> = {
  '': 'none',
  NoClientCert: 'none',
  RequestClientCert: 'request',
  RequireAnyClientCert: 'require-any',
  RequireClientCert: 'require-any',
  VerifyClientCertIfGiven: 'verify-if-given',
  RequireAndVerifyClientCert: 'require-and-verify',
};

/** The policy of a `client_auth_type`. */
export const clientAuthOf = (name: string): ClientAuth => CLIENT_AUTH[name];

const tlsFields = {
  cert: text,
  key: secret,
  certFile: path,
  keyFile: path,
  clientAuthType: text,
  clientCa: text,
  clientCaFile: path,
  clientAllowedSans: list(text),
  minVersion: withDefault(text, 'TLS12'),
  maxVersion: withDefault(text, 'TLS13'),
  cipherSuites: list(text),
  preferServerCipherSuites: withDefault(bool, true),
  curvePreferences: list(text),
};
type TlsServer = StructValue<typeof tlsFields>;

/** Whether the section asks for TLS at all. */
export const hasTls = (tls: TlsServer): boolean =>
  [tls.cert, tls.certFile, tls.keyFile, tls.clientAuthType, tls.clientCa, tls.clientCaFile].some((it) => it !== '') ||
  !tls.key.isEmpty;

function known(names: readonly string[], table: object, at: Place, field: string, what: string): void {
  for (const name of names) if (!Object.hasOwn(table, name)) at.at(field).fail(`unknown ${what}: ${name}`);
}

function checkTls(tls: TlsServer, at: Place): void {
  known([tls.minVersion], TLS_VERSIONS, at, 'min_version', 'TLS version');
  known([tls.maxVersion], TLS_VERSIONS, at, 'max_version', 'TLS version');
  known(tls.cipherSuites, CIPHER_SUITES, at, 'cipher_suites', 'cipher');
  known(tls.curvePreferences, CURVES, at, 'curve_preferences', 'curve');
  if (!hasTls(tls)) return;
  if (tls.cert === '' && tls.certFile === '') at.fail('missing one of cert or cert_file');
  if (tls.key.isEmpty && tls.keyFile === '') at.fail('missing one of key or key_file');
  if (tls.cert !== '' && tls.certFile !== '') at.fail('exactly one of cert and cert_file must be configured');
  if (!tls.key.isEmpty && tls.keyFile !== '') at.fail('exactly one of key and key_file must be configured');
  checkClientAuth(tls, at);
}

function checkClientAuth(tls: TlsServer, at: Place): void {
  const { clientAuthType: type } = tls;
  if (!Object.hasOwn(CLIENT_AUTH, type)) at.at('client_auth_type').fail(`invalid ClientAuth: ${type}`);
  if (tls.clientCa !== '' && tls.clientCaFile !== '')
    at.fail('only one of client_ca and client_ca_file must be configured');
  const policy = clientAuthOf(type);
  const hasCa = tls.clientCa !== '' || tls.clientCaFile !== '';
  if (hasCa && policy === 'none') at.fail("client CA's have been configured without a Client Auth Policy");
  const isSure = policy === 'require-any' || policy === 'require-and-verify';
  if (tls.clientAllowedSans.length > 0 && !isSure)
    at.at('client_allowed_sans').fail('client_allowed_sans needs a client_auth_type that requires a certificate');
}

const tlsServer = struct(tlsFields, checkTls);
const TLS_ABSENT: TlsServer = { ...tlsServer.zero, minVersion: 'TLS12', maxVersion: 'TLS13' };

const HEADER_VALUES: Readonly<Record<string, readonly string[] | null>> = {
  'Content-Security-Policy': null,
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-Content-Type-Options': ['nosniff'],
  'X-XSS-Protection': null,
  'Strict-Transport-Security': null,
};

const headers: Type<Record<string, string>> = {
  ...mapOf(text),
  decode(node, at) {
    const out = mapOf(text).decode(node, at);
    for (const [name, value] of Object.entries(out)) {
      if (!Object.hasOwn(HEADER_VALUES, name)) at.at(name).fail(`HTTP header ${goQuote(name)} can not be configured`);
      const values = HEADER_VALUES[name];
      if (value !== '' && values && !values.includes(value.toLowerCase())) {
        const expected = values.map(goQuote).join(' ');
        at.at(name).fail(`invalid value for ${name}. Expected one of: [${expected}], but got: ${goQuote(value)}`);
      }
      if (/[\r\n\0]|[^\x00-\xff]/.test(value)) at.at(name).fail('a header value must be one line of Latin-1 text');
    }
    return out;
  },
};

/** `$2a$10$` and 53 characters; costs as the algorithm has them. */
const BCRYPT = /^\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}$/;

const users: Type<Record<string, Infer<typeof secret>>> = {
  ...mapOf(secret),
  decode(node, at) {
    const out = mapOf(secret).decode(node, at);
    for (const [name, hash] of Object.entries(out)) {
      const cost = Number(BCRYPT.exec(hash.reveal())?.[1] ?? 0);
      if (cost < 4 || cost > 31) at.at(name).fail('want a bcrypt hash, such as htpasswd -nBC 10 makes');
    }
    return out;
  },
};

const webConfig = struct({
  tlsServerConfig: withDefault(tlsServer, TLS_ABSENT),
  httpServerConfig: withDefault(struct({ http2: withDefault(bool, true), headers }), { http2: true, headers: {} }),
  basicAuthUsers: users,
  rateLimit: struct({ intervalMs: duration, burst: int }, ({ burst }, at) => {
    if (burst < 0) at.at('burst').fail('rate_limit burst must not be negative');
  }),
});

/** A web configuration: hashes of passwords and the key are secrets. */
export type WebConfig = Infer<typeof webConfig>;

/** Reads a web configuration. Throws TidemarkError `bad_config` with line, column and path. */
export function parseWebConfig(content: string, file: string): WebConfig {
  const directory = dirname(file);
  const source = new Source(content, file, directory);
  if (!isNull(source.document.contents)) return decodeNode(webConfig, source.root);
  return decodeNode(webConfig, new Source('{}', file, directory).root);
}
