// `aws_sd_configs`: one entry for all of AWS' mechanisms, told apart by its role.
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { PollingDiscovery } from '../polling.ts';
import type { DiscoveryWorld } from '../world.ts';
import { ec2Discovery } from './ec2.ts';
import { ecsDiscovery } from './ecs.ts';
import { elasticacheDiscovery } from './elasticache.ts';
import { lightsailDiscovery } from './lightsail.ts';
import { mskDiscovery } from './msk.ts';
import { rdsDiscovery } from './rds.ts';

/** Of the roles that ask for much, where the configuration says nothing. */
const REQUEST_CONCURRENCY_DEFAULT = 20;

/** The discoverer of an entry's role. */
export function awsDiscovery(entry: SdConfig<'awsSdConfigs'>, world: DiscoveryWorld): PollingDiscovery {
  const config = { ...entry, requestConcurrency: entry.requestConcurrency || REQUEST_CONCURRENCY_DEFAULT };
  switch (config.role) {
    case 'ec2':
      return ec2Discovery(config, world);
    case 'ecs':
      return ecsDiscovery(config, world);
    case 'elasticache':
      return elasticacheDiscovery(config, world);
    case 'lightsail':
      return lightsailDiscovery(config, world);
    case 'msk':
      return mskDiscovery(config, world);
    case 'rds':
      return rdsDiscovery(config, world);
    default:
      return notYet(config.role, config.refreshIntervalMs, world);
  }
}

function notYet(role: string, refreshIntervalMs: number, world: DiscoveryWorld): PollingDiscovery {
  const refresh = async (): Promise<never> => {
    throw new TidemarkError('bad_discovery', `cannot find targets: role is not supported yet; got ${role}`);
  };
  return new PollingDiscovery({ mechanism: 'aws', refreshIntervalMs, refresh }, world);
}
