// AWS Signature Version 4: the header that says who sends a request and that nobody has changed it
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
import { createHash, createHmac } from 'node:crypto';
import { TidemarkError } from '../base/index.ts';
import type { HttpRequest } from './ports.ts';

/** Whom AWS takes a request to be from. */
export interface AwsCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary credentials; '' otherwise. */
  readonly sessionToken: string;
}

/** A request to be signed. */
export interface AwsRequest {
  readonly method: HttpRequest['method'];
  readonly url: string;
  /** What is to be signed besides host and date; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly region: string;
  /** As in the scope: `ec2`, say. */
  readonly service: string;
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Everything but unreserved characters percent-encoded. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** In the order of names, then of values: `a=1` goes before `a-b=1`, though `=` comes after `-`. */
function canonicalQuery(url: URL): string {
  const pairs = [...url.searchParams].map(([name, value]) => [encoded(name), encoded(value)] as const);
  pairs.sort(([aName, aValue], [bName, bValue]) => compare(aName, bName) || compare(aValue, bValue));
  return pairs.map((pair) => pair.join('=')).join('&');
}

/** All headers of the request, signed. Throws TidemarkError if the URL is none. */
export function signAws(request: AwsRequest, credentials: AwsCredentials, nowMs: number): Record<string, string> {
  const { method, body, region, service } = request;
  const url = URL.parse(request.url);
  if (url === null) throw new TidemarkError('bad_url', `cannot reach AWS: the endpoint is no URL; got ${request.url}`);
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const { accessKey, secretKey, sessionToken } = credentials;
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    'x-amz-date': time,
    ...(sessionToken !== '' && { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const signedNames = names.join(';');
  const lines = names.map((name) => `${name}:${headers[name].trim().replace(/ +/g, ' ')}\n`).join('');
  const path = url.pathname
    .split('/')
    .map((part) => encoded(part))
    .join('/');
  const canonical = [method, path, canonicalQuery(url), lines, signedNames, sha256(body)].join('\n');
  const date = time.slice(0, 8);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const key = [region, service, 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${secretKey}`, date));
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
  return { ...headers, authorization };
}
