// Outscale: virtual machines (https://docs.outscale.com/api). Requests are signed as those of AWS, for the service `oapi`.
import { TidemarkError, errorText, utf8Text } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { signAws } from '../../../io/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { Api, type FetchGroups, type ProviderParts, everyPage, oneGroup, prefixed, trimSlash } from '../provider.ts';

type OutscaleSdConfig = SdConfig<'outscaleSdConfigs'>;

/** Null for a machine without an address. */
function machineTarget(machine: Json, { region, port }: OutscaleSdConfig): Record<string, string> | null {
  const privateIp = machine.at('PrivateIp').text();
  const publicIp = machine.at('PublicIp').text();
  const address = privateIp || publicIp;
  if (address === '') return null;
  const out: Record<string, string> = {};
  for (const tag of machine.at('Tags').list()) {
    const name = tag.at('Key').text();
    if (name !== '') out[`tag_${sanitizeLabelName(name)}`] = tag.at('Value').text();
  }
  return {
    __address__: joinHostPort(address, port),
    ...prefixed('__meta_outscale_vm_', {
      instance_id: machine.at('VmId').text(),
      region,
      subregion: machine.in('Placement.SubregionName').text(),
      state: machine.at('State').text(),
      private_ip: privateIp,
      public_ip: publicIp,
      ...out,
    }),
  };
}

async function secretOf(config: OutscaleSdConfig, parts: ProviderParts): Promise<string> {
  const { secretKey, secretKeyFile: file } = config;
  if (file === '') return secretKey.reveal();
  try {
    return utf8Text(await parts.files.readFile(file)).trim();
  } catch (cause) {
    throw new TidemarkError('bad_discovery', `cannot read secret_key_file ${file}: ${errorText(cause)}`, { cause });
  }
}

export function outscaleGroups(config: OutscaleSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const { region, accessKey } = config;
  const url = `${trimSlash(config.endpoint) || `https://api.${region}.outscale.com/api/v1`}/ReadVms`;
  return async (signal) => {
    const credentials = { accessKey, secretKey: await secretOf(config, parts), sessionToken: '' };
    const machines = await everyPage('', async (token) => {
      const body = JSON.stringify(token === '' ? {} : { NextPageToken: token });
      const request = { method: 'POST', url, body, region, service: 'oapi' } as const;
      const headers = { 'content-type': 'application/json' };
      const signed = signAws({ ...request, headers }, credentials, parts.clock.nowMs());
      const answer = await api.json(url, { method: 'POST', headers: signed, body, signal });
      return { items: answer.at('Vms').list(), next: answer.at('NextPageToken').text() || null };
    });
    const targets = machines.map((machine) => machineTarget(machine, config));
    return oneGroup(
      region,
      targets.filter((target) => target !== null),
    );
  };
}
