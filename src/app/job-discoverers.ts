// The discoverers of a scrape job, or of an entry of `alertmanagers`, as its configuration names them.
import type { Logger, MetricRegistry } from '../base/index.ts';
import type { AlertmanagerConfig, HostFiles, ScrapeConfig } from '../config/index.ts';
import type { Clock } from '../io/index.ts';
import {
  type Discoverer,
  type DiscoveryWorld,
  FileDiscovery,
  HttpDiscovery,
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

/** Not started. */
export function jobDiscoverers(
  config: ScrapeConfig | AlertmanagerConfig,
  jobName: string,
  parts: DiscovererParts,
): Discoverer[] {
  const world: DiscoveryWorld = {
    ...parts,
    jobName,
    environment: process.env,
    userAgent: `Tidemark/${VERSION}`,
    httpClient: (client, options) => new ConfiguredClient(client, { ...parts, options }),
  };
  return [
    new StaticDiscovery(config.staticConfigs),
    ...config.fileSdConfigs.map((one) => new FileDiscovery(one, parts)),
    ...config.httpSdConfigs.map((one) => new HttpDiscovery(one, { ...world, http: world.httpClient(one) })),
    ...makeDiscoverers(config, world),
  ];
}
