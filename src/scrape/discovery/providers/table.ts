// The providers that are asked over HTTP again and again, by the key of their configurations.
import { providerOf } from '../provider.ts';
import { azureGroups } from './azure.ts';
import { digitaloceanGroups } from './digitalocean.ts';
import { eurekaGroups } from './eureka.ts';
import { gceGroups } from './gce.ts';
import { hetznerGroups } from './hetzner.ts';
import { ionosGroups } from './ionos.ts';
import { kumaGroups } from './kuma.ts';
import { linodeGroups } from './linode.ts';
import { marathonGroups } from './marathon.ts';
import { nomadGroups } from './nomad.ts';
import { ociGroups } from './oci.ts';
import { openstackGroups } from './openstack.ts';
import { outscaleGroups } from './outscale.ts';
import { ovhcloudGroups } from './ovhcloud.ts';
import { puppetdbGroups } from './puppetdb.ts';
import { scalewayGroups } from './scaleway.ts';
import { stackitGroups } from './stackit.ts';
import { tritonGroups } from './triton.ts';
import { uyuniGroups } from './uyuni.ts';
import { vultrGroups } from './vultr.ts';

export const PROVIDERS = {
  azureSdConfigs: providerOf('azure', azureGroups),
  digitaloceanSdConfigs: providerOf('digitalocean', digitaloceanGroups),
  eurekaSdConfigs: providerOf('eureka', eurekaGroups),
  gceSdConfigs: providerOf('gce', gceGroups),
  hetznerSdConfigs: providerOf('hetzner', hetznerGroups),
  ionosSdConfigs: providerOf('ionos', ionosGroups),
  kumaSdConfigs: providerOf('kuma', kumaGroups),
  linodeSdConfigs: providerOf('linode', linodeGroups),
  marathonSdConfigs: providerOf('marathon', marathonGroups),
  nomadSdConfigs: providerOf('nomad', nomadGroups),
  ociSdConfigs: providerOf('oci', ociGroups),
  openstackSdConfigs: providerOf('openstack', openstackGroups),
  outscaleSdConfigs: providerOf('outscale', outscaleGroups),
  ovhcloudSdConfigs: providerOf('ovhcloud', ovhcloudGroups),
  puppetdbSdConfigs: providerOf('puppetdb', puppetdbGroups),
  scalewaySdConfigs: providerOf('scaleway', scalewayGroups),
  stackitSdConfigs: providerOf('stackit', stackitGroups),
  tritonSdConfigs: providerOf('triton', tritonGroups),
  uyuniSdConfigs: providerOf('uyuni', uyuniGroups),
  vultrSdConfigs: providerOf('vultr', vultrGroups),
};
