// The discoverers of scrape jobs, or of entries of `alertmanagers`, as their configurations name them.
import type { Logger, MetricRegistry } from '../base/index.ts';
import type { AlertmanagerConfig, HostFiles, ScrapeConfig } from '../config/index.ts';
import { type Clock, createDnsResolver } from '../io/index.ts';
import {
  type Discoverer,
  type DiscoveryWorld,
  FileDiscovery,
  HttpDiscovery,
  SharedDiscovery,
  StaticDiscovery,
  makeDiscoverers,
} from '../scrape/index.ts';
import { ConfiguredClient } from './configured-client.ts';
import { VERSION } from './version.ts';

export interface DiscovererParts {
  readonly clock: Clock;
  readonly files: HostFiles;
  readonly logger: Logger;
  readonly metrics?: MetricRegistry;
}

/** Makes discoverers; what is equal runs once for all jobs, and goes on over a reload. */
export class JobDiscovery {
  readonly #parts: DiscovererParts;
  readonly #shared: SharedDiscovery;

  constructor(parts: DiscovererParts) {
    this.#parts = parts;
    this.#shared = new SharedDiscovery(parts.clock);
  }

  /** A job's discoverers, not started. */
  of(config: ScrapeConfig | AlertmanagerConfig, jobName: string): Discoverer[] {
    const parts = this.#parts;
    const shared = this.#shared;
    const world: DiscoveryWorld = {
      ...parts,
      jobName,
      dns: createDnsResolver(),
      environment: process.env,
      userAgent: `Tidemark/${VERSION}`,
      httpClient: (client, options) => new ConfiguredClient(client, { ...parts, options }),
    };
    return [
      new StaticDiscovery(config.staticConfigs),
      ...config.fileSdConfigs.map((one) => shared.of('file', one, () => new FileDiscovery(one, parts))),
      ...config.httpSdConfigs.map((one) =>
        shared.of('http', one, () => new HttpDiscovery(one, { ...world, http: world.httpClient(one) })),
      ),
      ...makeDiscoverers(config, world, shared),
    ];
  }

  /** Ends what still runs. */
  stop(): Promise<void> {
    return this.#shared.stop();
  }
}
