// Access tokens of clouds: fetched when one is needed, kept until shortly before they expire; users at the same time share one
// fetch. How a token is fetched is the cloud's own (google-token.ts, azure-token.ts).
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import type { Clock, HttpClient, HttpRequest } from './ports.ts';

/** What fetching a token may use. */
export interface TokenWorld {
  readonly clock: Clock;
  readonly http: HttpClient;
  /** Rejects if there is no such file. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A token as a service gave it. */
export interface AccessToken {
  readonly token: string;
  /** From now on; 0: not known, it is used once. */
  readonly lifeSeconds: number;
}

/** Gives a token that is good now. */
export interface TokenSource {
  token(): Promise<string>;
}

/** A token is not used in its last minute: a request takes time, and clocks differ. */
const EXPIRY_MARGIN_MS = 60_000;
const TOKEN_MS_MAX = 30_000;
const TOKEN_BYTES_MAX = 1 << 20;

/** Fetches when the token kept is used up. */
export class CachedToken implements TokenSource {
  readonly #clock: Clock;
  readonly #fetch: () => Promise<AccessToken>;
  #kept: { token: string; goodUntilMs: number } | null = null;
  #fetching: Promise<string> | null = null;

  constructor(clock: Clock, fetch: () => Promise<AccessToken>) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  token(): Promise<string> {
    if (this.#kept && this.#clock.nowMs() < this.#kept.goodUntilMs) return Promise.resolve(this.#kept.token);
    this.#fetching ??= this.#renew().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #renew(): Promise<string> {
    const { token, lifeSeconds } = await this.#fetch();
    this.#kept = { token, goodUntilMs: this.#clock.nowMs() + lifeSeconds * 1000 - EXPIRY_MARGIN_MS };
    return token;
  }
}

export const tokenError = (text: string): TidemarkError =>
  new TidemarkError('oauth2_failed', `cannot fetch access token: ${text}`);

/** Asks for a token; the answer is JSON with `access_token` and `expires_in`. Never quotes the answer. */
export async function askForToken(
  http: HttpClient,
  request: Pick<HttpRequest, 'url' | 'headers' | 'body'>,
): Promise<AccessToken> {
  const response = await http.request({
    ...request,
    method: request.body === undefined ? 'GET' : 'POST',
    timeoutMs: TOKEN_MS_MAX,
    bodyBytesMax: TOKEN_BYTES_MAX,
    followRedirects: false,
  });
  const place = new URL(request.url).host;
  if (response.status < 200 || response.status > 299)
    throw tokenError(`${place} returned HTTP status ${response.status}`);
  const answer = jsonObject(utf8Text(response.body), `the answer of ${place}`);
  const { access_token: token, expires_in: seconds } = answer;
  if (typeof token !== 'string' || token === '') throw tokenError(`the answer of ${place} has no access_token`);
  if (/[^\x21-\x7e]/.test(token)) throw tokenError(`the access_token of ${place} is no header value`);
  return { token, lifeSeconds: Math.max(0, Number(seconds) || 0) };
}

/** A form as the body of a token request. */
export const formRequest = (
  url: string,
  form: Readonly<Record<string, string>>,
): { url: string; headers: Record<string, string>; body: string } => ({
  url,
  headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
  body: new URLSearchParams(form).toString(),
});

/** An object of a JSON text; never quotes it. */
export function jsonObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw tokenError(`${what} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw tokenError(`${what} is not an object`);
  return value as Record<string, unknown>;
}

export async function readCredentialFile(world: TokenWorld, path: string): Promise<string> {
  try {
    return utf8Text(await world.readFile(path));
  } catch (cause) {
    throw new TidemarkError('oauth2_failed', `cannot read credentials file ${path}: ${errorText(cause)}`, { cause });
  }
}
