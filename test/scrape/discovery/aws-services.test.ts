import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscoveryRig, shortened, until } from '../../support/discovery-rig.ts';
import { type Asked, FIRST, KEYS, aws, short } from '../../support/aws-endpoint.ts';

test('Lightsail instances are targets', async (t) => {
  const instance = {
    name: 'web',
    privateIpAddress: '10.0.0.1',
    publicIpAddress: '1.2.3.4',
    ipv6Addresses: ['fd00::1'],
    location: { availabilityZone: 'eu-1a' },
    blueprintId: 'debian',
    bundleId: 'nano',
    state: { name: 'running' },
    supportCode: '42/i-1',
    tags: [{ key: 'a-b', value: 'c' }, { key: 'only-key' }],
  };
  const { endpoint, asked } = await aws(t, {
    'Lightsail_20161128.GetInstances': JSON.stringify({ instances: [instance, { name: 'no address' }] }),
  });
  const found = await new DiscoveryRig(`lightsail_sd_configs: [{endpoint: "${endpoint}", ${KEYS}}]`).once();
  assert.deepEqual(shortened(found['10.0.0.1:80'], '__meta_lightsail_'), {
    availability_zone: 'eu-1a',
    blueprint_id: 'debian',
    bundle_id: 'nano',
    instance_name: 'web',
    instance_state: 'running',
    instance_support_code: '42/i-1',
    ipv6_addresses: ',fd00::1,',
    private_ip: '10.0.0.1',
    public_ip: '1.2.3.4',
    region: 'eu-west-1',
    tag_a_b: 'c',
  });
  assert.equal(Object.keys(found).length, 1);
  assert.match(
    asked[0].authorization,
    /\/lightsail\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target,/,
  );
});

test('the instances of RDS clusters are targets with the fields of both', async (t) => {
  const cluster = `<DescribeDBClustersResponse><DescribeDBClustersResult><DBClusters><DBCluster>
    <DBClusterArn>arn:c</DBClusterArn><DBClusterIdentifier>c</DBClusterIdentifier><MultiAZ>true</MultiAZ><Port>5432</Port>
    <IAMDatabaseAuthenticationEnabled>false</IAMDatabaseAuthenticationEnabled><DBSubnetGroup>net</DBSubnetGroup>
    <ServerlessV2PlatformVersion>3</ServerlessV2PlatformVersion><ClusterCreateTime>2026-01-02T03:04:05.678Z</ClusterCreateTime>
    <DBClusterMembers><DBClusterMember><DBInstanceIdentifier>i</DBInstanceIdentifier><IsClusterWriter>true</IsClusterWriter>
    </DBClusterMember></DBClusterMembers><TagList><Tag><Key>a.b</Key><Value>c</Value></Tag></TagList>
  </DBCluster></DBClusters></DescribeDBClustersResult></DescribeDBClustersResponse>`;
  const instance = `<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>
    <DBInstanceArn>arn:i</DBInstanceArn><DBInstanceIdentifier>i</DBInstanceIdentifier><DBInstanceClass>db.t3</DBInstanceClass>
    <DBInstanceStatus>available</DBInstanceStatus><DbInstancePort>0</DbInstancePort><DbiResourceId>db-1</DbiResourceId>
    <Endpoint><Address>i.rds</Address><Port>5432</Port><HostedZoneId>Z</HostedZoneId></Endpoint>
    <CACertificateIdentifier>rds-ca</CACertificateIdentifier><DBSubnetGroup><DBSubnetGroupName>net</DBSubnetGroupName>
    </DBSubnetGroup><PerformanceInsightsKMSKeyId>k</PerformanceInsightsKMSKeyId></DBInstance>
    <DBInstance><DBInstanceIdentifier>being made</DBInstanceIdentifier></DBInstance>
  </DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>`;
  const { endpoint, asked } = await aws(t, { DescribeDBClusters: cluster, DescribeDBInstances: instance });
  const fields = `endpoint: "${endpoint}", ${KEYS}, port: 9187, filters: [{name: engine, values: [postgres]}]`;
  const found = await new DiscoveryRig(`rds_sd_configs: [{${fields}}]`).once();
  assert.deepEqual(short(found, '__meta_rds_'), {
    'i.rds:9187': {
      cluster_arn: 'arn:c',
      cluster_identifier: 'c',
      cluster_multi_az: 'true',
      cluster_port: '5432',
      cluster_iam_database_authentication_enabled: 'false',
      cluster_subnet_group: 'net',
      cluster_serverless_v2_platform_version: '3',
      cluster_cluster_create_time: '2026-01-02T03:04:05Z',
      cluster_tag_a_b: 'c',
      instance_arn: 'arn:i',
      instance_identifier: 'i',
      instance_is_cluster_writer: 'true',
      instance_class: 'db.t3',
      instance_status: 'available',
      instance_port: '0',
      instance_resource_id: 'db-1',
      instance_endpoint_address: 'i.rds',
      instance_endpoint_port: '5432',
      instance_endpoint_hosted_zone_id: 'Z',
      instance_ca_certificate_identifier: 'rds-ca',
      instance_subnet_group: 'net',
      instance_performance_insights_kms_key_id: 'k',
    },
  });
  const { form } = asked.at(-1) as Asked;
  assert.deepEqual(
    [form.get('Filters.Filter.1.Values.Value.1'), form.get('Filters.Filter.2.Name')],
    ['arn:c', 'engine'],
  );
});

