// Google Compute Engine: the instances of a zone (https://cloud.google.com/compute/docs/reference/rest/v1/instances/list).
import type { SdConfig } from '../../../config/index.ts';
import { googleToken } from '../../../io/index.ts';
import type { Json } from '../json.ts';
import { sanitizeLabelName } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  everyPage,
  oneGroup,
  prefixed,
  surrounded,
  withQuery,
} from '../provider.ts';

type GceSdConfig = SdConfig<'gceSdConfigs'>;

const URL_BASE = 'https://compute.googleapis.com/compute/v1';
const SCOPE = 'https://www.googleapis.com/auth/compute.readonly';

function namedLabels(instance: Json): Record<string, string> {
  const out: Record<string, string> = {};
  for (const item of instance.in('metadata.items').list()) {
    const value = item.at('value');
    if (!value.isNull) out[`metadata_${sanitizeLabelName(item.at('key').text())}`] = value.text();
  }
  for (const [name, value] of instance.at('labels').entries()) out[`label_${sanitizeLabelName(name)}`] = value.text();
  for (const nic of instance.at('networkInterfaces').list()) {
    out[`interface_ipv4_${sanitizeLabelName(nic.at('name').text())}`] = nic.at('networkIP').text();
  }
  return out;
}

/** Null for an instance without a network interface. */
function instanceTarget(instance: Json, config: GceSdConfig): Record<string, string> | null {
  const [nic] = instance.at('networkInterfaces').list();
  if (!nic) return null;
  const privateIp = nic.at('networkIP').text();
  const [access] = nic.at('accessConfigs').list();
  const isNat = access?.at('type').text() === 'ONE_TO_ONE_NAT';
  return {
    __address__: `${privateIp}:${config.port}`,
    ...prefixed('__meta_gce_', {
      project: config.project,
      zone: instance.at('zone').text(),
      instance_id: instance.at('id').scalar(),
      instance_name: instance.at('name').text(),
      instance_status: instance.at('status').text(),
      machine_type: instance.at('machineType').text(),
      network: nic.at('network').text(),
      subnetwork: nic.at('subnetwork').text(),
      private_ip: privateIp,
      public_ip: isNat ? access.at('natIP').text() : '',
      tags: surrounded(instance.in('tags.items').texts(), config.tagSeparator),
      ...namedLabels(instance),
    }),
  };
}

export function gceGroups(config: GceSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const { project, zone, filter } = config;
  const url = `${URL_BASE}/projects/${encodeURIComponent(project)}/zones/${encodeURIComponent(zone)}/instances`;
  const { files } = parts;
  const token = googleToken({ ...parts, readFile: (path) => files.readFile(path) }, [SCOPE]);
  return async (signal) => {
    const instances = await everyPage('', async (pageToken) => {
      const headers = { Authorization: `Bearer ${await token.token()}` };
      const answer = await api.json(withQuery(url, { filter, pageToken }), { signal, headers });
      return { items: answer.at('items').list(), next: answer.at('nextPageToken').text() || null };
    });
    const targets = instances.map((instance) => instanceTarget(instance, config));
    return oneGroup(
      `GCE_${project}_${zone}`,
      targets.filter((target) => target !== null),
    );
  };
}
