// Clients of the metrics services of clouds: requests to Azure and Google carry an access token, those to AWS a signature.
import {
  type AlertmanagerConfig,
  type RemoteWriteConfig,
  type Sigv4Config,
  httpClientDefaults,
} from '../config/index.ts';
import {
  AwsIdentity,
  type AzureCredential,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  type TokenSource,
  type TokenWorld,
  azureCloud,
  azureToken,
  googleToken,
} from '../io/index.ts';
import { ConfiguredClient, type ConfiguredClientParts } from './configured-client.ts';
import { SignedClient } from './signed-client.ts';

const GOOGLE_SCOPE = 'https://www.googleapis.com/auth/monitoring.write';

/** What tokens for the ingestion of a cloud are asked for. */
const AZURE_AUDIENCES: Readonly<Record<string, string>> = {
  AzurePublic: 'https://monitor.azure.com',
  AzureGovernment: 'https://monitor.azure.us',
  AzureChina: 'https://monitor.azure.cn',
};

/** Puts a bearer token on the requests of another client, which it owns together with the one that fetches tokens. */
export class TokenClient implements HttpClient {
  readonly #client: HttpClient;
  readonly #tokenClient: HttpClient;
  readonly #source: TokenSource;

  constructor(client: HttpClient, tokenClient: HttpClient, source: TokenSource) {
    this.#client = client;
    this.#tokenClient = tokenClient;
    this.#source = source;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const authorization = `Bearer ${await this.#source.token()}`;
    return this.#client.request({ ...request, headers: { ...request.headers, authorization } });
  }

  async close(): Promise<void> {
    await Promise.all([this.#client.close(), this.#tokenClient.close()]);
  }
}

function azureCredential(azure: NonNullable<RemoteWriteConfig['azuread']>): AzureCredential {
  const { managedIdentity, workloadIdentity, oauth, sdk } = azure;
  if (managedIdentity) return { kind: 'managed', clientId: managedIdentity.clientId };
  if (workloadIdentity) {
    const { tenantId, clientId, tokenFilePath } = workloadIdentity;
    return { kind: 'workload', tenantId, clientId, tokenFile: tokenFilePath };
  }
  if (oauth)
    return {
      kind: 'secret',
      tenantId: oauth.tenantId,
      clientId: oauth.clientId,
      clientSecret: oauth.clientSecret.reveal(),
    };
  return { kind: 'environment', tenantId: sdk?.tenantId ?? '' };
}

/** Where the tokens of a destination come from; null if it asks for none. */
export function remoteWriteToken(
  config: Pick<RemoteWriteConfig, 'azuread' | 'googleIam'>,
  world: TokenWorld,
): TokenSource | null {
  const { azuread, googleIam } = config;
  if (googleIam) return googleToken(world, [GOOGLE_SCOPE], googleIam.credentialsFile);
  if (!azuread) return null;
  const audience = azuread.scope.replace(/\/\.default$/, '') || AZURE_AUDIENCES[azuread.cloud];
  return azureToken(world, azureCloud(azuread.cloud).authority, audience, azureCredential(azuread));
}

/** How credentials are asked for: with nothing of what is configured for the destination itself. */
function credentialWorld({ clock, files }: ConfiguredClientParts): TokenWorld {
  const http = new ConfiguredClient({ ...httpClientDefaults(), proxyFromEnvironment: true }, { clock, files });
  return { clock, http, readFile: files.readFile, environment: process.env };
}

/** Amazon Managed Service for Prometheus, as signatures name it. */
const AWS_SERVICE_DEFAULT = 'aps';

function signedClient(client: HttpClient, aws: Sigv4Config, parts: ConfiguredClientParts): HttpClient {
  const world = credentialWorld(parts);
  const identity = new AwsIdentity({ ...aws, secretKey: aws.secretKey.reveal() }, world);
  return new SignedClient(client, identity, world, aws.serviceName || AWS_SERVICE_DEFAULT);
}

/** The client of a destination of remote write. */
export function remoteWriteClient(config: RemoteWriteConfig, parts: ConfiguredClientParts): HttpClient {
  const options = { ...parts.options, roundRobinDns: config.roundRobinDns };
  const client = new ConfiguredClient(config, { ...parts, options });
  if (config.sigv4) return signedClient(client, config.sigv4, parts);
  if (!config.azuread && !config.googleIam) return client;
  const world = credentialWorld(parts);
  return new TokenClient(client, world.http, remoteWriteToken(config, world) as TokenSource);
}

/** The client of an entry of `alertmanagers`. */
export function alertmanagerClient(config: AlertmanagerConfig, parts: ConfiguredClientParts): HttpClient {
  const client = new ConfiguredClient(config, parts);
  return config.sigv4 ? signedClient(client, config.sigv4, parts) : client;
}
