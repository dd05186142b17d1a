// Targets from DNS records. A name that cannot be resolved keeps its last good targets; one that is not there has none.
import { TidemarkError, errorText } from '../../base/index.ts';
import type { SdConfig } from '../../config/index.ts';
import type { DnsRecord, DnsType } from '../../io/index.ts';
import { Labels } from '../../model/index.ts';
import type { TargetGroup } from './discoverer.ts';
import { joinHostPort } from './labels.ts';
import { PollingDiscovery } from './polling.ts';
import type { DiscoveryWorld } from './world.ts';

type DnsSdConfig = SdConfig<'dnsSdConfigs'>;

const META = '__meta_dns_';

/** Types whose records are names; labels show them with the dot of a full name, as the records have it. */
const TARGET_LABEL: Partial<Record<DnsType, string>> = {
  SRV: 'srv_record_target',
  MX: 'mx_record_target',
  NS: 'ns_record_target',
};

function targetOf(name: string, type: DnsType, record: DnsRecord, port: number): Labels {
  const label = TARGET_LABEL[type];
  return Labels.from({
    __address__: joinHostPort(record.target, type === 'SRV' ? record.port : port),
    [`${META}name`]: name,
    ...(label !== undefined && { [META + label]: `${record.target}.` }),
    ...(type === 'SRV' && { [`${META}srv_record_port`]: String(record.port) }),
  });
}

/** Asks for all names of an entry at each refresh. */
export function dnsDiscovery(config: DnsSdConfig, world: DiscoveryWorld): PollingDiscovery {
  const type = config.type.toUpperCase() as DnsType; // the configuration has checked that it is one
  const lookups = world.metrics?.counter('prometheus_sd_dns_lookups_total', 'The number of DNS-SD lookups.');
  const failures = world.metrics?.counter(
    'prometheus_sd_dns_lookup_failures_total',
    'The number of DNS-SD lookup failures.',
  );
  const known = new Map<string, TargetGroup>();
  const lookUp = async (name: string, signal: AbortSignal): Promise<void> => {
    lookups?.inc();
    try {
      const records = await world.dns.resolve(name, type, signal);
      const targets = records.map((record) => targetOf(name, type, record, config.port));
      known.set(name, { source: name, targets, labels: Labels.empty });
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      failures?.inc();
      const fields = { job: world.jobName, name, error: errorText(error) };
      world.logger.error('cannot look up targets: the last good ones stay', fields);
    }
  };
  const refresh = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    await Promise.all(config.names.map((name) => lookUp(name, signal)));
    return [...known.values()];
  };
  return new PollingDiscovery({ mechanism: 'dns', refreshIntervalMs: config.refreshIntervalMs, refresh }, world);
}
