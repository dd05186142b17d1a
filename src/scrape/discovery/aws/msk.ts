// Targets from MSK: the endpoints of brokers and controllers of Kafka clusters, at the port of the configuration.
import type { SdConfig } from '../../../config/index.ts';
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import type { Json } from '../json.ts';
import { pathPart } from '../json-request.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { PollingDiscovery } from '../polling.ts';
import type { DiscoveryWorld } from '../world.ts';
import { AwsClient, mapLimited } from './client.ts';

type MskSdConfig = SdConfig<'mskSdConfigs'>;
type LabelMap = Record<string, string>;

const META = '__meta_msk_';
const PROVISIONED = 'PROVISIONED';

/** '' where the field is not there. */
const boolText = (json: Json): string => (json.isNull ? '' : String(json.bool()));

function clusterLabels(cluster: Json): LabelMap {
  const software = cluster.in('provisioned.currentBrokerSoftwareInfo');
  const jmx = cluster.in('provisioned.openMonitoring.prometheus.jmxExporter');
  const tags = Object.entries(cluster.at('tags').textMap());
  return {
    [`${META}cluster_name`]: cluster.at('clusterName').text(),
    [`${META}cluster_arn`]: cluster.at('clusterArn').text(),
    [`${META}cluster_state`]: cluster.at('state').text(),
    [`${META}cluster_type`]: cluster.at('clusterType').text(),
    [`${META}cluster_version`]: cluster.at('currentVersion').text(),
    [`${META}cluster_kafka_version`]: software.at('kafkaVersion').text(),
    [`${META}cluster_configuration_arn`]: software.at('configurationArn').text(),
    [`${META}cluster_configuration_revision`]: software.at('configurationRevision').scalar(),
    [`${META}cluster_jmx_exporter_enabled`]: jmx.isNull ? '' : String(jmx.at('enabledInBroker').bool()),
    ...Object.fromEntries(tags.map(([name, value]) => [`${META}cluster_tag_${sanitizeLabelName(name)}`, value])),
  };
}

function nodeTargets(cluster: Json, node: Json, port: number): Labels[] {
  const broker = node.at('brokerNodeInfo');
  const controller = node.at('controllerNodeInfo');
  if (broker.isNull && controller.isNull) return [];
  const kind = broker.isNull ? 'controller' : 'broker';
  const exporter = cluster.in('provisioned.openMonitoring.prometheus.nodeExporter.enabledInBroker');
  const common: LabelMap = {
    ...clusterLabels(cluster),
    [`${META}node_arn`]: node.at('nodeARN').text(),
    [`${META}node_added_time`]: node.at('addedToClusterTime').text(),
    [`${META}node_instance_type`]: node.at('instanceType').text(),
    [`${META}node_type`]: kind.toUpperCase(),
    ...(!broker.isNull && {
      [`${META}node_attached_eni`]: broker.at('attachedENIId').text(),
      [`${META}broker_id`]: broker.at('brokerId').scalar(),
      [`${META}broker_client_subnet`]: broker.at('clientSubnet').text(),
      [`${META}broker_client_vpc_ip`]: broker.at('clientVpcIpAddress').text(),
      [`${META}broker_node_exporter_enabled`]: boolText(exporter),
    }),
  };
  const endpoints = (broker.isNull ? controller : broker).at('endpoints').texts();
  return endpoints.map((endpoint, i) =>
    Labels.from({ ...common, __address__: joinHostPort(endpoint, port), [`${META}${kind}_endpoint_index`]: String(i) }),
  );
}

/** Asks for all clusters with brokers of their own, or those of the configuration, at each refresh. */
export function mskDiscovery(config: MskSdConfig, world: DiscoveryWorld): PollingDiscovery {
  const client = new AwsClient('kafka', config, world);
  const { refreshIntervalMs, requestConcurrency, port } = config;

  const listed = async (path: string, list: string, parameters: LabelMap, signal: AbortSignal): Promise<Json[]> => {
    const all: Json[] = [];
    let nextToken = '';
    do {
      const answer = await client.get(path, { ...parameters, maxResults: '100', nextToken }, signal);
      all.push(...answer.at(list).list());
      nextToken = answer.at('nextToken').text();
    } while (nextToken !== '');
    return all;
  };

  const clustersOf = async (signal: AbortSignal): Promise<Json[]> => {
    const { clusters } = config;
    if (clusters.length === 0)
      return listed('/api/v2/clusters', 'clusterInfoList', { clusterTypeFilter: PROVISIONED }, signal);
    const found = await mapLimited(clusters, requestConcurrency, async (arn) => {
      const answer = await client.get(`/api/v2/clusters/${pathPart(arn)}`, {}, signal);
      return answer.at('clusterInfo');
    });
    return found.filter((cluster) => cluster.at('clusterType').text() === PROVISIONED);
  };

  const refresh = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    const region = await client.region(signal);
    const found = await mapLimited(await clustersOf(signal), requestConcurrency, async (cluster) => {
      const path = `/v1/clusters/${pathPart(cluster.at('clusterArn').text())}/nodes`;
      const nodes = await listed(path, 'nodeInfoList', {}, signal);
      return nodes.flatMap((node) => nodeTargets(cluster, node, port));
    });
    return [{ source: region, targets: found.flat(), labels: Labels.empty }];
  };
  return new PollingDiscovery({ mechanism: 'msk', refreshIntervalMs, refresh, close: () => client.close() }, world);
}
