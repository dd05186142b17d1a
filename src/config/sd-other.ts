// The discovery mechanisms besides static, file and http. Which of them run is told by scrape/'s table of discoverers;
// unsupported() names the others where they are in use.
import * as cloud from './sd-cloud.ts';
import * as registry from './sd-registry.ts';
import { kubernetesSd } from './sd-kubernetes.ts';
import { type StructValue, type Type, list } from './schema.ts';

const section = <T>(name: string, type: Type<T>): Type<T[]> =>
  list(type, `empty or null section in ${name}_sd_configs`);

/** Fields of a scrape or Alertmanager configuration. */
export const otherSdFields = {
  awsSdConfigs: section('aws', cloud.awsSd),
  azureSdConfigs: section('azure', cloud.azureSd),
  consulSdConfigs: section('consul', registry.consulSd),
  digitaloceanSdConfigs: section('digitalocean', cloud.digitaloceanSd),
  dnsSdConfigs: section('dns', registry.dnsSd),
  dockerSdConfigs: section('docker', registry.dockerSd),
  dockerswarmSdConfigs: section('dockerswarm', registry.dockerswarmSd),
  ec2SdConfigs: section('ec2', cloud.ec2Sd),
  ecsSdConfigs: section('ecs', cloud.awsClusterSd),
  elasticacheSdConfigs: section('elasticache', cloud.awsClusterSd),
  eurekaSdConfigs: section('eureka', registry.eurekaSd),
  gceSdConfigs: section('gce', cloud.gceSd),
  hetznerSdConfigs: section('hetzner', cloud.hetznerSd),
  ionosSdConfigs: section('ionos', cloud.ionosSd),
  kubernetesSdConfigs: section('kubernetes', kubernetesSd),
  kumaSdConfigs: section('kuma', registry.kumaSd),
  lightsailSdConfigs: section('lightsail', cloud.lightsailSd),
  linodeSdConfigs: section('linode', cloud.linodeSd),
  marathonSdConfigs: section('marathon', registry.marathonSd),
  mskSdConfigs: section('msk', cloud.awsClusterSd),
  nerveSdConfigs: section('nerve', registry.nerveSd),
  nomadSdConfigs: section('nomad', registry.nomadSd),
  ociSdConfigs: section('oci', cloud.ociSd),
  openstackSdConfigs: section('openstack', cloud.openstackSd),
  outscaleSdConfigs: section('outscale', cloud.outscaleSd),
  ovhcloudSdConfigs: section('ovhcloud', cloud.ovhcloudSd),
  puppetdbSdConfigs: section('puppetdb', registry.puppetdbSd),
  rdsSdConfigs: section('rds', cloud.awsClusterSd),
  scalewaySdConfigs: section('scaleway', cloud.scalewaySd),
  serversetSdConfigs: section('serverset', registry.serversetSd),
  stackitSdConfigs: section('stackit', cloud.stackitSd),
  tritonSdConfigs: section('triton', registry.tritonSd),
  uyuniSdConfigs: section('uyuni', registry.uyuniSd),
  vultrSdConfigs: section('vultr', cloud.vultrSd),
};

/** The lists of one job by key, such as `consulSdConfigs`. */
export type SdConfigs = StructValue<typeof otherSdFields>;
/** The key of a mechanism, such as `consulSdConfigs`. */
export type SdKind = keyof SdConfigs;
/** One entry of a mechanism's list. */
export type SdConfig<K extends SdKind> = SdConfigs[K][number];
