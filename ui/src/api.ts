// The server's API, and nothing else on the network. Paths are relative to the page, so that a route prefix needs no setting.
import { settings } from './settings.ts';

/** The path in front of all pages: '' or the route prefix. */
export const prefix: string = location.pathname.replace(/\/[^/]*$/, '');

export type Metric = Readonly<Record<string, string>>;
export type Sample = readonly [seconds: number, value: string];

export interface HistogramValue {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [rule: number, lower: string, upper: string, count: string])[];
}

export interface Series {
  readonly metric: Metric;
  readonly value?: Sample;
  readonly values?: readonly Sample[];
  readonly histogram?: readonly [number, HistogramValue];
  readonly histograms?: readonly (readonly [number, HistogramValue])[];
}

export interface SeriesData {
  readonly resultType: 'vector' | 'matrix';
  readonly result: readonly Series[];
}

export type QueryData = SeriesData | { readonly resultType: 'scalar' | 'string'; readonly result: Sample };

export const isSeriesData = (data: QueryData): data is SeriesData =>
  data.resultType === 'vector' || data.resultType === 'matrix';

/** A success, with what the server remarks about it. */
export interface Reply<T> {
  readonly data: T;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** What the server or the way to it refused. */
export class ApiError extends Error {
  readonly type: string;
  constructor(type: string, text: string) {
    super(text);
    this.type = type;
  }
}

/** fetch with the tenant's header. */
export function apiFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (init.body instanceof URLSearchParams) headers.set('content-type', 'application/x-www-form-urlencoded');
  if (settings.tenant !== '') headers.set('x-scope-orgid', settings.tenant);
  return fetch(input, { ...init, headers });
}

/** Calls an endpoint: GET without a form, else POST. Rejects with an ApiError. */
export async function api<T>(
  path: string,
  form: Record<string, string> | null = null,
  signal?: AbortSignal,
): Promise<Reply<T>> {
  const init: RequestInit = form ? { method: 'POST', body: new URLSearchParams(form), signal } : { signal };
  let response: Response;
  try {
    response = await apiFetch(`${prefix}/api/v1/${path}`, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('network', 'the server cannot be reached');
  }
  const text = await response.text();
  let body: { status?: string; data?: T; error?: string; errorType?: string; warnings?: string[]; infos?: string[] };
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(String(response.status), text.trim() || response.statusText);
  }
  if (body.status !== 'success') throw new ApiError(body.errorType ?? String(response.status), body.error ?? text);
  return { data: body.data as T, warnings: body.warnings ?? [], infos: body.infos ?? [] };
}
