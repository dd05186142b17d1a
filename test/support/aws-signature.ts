// AWS Signature Version 4 from the receiver's side, written from AWS' description and not from our signer: the canonical request
// is put together again from what has arrived.
import { createHash, createHmac } from 'node:crypto';

/** A request as a server sees it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/** What a good signature says. */
export interface Signed {
  readonly accessKey: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly sessionToken: string;
}

const SKEW_MS_MAX = 15 * 60_000;
const hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const mac = (key: Uint8Array | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const escaped = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const c = String.fromCharCode(byte);
      return /[A-Za-z0-9\-._~]/.test(c) ? c : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const [name, value = ''] = pair.split(/=(.*)/s).map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
    return { name: escaped(name), value: escaped(value) };
  });
  const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return pairs
    .sort((a, b) => order(a.name, b.name) || order(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

/** Throws an Error that says why a signature is none. `secretOf` gives the secret of an access key. */
export function verifySignature(
  request: SeenRequest,
  secretOf: (accessKey: string) => string | undefined,
  nowMs: number,
): Signed {
  const one = (name: string): string => {
    const value = request.headers[name];
    if (typeof value !== 'string') throw new Error(`header ${name} is missing`);
    return value;
  };
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const match = pattern.exec(one('authorization'));
  if (!match) throw new Error(`authorization is malformed; got ${one('authorization')}`);
  const [, accessKey, day, region, service, names, signature] = match;
  const secret = secretOf(accessKey);
  if (secret === undefined) throw new Error(`access key is not known; got ${accessKey}`);
  const time = one('x-amz-date');
  const timeMs = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!time.startsWith(day) || !(Math.abs(timeMs - nowMs) < SKEW_MS_MAX)) throw new Error(`time is off; got ${time}`);
  const signedHeaders = names.split(';');
  const needed = Object.keys(request.headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  for (const name of needed) if (!signedHeaders.includes(name)) throw new Error(`header ${name} is not signed`);
  const lines = signedHeaders.map((name) => `${name}:${one(name).trim().replace(/ +/g, ' ')}\n`).join('');
  const [path, query = ''] = request.target.split(/\?(.*)/s);
  const uri = path.split('/').map(escaped).join('/');
  const canonical = [request.method, uri, canonicalQuery(query), lines, names, hex(request.body)].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, `${day}/${region}/${service}/aws4_request`, hex(canonical)].join('\n');
  const key = mac(mac(mac(mac(`AWS4${secret}`, day), region), service), 'aws4_request');
  if (mac(key, toSign).toString('hex') !== signature) throw new Error(`signature does not match\n${canonical}`);
  const sessionToken = request.headers['x-amz-security-token'];
  return { accessKey, region, service, signedHeaders, sessionToken: String(sessionToken ?? '') };
}
