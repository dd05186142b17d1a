// The table of discoverers: which mechanism is run by what. One line per mechanism; what is not here does not run, and
// unsupported() in config/ says so.
import type { SdConfig, SdConfigs, SdKind } from '../../config/index.ts';
import type { Discoverer } from './discoverer.ts';
import { PROVIDERS } from './providers/table.ts';
import type { DiscoveryWorld } from './world.ts';

/** Makes the discoverer of one entry; not started. */
export type MakeDiscoverer<K extends SdKind> = (config: SdConfig<K>, world: DiscoveryWorld) => Discoverer;

type Discoverers = { readonly [K in SdKind]?: MakeDiscoverer<K> };

const DISCOVERERS: Discoverers = {
  ...PROVIDERS,
};

/** The mechanisms that run, besides static, file and http. */
export const discoveryKinds = (): SdKind[] => (Object.keys(DISCOVERERS) as SdKind[]).sort();

/** The discoverers of all entries of a job; not started. */
export function makeDiscoverers(configs: Partial<SdConfigs>, world: DiscoveryWorld): Discoverer[] {
  return discoveryKinds().flatMap((kind) => ofKind(kind, configs, world));
}

function ofKind<K extends SdKind>(kind: K, configs: Partial<SdConfigs>, world: DiscoveryWorld): Discoverer[] {
  const make = DISCOVERERS[kind] as MakeDiscoverer<K>;
  return (configs[kind] ?? []).map((config) => make(config, world));
}
