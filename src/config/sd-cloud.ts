// Discovery from clouds and hosters: AWS, Azure, DigitalOcean, GCE, Hetzner, IONOS, Linode, OCI, OpenStack, Outscale,
// OVHcloud, Scaleway, STACKIT, Vultr.
import { goQuote } from '../model/index.ts';
import { checkHttpClient, httpClientFields } from './http-client.ts';
import { bool, duration, int, oneOf, path, secret, text, uint, url } from './scalars.ts';
import { kept, list, struct, withDefault } from './schema.ts';

const MINUTE_MS = 60_000;
const refresh = { refreshIntervalMs: withDefault(duration, MINUTE_MS) };
const port80 = { port: kept(uint, 80) };

const ec2Filter = struct({ name: kept(text), values: kept(list(text)) }, (filter, at) => {
  if (filter.values.length === 0) at.fail('EC2 SD configuration filter values cannot be empty');
});

// An empty region is taken from the machine's own environment when discovery starts.
const awsFields = {
  endpoint: text,
  region: text,
  accessKey: text,
  secretKey: secret,
  profile: text,
  roleArn: text,
  externalId: text,
  ...port80,
  ...refresh,
  ...httpClientFields,
};

export const ec2Sd = struct({ ...awsFields, filters: list(ec2Filter) }, checkHttpClient);
export const lightsailSd = struct(awsFields, checkHttpClient);
/** ECS, MSK, ElastiCache, RDS: a list of clusters, or all. */
export const awsClusterSd = struct(
  { ...awsFields, clusters: list(text), requestConcurrency: withDefault(int, 20), filters: list(ec2Filter) },
  checkHttpClient,
);

const AWS_ROLES = ['ec2', 'ecs', 'elasticache', 'lightsail', 'mq', 'msk', 'rds'] as const;
const awsRole = oneOf(AWS_ROLES, (value) => `unknown AWS SD role ${goQuote(value)}`);

export const awsSd = struct(
  {
    role: kept(awsRole),
    ...awsFields,
    clusters: list(text),
    requestConcurrency: int,
    filters: list(ec2Filter),
  },
  (sd, at) => {
    if (sd.role === '') at.fail('unknown AWS SD role ""');
    checkHttpClient(sd, at);
  },
);

const AZURE_METHODS = ['OAuth', 'ManagedIdentity', 'SDK', 'WorkloadIdentity'] as const;
const azureMethod = oneOf(
  AZURE_METHODS,
  (value) =>
    `unknown authentication_type ${goQuote(value)}. Supported types are ${AZURE_METHODS.map(goQuote).join(', ')}`,
);

export const azureSd = struct(
  {
    environment: withDefault(text, 'AzurePublicCloud'),
    ...port80,
    subscriptionId: kept(text),
    tenantId: text,
    clientId: text,
    clientSecret: secret,
    refreshIntervalMs: withDefault(duration, 5 * MINUTE_MS),
    authenticationMethod: withDefault(azureMethod, 'OAuth'),
    resourceGroup: text,
    ...httpClientFields,
  },
  (sd, at) => {
    const required = (name: string, value: string) => {
      if (value === '') at.at(name).fail(`azure SD configuration requires a ${name}`);
    };
    required('subscription_id', sd.subscriptionId);
    if (sd.authenticationMethod === 'OAuth') {
      required('tenant_id', sd.tenantId);
      required('client_id', sd.clientId);
      required('client_secret', sd.clientSecret.reveal());
    }
    checkHttpClient(sd, at);
  },
);

export const digitaloceanSd = struct({ ...httpClientFields, ...refresh, ...port80, role: text }, checkHttpClient);

export const gceSd = struct(
  {
    project: kept(text),
    zone: kept(text),
    filter: text,
    ...refresh,
    ...port80,
    tagSeparator: withDefault(text, ','),
  },
  (sd, at) => {
    if (sd.project === '') at.fail('GCE SD configuration requires a project');
    if (sd.zone === '') at.fail('GCE SD configuration requires a zone');
  },
);

export const hetznerSd = struct(
  {
    ...httpClientFields,
    ...refresh,
    ...port80,
    role: kept(oneOf(['robot', 'hcloud'], (value) => `unknown role ${goQuote(value)}`)),
    labelSelector: text,
  },
  (sd, at) => {
    if (sd.role === '') at.fail('role missing (one of: robot, hcloud)');
    checkHttpClient(sd, at);
  },
);

export const ionosSd = struct({ datacenterId: kept(text), ...httpClientFields, ...refresh, ...port80 }, (sd, at) => {
  if (sd.datacenterId === '') at.at('datacenter_id').fail("datacenter id can't be empty");
  checkHttpClient(sd, at);
});

export const linodeSd = struct(
  { ...httpClientFields, ...refresh, ...port80, tagSeparator: withDefault(text, ','), region: text },
  checkHttpClient,
);

