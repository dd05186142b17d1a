// Azure: virtual machines, single ones and those of scale sets (https://learn.microsoft.com/rest/api/compute). Their addresses
// are those of network interfaces, which are asked for one by one and therefore remembered.
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { type AzureCredential, type TokenSource, type TokenWorld, azureCloud, azureToken } from '../../../io/index.ts';
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
  oneGroup,
  prefixed,
} from '../provider.ts';

type AzureSdConfig = SdConfig<'azureSdConfigs'>;

const COMPUTE_VERSION = '2023-09-01';
const NETWORK_VERSION = '2023-06-01';
/** The last one that knows interfaces of scale sets. */
const SCALE_SET_NETWORK_VERSION = '2018-10-01';

/** Interfaces asked for at the same time; Azure limits requests per minute. */
const INTERFACE_REQUEST_COUNT_MAX = 10;
const INTERFACE_COUNT_MAX = 5000;
/** An interface is asked for again after so many refresh intervals, and up to 3 more, so that not all are due at once. */
const KEPT_INTERVALS = 10;
const SPREAD_INTERVALS = 3;

/** A machine, of a scale set or not. */
interface Machine {
  readonly json: Json;
  /** '' for a single machine. */
  readonly scaleSet: string;
}

/** The part of a resource's id after a name, such as `resourceGroups`. */
function partOfId(id: string, name: string): string {
  const parts = id.split('/');
  const i = parts.findIndex((part) => part.toLowerCase() === name.toLowerCase());
  return i < 0 ? '' : (parts[i + 1] ?? '');
}

function machineLabels({ json, scaleSet }: Machine, config: AzureSdConfig): Record<string, string> {
  const id = json.at('id').text();
  const properties = json.at('properties');
  const tags = json.at('tags').entries();
  return prefixed('__meta_azure_', {
    subscription_id: config.subscriptionId,
    tenant_id: config.tenantId,
    machine_id: id,
    machine_name: json.at('name').text(),
    machine_computer_name: properties.in('osProfile.computerName').text(),
    machine_os_type: properties.in('storageProfile.osDisk.osType').text(),
    machine_location: json.at('location').text(),
    machine_resource_group: partOfId(id, 'resourceGroups'),
    machine_size: properties.in('hardwareProfile.vmSize').text(),
    machine_scale_set: scaleSet,
    ...Object.fromEntries(tags.map(([name, value]) => [`machine_tag_${sanitizeLabelName(name)}`, value.text()])),
  });
}

/** Private and public address of a machine's primary interface; null: this one is not it. */
function addressesOf(nic: Json): { privateIp: string; publicIp: string } | null {
  const properties = nic.at('properties');
  if (!properties.at('primary').bool()) return null;
  const [first] = properties.at('ipConfigurations').list();
  if (!first) return null;
  return {
    privateIp: first.in('properties.privateIPAddress').text(),
    publicIp: first.in('properties.publicIPAddress.properties.ipAddress').text(),
  };
}

/** Network interfaces by id. */
class InterfaceCache {
  readonly #kept = new Map<string, { nic: Json; untilMs: number }>();
  readonly #intervalMs: number;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  get(id: string, nowMs: number): Json | undefined {
    const kept = this.#kept.get(id);
    if (!kept || nowMs < kept.untilMs) return kept?.nic;
    this.#kept.delete(id);
    return undefined;
  }

  add(id: string, nic: Json, nowMs: number): void {
    if (this.#kept.size >= INTERFACE_COUNT_MAX) {
      const [oldest] = this.#kept.keys();
      this.#kept.delete(oldest);
    }
    let hash = 0;
    for (const char of id) hash = (hash * 31 + (char.codePointAt(0) as number)) % 1000;
    const intervals = KEPT_INTERVALS + (SPREAD_INTERVALS * hash) / 1000;
    this.#kept.set(id, { nic, untilMs: nowMs + intervals * this.#intervalMs });
  }
}

function credentialOf(config: AzureSdConfig): AzureCredential {
  const { tenantId, clientId } = config;
  switch (config.authenticationMethod) {
    case 'ManagedIdentity':
      return { kind: 'managed', clientId };
    case 'WorkloadIdentity':
      return { kind: 'workload', tenantId, clientId, tokenFile: '' };
    case 'SDK':
      return { kind: 'environment', tenantId };
    default:
      return { kind: 'secret', tenantId, clientId, clientSecret: config.clientSecret.reveal() };
  }
}

class AzureMachines {
  readonly #config: AzureSdConfig;
  readonly #parts: ProviderParts;
  readonly #api: Api;
  readonly #cache: InterfaceCache;
  #token: TokenSource | null = null;

  constructor(config: AzureSdConfig, parts: ProviderParts) {
    this.#config = config;
    this.#parts = parts;
    this.#api = Api.of(config, parts);
    this.#cache = new InterfaceCache(config.refreshIntervalMs);
  }

