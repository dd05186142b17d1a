// Remote read as the main thread sees it: a client per endpoint, with its credentials, and the time from which on the local store has
// everything itself.
import { isDeepStrictEqual } from 'node:util';
import { type Counter, type Logger, type MetricRegistry, TidemarkError, errorText } from '../base/index.ts';
import type { Config, HostFiles, RemoteReadConfig } from '../config/index.ts';
import type { Clock, HttpResponse } from '../io/index.ts';
import { ConfiguredClient } from './configured-client.ts';
import {
  type RemoteReadAsk,
  type RemoteReadOutcome,
  type RemoteReadSettings,
  remoteReadSettings,
} from './remote-read-settings.ts';
import { VERSION } from './version.ts';

const ERROR_TEXT_MAX = 512;

export interface RemoteReadRoleParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  readonly files: HostFiles;
}

interface Endpoint {
  readonly config: RemoteReadConfig;
  readonly client: ConfiguredClient;
}

export class RemoteReadRole {
  readonly #parts: RemoteReadRoleParts;
  readonly #requests: Counter;
  readonly #failures: Counter;
  readonly #running = new Map<number, AbortController>();
  #endpoints: readonly Endpoint[] = [];
  #generation = 0;
  /** What of the configuration is in force. */
  #applied: unknown = null;
  settings: readonly RemoteReadSettings[] = [];
  isStopped = false;

  constructor(parts: RemoteReadRoleParts) {
    this.#parts = parts;
    const { metrics } = parts;
    this.#requests = metrics.counter('tidemark_remote_reads_total', 'Requests of remote read that were sent.');
    this.#failures = metrics.counter('tidemark_remote_reads_failed_total', 'Requests of remote read that failed.');
  }

  /** Goes over to the endpoints of a configuration, if they have changed; requests under way end with their clients. */
  apply(config: Config): void {
    const wanted = [config.remoteRead, config.global.externalLabels];
    if (isDeepStrictEqual(wanted, this.#applied)) return;
    this.#applied = wanted;
    const before = this.#endpoints;
    const { files, clock } = this.#parts;
    this.#endpoints = config.remoteRead.map((one) => ({
      config: one,
      client: new ConfiguredClient(one, { files, clock }),
    }));
    this.settings = remoteReadSettings(config, ++this.#generation);
    for (const { config: old, client } of before) clock.after(old.remoteTimeoutMs, () => void client.close());
  }

  /** Sends a request. Never rejects. */
  async ask({ id, index, generation, body, bytesMax }: RemoteReadAsk): Promise<RemoteReadOutcome> {
    const endpoint = generation === this.#generation ? this.#endpoints[index] : undefined;
    if (!endpoint) return { id, error: 'the endpoint is not configured any more' };
    const controller = new AbortController();
    this.#running.set(id, controller);
    this.#requests.inc();
    try {
      const answer = await request(endpoint, body, bytesMax, controller.signal);
      return { id, contentType: answer.headers['content-type'] ?? '', body: answer.body };
    } catch (error) {
      this.#failures.inc();
      this.#parts.logger.warn('remote read failed', { remote: this.settings[index].shown, error: errorText(error) });
      return { id, error: errorText(error) };
    } finally {
      this.#running.delete(id);
    }
  }

  /** Nobody waits for the answer any more. */
  cancel(id: number): void {
    this.#running.get(id)?.abort(new TidemarkError('canceled', 'the query was canceled'));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    for (const controller of this.#running.values()) controller.abort();
    await Promise.all(this.#endpoints.map(({ client }) => client.close()));
  }
}

async function request(
  { config, client }: Endpoint,
  body: Uint8Array,
  bodyBytesMax: number,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const answer = await client.request({
    method: 'POST',
    url: config.url,
    headers: {
      ...config.headers,
      'content-encoding': 'snappy',
      'content-type': 'application/x-protobuf',
      'user-agent': `Tidemark/${VERSION}`,
      'x-prometheus-remote-read-version': '0.1.0',
    },
    body,
    timeoutMs: config.remoteTimeoutMs,
    bodyBytesMax,
    followRedirects: config.followRedirects,
    signal,
  });
  if (answer.status >= 200 && answer.status < 300) return answer;
  const text = Buffer.from(answer.body).toString().slice(0, ERROR_TEXT_MAX).trim();
  const url = config.url.replace(/\/\/[^/@]*@/, '//');
  throw new TidemarkError('bad_status', `remote server ${url} returned http status ${answer.status}: ${text}`);
}
