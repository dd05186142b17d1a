// Oracle Cloud Infrastructure: compute instances (https://docs.oracle.com/iaas/api) of compartments, each at the private address
// of its primary interface.
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  everyPage,
  jsonOf,
  mapSome,
  prefixed,
  withQuery,
} from '../provider.ts';
import { type OciIdentity, ociHeaders, ociIdentity } from './oci-sign.ts';

type OciSdConfig = SdConfig<'ociSdConfigs'>;

const API_VERSION = '20160918';
/** Interfaces asked for at the same time. */
const REQUEST_COUNT_MAX = 8;

/** Regions of governments have domains of their own. */
function domainOf(region: string): string {
  if (/^(?:us-langley|us-luke|us-gov)-/.test(region)) return 'oraclegovcloud.com';
  return region.startsWith('uk-gov-') ? 'oraclegovcloud.uk' : 'oraclecloud.com';
}

/** A compartment and, where it is known, its name. */
interface Compartment {
  readonly id: string;
  readonly name: string;
}

function tagLabels(instance: Json): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of instance.at('freeformTags').entries())
    out[`tag_${sanitizeLabelName(name)}`] = value.text();
  for (const [space, tags] of instance.at('definedTags').entries())
    for (const [name, value] of tags.entries())
      out[`defined_tag_${sanitizeLabelName(space)}_${sanitizeLabelName(name)}`] = value.scalar();
  return out;
}

function instanceTarget(
  instance: Json,
  vnic: Json,
  compartment: Compartment,
  identity: OciIdentity,
  port: number,
): Labels {
  const privateIp = vnic.at('privateIp').text();
  return Labels.from({
    __address__: joinHostPort(privateIp, port),
    ...prefixed('__meta_oci_', {
      instance_id: instance.at('id').text(),
      instance_name: instance.at('displayName').text(),
      instance_state: instance.at('lifecycleState').text(),
      instance_shape: instance.at('shape').text(),
      image_id: instance.at('imageId').text(),
      region: identity.region,
      availability_domain: instance.at('availabilityDomain').text(),
      fault_domain: instance.at('faultDomain').text(),
      tenancy_id: identity.tenancy,
      compartment_id: compartment.id,
      compartment_name: compartment.name,
      private_ip: privateIp,
      public_ip: vnic.at('publicIp').text(),
      ...tagLabels(instance),
    }),
  });
}

/** One look at all there is. */
class OciLook {
  readonly #config: OciSdConfig;
  readonly #parts: ProviderParts;
  readonly #api: Api;
  readonly #identity: OciIdentity;
  readonly #signal: AbortSignal;

  constructor(config: OciSdConfig, parts: ProviderParts, api: Api, identity: OciIdentity, signal: AbortSignal) {
    this.#config = config;
    this.#parts = parts;
    this.#api = api;
    this.#identity = identity;
    this.#signal = signal;
  }

  #get(url: string, alsoGood: readonly number[] = []) {
    const headers = ociHeaders(url, this.#identity, this.#parts.clock.nowMs());
    return this.#api.ask(url, { headers, signal: this.#signal, alsoGood });
  }

  #list(service: 'iaas' | 'identity', what: string, query: Record<string, string>): Promise<Json[]> {
    const { region } = this.#identity;
    const dot = service === 'identity' ? '.oci' : '';
    const base = `https://${service}.${region}${dot}.${domainOf(region)}/${API_VERSION}/${what}`;
    return everyPage('', async (page) => {
      const url = withQuery(base, { ...query, page });
      const answer = await this.#get(url);
      return { items: jsonOf(answer, url).list(), next: answer.headers['opc-next-page'] || null };
    });
  }

  /** Those of the configuration; else the tenancy and all that are active in it. */
  async compartments(): Promise<Compartment[]> {
    if (this.#config.compartments.length > 0) return this.#config.compartments.map((id) => ({ id, name: '' }));
    const { tenancy } = this.#identity;
    if (tenancy === '')
      throw new TidemarkError(
        'bad_discovery',
        'cannot list compartments: tenancy is not configured, nor any compartment',
      );
    const below = await this.#list('identity', 'compartments', {
      compartmentId: tenancy,
      compartmentIdInSubtree: 'true',
      accessLevel: 'ACCESSIBLE',
      lifecycleState: 'ACTIVE',
      limit: '1000',
    });
    const named = below.map((one) => ({ id: one.at('id').text(), name: one.at('name').text() }));
    return [{ id: tenancy, name: '' }, ...named];
  }

  async group(compartment: Compartment): Promise<TargetGroup> {
    const query = { compartmentId: compartment.id, limit: '1000' };
    const instances = await this.#list('iaas', 'instances', query);
    const attachments = instances.length === 0 ? [] : await this.#list('iaas', 'vnicAttachments', query);
    const vnicIds = new Map<string, string[]>();
    for (const attachment of attachments) {
      if (attachment.at('lifecycleState').text() !== 'ATTACHED') continue;
      const id = attachment.at('instanceId').text();
      vnicIds.set(id, [...(vnicIds.get(id) ?? []), attachment.at('vnicId').text()]);
    }
    const targets = await mapSome(instances, REQUEST_COUNT_MAX, async (instance) => {
      const vnic = await this.#primary(vnicIds.get(instance.at('id').text()) ?? []);
      return vnic ? instanceTarget(instance, vnic, compartment, this.#identity, this.#config.port) : null;
    });
    const source = `oci/${this.#identity.region}/${compartment.id}`;
    return { source, targets: targets.filter((target) => target !== null), labels: Labels.empty };
  }

  /** The primary interface; undefined for an instance that is being made or ended. */
  async #primary(ids: readonly string[]): Promise<Json | undefined> {
    const { region } = this.#identity;
    for (const id of ids) {
      const url = `https://iaas.${region}.${domainOf(region)}/${API_VERSION}/vnics/${encodeURIComponent(id)}`;
      const answer = await this.#get(url, [404]);
      if (answer.status === 404) continue;
      const vnic = jsonOf(answer, url);
      if (vnic.at('isPrimary').bool() && vnic.at('privateIp').text() !== '') return vnic;
    }
    return undefined;
  }
}

export function ociGroups(config: OciSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  return async (signal) => {
    const look = new OciLook(config, parts, api, await ociIdentity(config, parts), signal);
    const groups: TargetGroup[] = [];
    for (const compartment of await look.compartments()) groups.push(await look.group(compartment));
    return groups;
  };
}