test('the nodes of ElastiCache clusters and serverless caches are targets', async (t) => {
  const clusters = `<R><DescribeCacheClustersResult><CacheClusters><CacheCluster><ARN>arn:c</ARN><CacheClusterId>c</CacheClusterId>
    <CacheParameterGroup><CacheParameterGroupName>pg</CacheParameterGroupName></CacheParameterGroup><IpDiscovery>ipv4</IpDiscovery>
    <PendingModifiedValues><CacheNodeIdsToRemove><CacheNodeId>1</CacheNodeId><CacheNodeId>2</CacheNodeId></CacheNodeIdsToRemove>
    </PendingModifiedValues><SecurityGroups><member><SecurityGroupId>sg</SecurityGroupId><Status>active</Status></member>
    </SecurityGroups><LogDeliveryConfigurations><LogDeliveryConfiguration><LogType>slow-log</LogType><DestinationDetails>
    <CloudWatchLogsDetails><LogGroup>lg</LogGroup></CloudWatchLogsDetails></DestinationDetails></LogDeliveryConfiguration>
    </LogDeliveryConfigurations><CacheNodes><CacheNode><CacheNodeId>0001</CacheNodeId><Endpoint><Address>n1</Address>
    <Port>6379</Port></Endpoint><CustomerAvailabilityZone>eu-1a</CustomerAvailabilityZone></CacheNode></CacheNodes>
  </CacheCluster></CacheClusters></DescribeCacheClustersResult></R>`;
  const serverless = `<R><DescribeServerlessCachesResult><ServerlessCaches><member><ARN>arn:s</ARN>
    <ServerlessCacheName>s</ServerlessCacheName><Endpoint><Address>s.cache</Address><Port>6380</Port></Endpoint>
    <SubnetIds><SubnetId>x</SubnetId><SubnetId>y</SubnetId></SubnetIds><CacheUsageLimits><ECPUPerSecond><Maximum>5</Maximum>
    </ECPUPerSecond></CacheUsageLimits></member></ServerlessCaches></DescribeServerlessCachesResult></R>`;
  const { endpoint } = await aws(t, {
    DescribeCacheClusters: clusters,
    DescribeServerlessCaches: serverless,
    ListTagsForResource: (form) =>
      `<R><ListTagsForResourceResult><TagList><Tag><Key>of</Key><Value>${form.get('ResourceName')}</Value></Tag></TagList></ListTagsForResourceResult></R>`,
  });
  const found = await new DiscoveryRig(`elasticache_sd_configs: [{endpoint: "${endpoint}", ${KEYS}}]`).once();
  assert.deepEqual(short(found, '__meta_elasticache_'), {
    'n1:6379': {
      deployment_option: 'node',
      cache_cluster_arn: 'arn:c',
      cache_cluster_cache_cluster_id: 'c',
      cache_cluster_cache_parameter_group: 'pg',
      cache_cluster_ip_discovery: 'ipv4',
      cache_cluster_pending_modified_values_cache_node_ids_to_remove: '1,2',
      cache_cluster_security_group_membership_id_0: 'sg',
      cache_cluster_security_group_membership_status_0: 'active',
      cache_cluster_log_delivery_configuration_log_type_0: 'slow-log',
      cache_cluster_log_delivery_configuration_log_group_0: 'lg',
      cache_cluster_tag_of: 'arn:c',
      cache_cluster_node_id: '0001',
      cache_cluster_node_availability_zone: 'eu-1a',
      cache_cluster_node_endpoint_address: 'n1',
      cache_cluster_node_endpoint_port: '6379',
    },
    's.cache:6380': {
      deployment_option: 'serverless',
      serverless_cache_arn: 'arn:s',
      serverless_cache_name: 's',
      serverless_cache_endpoint_address: 's.cache',
      serverless_cache_endpoint_port: '6380',
      serverless_cache_subnet_id_0: 'x',
      serverless_cache_subnet_id_1: 'y',
      serverless_cache_cache_usage_limit_ecpu_per_second_maximum: '5',
      serverless_cache_tag_of: 'arn:s',
    },
  });
});

