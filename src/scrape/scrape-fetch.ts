// Fetching a target's page: headers as Prometheus sends them, errors in its words.
import { TidemarkError } from '../base/index.ts';
import type { ScrapeConfig } from '../config/index.ts';
import type { HttpClient, HttpResponse } from '../io/index.ts';
import {
  type ExposedExemplar,
  type ExposedHistogram,
  type ExpositionFormat,
  readProtobufExposition,
  takeCreated,
} from '../wire/index.ts';
import { httpStatusText } from './http-status.ts';
import { acceptHeader, bodyFormat } from './negotiation.ts';
import { shownUrl, socketErrorText } from './request-error.ts';
import type { Target } from './target.ts';

export interface FetchedPage {
  readonly body: Uint8Array;
  /** Of what the target sent. */
  readonly sizeBytes: number;
  readonly format: ExpositionFormat;
  /** Native histograms, which the body does not say. */
  readonly histograms: readonly ExposedHistogram[];
  /** Exemplars that the body does not say, by the number of their sample in it. */
  readonly exemplars: ReadonlyMap<number, ExposedExemplar>;
  /** Start times of the body's sample lines, in ms, 0 for none; null: there are none, or nobody wants them. */
  readonly starts: Float64Array | null;
}

const NO_HISTOGRAMS: readonly ExposedHistogram[] = [];
const NO_EXEMPLARS: ReadonlyMap<number, ExposedExemplar> = new Map();

/** Error code of a body over body_size_limit. */
export const BODY_TOO_LARGE = 'body_too_large';

export class ScrapeFetch {
  readonly #config: ScrapeConfig;
  readonly #client: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #readsStarts: boolean;

  /** `readsStarts`: start times are told, and `_created` lines are no series. */
  constructor(config: ScrapeConfig, client: HttpClient, userAgent: string, readsStarts = false) {
    this.#readsStarts = readsStarts;
    this.#config = config;
    this.#client = client;
    this.#headers = {
      accept: acceptHeader(config.scrapeProtocols, config.metricNameEscapingScheme),
      'accept-encoding': config.enableCompression ? 'gzip' : 'identity',
      'user-agent': userAgent,
    };
  }

  /** Fetches the page. Throws TidemarkError with what makes the scrape fail; an AbortError if `signal` aborts. */
  async fetch(target: Target, signal: AbortSignal): Promise<FetchedPage> {
    const limit = this.#config.bodySizeLimitBytes;
    const answer = await this.#request(target, limit, signal);
    if (answer.status !== 200) {
      throw new TidemarkError('bad_status', `server returned HTTP status ${httpStatusText(answer.status)}`);
    }
    if (limit > 0 && answer.body.length >= limit) throw tooLarge();
    const { body } = answer;
    // An empty page says nothing, whatever its type.
    const contentType = answer.headers['content-type'] ?? '';
    const format = body.length === 0 ? 'text' : bodyFormat(contentType, this.#config.fallbackScrapeProtocol);
    const sizeBytes = body.length;
    const none = { histograms: NO_HISTOGRAMS, exemplars: NO_EXEMPLARS };
    if (format === 'openmetrics' && this.#readsStarts) {
      const { text, starts } = takeCreated(body);
      return { ...none, body: text, sizeBytes, format, starts };
    }
    if (format !== 'protobuf') return { ...none, body, sizeBytes, format, starts: null };
    const { scrapeNativeHistograms, alwaysScrapeClassicHistograms } = this.#config;
    const options = { native: scrapeNativeHistograms, alwaysClassic: alwaysScrapeClassicHistograms };
    const { text, histograms, exemplars, starts } = readProtobufExposition(body, options);
    if (this.#readsStarts) return { body: text, sizeBytes, format: 'text', histograms, exemplars, starts };
    const plain = histograms.map((histogram) => ({ ...histogram, startMs: 0 }));
    return { body: text, sizeBytes, format: 'text', histograms: plain, exemplars, starts: null };
  }

  async #request(target: Target, bodyBytesMax: number, signal: AbortSignal): Promise<HttpResponse> {
    try {
      return await this.#client.request({
        method: 'GET',
        url: target.url,
        headers: { ...this.#headers, 'x-prometheus-scrape-timeout-seconds': String(target.timeoutMs / 1000) },
        timeoutMs: target.timeoutMs,
        bodyBytesMax,
        followRedirects: this.#config.followRedirects,
        signal,
      });
    } catch (cause) {
      const code = cause instanceof TidemarkError ? cause.code : '';
      if (code === BODY_TOO_LARGE) throw tooLarge();
      const reason = code === 'timeout' ? 'context deadline exceeded' : socketErrorText((cause as Error).cause);
      if (reason === undefined) throw cause;
      throw new TidemarkError(code, `Get "${shownUrl(target.url)}": ${reason}`, { cause });
    }
  }
}

const tooLarge = (): TidemarkError => new TidemarkError(BODY_TOO_LARGE, 'body size limit exceeded');
