// Targets from ElastiCache: the nodes of cache clusters, and serverless caches, at their own ports.
import type { SdConfig } from '../../../config/index.ts';
import type { XmlElement } from '../../../base/index.ts';
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import { joinHostPort } from '../labels.ts';
import { PollingDiscovery } from '../polling.ts';
import type { DiscoveryWorld } from '../world.ts';
import { AwsClient, mapLimited } from './client.ts';
import { fieldLabels, fieldTable, tagLabels } from './fields.ts';

type ElasticacheSdConfig = SdConfig<'elasticacheSdConfigs'>;
type LabelMap = Record<string, string>;

const META = '__meta_elasticache_';
const CLUSTER = `${META}cache_cluster_`;
const SERVERLESS = `${META}serverless_cache_`;
const VERSION = '2015-02-02';

const CLUSTER_FIELDS = fieldTable(
  `AtRestEncryptionEnabled AuthTokenEnabled AutoMinorVersionUpgrade CacheClusterCreateTime CacheClusterId CacheClusterStatus
   CacheNodeType CacheSubnetGroupName ClientDownloadLandingPage ConfigurationEndpoint/Address ConfigurationEndpoint/Port Engine
   EngineVersion IpDiscovery NetworkType NumCacheNodes PreferredAvailabilityZone PreferredMaintenanceWindow
   PreferredOutpostArn ReplicationGroupId ReplicationGroupLogDeliveryEnabled SnapshotRetentionLimit SnapshotWindow
   TransitEncryptionEnabled TransitEncryptionMode PendingModifiedValues/AuthTokenStatus PendingModifiedValues/CacheNodeType
   PendingModifiedValues/EngineVersion PendingModifiedValues/NumCacheNodes PendingModifiedValues/TransitEncryptionEnabled
   PendingModifiedValues/TransitEncryptionMode`,
  {
    ARN: 'arn',
    AuthTokenLastModifiedDate: 'auth_token_last_modified',
    'CacheParameterGroup/CacheParameterGroupName': 'cache_parameter_group',
    'NotificationConfiguration/TopicArn': 'notification_topic_arn',
    'NotificationConfiguration/TopicStatus': 'notification_topic_status',
  },
);

const NODE_FIELDS = fieldTable(
  'CustomerOutpostArn SourceCacheNodeId ParameterGroupStatus Endpoint/Address Endpoint/Port',
  {
    CacheNodeId: 'id',
    CacheNodeStatus: 'status',
    CacheNodeCreateTime: 'create_time',
    CustomerAvailabilityZone: 'availability_zone',
  },
);

const LOG_FIELDS = fieldTable('DestinationType LogFormat LogType Status Message', {
  'DestinationDetails/CloudWatchLogsDetails/LogGroup': 'log_group',
  'DestinationDetails/KinesisFirehoseDetails/DeliveryStream': 'delivery_stream',
});

const SERVERLESS_FIELDS = fieldTable(
  `CreateTime Description Engine FullEngineVersion MajorEngineVersion Status KmsKeyId UserGroupId DailySnapshotTime
   SnapshotRetentionLimit Endpoint/Address Endpoint/Port`,
  {
    ARN: 'arn',
    ServerlessCacheName: 'name',
    'ReaderEndpoint/Address': 'endpoint_reader_address',
    'ReaderEndpoint/Port': 'endpoint_reader_port',
    'CacheUsageLimits/DataStorage/Maximum': 'cache_usage_limit_data_storage_maximum',
    'CacheUsageLimits/DataStorage/Minimum': 'cache_usage_limit_data_storage_minimum',
    'CacheUsageLimits/DataStorage/Unit': 'cache_usage_limit_data_storage_unit',
    'CacheUsageLimits/ECPUPerSecond/Maximum': 'cache_usage_limit_ecpu_per_second_maximum',
    'CacheUsageLimits/ECPUPerSecond/Minimum': 'cache_usage_limit_ecpu_per_second_minimum',
  },
);

/** Names with the place in the list behind them: `..._id_0`. */
function numbered(items: readonly XmlElement[], labelsOf: (item: XmlElement) => LabelMap): LabelMap {
  const out: LabelMap = {};
  for (const [i, item] of items.entries())
    for (const [name, value] of Object.entries(labelsOf(item))) out[`${name}_${i}`] = value;
  return out;
}

function clusterTargets(cluster: XmlElement, tags: readonly XmlElement[]): LabelMap[] {
  const removed = cluster.listAt('PendingModifiedValues/CacheNodeIdsToRemove').map((id) => id.text.trim());
  const common: LabelMap = {
    [`${META}deployment_option`]: 'node',
    ...fieldLabels(CLUSTER, cluster, CLUSTER_FIELDS),
    [`${CLUSTER}pending_modified_values_cache_node_ids_to_remove`]: removed.join(','),
    ...numbered(cluster.listAt('LogDeliveryConfigurations'), (log) =>
      fieldLabels(`${CLUSTER}log_delivery_configuration_`, log, LOG_FIELDS),
    ),
    ...numbered(cluster.listAt('SecurityGroups'), (group) => ({
      [`${CLUSTER}security_group_membership_id`]: group.textAt('SecurityGroupId'),
      [`${CLUSTER}security_group_membership_status`]: group.textAt('Status'),
    })),
    ...tagLabels(`${CLUSTER}tag_`, tags),
  };
  return cluster.listAt('CacheNodes').map((node) => ({
    ...common,
    ...fieldLabels(`${CLUSTER}node_`, node, NODE_FIELDS),
    __address__: addressOf(node),
  }));
}

