// Tokens of Microsoft Entra ID (https://learn.microsoft.com/entra/identity-platform): client secret, federated token of a
// workload, or the managed identity of the machine or app service.
import {
  type AccessToken,
  CachedToken,
  type TokenSource,
  type TokenWorld,
  askForToken,
  formRequest,
  readCredentialFile,
  tokenError,
} from './access-token.ts';

/** A cloud of Azure: where its parts are. */
export interface AzureCloud {
  /** Where tokens are asked for. */
  readonly authority: string;
  /** Where resources are managed. */
  readonly management: string;
  /** What tokens for it are asked for. */
  readonly managementAudience: string;
}

const PUBLIC: AzureCloud = {
  authority: 'https://login.microsoftonline.com',
  management: 'https://management.azure.com',
  managementAudience: 'https://management.core.windows.net',
};
const GOVERNMENT: AzureCloud = {
  authority: 'https://login.microsoftonline.us',
  management: 'https://management.usgovcloudapi.net',
  managementAudience: 'https://management.core.usgovcloudapi.net',
};
const CHINA: AzureCloud = {
  authority: 'https://login.chinacloudapi.cn',
  management: 'https://management.chinacloudapi.cn',
  managementAudience: 'https://management.core.chinacloudapi.cn',
};

const CLOUDS: Readonly<Record<string, AzureCloud>> = {
  AZURECHINA: CHINA,
  AZURECHINACLOUD: CHINA,
  AZURECLOUD: PUBLIC,
  AZUREGERMANCLOUD: PUBLIC,
  AZUREGOVERNMENT: GOVERNMENT,
  AZUREPUBLIC: PUBLIC,
  AZUREPUBLICCLOUD: PUBLIC,
  AZUREUSGOVERNMENT: GOVERNMENT,
  AZUREUSGOVERNMENTCLOUD: GOVERNMENT,
};

/** Throws TidemarkError for a name that is none of a cloud; in any case of letters. */
export function azureCloud(name: string): AzureCloud {
  const cloud = CLOUDS[name.toUpperCase()];
  if (!cloud) throw tokenError(`there is no Azure cloud of this name; got ${JSON.stringify(name)}`);
  return cloud;
}

const METADATA_URL = 'http://169.254.169.254/metadata/identity/oauth2/token';

/** How a token is asked for. */
export type AzureCredential =
  | { readonly kind: 'secret'; readonly tenantId: string; readonly clientId: string; readonly clientSecret: string }
  /** '' for the identity that the system assigned. */
  | { readonly kind: 'managed'; readonly clientId: string }
  /** What is '' is taken from the environment. */
  | { readonly kind: 'workload'; readonly tenantId: string; readonly clientId: string; readonly tokenFile: string }
  /** What the environment offers: a secret, a workload's token, a managed identity. */
  | { readonly kind: 'environment'; readonly tenantId: string };

/** A token for an audience such as https://management.core.windows.net (without `/.default`). */
export const azureToken = (
  world: TokenWorld,
  authority: string,
  audience: string,
  credential: AzureCredential,
): TokenSource => new CachedToken(world.clock, () => fetchAzureToken(world, authority, audience, credential));

function fetchAzureToken(
  world: TokenWorld,
  authority: string,
  audience: string,
  credential: AzureCredential,
): Promise<AccessToken> {
  const { environment } = world;
  switch (credential.kind) {
    case 'secret':
      return secretToken(world, authority, audience, credential);
    case 'managed':
      return managedToken(world, audience, credential.clientId);
    case 'workload':
      return workloadToken(world, authority, audience, credential);
    case 'environment': {
      const tenantId = credential.tenantId || environment.AZURE_TENANT_ID || '';
      const clientId = environment.AZURE_CLIENT_ID ?? '';
      const clientSecret = environment.AZURE_CLIENT_SECRET ?? '';
      if (tenantId !== '' && clientId !== '' && clientSecret !== '')
        return secretToken(world, authority, audience, { tenantId, clientId, clientSecret });
      if (environment.AZURE_FEDERATED_TOKEN_FILE)
        return workloadToken(world, authority, audience, { tenantId, clientId, tokenFile: '' });
      return managedToken(world, audience, clientId);
    }
  }
}

const tokenUrl = (world: TokenWorld, authority: string, tenantId: string): string => {
  const host = (world.environment.AZURE_AUTHORITY_HOST || authority).replace(/\/+$/, '');
  return `${host}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
};

const scopeOf = (audience: string): string => `${audience.replace(/\/+$/, '')}/.default`;

function secretToken(
  world: TokenWorld,
  authority: string,
  audience: string,
  { tenantId, clientId, clientSecret }: { tenantId: string; clientId: string; clientSecret: string },
): Promise<AccessToken> {
  const form = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: scopeOf(audience),
  };
  return askForToken(world.http, formRequest(tokenUrl(world, authority, tenantId), form));
}

async function workloadToken(
  world: TokenWorld,
  authority: string,
  audience: string,
  credential: { tenantId: string; clientId: string; tokenFile: string },
): Promise<AccessToken> {
  const { environment } = world;
  const tenantId = credential.tenantId || environment.AZURE_TENANT_ID || '';
  const clientId = credential.clientId || environment.AZURE_CLIENT_ID || '';
  const file = credential.tokenFile || environment.AZURE_FEDERATED_TOKEN_FILE || '';
  if (tenantId === '' || clientId === '' || file === '')
    throw tokenError('workload identity needs AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE');
  const form = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: (await readCredentialFile(world, file)).trim(),
    scope: scopeOf(audience),
  };
  return askForToken(world.http, formRequest(tokenUrl(world, authority, tenantId), form));
}

function managedToken(world: TokenWorld, audience: string, clientId: string): Promise<AccessToken> {
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: secret } = world.environment;
  const id: Record<string, string> = clientId === '' ? {} : { client_id: clientId };
  const isAppService = Boolean(endpoint && secret);
  const version = isAppService ? '2019-08-01' : '2018-02-01';
  const query = new URLSearchParams({ 'api-version': version, resource: audience, ...id });
  const headers: Record<string, string> = isAppService
    ? { 'X-IDENTITY-HEADER': secret as string }
    : { Metadata: 'true' };
  return askForToken(world.http, { url: `${isAppService ? endpoint : METADATA_URL}?${query}`, headers });
}
