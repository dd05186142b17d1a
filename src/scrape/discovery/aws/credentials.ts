// Whom AWS' APIs are asked as. In the order of AWS' own tools: keys of the configuration; a profile if one is named; the
// environment; a web identity (as pods have in EKS); the default profile; the container's and the instance's own. Then, if the
// configuration names a role, that role (STS). Temporary credentials are kept until shortly before they expire.
import { TidemarkError, utf8Text } from '../../../base/index.ts';
import type { HttpClient } from '../../../io/index.ts';
import { Json } from '../json.ts';
import { parsedJson, requestJson, requestOk } from '../json-request.ts';
import type { DiscoveryWorld } from '../world.ts';
import { instanceMetadata } from './instance-metadata.ts';
import { readProfile } from './profile.ts';
import { type AwsCredentials, signAws } from './sign.ts';
import { type XmlElement, parseXml } from './xml.ts';
import type { AwsConfig } from './client.ts';

interface Lasting {
  readonly credentials: AwsCredentials;
  readonly goodUntilMs: number;
}

const FOREVER = Number.POSITIVE_INFINITY;
const EXPIRY_MARGIN_MS = 5 * 60_000;
/** Files and the environment are looked at again now and then. */
const LOOK_AGAIN_MS = 5 * 60_000;
const SESSION_NAME = 'tidemark';
const CONTAINER_HOST = 'http://169.254.170.2';

const lasting = (accessKey: string, secretKey: string, sessionToken: string, goodUntilMs = FOREVER): Lasting => ({
  credentials: { accessKey, secretKey, sessionToken },
  goodUntilMs,
});

const untilMs = (expiration: string): number =>
  expiration === '' ? FOREVER : Date.parse(expiration) - EXPIRY_MARGIN_MS;

export class AwsIdentity {
  readonly #config: AwsConfig;
  readonly #world: DiscoveryWorld;
  readonly #http: HttpClient;
  #current: Lasting | null = null;

  constructor(config: AwsConfig, world: DiscoveryWorld, http: HttpClient) {
    this.#config = config;
    this.#world = world;
    this.#http = http;
  }

