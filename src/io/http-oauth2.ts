// OAuth 2.0 for an HTTP client (RFC 6749, 4.4; RFC 7523): a token is fetched when one is needed, kept until shortly before it
// expires, and sent with each request. Requests at the same time share one fetch.
import { randomUUID } from 'node:crypto';
import { TidemarkError, utf8Text } from '../base/index.ts';
import { type JwtAlgorithm, signedJwt } from './jwt.ts';
import type { Clock, HttpClient, HttpRequest, HttpResponse } from './ports.ts';

/** How a token is asked for. */
export interface OAuth2Grant {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  /** Further parameters of the token request. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Present: the JWT bearer grant; the assertion is signed with this key. */
  readonly assertion?: {
    readonly key: string;
    readonly keyId: string;
    readonly algorithm: JwtAlgorithm;
    readonly issuer: string;
    readonly audience: string;
    readonly claims: Readonly<Record<string, string>>;
  };
}

interface Token {
  readonly header: string;
  readonly goodUntilMs: number;
}

const TOKEN_MS_MAX = 30_000;
const TOKEN_BYTES_MAX = 1 << 20;
/** A token is not used in its last seconds: a request takes time, and clocks differ. */
const EXPIRY_MARGIN_MS = 10_000;
const ASSERTION_SECONDS = 3600;

/** The signed assertion of a JWT bearer grant. */
function signedAssertion(grant: OAuth2Grant, nowMs: number): string {
  const { key, keyId, algorithm, issuer, audience, claims } = grant.assertion as NonNullable<OAuth2Grant['assertion']>;
  const seconds = Math.floor(nowMs / 1000);
  const body = {
    iss: issuer || grant.clientId,
    sub: grant.clientId,
    aud: audience || grant.tokenUrl,
    ...(grant.scopes.length > 0 && { scope: grant.scopes.join(' ') }),
    iat: seconds,
    exp: seconds + ASSERTION_SECONDS,
    jti: randomUUID(),
    ...claims,
  };
  return signedJwt(algorithm, keyId, body, key);
}

const bad = (text: string): TidemarkError => new TidemarkError('oauth2_failed', `oauth2: cannot fetch token: ${text}`);

/** Puts tokens on the requests of another client. */
export class OAuth2Client implements HttpClient {
  readonly #client: HttpClient;
  readonly #tokenClient: HttpClient;
  readonly #grant: OAuth2Grant;
  readonly #clock: Clock;
  #token: Token | null = null;
  #fetching: Promise<Token> | null = null;
  /** Servers differ in where they take the client's credentials from; which way was taken is kept. */
  #areCredentialsInBody = false;

  /** Owns both clients. */
  constructor(client: HttpClient, tokenClient: HttpClient, grant: OAuth2Grant, clock: Clock) {
    this.#client = client;
    this.#tokenClient = tokenClient;
    this.#grant = grant;
    this.#clock = clock;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const { header } = await this.#currentToken();
    return this.#client.request({ ...request, headers: { ...request.headers, authorization: header } });
  }

  async close(): Promise<void> {
    await Promise.all([this.#client.close(), this.#tokenClient.close()]);
  }

  #currentToken(): Promise<Token> {
    const token = this.#token;
    if (token && this.#clock.nowMs() < token.goodUntilMs) return Promise.resolve(token);
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<Token> {
    let answer = await this.#ask();
    const isRefused = answer.status >= 400 && answer.status < 500;
    if (isRefused && !this.#areCredentialsInBody && !this.#grant.assertion) {
      this.#areCredentialsInBody = true;
      answer = await this.#ask();
      if (answer.status >= 400) this.#areCredentialsInBody = false;
    }
    if (answer.status < 200 || answer.status > 299) throw bad(`server returned HTTP status ${answer.status}`);
    this.#token = tokenOf(answer.body, this.#clock.nowMs());
    return this.#token;
  }

  #ask(): Promise<HttpResponse> {
    const grant = this.#grant;
    const form = new URLSearchParams(grant.parameters);
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (grant.assertion) {
      form.set('grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer');
      form.set('assertion', signedAssertion(grant, this.#clock.nowMs()));
    } else {
      form.set('grant_type', 'client_credentials');
      if (grant.scopes.length > 0) form.set('scope', grant.scopes.join(' '));
      if (this.#areCredentialsInBody) {
        form.set('client_id', grant.clientId);
        if (grant.clientSecret !== '') form.set('client_secret', grant.clientSecret);
      } else {
        const pair = `${encodeURIComponent(grant.clientId)}:${encodeURIComponent(grant.clientSecret)}`;
        headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
      }
    }
    const body = form.toString();
    const limits = { timeoutMs: TOKEN_MS_MAX, bodyBytesMax: TOKEN_BYTES_MAX };
    return this.#tokenClient.request({ method: 'POST', url: grant.tokenUrl, headers, body, ...limits });
  }
}

/** Never quotes the answer: it may hold a token. */
function tokenOf(body: Uint8Array, nowMs: number): Token {
  let answer: unknown;
  try {
    answer = JSON.parse(utf8Text(body));
  } catch {
    throw bad('the answer is not JSON');
  }
  const { access_token: token, token_type: type, expires_in: seconds } = (answer ?? {}) as Record<string, unknown>;
  if (typeof token !== 'string' || token === '') throw bad('the answer has no access_token');
  if (/[^\x21-\x7e]/.test(token)) throw bad('the access_token is no header value');
  const kind = typeof type === 'string' && /^[\w-]+$/.test(type) && type.toLowerCase() !== 'bearer' ? type : 'Bearer';
  const lifeMs = Number(seconds) > 0 ? Number(seconds) * 1000 - EXPIRY_MARGIN_MS : Number.POSITIVE_INFINITY;
  return { header: `${kind} ${token}`, goodUntilMs: nowMs + lifeMs };
}