function serverlessTarget(cache: XmlElement, tags: readonly XmlElement[]): LabelMap {
  const ids = (name: string): LabelMap =>
    numbered(cache.listAt(`${name}s`), (id) => ({
      [`${SERVERLESS}${name === 'SubnetId' ? 'subnet_id' : 'security_group_id'}`]: id.text.trim(),
    }));
  return {
    [`${META}deployment_option`]: 'serverless',
    ...fieldLabels(SERVERLESS, cache, SERVERLESS_FIELDS),
    ...ids('SecurityGroupId'),
    ...ids('SubnetId'),
    ...tagLabels(`${SERVERLESS}tag_`, tags),
    __address__: addressOf(cache),
  };
}

/** '' while there is no endpoint yet: such a target is dropped. */
function addressOf(element: XmlElement): string {
  const address = element.textAt('Endpoint/Address');
  const port = element.textAt('Endpoint/Port');
  return address === '' || port === '' ? '' : joinHostPort(address, port);
}

/** Names of serverless caches and of clusters among the ARNs of the configuration. */
function namesOf(arns: readonly string[]): { serverless: string[]; clusters: string[] } {
  const parts = arns.map((arn) => arn.split(':'));
  const named = (type: string) => parts.filter((part) => part[5] === type && part[6]).map((part) => part[6]);
  return { serverless: named('serverlesscache'), clusters: named('replicationgroup') };
}

/** Asks for all caches, or those of the configuration, at each refresh. */
export function elasticacheDiscovery(config: ElasticacheSdConfig, world: DiscoveryWorld): PollingDiscovery {
  const client = new AwsClient('elasticache', config, world);
  const { refreshIntervalMs, requestConcurrency } = config;
  const { serverless, clusters } = namesOf(config.clusters);

  async function listed(
    action: string,
    list: string,
    page: string,
    parameters: LabelMap,
    signal: AbortSignal,
  ): Promise<XmlElement[]> {
    const all: XmlElement[] = [];
    let token = '';
    do {
      const more = token === '' ? {} : { [page]: token };
      const answer = await client.query({ Action: action, Version: VERSION, ...parameters, ...more }, signal);
      const result = answer.at(`${action}Result`);
      all.push(...result.listAt(list));
      token = result.textAt(page);
    } while (token !== '');
    return all;
  }

  const serverlessCaches = async (signal: AbortSignal): Promise<XmlElement[]> => {
    const names = serverless.length === 0 ? [''] : serverless;
    const found = await mapLimited(names, requestConcurrency, (name) => {
      const parameters = { MaxResults: '50', ...(name && { ServerlessCacheName: name }) };
      return listed('DescribeServerlessCaches', 'ServerlessCaches', 'NextToken', parameters, signal);
    });
    return found.flat();
  };

  const cacheClusters = async (signal: AbortSignal): Promise<XmlElement[]> => {
    const names = clusters.length === 0 ? [''] : clusters;
    const found = await mapLimited(names, requestConcurrency, (name) => {
      // Without ShowCacheClustersNotInReplicationGroups the answer has them all.
      const parameters = { MaxRecords: '100', ShowCacheNodeInfo: 'true', ...(name && { CacheClusterId: name }) };
      return listed('DescribeCacheClusters', 'CacheClusters', 'Marker', parameters, signal);
    });
    return found.flat();
  };

  const tagsOf = async (cache: XmlElement, signal: AbortSignal): Promise<XmlElement[]> => {
    const arn = cache.textAt('ARN');
    if (arn === '') return [];
    return listed('ListTagsForResource', 'TagList', 'NextToken', { ResourceName: arn }, signal);
  };

  const refresh = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    const region = await client.region(signal);
    const caches = [
      ...(await serverlessCaches(signal)).map((cache) => ({ cache, isServerless: true })),
      ...(await cacheClusters(signal)).map((cache) => ({ cache, isServerless: false })),
    ];
    const found = await mapLimited(caches, requestConcurrency, async ({ cache, isServerless }) => {
      const tags = await tagsOf(cache, signal);
      return isServerless ? [serverlessTarget(cache, tags)] : clusterTargets(cache, tags);
    });
    const targets = found.flat().filter(({ __address__ }) => __address__ !== '');
    return [{ source: region, targets: targets.map((target) => Labels.from(target)), labels: Labels.empty }];
  };
  const polled = { mechanism: 'elasticache', refreshIntervalMs, refresh, close: () => client.close() };
  return new PollingDiscovery(polled, world);
}