  /** The region of the configuration, the environment, the profile or the instance. */
  async region(signal: AbortSignal): Promise<string> {
    const { environment } = this.#world;
    const named = this.#config.region || environment.AWS_REGION || environment.AWS_DEFAULT_REGION;
    if (named) return named;
    const { region } = await readProfile(this.#profileName, this.#world);
    return region || instanceMetadata(this.#http, 'placement/region', signal);
  }

  async credentials(region: string, signal: AbortSignal): Promise<AwsCredentials> {
    const nowMs = this.#world.clock.nowMs();
    if (this.#current && nowMs < this.#current.goodUntilMs) return this.#current.credentials;
    let found = await this.#find(region, signal);
    if (this.#config.roleArn !== '') found = await this.#assumeRole(found.credentials, region, signal);
    this.#current = { ...found, goodUntilMs: Math.min(found.goodUntilMs, nowMs + LOOK_AGAIN_MS) };
    return found.credentials;
  }

  /** The next request looks for credentials anew. */
  forget(): void {
    this.#current = null;
  }

  get #profileName(): string {
    return this.#config.profile || this.#world.environment.AWS_PROFILE || 'default';
  }

  async #find(region: string, signal: AbortSignal): Promise<Lasting> {
    const { accessKey, secretKey, profile } = this.#config;
    const { environment } = this.#world;
    if (accessKey !== '' || !secretKey.isEmpty) return lasting(accessKey, secretKey.reveal(), '');
    if (profile !== '') {
      const found = await this.#ofProfile();
      if (found) return found;
      throw new TidemarkError('bad_discovery', `cannot find AWS credentials: profile ${profile} has none`);
    }
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN = '' } = environment;
    if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY)
      return lasting(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN);
    if (environment.AWS_WEB_IDENTITY_TOKEN_FILE && environment.AWS_ROLE_ARN) return this.#webIdentity(region, signal);
    return (await this.#ofProfile()) ?? (await this.#ofContainer(signal)) ?? this.#ofInstance(signal);
  }

  async #ofProfile(): Promise<Lasting | null> {
    const profile = await readProfile(this.#profileName, this.#world);
    const { aws_access_key_id: key, aws_secret_access_key: secret, aws_session_token: token = '' } = profile;
    return key && secret ? lasting(key, secret, token) : null;
  }

  async #ofContainer(signal: AbortSignal): Promise<Lasting | null> {
    const { environment, files } = this.#world;
    const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = environment;
    const url = relative ? `${CONTAINER_HOST}${relative}` : full;
    if (!url) return null;
    const tokenFile = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
    const token = tokenFile
      ? utf8Text(await files.readFile(tokenFile)).trim()
      : (environment.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? '');
    const headers: Record<string, string> = token === '' ? {} : { Authorization: token };
    return ofJson(new Json(await requestJson(this.#http, { url, headers, signal })));
  }

  async #ofInstance(signal: AbortSignal): Promise<Lasting> {
    const path = 'iam/security-credentials/';
    const [role] = (await instanceMetadata(this.#http, path, signal)).split('\n');
    return ofJson(parsedJson('the instance metadata', await instanceMetadata(this.#http, path + role, signal)));
  }

  #assumeRole(own: AwsCredentials, region: string, signal: AbortSignal): Promise<Lasting> {
    const { roleArn, externalId } = this.#config;
    const parameters = {
      Action: 'AssumeRole',
      RoleArn: roleArn,
      RoleSessionName: SESSION_NAME,
      ...(externalId !== '' && { ExternalId: externalId }),
    };
    return this.#sts(parameters, region, signal, own);
  }

  async #webIdentity(region: string, signal: AbortSignal): Promise<Lasting> {
    const { environment, files } = this.#world;
    const token = utf8Text(await files.readFile(environment.AWS_WEB_IDENTITY_TOKEN_FILE as string)).trim();
    const parameters = {
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: environment.AWS_ROLE_ARN as string,
      RoleSessionName: environment.AWS_ROLE_SESSION_NAME || SESSION_NAME,
      WebIdentityToken: token,
    };
    return this.#sts(parameters, region, signal, null);
  }

  /** Temporary credentials of STS; unsigned where the request holds its proof itself. */
  async #sts(
    parameters: Record<string, string>,
    region: string,
    signal: AbortSignal,
    own: AwsCredentials | null,
  ): Promise<Lasting> {
    const body = new URLSearchParams({ Version: '2011-06-15', ...parameters }).toString();
    const url = serviceUrl('sts', region, this.#world);
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const request = { method: 'POST' as const, url, headers, body, region, service: 'sts' };
    const signed = own ? signAws(request, own, this.#world.clock.nowMs()) : headers;
    const { method } = request;
    const answer = parseXml(
      utf8Text((await requestOk(this.#http, { method, url, headers: signed, body, signal })).body),
    );
    return ofXml(answer.in(`${parameters.Action}Result/Credentials`));
  }
}

/** The address of a service's API in a region; `AWS_ENDPOINT_URL_<SERVICE>` has another. */
export function serviceUrl(service: string, region: string, { environment }: DiscoveryWorld): string {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || `https://${service}.${region}.${domain}/`;
}

function ofJson(json: Json): Lasting {
  const text = (name: string): string => json.at(name).text();
  return complete(lasting(text('AccessKeyId'), text('SecretAccessKey'), text('Token'), untilMs(text('Expiration'))));
}

function ofXml(xml: XmlElement): Lasting {
  const { text } = { text: (name: string): string => xml.text(name) };
  return complete(
    lasting(text('AccessKeyId'), text('SecretAccessKey'), text('SessionToken'), untilMs(text('Expiration'))),
  );
}

function complete(found: Lasting): Lasting {
  if (found.credentials.accessKey !== '' && found.credentials.secretKey !== '') return found;
  throw new TidemarkError('bad_discovery', 'cannot find AWS credentials: the answer has no key');
}
