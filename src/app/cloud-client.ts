// Remote write to the metrics services of Azure and Google: each request carries an access token of the cloud.
import { type RemoteWriteConfig, httpClientDefaults } from '../config/index.ts';
import {
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

/** The client of a destination of remote write. */
export function remoteWriteClient(config: RemoteWriteConfig, parts: ConfiguredClientParts): HttpClient {
  const client = new ConfiguredClient(config, parts);
  if (!config.azuread && !config.googleIam) return client;
  const tokenClient = new ConfiguredClient({ ...httpClientDefaults(), proxyFromEnvironment: true }, parts);
  const { clock, files } = parts;
  const world = { clock, http: tokenClient, readFile: files.readFile, environment: process.env };
  return new TokenClient(client, tokenClient, remoteWriteToken(config, world) as TokenSource);
}
