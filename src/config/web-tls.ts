// What a TLS server needs of a web configuration: certificates are read from their files, names become OpenSSL's.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import { type ClientAuth, type WebConfig, clientAuthOf, hasTls } from './web-config.ts';
import { CIPHER_SUITES, CURVES, TLS13_SUITES, TLS_VERSIONS } from './web-tls-names.ts';

/** TLS of a server; certificates and keys are PEM text. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  readonly clientAuth: ClientAuth;
  /** Of which a client's certificate must name one; empty: any. */
  readonly allowedSans: readonly string[];
  readonly minVersion: (typeof TLS_VERSIONS)[keyof typeof TLS_VERSIONS];
  readonly maxVersion: (typeof TLS_VERSIONS)[keyof typeof TLS_VERSIONS];
  /** OpenSSL's cipher list; undefined: its default. */
  readonly ciphers: string | undefined;
  readonly curves: string | undefined;
  readonly isServerOrder: boolean;
}

type Read = (path: string) => Uint8Array;

function contents(inline: string, file: string, what: string, read: Read): string {
  if (file === '') return inline;
  try {
    return utf8Text(read(file));
  } catch (cause) {
    throw new TidemarkError('bad_config', `cannot read ${what} ${file}: ${errorText(cause)}`, { cause });
  }
}

/** Throws where the pair is none: a server must not find out at its first handshake. */
function checkPair(cert: string, key: string): void {
  let isPair: boolean;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new TidemarkError('bad_config', `failed to load X509KeyPair: ${errorText(cause)}`, { cause });
  }
  if (!isPair)
    throw new TidemarkError('bad_config', 'failed to load X509KeyPair: the key is not that of the certificate');
}

function checkAuthorities(ca: string): void {
  try {
    new X509Certificate(ca);
  } catch (cause) {
    throw new TidemarkError('bad_config', 'failed to load client CA: no certificate found', { cause });
  }
}

/** Files that the TLS of a web configuration is read from. */
export const webTlsFiles = ({ tlsServerConfig: tls }: WebConfig): string[] =>
  [tls.certFile, tls.keyFile, tls.clientCaFile].filter((file) => file !== '');

/** Null: no TLS is asked for. Throws TidemarkError `bad_config`. */
export function serverTls({ tlsServerConfig: tls }: WebConfig, read: Read): ServerTls | null {
  if (!hasTls(tls)) return null;
  const cert = contents(tls.cert, tls.certFile, 'certificate', read);
  const key = contents(tls.key.reveal(), tls.keyFile, 'key', read);
  checkPair(cert, key);
  const ca = contents(tls.clientCa, tls.clientCaFile, 'client CA', read);
  if (ca !== '') checkAuthorities(ca);
  const ciphers = tls.cipherSuites.map((name) => CIPHER_SUITES[name]);
  return {
    cert,
    key,
    ca: ca === '' ? undefined : ca,
    clientAuth: clientAuthOf(tls.clientAuthType),
    allowedSans: tls.clientAllowedSans,
    minVersion: TLS_VERSIONS[tls.minVersion as keyof typeof TLS_VERSIONS],
    maxVersion: TLS_VERSIONS[tls.maxVersion as keyof typeof TLS_VERSIONS],
    ciphers: ciphers.length === 0 ? undefined : [...new Set([...TLS13_SUITES, ...ciphers])].join(':'),
    curves: tls.curvePreferences.map((name) => CURVES[name]).join(':') || undefined,
    isServerOrder: tls.preferServerCipherSuites,
  };
}
