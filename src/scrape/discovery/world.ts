// What a discoverer may use of the world and of its configuration's surroundings.
import type { HostFiles, HttpClientConfig } from '../../config/index.ts';
import type { Clock, DnsResolver, HttpClient, HttpClientOptions } from '../../io/index.ts';
import type { DiscoveryReport } from './discoverer.ts';

/** What a discoverer is made with. */
export interface DiscoveryWorld extends DiscoveryReport {
  readonly clock: Clock;
  readonly files: HostFiles;
  readonly dns: DnsResolver;
  /** Environment variables, where a mechanism's credentials may be. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
  /** Of the job, or of the entry of `alertmanagers`; for metrics. */
  readonly jobName: string;
  /**
   * A client with the credentials, TLS and proxy of a configuration (httpClientDefaults() where there is none). `options` adds
   * what a configuration does not say. Its user closes it.
   */
  readonly httpClient: (config: HttpClientConfig, options?: HttpClientOptions) => HttpClient;
}