  async groups(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    try {
      const machines = await this.#machines(signal);
      const targets = await mapSome(machines, INTERFACE_REQUEST_COUNT_MAX, (machine) => this.#target(machine, signal));
      return oneGroup(
        '',
        targets.filter((target) => target !== null),
      );
    } catch (error) {
      this.#count('prometheus_sd_azure_failures_total', 'Number of Azure service discovery refresh failures.');
      throw error;
    }
  }

  async #machines(signal: AbortSignal): Promise<Machine[]> {
    const single = await this.#list(`${this.#computePath()}/virtualMachines`, signal);
    const machines: Machine[] = single.map((json) => ({ json, scaleSet: '' }));
    for (const set of await this.#list(`${this.#computePath()}/virtualMachineScaleSets`, signal)) {
      const members = await this.#list(`${set.at('id').text()}/virtualMachines`, signal);
      for (const json of members) machines.push({ json, scaleSet: set.at('name').text() });
    }
    return machines;
  }

  #computePath(): string {
    const { subscriptionId, resourceGroup } = this.#config;
    const group = resourceGroup === '' ? '' : `/resourceGroups/${encodeURIComponent(resourceGroup)}`;
    return `/subscriptions/${encodeURIComponent(subscriptionId)}${group}/providers/Microsoft.Compute`;
  }

  #list(path: string, signal: AbortSignal): Promise<Json[]> {
    const first = `${this.#management}${path}?api-version=${COMPUTE_VERSION}`;
    return everyPage(first, async (url) => {
      // The token goes to no host but the one it was made for.
      if (URL.parse(url)?.origin !== this.#management)
        throw new TidemarkError('bad_discovery', `cannot list ${path}: the next page is at another host`);
      const answer = await this.#api.json(url, { signal, headers: await this.#headers() });
      return { items: answer.at('value').list(), next: answer.at('nextLink').text() || null };
    });
  }

  get #management(): string {
    return azureCloud(this.#config.environment).management;
  }

  async #headers(): Promise<Record<string, string>> {
    const { authority, managementAudience } = azureCloud(this.#config.environment);
    const { clock, http, files, environment } = this.#parts;
    const world: TokenWorld = { clock, http, readFile: (path) => files.readFile(path), environment };
    this.#token ??= azureToken(world, authority, managementAudience, credentialOf(this.#config));
    return { Authorization: `Bearer ${await this.#token.token()}` };
  }

  /** Null for a machine that has no address: it is not running, or its interface is gone. */
  async #target(machine: Machine, signal: AbortSignal): Promise<Record<string, string> | null> {
    for (const reference of machine.json.in('properties.networkProfile.networkInterfaces').list()) {
      const nic = await this.#interface(reference.at('id').text(), machine, signal);
      if (!nic) return null;
      if (nic.at('properties').isNull) continue;
      // A machine that was given back to the pool has no word on which of its interfaces is the primary one.
      if (nic.in('properties.primary').isNull) return null;
      const addresses = addressesOf(nic);
      if (!addresses || addresses.privateIp === '') continue;
      return {
        ...machineLabels(machine, this.#config),
        __meta_azure_machine_private_ip: addresses.privateIp,
        __meta_azure_machine_public_ip: addresses.publicIp,
        __address__: joinHostPort(addresses.privateIp, this.#config.port),
      };
    }
    return null;
  }

  async #interface(id: string, { json, scaleSet }: Machine, signal: AbortSignal): Promise<Json | null> {
    const { clock, logger } = this.#parts;
    const kept = this.#cache.get(id, clock.monotonicMs());
    if (kept) {
      this.#count('prometheus_sd_azure_cache_hit_total', 'Number of cache hit during refresh.');
      return kept;
    }
    const url = `${this.#management}${scaleSet === '' ? singleNicPath(id) : memberNicPath(id, json, scaleSet)}`;
    const answer = await this.#api.ask(url, { signal, headers: await this.#headers(), alsoGood: [404] });
    if (answer.status === 404) {
      logger.warn('network interface does not exist: its machine is left out', { interface: id });
      return null;
    }
    const nic = jsonOf(answer, url);
    this.#cache.add(id, nic, clock.monotonicMs());
    return nic;
  }

  #count(name: string, help: string): void {
    this.#parts.metrics?.counter(name, help).inc();
  }
}

const EXPAND = encodeURIComponent('IPConfigurations/PublicIPAddress');

const singleNicPath = (id: string): string => `${id}?api-version=${NETWORK_VERSION}&$expand=${EXPAND}`;

function memberNicPath(id: string, machine: Json, scaleSet: string): string {
  const nic = partOfId(id, 'networkInterfaces');
  const instance = machine.at('instanceId').text();
  const group = `/subscriptions/${partOfId(id, 'subscriptions')}/resourceGroups/${partOfId(id, 'resourceGroups')}`;
  const set = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/${encodeURIComponent(scaleSet)}`;
  const version = SCALE_SET_NETWORK_VERSION;
  return `${set}/virtualMachines/${instance}/networkInterfaces/${nic}?api-version=${version}&$expand=${EXPAND}`;
}

export function azureGroups(config: AzureSdConfig, parts: ProviderParts): FetchGroups {
  const machines = new AzureMachines(config, parts);
  return (signal) => machines.groups(signal);
}