test('the endpoints of MSK brokers and controllers are targets', async (t) => {
  const cluster = {
    clusterName: 'k',
    clusterArn: 'arn:aws:kafka:eu-west-1:1:cluster/k/1',
    state: 'ACTIVE',
    clusterType: 'PROVISIONED',
    currentVersion: 'K1',
    tags: { 'a-b': 'c' },
    provisioned: {
      currentBrokerSoftwareInfo: { kafkaVersion: '3.9', configurationArn: 'arn:conf', configurationRevision: 2 },
      openMonitoring: {
        prometheus: { jmxExporter: { enabledInBroker: true }, nodeExporter: { enabledInBroker: false } },
      },
    },
  };
  const broker = {
    attachedENIId: 'eni',
    brokerId: 1,
    clientSubnet: 's',
    clientVpcIpAddress: '10.0.0.1',
    endpoints: ['b1', 'b2'],
  };
  const nodes = [
    { nodeARN: 'arn:n', addedToClusterTime: 'then', instanceType: 'm5', brokerNodeInfo: broker },
    { nodeARN: 'arn:m', controllerNodeInfo: { endpoints: ['c1'] } },
    { nodeARN: 'arn:z' },
  ];
  const { endpoint, asked } = await aws(t, {
    '/api/v2/clusters': JSON.stringify({ clusterInfoList: [cluster] }),
    [`/v1/clusters/${encodeURIComponent(cluster.clusterArn)}/nodes`]: JSON.stringify({ nodeInfoList: nodes }),
  });
  const found = short(
    await new DiscoveryRig(`msk_sd_configs: [{endpoint: "${endpoint}", ${KEYS}, port: 11001}]`).once(),
    '__meta_msk_',
  );
  const common = {
    cluster_name: 'k',
    cluster_arn: cluster.clusterArn,
    cluster_state: 'ACTIVE',
    cluster_type: 'PROVISIONED',
    cluster_version: 'K1',
    cluster_kafka_version: '3.9',
    cluster_configuration_arn: 'arn:conf',
    cluster_configuration_revision: '2',
    cluster_jmx_exporter_enabled: 'true',
    cluster_tag_a_b: 'c',
  };
  assert.deepEqual(Object.keys(found), ['b1:11001', 'b2:11001', 'c1:11001']);
  assert.deepEqual(found['b2:11001'], {
    ...common,
    node_arn: 'arn:n',
    node_added_time: 'then',
    node_instance_type: 'm5',
    node_type: 'BROKER',
    node_attached_eni: 'eni',
    broker_id: '1',
    broker_client_subnet: 's',
    broker_client_vpc_ip: '10.0.0.1',
    broker_node_exporter_enabled: 'false',
    broker_endpoint_index: '1',
  });
  assert.deepEqual(found['c1:11001'], {
    ...common,
    node_arn: 'arn:m',
    node_type: 'CONTROLLER',
    controller_endpoint_index: '0',
  });
  assert.match(asked[0].authorization, /\/eu-west-1\/kafka\/aws4_request/);
});

