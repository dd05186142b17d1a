// One request and its answer as the handlers see them. A handler gives an Answer; server.ts sends it.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DEFAULT_TENANT } from '../model/index.ts';
import { readBody } from './body.ts';
import { type Coding, chooseCoding } from './compress.ts';
import { errorExcerpt, successBody } from './envelope.ts';
import { Parameters } from './parameters.ts';
import type { BodyStream, QueryOrigin } from './services.ts';
import { parseTenant, TENANT_HEADER } from './tenant.ts';

export interface Answer {
  readonly status: number;
  /** '' where there is no body. */
  readonly contentType: string;
  readonly body: Uint8Array | string | BodyStream | null;
  /** What the body is compressed with already. */
  readonly coding?: Coding | null;
  /** Sent as it is, whatever the client accepts: its own format compresses, or its readers expect it plain. */
  readonly isPlain?: boolean;
  /** The body compressed with gzip, where that is at hand. */
  readonly gzipBody?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

/** 204, for all that succeeds without data. */
export const NO_CONTENT: Answer = Object.freeze({ status: 204, contentType: '', body: null });

/** A plain text answer. */
export const textAnswer = (status: number, body: string, headers?: Record<string, string>): Answer => ({
  status,
  contentType: TEXT_TYPE,
  body,
  headers,
});

/** An error as Go's http.Error gives it: text with a newline, not to be sniffed. */
export const plainError = (status: number, text: string, headers?: Record<string, string>): Answer =>
  textAnswer(status, `${errorExcerpt(text)}\n`, { 'x-content-type-options': 'nosniff', ...headers });

/** A success envelope around a small plain value. */
export const successAnswer = (data: unknown): Answer => ({
  status: 200,
  contentType: JSON_TYPE,
  body: successBody(data),
});

/** Forms larger than this are no queries. */
const FORM_BYTES_MAX = 10 << 20;
const FORM_TYPE = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i;

export class Exchange {
  readonly request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #defaultTenant: string;
  #abort: AbortController | null = null;

  /** `defaultTenant`: of a request that names none. */
  constructor(request: FastifyRequest, reply: FastifyReply, defaultTenant = DEFAULT_TENANT) {
    this.request = request;
    this.#defaultTenant = defaultTenant;
    this.#reply = reply;
  }

  /** Throws TidemarkError `bad_data` on a malformed tenant header. */
  get tenant(): string {
    return parseTenant(this.request.headers[TENANT_HEADER], this.#defaultTenant);
  }

  /** Aborts when the client goes away before the answer is sent. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      this.#abort = abort;
      const { raw } = this.#reply;
      if (raw.destroyed) abort.abort();
      raw.once('close', () => {
        if (!raw.writableFinished) abort.abort();
      });
    }
    return this.#abort.signal;
  }

  /** Who asks. */
  get origin(): QueryOrigin {
    const { raw } = this.request;
    const clientIp = raw.socket.remoteAddress ?? '';
    return { clientIp, method: raw.method ?? '', path: (raw.url ?? '').split('?', 1)[0] };
  }

  header(name: string): string {
    const value = this.request.headers[name];
    return value === undefined ? '' : String(value);
  }

  /** What the client lets an answer be compressed with; null: nothing we know. */
  get acceptedCoding(): Coding | null {
    return chooseCoding(this.header('accept-encoding'));
  }

  pathParameter(name: string): string {
    return (this.request.params as Record<string, string>)[name];
  }

  body(bytesMax: number): Promise<Uint8Array> {
    const length = this.request.headers['content-length'];
    return readBody(this.request.raw, length === undefined ? NaN : Number(length), bytesMax);
  }

  /** Of the form in the body (POST, PUT) and the query string. */
  async parameters(): Promise<Parameters> {
    const parameters = new Parameters();
    const { method, url = '' } = this.request.raw;
    if ((method === 'POST' || method === 'PUT') && FORM_TYPE.test(this.header('content-type'))) {
      parameters.add(Buffer.from(await this.body(FORM_BYTES_MAX)).toString('utf8'));
    }
    const question = url.indexOf('?');
    if (question >= 0) parameters.add(url.slice(question + 1));
    return parameters;
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'HEAD' | 'DELETE' | 'PATCH' | 'OPTIONS';

/** A path, its methods and what answers it. */
export interface Route {
  readonly path: string;
  readonly methods: readonly Method[];
  readonly handle: (exchange: Exchange) => Answer | Promise<Answer>;
  /** Answered before the process is ready and while it stops. */
  readonly always?: boolean;
  /** A file of the web page: no data of anybody. */
  readonly isPage?: boolean;
}
