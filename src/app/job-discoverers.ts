// The discoverers of a scrape job, as its configuration names them.
import type { Logger, MetricRegistry } from '../base/index.ts';
import type { HostFiles, ScrapeConfig } from '../config/index.ts';
import type { Clock } from '../io/index.ts';
import { type Discoverer, FileDiscovery, HttpDiscovery, StaticDiscovery } from '../scrape/index.ts';
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
  config: Pick<ScrapeConfig, 'staticConfigs' | 'fileSdConfigs' | 'httpSdConfigs'>,
  parts: DiscovererParts,
): Discoverer[] {
  return [
    new StaticDiscovery(config.staticConfigs),
    ...config.fileSdConfigs.map((one) => new FileDiscovery(one, parts)),
    ...config.httpSdConfigs.map(
      (one) =>
        new HttpDiscovery(one, {
          ...parts,
          http: new ConfiguredClient(one, parts),
          userAgent: `Tidemark/${VERSION}`,
        }),
    ),
  ];
}
