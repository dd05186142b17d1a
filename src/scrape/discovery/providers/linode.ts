// Linode (https://techdocs.akamai.com/linode-api): instances, with what is known of their addresses. Between full looks only
// the account's events are asked for: as long as there are none, nothing has changed.
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import type { Json } from '../json.ts';
import { joinHostPort } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  everyPage,
  jsonOf,
  oneGroup,
  prefixed,
  surrounded,
  withQuery,
} from '../provider.ts';

type LinodeSdConfig = SdConfig<'linodeSdConfigs'>;

const URL_BASE = 'https://api.linode.com/v4';
const MIB_BYTES = 1 << 20;
/** What happens inside a machine makes no event: after so many quiet looks comes a full one. */
const QUIET_LOOK_COUNT_MAX = 10;

/** Addresses by their text. */
type Addresses = ReadonlyMap<string, Json>;

const reverseName = (address: Json | undefined): string => {
  const name = address?.at('rdns').text() ?? '';
  return name === 'null' ? '' : name;
};

function ipv4Labels(instance: Json, addresses: Addresses, separator: string): Record<string, string> {
  const known = instance
    .at('ipv4')
    .texts()
    .flatMap((ip) => addresses.get(ip) ?? []);
  const publicOne = known.find((address) => address.at('public').bool());
  const privateOne = known.find((address) => !address.at('public').bool());
  const extra = known.filter((address) => address !== publicOne && address !== privateOne);
  return {
    private_ipv4: privateOne?.at('address').text() ?? '',
    public_ipv4: publicOne?.at('address').text() ?? '',
    private_ipv4_rdns: reverseName(privateOne),
    public_ipv4_rdns: reverseName(publicOne),
    extra_ips: surrounded(
      extra.map((address) => address.at('address').text()),
      separator,
    ),
  };
}

function ipv6Labels(
  instance: Json,
  addresses: Addresses,
  ranges: readonly Json[],
  separator: string,
): Record<string, string> {
  const own = instance.at('ipv6').text().split('/')[0];
  if (own === '') return {};
  const address = addresses.get(own);
  const routed = ranges.filter((range) => range.at('route_target').text() === own);
  return {
    public_ipv6: address?.at('address').text() ?? '',
    public_ipv6_rdns: reverseName(address),
    ipv6_ranges: surrounded(
      routed.map((range) => `${range.at('range').text()}/${range.at('prefix').scalar('0')}`),
      separator,
    ),
  };
}

function instanceTarget(
  instance: Json,
  addresses: Addresses,
  ranges: readonly Json[],
  config: LinodeSdConfig,
): Record<string, string> {
  const specs = instance.at('specs');
  const bytes = (name: string): string => String(specs.at(name).number() * MIB_BYTES);
  const v4 = ipv4Labels(instance, addresses, config.tagSeparator);
  return {
    __address__: joinHostPort(v4.public_ipv4, config.port),
    ...prefixed('__meta_linode_', {
      instance_id: instance.at('id').scalar('0'),
      instance_label: instance.at('label').text(),
      image: instance.at('image').text(),
      ...v4,
      ...ipv6Labels(instance, addresses, ranges, config.tagSeparator),
      region: instance.at('region').text(),
      type: instance.at('type').text(),
      status: instance.at('status').text(),
      group: instance.at('group').text(),
      gpus: specs.at('gpus').scalar('0'),
      hypervisor: instance.at('hypervisor').text(),
      backups: instance.in('backups.enabled').bool() ? 'enabled' : 'disabled',
      specs_disk_bytes: bytes('disk'),
      specs_memory_bytes: bytes('memory'),
      specs_vcpus: specs.at('vcpus').scalar('0'),
      specs_transfer_bytes: bytes('transfer'),
      tags: surrounded(instance.at('tags').texts(), config.tagSeparator),
    }),
  };
}

/** One look at all instances, or at the events since the last one. */
class LinodeLooks {
  readonly #config: LinodeSdConfig;
  readonly #parts: ProviderParts;
  readonly #api: Api;
  #last: TargetGroup[] | null = null;
  #lastMs: number;
  #quietCount = 0;
  /** A token may lack the right to read events; then every look is a full one. */
  #canReadEvents = true;

  constructor(config: LinodeSdConfig, parts: ProviderParts) {
    this.#config = config;
    this.#parts = parts;
    this.#api = Api.of(config, parts);
    this.#lastMs = parts.clock.nowMs();
  }

  async look(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    const nowMs = this.#parts.clock.nowMs();
    if (this.#last && this.#canReadEvents && (await this.#isQuiet(signal))) {
      this.#lastMs = nowMs;
      return this.#last;
    }
    this.#last = await this.#all(signal);
    this.#quietCount = 0;
    this.#lastMs = nowMs;
    return this.#last;
  }

  async #isQuiet(signal: AbortSignal): Promise<boolean> {
    const since = new Date(this.#lastMs).toISOString().slice(0, 19);
    const headers = { 'X-Filter': JSON.stringify({ created: { '+gte': since } }) };
    const url = `${URL_BASE}/account/events?page=1&page_size=25`;
    const answer = await this.#api.ask(url, { signal, headers, alsoGood: [401] });
    if (answer.status === 401) {
      this.#canReadEvents = false;
      return false;
    }
    return jsonOf(answer, url).at('data').list().length === 0 && ++this.#quietCount < QUIET_LOOK_COUNT_MAX;
  }

  async #all(signal: AbortSignal): Promise<TargetGroup[]> {
    try {
      const instances = await this.#list('linode/instances', signal);
      const ips = await this.#list('networking/ips', signal);
      const ranges = await this.#list('networking/ipv6/ranges', signal);
      const addresses = new Map(ips.map((ip) => [ip.at('address').text(), ip]));
      const withAddress = instances.filter((instance) => instance.at('ipv4').list().length > 0);
      return oneGroup(
        'Linode',
        withAddress.map((instance) => instanceTarget(instance, addresses, ranges, this.#config)),
      );
    } catch (error) {
      if (error instanceof TidemarkError) this.#countFailure();
      throw error;
    }
  }

  #countFailure(): void {
    this.#parts.metrics
      ?.counter('prometheus_sd_linode_failures_total', 'Number of Linode service discovery refresh failures.')
      .inc();
  }

  #list(what: string, signal: AbortSignal): Promise<Json[]> {
    const { region } = this.#config;
    const headers: Record<string, string> = region === '' ? {} : { 'X-Filter': JSON.stringify({ region }) };
    return everyPage(1, async (page) => {
      const url = withQuery(`${URL_BASE}/${what}`, { page: String(page), page_size: '500' });
      const answer = await this.#api.json(url, { signal, headers });
      return { items: answer.at('data').list(), next: page < answer.at('pages').number() ? page + 1 : null };
    });
  }
}

export function linodeGroups(config: LinodeSdConfig, parts: ProviderParts): FetchGroups {
  const looks = new LinodeLooks(config, parts);
  return (signal) => looks.look(signal);
}
