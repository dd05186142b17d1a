// The table of discoverers: which mechanism is run by what. One line per mechanism; what is not here does not run, and
// unsupported() in config/ says so.
import type { SdConfig, SdConfigs, SdKind } from '../../config/index.ts';
import { awsDiscovery } from './aws/aws.ts';
import { ec2Discovery } from './aws/ec2.ts';
import { ecsDiscovery } from './aws/ecs.ts';
import { elasticacheDiscovery } from './aws/elasticache.ts';
import { lightsailDiscovery } from './aws/lightsail.ts';
import { mskDiscovery } from './aws/msk.ts';
import { rdsDiscovery } from './aws/rds.ts';
import { ConsulDiscovery } from './consul.ts';
import type { Discoverer } from './discoverer.ts';
import { dnsDiscovery } from './dns.ts';
import { dockerDiscovery } from './docker.ts';
import { dockerswarmDiscovery } from './dockerswarm.ts';
import { KubernetesDiscovery } from './kubernetes/kubernetes.ts';
import { PROVIDERS } from './providers/table.ts';
import type { SharedDiscovery } from './shared.ts';
import type { DiscoveryWorld } from './world.ts';

/** Makes the discoverer of one entry; not started. */
export type MakeDiscoverer<K extends SdKind> = (config: SdConfig<K>, world: DiscoveryWorld) => Discoverer;

type Discoverers = { readonly [K in SdKind]?: MakeDiscoverer<K> };

const DISCOVERERS: Discoverers = {
  ...PROVIDERS,
  awsSdConfigs: awsDiscovery,
  consulSdConfigs: (config, world) => new ConsulDiscovery(config, world),
  dnsSdConfigs: dnsDiscovery,
  dockerSdConfigs: dockerDiscovery,
  dockerswarmSdConfigs: dockerswarmDiscovery,
  ec2SdConfigs: ec2Discovery,
  ecsSdConfigs: ecsDiscovery,
  elasticacheSdConfigs: elasticacheDiscovery,
  kubernetesSdConfigs: (config, world) => new KubernetesDiscovery(config, world),
  lightsailSdConfigs: lightsailDiscovery,
  mskSdConfigs: mskDiscovery,
  rdsSdConfigs: rdsDiscovery,
};

/** The mechanisms that run, besides static, file and http. */
export const discoveryKinds = (): SdKind[] => (Object.keys(DISCOVERERS) as SdKind[]).sort();

/** The discoverers of all entries of a job; not started. With `shared`, equal entries run once. */
export function makeDiscoverers(
  configs: Partial<SdConfigs>,
  world: DiscoveryWorld,
  shared?: SharedDiscovery,
): Discoverer[] {
  return discoveryKinds().flatMap((kind) => ofKind(kind, configs, world, shared));
}

function ofKind<K extends SdKind>(
  kind: K,
  configs: Partial<SdConfigs>,
  world: DiscoveryWorld,
  shared?: SharedDiscovery,
): Discoverer[] {
  const make = DISCOVERERS[kind] as MakeDiscoverer<K>;
  return (configs[kind] ?? []).map((config) => {
    const made = (): Discoverer => make(config, world);
    return shared ? shared.of(kind, config, made) : made();
  });
}
