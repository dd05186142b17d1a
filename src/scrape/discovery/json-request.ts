// Requests to the HTTP APIs of registries and clouds, which answer in JSON.
import { TidemarkError, utf8Text } from '../../base/index.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../io/index.ts';
import { Json } from './json.ts';

/** Of one answer: the largest real ones are some ten MB. */
const BODY_BYTES_MAX = 256 * 1024 * 1024;
const TIMEOUT_MS_DEFAULT = 60_000;
/** Of a refusal's text, which may be a whole page. */
const REASON_CHARS_MAX = 300;

/** A request of which only the URL must be said. */
export type ApiRequest = Pick<HttpRequest, 'url'> & Partial<HttpRequest>;

/** A status that is not 2xx. */
export class RefusedError extends TidemarkError {
  override name = 'RefusedError';
  readonly status: number;
  constructor(status: number, text: string) {
    super('bad_discovery', text);
    this.status = status;
  }
}

/** An answer with status 2xx. Throws TidemarkError, RefusedError for another status. */
export async function requestOk(http: HttpClient, request: ApiRequest): Promise<HttpResponse> {
  const method = request.method ?? 'GET';
  const limits = { timeoutMs: TIMEOUT_MS_DEFAULT, bodyBytesMax: BODY_BYTES_MAX };
  const response = await http.request({ ...limits, ...request, method });
  if (response.status < 200 || response.status > 299) throw refused(method, request.url, response);
  return response;
}

/** The JSON of an answer with status 2xx; its shape is the caller's to check (see Json). Throws TidemarkError. */
export async function requestJson(http: HttpClient, request: ApiRequest): Promise<unknown> {
  const { body } = await requestOk(http, { ...request, headers: { Accept: 'application/json', ...request.headers } });
  return parsedJson(withoutQuery(request.url), utf8Text(body)).value;
}

/** The JSON that `whose` answered with. Throws TidemarkError `bad_discovery`. */
export function parsedJson(whose: string, text: string): Json {
  try {
    return new Json(JSON.parse(text));
  } catch (cause) {
    throw new TidemarkError('bad_discovery', `cannot read answer of ${whose}: it is not JSON`, { cause });
  }
}

function refused(method: string, url: string, { status, body }: HttpResponse): RefusedError {
  const reason = utf8Text(body.subarray(0, REASON_CHARS_MAX)).replace(/\s+/g, ' ').trim();
  const text = `cannot ${method} ${withoutQuery(url)}: server returned HTTP status ${status}`;
  return new RefusedError(status, reason === '' ? text : `${text}: ${reason}`);
}

/** A text as one part of a path. Names that others gave need not be well formed. */
export const pathPart = (text: string): string => encodeURIComponent(text.toWellFormed());

/** Queries and user names may hold what is not for logs. */
const withoutQuery = (url: string): string => url.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//');
