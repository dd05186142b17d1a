// Targets from an HTTP endpoint that answers with a JSON list of target groups. An answer that is not exactly that leaves
// the last good list in force.
import { type Counter, TidemarkError, errorText, utf8Text } from '../../base/index.ts';
import type { HttpSdConfig } from '../../config/index.ts';
import type { Clock, HttpClient } from '../../io/index.ts';
import type { Discoverer, DiscoveryReport, EmitGroups } from './discoverer.ts';
import { Refresher } from './refresher.ts';
import { groupsOfJson, targetGroups } from './target-groups.ts';

/** Of one answer; 100,000 targets take about 10 MB. */
const BODY_BYTES_MAX = 256 * 1024 * 1024;

const JSON_TYPE = /^application\/json(?:;\s*charset=(?:"utf-8"|utf-8))?$/i;

export interface HttpDiscoveryOptions extends DiscoveryReport {
  readonly clock: Clock;
  /** With the credentials, TLS and proxy of the configuration. Closed at the end. */
  readonly http: HttpClient;
  readonly userAgent: string;
}

export class HttpDiscovery implements Discoverer {
  readonly #config: HttpSdConfig;
  readonly #options: HttpDiscoveryOptions;
  readonly #refresher: Refresher;
  readonly #failures: Counter | undefined;
  #emit: EmitGroups = () => {};

  constructor(config: HttpSdConfig, options: HttpDiscoveryOptions) {
    this.#config = config;
    this.#options = options;
    this.#failures = options.metrics?.counter(
      'prometheus_sd_http_failures_total',
      'Number of HTTP service discovery refresh failures.',
    );
    this.#refresher = new Refresher(
      options.clock,
      () => config.refreshIntervalMs,
      (signal) => this.#refresh(signal),
    );
  }

  start(emit: EmitGroups): void {
    this.#emit = emit;
    this.#refresher.start();
  }

  async stop(): Promise<void> {
    await this.#refresher.stop();
    await this.#options.http.close();
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { url } = this.#config;
    try {
      const groups = groupsOfJson(await this.#fetch(signal));
      if (!this.#refresher.stopped) this.#emit(targetGroups(groups, url, { __meta_url: url }));
    } catch (error) {
      if (this.#refresher.stopped) return;
      this.#failures?.inc();
      this.#options.logger.error('cannot refresh targets: the last good ones stay', { url, error: errorText(error) });
    }
  }

  async #fetch(signal: AbortSignal): Promise<string> {
    const { url, refreshIntervalMs, followRedirects } = this.#config;
    const response = await this.#options.http.request({
      method: 'GET',
      url,
      headers: {
        'User-Agent': this.#options.userAgent,
        Accept: 'application/json',
        'X-Prometheus-Refresh-Interval-Seconds': String(refreshIntervalMs / 1000),
      },
      timeoutMs: refreshIntervalMs,
      bodyBytesMax: BODY_BYTES_MAX,
      followRedirects,
      signal,
    });
    const bad = (text: string) => new TidemarkError('bad_discovery', text);
    if (response.status !== 200) throw bad(`server returned HTTP status ${response.status}`);
    const type = response.headers['content-type'] ?? '';
    if (!JSON_TYPE.test(type.trim())) throw bad(`unsupported content type ${JSON.stringify(type)}`);
    return utf8Text(response.body);
  }
}
