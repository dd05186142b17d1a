// Targets from RDS: the instances of database clusters, at the port of the configuration.
import { TidemarkError, type XmlElement } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import { joinHostPort } from '../labels.ts';
import { PollingDiscovery } from '../polling.ts';
import type { DiscoveryWorld } from '../world.ts';
import { AwsClient, mapLimited } from './client.ts';
import { fieldLabels, fieldTable, tagLabels } from './fields.ts';

type RdsSdConfig = SdConfig<'rdsSdConfigs'>;

const CLUSTER = '__meta_rds_cluster_';
const INSTANCE = '__meta_rds_instance_';
const VERSION = '2014-10-31';

const CLUSTER_FIELDS = fieldTable(
  `ActivityStreamKinesisStreamName ActivityStreamKmsKeyId ActivityStreamMode ActivityStreamStatus AllocatedStorage
   AutoMinorVersionUpgrade AutomaticRestartTime AwsBackupRecoveryPointArn BacktrackConsumedChangeRecords BacktrackWindow
   BackupRetentionPeriod Capacity CharacterSetName CloneGroupId ClusterCreateTime ClusterScalabilityType CopyTagsToSnapshot
   CrossAccountClone DBSystemId DatabaseInsightsMode DatabaseName DeletionProtection EarliestBacktrackTime
   EarliestRestorableTime Endpoint Engine EngineLifecycleSupport EngineMode EngineVersion GlobalClusterIdentifier
   GlobalWriteForwardingRequested GlobalWriteForwardingStatus HostedZoneId HttpEndpointEnabled
   IAMDatabaseAuthenticationEnabled IOOptimizedNextAllowedModificationTime Iops KmsKeyId LatestRestorableTime
   LocalWriteForwardingStatus MasterUsername MonitoringInterval MonitoringRoleArn MultiAZ NetworkType PercentProgress
   PerformanceInsightsEnabled PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod Port PreferredBackupWindow
   PreferredMaintenanceWindow PubliclyAccessible ReaderEndpoint ReplicationSourceIdentifier ServerlessV2PlatformVersion Status
   StorageEncrypted StorageEncryptionType StorageThroughput StorageType UpgradeRolloutOrder`,
  {
    DBClusterArn: 'arn',
    DBClusterIdentifier: 'identifier',
    DBClusterInstanceClass: 'instance_class',
    DBClusterParameterGroup: 'parameter_group',
    DBSubnetGroup: 'subnet_group',
    DbClusterResourceId: 'resource_id',
  },
);

const INSTANCE_FIELDS = fieldTable(
  `ActivityStreamEngineNativeAuditFieldsIncluded ActivityStreamKinesisStreamName ActivityStreamKmsKeyId ActivityStreamMode
   ActivityStreamPolicyStatus ActivityStreamStatus AllocatedStorage AutoMinorVersionUpgrade AutomaticRestartTime AutomationMode
   AvailabilityZone AwsBackupRecoveryPointArn BackupRetentionPeriod BackupTarget CACertificateIdentifier CharacterSetName
   CopyTagsToSnapshot CustomIamInstanceProfile CustomerOwnedIpEnabled DBClusterIdentifier DBName DBSystemId
   DatabaseInsightsMode DedicatedLogVolume DeletionProtection Endpoint/Address Endpoint/HostedZoneId Endpoint/Port Engine
   EngineLifecycleSupport EngineVersion EnhancedMonitoringResourceArn IAMDatabaseAuthenticationEnabled InstanceCreateTime Iops
   IsStorageConfigUpgradeAvailable KmsKeyId LatestRestorableTime LicenseModel ListenerEndpoint/Address
   ListenerEndpoint/HostedZoneId ListenerEndpoint/Port MasterUsername MaxAllocatedStorage MonitoringInterval MonitoringRoleArn
   MultiAZ MultiTenant NcharCharacterSetName NetworkType PercentProgress PerformanceInsightsEnabled
   PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod PreferredBackupWindow PreferredMaintenanceWindow
   PromotionTier PubliclyAccessible ReadReplicaSourceDBClusterIdentifier ReadReplicaSourceDBInstanceIdentifier ReplicaMode
   ResumeFullAutomationModeTime SecondaryAvailabilityZone StorageEncrypted StorageEncryptionType StorageThroughput StorageType
   StorageVolumeStatus TdeCredentialArn Timezone UpgradeRolloutOrder`,
  {
    DBInstanceArn: 'arn',
    DBInstanceClass: 'class',
    DBInstanceIdentifier: 'identifier',
    DBInstanceStatus: 'status',
    DbInstancePort: 'port',
    DbiResourceId: 'resource_id',
    'DBSubnetGroup/DBSubnetGroupName': 'subnet_group',
  },
);

