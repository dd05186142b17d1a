// What is not HTTP, or only nearly, as bytes on a connection.

/** `want` is matched against all that came back before the connection was cut or fell silent; '' is a cut without an answer. */
export interface SocketCase {
  readonly name: string;
  readonly parts: readonly (string | Uint8Array)[];
  readonly want: RegExp;
}

const REFUSED = /^(?:HTTP\/1\.1 400 |$)/;
const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const get = (...lines: string[]): string => head('GET /-/healthy HTTP/1.1', 'Host: x', ...lines);
const post = (...lines: string[]): string => head('POST /api/v1/query HTTP/1.1', 'Host: x', ...lines);
const form = 'Content-Type: application/x-www-form-urlencoded';
const chunked = (body: string): string => post(form, 'Transfer-Encoding: chunked') + body;

const bad = (name: string, want: RegExp, ...parts: (string | Uint8Array)[]): SocketCase => ({ name, parts, want });

/** All cases. */
export const socketCases: readonly SocketCase[] = [
  bad('an empty line, for ever', REFUSED, '\r\n'.repeat(100_000)),
  bad(
    'bytes without sense',
    REFUSED,
    Uint8Array.from({ length: 4096 }, (_, i) => (i * 197 + 13) & 255),
  ),
  bad('a TLS hello', REFUSED, Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...new Array<number>(500).fill(7))),
  bad('the preface of HTTP/2', REFUSED, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  bad('no version', /^(?:HTTP\/1\.1 (?:200|400) |$)/, 'GET /\r\n\r\n'),
  bad('a version that does not exist', /^(?:HTTP\/1\.1 (?:400|505) |$)/, 'GET / HTTP/9.9\r\n\r\n'),
  bad('an unknown method', REFUSED, 'FROB /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n'),
  bad('a method in lower case', REFUSED, 'get /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n'),
  bad('a space in the address', REFUSED, 'GET /-/he althy HTTP/1.1\r\nHost: x\r\n\r\n'),
  bad('a zero byte in the address', REFUSED, 'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n'),
  bad('no host', /^HTTP\/1\.1 (?:200|400) /, 'GET /-/healthy HTTP/1.1\r\nConnection: close\r\n\r\n'),
  bad(
    'an absolute address',
    /^HTTP\/1\.1 (?:200|400|404) /,
    head('GET http://x/-/healthy HTTP/1.1', 'Host: x', 'Connection: close'),
  ),
  bad('CONNECT', /^(?:HTTP\/1\.1 (?:400|404|405) |$)/, head('CONNECT x:443 HTTP/1.1', 'Host: x')),
  bad('TRACE', /^(?:HTTP\/1\.1 (?:400|404|405) |$)/, head('TRACE / HTTP/1.1', 'Host: x', 'Connection: close')),
  bad(
    'an address of 2 MiB',
    /^(?:HTTP\/1\.1 (?:414|431) |$)/,
    `GET /${'a'.repeat(2 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ),
  bad('a header of 2 MiB', /^(?:HTTP\/1\.1 431 |$)/, get(`X-Long: ${'a'.repeat(2 << 20)}`)),
  bad('100,000 headers', /^(?:HTTP\/1\.1 (?:200|431) |$)/, get(`${'X-Many: 1\r\n'.repeat(100_000)}Connection: close`)),
  bad('a header without a colon', REFUSED, get('Nonsense')),
  bad('a header name with a space', REFUSED, get('Bad Name: x')),
  bad('a space before the colon', REFUSED, get('Content-Length : 5')),
  bad('a folded header', /^(?:HTTP\/1\.1 (?:200|400) |$)/, get('X-Fold: a\r\n b', 'Connection: close')),
  bad('a zero byte in a header', REFUSED, get('X-Zero: a\0b')),
  bad('a bare line feed', /^(?:HTTP\/1\.1 (?:200|400) |$)/, 'GET /-/healthy HTTP/1.1\nHost: x\nConnection: close\n\n'),
  bad('a bare carriage return', REFUSED, get('X-Cr: a\rb')),
  bad('two content lengths', REFUSED, `${post(form, 'Content-Length: 5', 'Content-Length: 6')}query=1`),
  bad('a length and chunks', REFUSED, `${post(form, 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`),
  bad('a list of lengths', REFUSED, `${post(form, 'Content-Length: 5, 5')}query`),
  bad('a negative length', REFUSED, post(form, 'Content-Length: -1')),
  bad('a length that is no number', REFUSED, post(form, 'Content-Length: five')),
  bad('a length of 10^30', REFUSED, post(form, `Content-Length: 1${'0'.repeat(30)}`)),
  bad('a length of a terabyte', /^(?:HTTP\/1\.1 413 |$)/, post(form, 'Content-Length: 1099511627776')),
  bad('an unknown transfer encoding', REFUSED, post(form, 'Transfer-Encoding: frob')),
  bad('chunked twice', REFUSED, `${post(form, 'Transfer-Encoding: chunked, chunked')}0\r\n\r\n`),
  bad('chunked, hidden', REFUSED, `${post(form, 'Transfer-Encoding: xchunked')}0\r\n\r\n`),
  bad('a chunk size that is no number', REFUSED, chunked('zz\r\nquery=1\r\n0\r\n\r\n')),
  bad('a negative chunk size', REFUSED, chunked('-5\r\nquery\r\n0\r\n\r\n')),
  bad('a chunk size beyond 2^64', REFUSED, chunked(`${'f'.repeat(17)}\r\nx`)),
  bad('a chunk longer than its size', REFUSED, chunked('3\r\nquery=1\r\n0\r\n\r\n')),
  bad('a chunk without an end', REFUSED, chunked('7\r\nquery=1XX0\r\n\r\n')),
  bad('an endless chunk extension', /^(?:HTTP\/1\.1 (?:400|413|431) |$)/, chunked(`1;${'x'.repeat(100_000)}\r\n`)),
  bad('endless trailers', /^(?:HTTP\/1\.1 (?:400|413|431) |$)/, chunked(`0\r\n${'X-T: 1\r\n'.repeat(400_000)}`)),
  bad(
    'a request inside a request',
    /^HTTP\/1\.1 400 (?!.*HTTP\/1\.1 200)/s,
    `${chunked('0\r\n\r\n')}SMUGGLED / HTTP/1.1\r\n\r\n`,
  ),
  bad('half a request', /^$/, 'GET /-/healthy HTTP/1.1\r\nHost'),
  bad('half a body', /^$/, `${post(form, 'Content-Length: 100')}query=1`),
  bad('an upgrade', /^HTTP\/1\.1 (?:200|400|426) |^$/, get('Connection: Upgrade', 'Upgrade: websocket')),
  bad('an expectation', /^HTTP\/1\.1 (?:200|417) /, get('Expect: miracles', 'Connection: close')),
  bad('a thousand requests at once', /^(?:HTTP\/1\.1 200 .*?Healthy\.\s*)+$/s, get().repeat(1000)),
];
