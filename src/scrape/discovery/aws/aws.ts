// `aws_sd_configs`: one entry for all of AWS' mechanisms, told apart by its role.
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { PollingDiscovery } from '../polling.ts';
import type { DiscoveryWorld } from '../world.ts';
import { ec2Discovery } from './ec2.ts';
import { lightsailDiscovery } from './lightsail.ts';

/** The discoverer of an entry's role. */
export function awsDiscovery(config: SdConfig<'awsSdConfigs'>, world: DiscoveryWorld): PollingDiscovery {
  const { role, refreshIntervalMs } = config;
  if (role === 'ec2') return ec2Discovery(config, world);
  if (role === 'lightsail') return lightsailDiscovery(config, world);
  const refresh = async (): Promise<never> => {
    throw new TidemarkError('bad_discovery', `cannot find targets: role is not supported yet; got ${role}`);
  };
  return new PollingDiscovery({ mechanism: 'aws', refreshIntervalMs, refresh }, world);
}