test('ECS tasks are targets at their own address, or at that of the machine below them', async (t) => {
  const call = (action: string) => `AmazonEC2ContainerServiceV20141113.${action}`;
  const tag = (key: string, value: string) => [{ key, value }];
  const task = {
    taskArn: 'arn:t1',
    group: 'service:web',
    taskDefinitionArn: 'arn:d',
    launchType: 'FARGATE',
    availabilityZone: 'eu-1a',
    desiredStatus: 'RUNNING',
    lastStatus: 'RUNNING',
    healthStatus: 'HEALTHY',
    platformFamily: 'Linux',
    platformVersion: '1.4',
    tags: tag('t', '1'),
    attachments: [
      {
        type: 'ElasticNetworkInterface',
        details: [
          { name: 'subnetId', value: 'subnet-1' },
          { name: 'networkInterfaceId', value: 'eni-1' },
          { name: 'privateIPv4Address', value: '10.0.0.1' },
        ],
      },
    ],
  };
  const onMachine = { taskArn: 'arn:t2', containerInstanceArn: 'arn:ci', launchType: 'EC2' };
  const { endpoint } = await aws(t, {
    [call('ListClusters')]: JSON.stringify({ clusterArns: ['arn:c'] }),
    [call('DescribeClusters')]: JSON.stringify({
      clusters: [{ clusterArn: 'arn:c', clusterName: 'c', tags: tag('c', '2') }],
    }),
    [call('ListServices')]: JSON.stringify({ serviceArns: ['arn:s'] }),
    [call('DescribeServices')]: JSON.stringify({
      services: [{ serviceArn: 'arn:s', serviceName: 'web', status: 'ACTIVE', tags: tag('s', '3') }],
    }),
    [call('ListTasks')]: JSON.stringify({ taskArns: ['arn:t1', 'arn:t2', 'arn:t3'] }),
    [call('DescribeTasks')]: JSON.stringify({ tasks: [task, onMachine, { taskArn: 'arn:t3' }] }),
    [call('DescribeContainerInstances')]: JSON.stringify({
      containerInstances: [{ containerInstanceArn: 'arn:ci', ec2InstanceId: 'i-1' }],
    }),
    DescribeInstances: FIRST,
    DescribeNetworkInterfaces: `<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>
      <association><publicIp>5.6.7.8</publicIp></association></item></networkInterfaceSet></R>`,
  });
  const rig = new DiscoveryRig(`ecs_sd_configs: [{endpoint: "${endpoint}", ${KEYS}, port: 9}]`, {
    environment: { AWS_ENDPOINT_URL_EC2: endpoint },
  });
  const common = {
    cluster: 'c',
    cluster_arn: 'arn:c',
    service: 'web',
    service_arn: 'arn:s',
    service_status: 'ACTIVE',
    region: 'eu-west-1',
    tag_cluster_c: '2',
    tag_service_s: '3',
  };
  assert.deepEqual(short(await rig.once(), '__meta_ecs_'), {
    '10.0.0.1:9': {
      ...common,
      task_group: 'service:web',
      task_arn: 'arn:t1',
      task_definition: 'arn:d',
      launch_type: 'FARGATE',
      availability_zone: 'eu-1a',
      desired_status: 'RUNNING',
      last_status: 'RUNNING',
      health_status: 'HEALTHY',
      platform_family: 'Linux',
      platform_version: '1.4',
      tag_task_t: '1',
      network_mode: 'awsvpc',
      ip_address: '10.0.0.1',
      subnet_id: 'subnet-1',
      public_ip: '5.6.7.8',
    },
    '10.0.0.1:9#2': {
      ...common,
      task_arn: 'arn:t2',
      launch_type: 'EC2',
      network_mode: 'bridge',
      ip_address: '10.0.0.1',
      subnet_id: 'subnet-1',
      public_ip: '1.2.3.4',
      container_instance_arn: 'arn:ci',
      ec2_instance_id: 'i-1',
      ec2_instance_type: 't3.micro',
      ec2_instance_private_ip: '10.0.0.1',
      ec2_instance_public_ip: '1.2.3.4',
      tag_ec2_Name: 'a & b',
      tag_ec2_k8s_io_x: 'y',
    },
  });
});

test('a role of aws_sd_configs that does not run says so', async (t) => {
  const rig = new DiscoveryRig(`aws_sd_configs: [{role: mq, ${KEYS}}]`).start();
  t.after(() => rig.stop());
  await until(
    () => rig.errors.length > 0,
    () => 'an error',
  );
  assert.match(rig.errors[0], /role is not supported yet; got mq/);
});
