// Application Default Credentials of Google Cloud (https://cloud.google.com/docs/authentication/application-default-credentials):
// a file named by GOOGLE_APPLICATION_CREDENTIALS, else the file that gcloud writes, else the metadata server of the machine.
import {
  type AccessToken,
  CachedToken,
  type TokenSource,
  type TokenWorld,
  askForToken,
  formRequest,
  jsonObject,
  readCredentialFile,
  tokenError,
} from './access-token.ts';
import { signedJwt } from './jwt.ts';

const TOKEN_URL = 'https://oauth2.googleapis.com/token';
const METADATA_HOST = '169.254.169.254';
const ASSERTION_SECONDS = 3600;

/** A token for `scopes`. `file`: credentials to use instead of looking for some. */
export const googleToken = (world: TokenWorld, scopes: readonly string[], file = ''): TokenSource =>
  new CachedToken(world.clock, () => fetchGoogleToken(world, scopes, file));

async function fetchGoogleToken(world: TokenWorld, scopes: readonly string[], file: string): Promise<AccessToken> {
  const named = file || world.environment.GOOGLE_APPLICATION_CREDENTIALS || '';
  if (named !== '') return tokenOfFile(world, scopes, await readCredentialFile(world, named), named);
  const wellKnown = wellKnownFile(world.environment);
  const text = wellKnown === '' ? null : await world.readFile(wellKnown).catch(() => null); // usually there is none
  if (text) return tokenOfFile(world, scopes, Buffer.from(text).toString(), wellKnown);
  return metadataToken(world, scopes);
}

function wellKnownFile(environment: TokenWorld['environment']): string {
  const directory = environment.CLOUDSDK_CONFIG || (environment.HOME ? `${environment.HOME}/.config/gcloud` : '');
  return directory === '' ? '' : `${directory}/application_default_credentials.json`;
}

function tokenOfFile(world: TokenWorld, scopes: readonly string[], text: string, file: string): Promise<AccessToken> {
  const credentials = jsonObject(text, `credentials file ${file}`);
  const field = (name: string): string => {
    const value = credentials[name];
    if (typeof value !== 'string' || value === '') throw tokenError(`credentials file ${file} has no ${name}`);
    return value;
  };
  if (credentials.type === 'service_account') {
    const url = typeof credentials.token_uri === 'string' ? credentials.token_uri : TOKEN_URL;
    const nowSeconds = Math.floor(world.clock.nowMs() / 1000);
    const claims = {
      iss: field('client_email'),
      scope: scopes.join(' '),
      aud: url,
      iat: nowSeconds,
      exp: nowSeconds + ASSERTION_SECONDS,
    };
    const keyId = typeof credentials.private_key_id === 'string' ? credentials.private_key_id : '';
    const assertion = signedJwt('RS256', keyId, claims, field('private_key'));
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
    return askForToken(world.http, formRequest(url, form));
  }
  if (credentials.type === 'authorized_user') {
    const form = {
      grant_type: 'refresh_token',
      client_id: field('client_id'),
      client_secret: field('client_secret'),
      refresh_token: field('refresh_token'),
    };
    return askForToken(world.http, formRequest(TOKEN_URL, form));
  }
  throw tokenError(
    `credentials file ${file}: want type service_account or authorized_user; got ${JSON.stringify(credentials.type ?? null)}`,
  );
}

function metadataToken(world: TokenWorld, scopes: readonly string[]): Promise<AccessToken> {
  const host = world.environment.GCE_METADATA_HOST || METADATA_HOST;
  const query = new URLSearchParams({ scopes: scopes.join(',') });
  const url = `http://${host}/computeMetadata/v1/instance/service-accounts/default/token?${query}`;
  return askForToken(world.http, { url, headers: { 'Metadata-Flavor': 'Google' } });
}