export const ociSd = struct(
  {
    auth: oneOf(['api_key', 'instance_principal', 'resource_principal', 'workload_identity']),
    region: text,
    tenancy: text,
    user: text,
    fingerprint: text,
    keyFile: path,
    keyPassphrase: secret,
    compartments: list(text),
    port: kept(uint, 80),
    ...refresh,
    ...httpClientFields,
  },
  checkHttpClient,
);

const OPENSTACK_ROLES = ['instance', 'hypervisor', 'loadbalancer'] as const;
const OPENSTACK_ENDPOINTS = ['public', 'admin', 'internal'] as const;

export const openstackSd = struct(
  {
    identityEndpoint: kept(text),
    username: kept(text),
    userid: kept(text),
    password: kept(secret),
    projectName: kept(text),
    projectId: kept(text),
    domainName: kept(text),
    domainId: kept(text),
    applicationCredentialName: kept(text),
    applicationCredentialId: kept(text),
    applicationCredentialSecret: kept(secret),
    role: kept(oneOf(OPENSTACK_ROLES, (value) => `unknown OpenStack SD role ${goQuote(value)}`)),
    region: kept(text),
    ...refresh,
    ...port80,
    allTenants: bool,
    tlsConfig: httpClientFields.tlsConfig,
    availability: withDefault(
      oneOf(OPENSTACK_ENDPOINTS, (value) => `unknown availability ${value}, must be one of admin, internal or public`),
      'public',
    ),
  },
  (sd, at) => {
    if (sd.role === '') at.fail('role missing (one of: instance, hypervisor, loadbalancer)');
    if (sd.region === '') at.fail('openstack SD configuration requires a region');
  },
);

export const outscaleSd = struct(
  {
    endpoint: text,
    region: kept(text, 'eu-west-2'),
    accessKey: kept(text),
    secretKey: secret,
    secretKeyFile: path,
    ...refresh,
    ...port80,
    ...httpClientFields,
  },
  (sd, at) => {
    if (sd.region === '') at.at('region').fail('outscale SD configuration requires a region');
    if (sd.accessKey === '') at.fail('outscale SD configuration requires access_key');
    if (sd.secretKey.isEmpty && sd.secretKeyFile === '')
      at.fail('outscale SD configuration requires secret_key or secret_key_file');
    if (!sd.secretKey.isEmpty && sd.secretKeyFile !== '')
      at.fail('at most one of secret_key & secret_key_file must be configured');
    checkHttpClient(sd, at);
  },
);

export const ovhcloudSd = struct(
  {
    endpoint: kept(text, 'ovh-eu'),
    applicationKey: kept(text),
    applicationSecret: kept(secret),
    consumerKey: kept(secret),
    ...refresh,
    service: kept(oneOf(['dedicated_server', 'vps'], (value) => `unknown service: ${value}`)),
  },
  (sd, at) => {
    if (sd.endpoint === '') at.fail('endpoint can not be empty');
    if (sd.applicationKey === '') at.fail('application key can not be empty');
    if (sd.applicationSecret.isEmpty) at.fail('application secret can not be empty');
    if (sd.consumerKey.isEmpty) at.fail('consumer key can not be empty');
    if (sd.service === '') at.fail('unknown service: ');
  },
);

export const scalewaySd = struct(
  {
    projectId: kept(text),
    apiUrl: kept(url, 'https://api.scaleway.com'),
    zone: kept(text, 'fr-par-1'),
    accessKey: kept(text),
    secretKey: kept(secret),
    secretKeyFile: kept(path),
    nameFilter: text,
    tagsFilter: list(text),
    ...httpClientFields,
    ...refresh,
    ...port80,
    role: kept(oneOf(['instance', 'baremetal'], (value) => `unknown role ${goQuote(value)}`)),
  },
  (sd, at) => {
    if (sd.role === '') at.fail('role missing (one of: instance, baremetal)');
    if (sd.projectId === '') at.fail('project_id is mandatory');
    if (sd.secretKey.isEmpty && sd.secretKeyFile === '')
      at.fail('one of secret_key & secret_key_file must be configured');
    if (!sd.secretKey.isEmpty && sd.secretKeyFile !== '')
      at.fail('at most one of secret_key & secret_key_file must be configured');
    if (sd.accessKey === '') at.fail('access_key is mandatory');
    checkHttpClient(sd, at);
  },
);

export const stackitSd = struct(
  {
    project: kept(text),
    region: kept(text, 'eu01'),
    endpoint: url,
    serviceAccountKey: secret,
    serviceAccountKeyPath: path,
    privateKey: secret,
    privateKeyPath: path,
    credentialsFilePath: path,
    ...httpClientFields,
    ...refresh,
    ...port80,
  },
  (sd, at) => {
    if (sd.endpoint === '' && sd.region === '') at.fail('stackit_sd: endpoint and region missing');
    checkHttpClient(sd, at);
  },
);

export const vultrSd = struct({ ...httpClientFields, ...refresh, ...port80 }, checkHttpClient);
