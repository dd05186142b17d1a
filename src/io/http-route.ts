// One request on its way through redirects (RFC 9110, 15.4): which URL, method, headers and body come next. Pure, so that
// the simulated network follows the same rules.
import { TidemarkError } from '../base/index.ts';
import type { HttpClientOptions, HttpRequest } from './ports.ts';

const REDIRECT_COUNT_MAX = 10;
const credentialHeaders = ['authorization', 'cookie', 'proxy-authorization'];
const bodyHeaders = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding'];

/** See the top of the file. */
export class HttpRoute {
  url: string;
  method: HttpRequest['method'];
  headers: Record<string, string>;
  body: Uint8Array | string | undefined;
  #redirectCount = 0;

  constructor(request: HttpRequest, options: HttpClientOptions) {
    const { url, authorization } = splitCredentials(request.url);
    this.url = url.href;
    this.method = request.method;
    this.headers = { 'accept-encoding': 'gzip', ...authorizationOf(options, authorization) };
    for (const [name, value] of Object.entries(options.headers ?? {})) this.headers[name.toLowerCase()] = value;
    for (const [name, value] of Object.entries(request.headers ?? {})) this.headers[name.toLowerCase()] = value;
    this.body = request.body;
  }

  /** Whether the answer sends the request elsewhere; if so, this is now the request to send. */
  redirect(status: number, location: string | undefined): boolean {
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return false;
    if (++this.#redirectCount > REDIRECT_COUNT_MAX) {
      throw new TidemarkError(
        'too_many_redirects',
        `cannot follow redirect: stopped after ${REDIRECT_COUNT_MAX} redirects`,
      );
    }
    const from = new URL(this.url);
    const to = parseUrl(location, this.url);
    const isLeavingHost = to.host !== from.host || (from.protocol === 'https:' && to.protocol !== 'https:');
    if (isLeavingHost) this.#drop(credentialHeaders);
    if (status < 307 && this.method !== 'GET' && this.method !== 'HEAD') {
      this.method = 'GET';
      this.body = undefined;
      this.#drop(bodyHeaders);
    }
    this.url = to.href;
    return true;
  }

  #drop(names: readonly string[]): void {
    for (const name of names) delete this.headers[name];
  }
}

function authorizationOf(options: HttpClientOptions, fromUrl: string | undefined): Record<string, string> {
  if (options.authorization !== undefined) return { authorization: options.authorization };
  if (options.basicAuth !== undefined) {
    return { authorization: basic(options.basicAuth.username, options.basicAuth.password) };
  }
  return fromUrl === undefined ? {} : { authorization: fromUrl };
}

const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

function splitCredentials(text: string): { url: URL; authorization: string | undefined } {
  const url = parseUrl(text);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '' && password === '') return { url, authorization: undefined };
  return { url, authorization: basic(decodeURIComponent(username), decodeURIComponent(password)) };
}

function parseUrl(text: string, base?: string): URL {
  const url = URL.parse(text, base);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TidemarkError('bad_url', `cannot request URL: it must be an http or https URL; got ${text}`);
  }
  return url;
}