/** All pages of an action's list. */
async function listed(
  client: AwsClient,
  action: string,
  list: string,
  parameters: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<XmlElement[]> {
  const all: XmlElement[] = [];
  let marker = '';
  do {
    const page = {
      Action: action,
      Version: VERSION,
      MaxRecords: '100',
      ...parameters,
      ...(marker && { Marker: marker }),
    };
    const result = (await client.query(page, signal)).at(`${action}Result`);
    all.push(...result.listAt(list));
    marker = result.textAt('Marker');
  } while (marker !== '');
  return all;
}

function instanceParameters(clusterArn: string, filters: RdsSdConfig['filters']): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [i, { name, values }] of [{ name: 'db-cluster-id', values: [clusterArn] }, ...filters].entries()) {
    out[`Filters.Filter.${i + 1}.Name`] = name;
    for (const [j, value] of values.entries()) out[`Filters.Filter.${i + 1}.Values.Value.${j + 1}`] = value;
  }
  return out;
}

function targetsOf(cluster: XmlElement, instances: readonly XmlElement[], port: number): Labels[] {
  const common = {
    ...fieldLabels(CLUSTER, cluster, CLUSTER_FIELDS),
    ...tagLabels(`${CLUSTER}tag_`, cluster.listAt('TagList')),
  };
  const writers = new Map(
    cluster
      .listAt('DBClusterMembers')
      .map((member) => [member.textAt('DBInstanceIdentifier'), member.textAt('IsClusterWriter')]),
  );
  return instances.flatMap((instance) => {
    const address = instance.textAt('Endpoint/Address');
    if (address === '') return []; // it is being made
    return Labels.from({
      __address__: joinHostPort(address, port),
      ...common,
      ...fieldLabels(INSTANCE, instance, INSTANCE_FIELDS),
      [`${INSTANCE}is_cluster_writer`]: writers.get(instance.textAt('DBInstanceIdentifier')) ?? '',
      ...tagLabels(`${INSTANCE}tag_`, instance.listAt('TagList')),
    });
  });
}

/** Asks for all clusters, or those of the configuration, and their instances at each refresh. */
export function rdsDiscovery(config: RdsSdConfig, world: DiscoveryWorld): PollingDiscovery {
  const client = new AwsClient('rds', config, world);
  const { refreshIntervalMs, requestConcurrency } = config;
  const clustersOf = async (signal: AbortSignal): Promise<XmlElement[]> => {
    const find = (parameters: Record<string, string>) =>
      listed(client, 'DescribeDBClusters', 'DBClusters', parameters, signal);
    if (config.clusters.length === 0) return find({});
    const found = await mapLimited(config.clusters, requestConcurrency, async (cluster) => {
      const clusters = await find({ DBClusterIdentifier: cluster });
      if (clusters.length === 0) throw new TidemarkError('bad_discovery', `cannot find DB cluster; got ${cluster}`);
      return clusters;
    });
    return found.flat();
  };
  const refresh = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    const region = await client.region(signal);
    const found = await mapLimited(await clustersOf(signal), requestConcurrency, async (cluster) => {
      const parameters = instanceParameters(cluster.textAt('DBClusterArn'), config.filters);
      const instances = await listed(client, 'DescribeDBInstances', 'DBInstances', parameters, signal);
      return targetsOf(cluster, instances, config.port);
    });
    return [{ source: region, targets: found.flat(), labels: Labels.empty }];
  };
  return new PollingDiscovery({ mechanism: 'rds', refreshIntervalMs, refresh, close: () => client.close() }, world);
}
