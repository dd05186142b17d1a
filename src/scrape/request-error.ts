// Why a target could not be reached, in the words that users know from Prometheus' targets page: those of Go's HTTP client.
// What Go says beyond what is known here (the local port, the name server) is left out.

/** What Node tells of a failed connection. */
interface SocketTrouble {
  readonly code?: string;
  readonly message?: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EPIPE: 'broken pipe',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EMFILE: 'too many open files',
};

const UNKNOWN_AUTHORITY = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';

const TEXTS: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'EOF', // the other side closed before its answer was complete
  UND_ERR_CONNECT_TIMEOUT: 'dial tcp: i/o timeout',
  ERR_SSL_WRONG_VERSION_NUMBER: 'http: server gave HTTP response to HTTPS client',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
};

/** `dial tcp 127.0.0.1:9100: connect: connection refused`; undefined for what has no words in Go. */
export function socketErrorText(cause: unknown): string | undefined {
  // Several addresses were tried: Go tells of the first.
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(first instanceof Error)) return undefined;
  const { code = '', syscall, address, port, hostname } = first as SocketTrouble;
  if (syscall === 'getaddrinfo') return `dial tcp: lookup ${hostname}: ${lookupText(code)}`;
  const text = ERRNO_TEXTS[code];
  if (text === undefined || syscall === undefined) return TEXTS[code];
  if (syscall !== 'connect') return `${syscall} tcp: ${syscall}: ${text}`;
  const host = address?.includes(':') ? `[${address}]` : address;
  return host === undefined ? `dial tcp: ${text}` : `dial tcp ${host}:${port}: connect: ${text}`;
}

const lookupText = (code: string): string =>
  code === 'ENOTFOUND' ? 'no such host' : code === 'EAI_AGAIN' ? 'Temporary failure in name resolution' : code;

/** The address as Go shows it in errors: a password is not for everyone's eyes. */
export const shownUrl = (url: string): string => url.replace(/^([^/]*\/\/[^/@:]*):[^/@]*@/, '$1:***@');
