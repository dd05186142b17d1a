// Whom AWS' APIs are asked as. In the order of AWS' own tools: keys of the configuration; a profile if one is named; the
// environment; a web identity (as pods have in EKS); the default profile; the container's and the instance's own. Then, if the
// configuration names a role, that role (STS). Temporary credentials are kept until shortly before they expire; who needs them at
// the same time shares one search.
import { utf8Text } from '../base/index.ts';
import type { TokenWorld } from './access-token.ts';
import { instanceMetadata } from './aws-metadata.ts';
import { type AwsProfile, readProfile } from './aws-profile.ts';
import { askAws, awsError } from './aws-request.ts';
import type { AwsCredentials } from './aws-sign.ts';
import {
  type AwsRole,
  type KeptCredentials,
  type StsPlace,
  assumeRole,
  assumeRoleWithWebIdentity,
  keptCredentials,
} from './aws-sts.ts';

/** What a configuration says of it; '' where it says nothing. */
export interface AwsLogin {
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly profile: string;
  /** Assumed with the credentials that are found. */
  readonly roleArn: string;
  readonly externalId: string;
  /** STS is asked at its FIPS 140 endpoint. */
  readonly useFipsStsEndpoint?: boolean;
}

/** Files and the environment are looked at again now and then. */
const LOOK_AGAIN_MS = 5 * 60_000;
/** What was found so lately would be found again. */
const FRESH_MS = 60_000;
const CONTAINER_HOST = 'http://169.254.170.2';
/** Profiles that refer to profiles. */
const PROFILE_DEPTH_MAX = 5;

interface Found extends KeptCredentials {
  readonly foundMs: number;
}

/** See the top of the file. */
export class AwsIdentity {
  readonly #login: AwsLogin;
  readonly #world: TokenWorld;
  #region = '';
  #current: Found | null = null;
  #finding: Promise<AwsCredentials> | null = null;

  constructor(login: AwsLogin, world: TokenWorld) {
    this.#login = login;
    this.#world = world;
  }

  /** The region of the configuration, the environment, the profile or the instance. Throws TidemarkError if there is none. */
  async region(signal: AbortSignal): Promise<string> {
    if (this.#region !== '') return this.#region;
    const { AWS_REGION, AWS_DEFAULT_REGION } = this.#world.environment;
    const named = this.#login.region || AWS_REGION || AWS_DEFAULT_REGION;
    const region = named || (await readProfile(this.#profileName, this.#world)).region;
    this.#region = region || (await instanceMetadata(this.#world, 'placement/region', signal)) || '';
    if (this.#region !== '') return this.#region;
    throw awsError(
      `there is no region: not in the configuration, AWS_REGION, AWS_DEFAULT_REGION or profile ${this.#profileName}, and this is no EC2 instance`,
    );
  }

  /** Credentials that are good now. Throws TidemarkError if there are none; never with a secret in its text. */
  credentials(region: string, signal: AbortSignal): Promise<AwsCredentials> {
    const current = this.#current;
    if (current && this.#world.clock.nowMs() < current.goodUntilMs) return Promise.resolve(current.credentials);
    this.#finding ??= this.#renew(region, signal).finally(() => {
      this.#finding = null;
    });
    return this.#finding;
  }

  /** Told that credentials were refused. Whether it may help to ask for credentials again: they are then looked for anew. */
  refused(credentials: AwsCredentials): boolean {
    const current = this.#current;
    if (current?.credentials !== credentials) return true;
    if (this.#world.clock.nowMs() - current.foundMs < FRESH_MS) return false;
    this.#current = null;
    return true;
  }

  get #profileName(): string {
    return this.#login.profile || this.#world.environment.AWS_PROFILE || 'default';
  }

  async #renew(region: string, signal: AbortSignal): Promise<AwsCredentials> {
    const { roleArn: arn, externalId, useFipsStsEndpoint: isFips = false } = this.#login;
    const place = { world: this.#world, region, isFips, signal };
    let found = await this.#find(place);
    if (arn !== '') found = await assumeRole(place, { arn, externalId, sessionName: '' }, found.credentials);
    const foundMs = this.#world.clock.nowMs();
    const goodUntilMs = Math.min(found.goodUntilMs, foundMs + LOOK_AGAIN_MS);
    this.#current = { credentials: found.credentials, goodUntilMs, foundMs };
    return found.credentials;
  }

  async #find(place: StsPlace): Promise<KeptCredentials> {
    const { accessKey, secretKey, profile } = this.#login;
    const { environment } = this.#world;
    const given = keysOf(accessKey, secretKey);
    if (given) return given;
    if (accessKey !== '' || secretKey !== '') throw awsError('access_key and secret_key need each other');
    if (profile !== '') {
      const found = await this.#ofProfile(profile, place);
      if (found) return found;
      throw awsError(`profile ${profile} has none that can be used`);
    }
    const own = this.#ofEnvironment();
    if (own) return own;
    const { AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: arn, AWS_ROLE_SESSION_NAME } = environment;
    if (tokenFile && arn) {
      const role = { arn, externalId: '', sessionName: AWS_ROLE_SESSION_NAME ?? '' };
      return assumeRoleWithWebIdentity(place, role, tokenFile);
    }
    const found = (await this.#ofProfile(this.#profileName, place)) ?? (await this.#ofContainer(place));
    return found ?? this.#ofInstance(place);
  }

  #ofEnvironment(): KeptCredentials | null {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN = '' } = this.#world.environment;
    return keysOf(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN);
  }

  /** What a profile holds or refers to, in the role that it names; null if it has nothing of the kind. */
  async #ofProfile(name: string, place: StsPlace, depth = 1): Promise<KeptCredentials | null> {
    if (depth > PROFILE_DEPTH_MAX) throw awsError(`profile ${name}: profiles refer to each other`);
    const profile = await readProfile(name, this.#world);
    const { role_arn: arn = '', external_id: externalId = '', role_session_name: sessionName = '' } = profile;
    if (arn === '') return ofKeys(profile);
    const role: AwsRole = { arn, externalId, sessionName };
    const { source_profile: source, web_identity_token_file: tokenFile } = profile;
    if (tokenFile && !source) return assumeRoleWithWebIdentity(place, role, tokenFile);
    // A profile may be its own source: then its keys are meant.
    const isOther = source !== undefined && source !== name;
    const own = isOther ? await this.#ofProfile(source, place, depth + 1) : await this.#ofSource(profile, place);
    if (!own) throw awsError(`profile ${name}: there are none to assume its role with`);
    return assumeRole(place, role, own.credentials);
  }

  async #ofSource(profile: AwsProfile, place: StsPlace): Promise<KeptCredentials | null> {
    switch (profile.credential_source) {
      case undefined:
        return ofKeys(profile);
      case 'Environment':
        return this.#ofEnvironment();
      case 'EcsContainer':
        return this.#ofContainer(place);
      case 'Ec2InstanceMetadata':
        return this.#ofInstance(place);
      default:
        throw awsError(`credential_source is not known; got ${profile.credential_source}`);
    }
  }

  async #ofContainer({ signal }: StsPlace): Promise<KeptCredentials | null> {
    const { environment, readFile } = this.#world;
    const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = environment;
    const url = relative ? `${CONTAINER_HOST}${relative}` : full;
    if (!url) return null;
    if (!URL.canParse(url)) throw awsError(`the address of the container's credentials is no URL; got ${url}`);
    const tokenFile = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
    const token = tokenFile
      ? utf8Text(await readFile(tokenFile)).trim()
      : (environment.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? '');
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...(token !== '' && { authorization: token }),
    };
    return ofJson('the container endpoint', await askAws(this.#world, { url, headers, signal }));
  }

  async #ofInstance({ signal }: StsPlace): Promise<KeptCredentials> {
    const path = 'iam/security-credentials/';
    const roles = await instanceMetadata(this.#world, path, signal);
    const text = roles && (await instanceMetadata(this.#world, path + roles.split('\n')[0], signal));
    if (text) return ofJson('the instance metadata', text);
    throw awsError(
      `there are none in the configuration, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity, profile ${this.#profileName} or of a container, and this is no EC2 instance with a role`,
    );
  }
}

const keysOf = (accessKey = '', secretKey = '', sessionToken = ''): KeptCredentials | null =>
  accessKey !== '' && secretKey !== ''
    ? { credentials: { accessKey, secretKey, sessionToken }, goodUntilMs: Number.POSITIVE_INFINITY }
    : null;

const ofKeys = (profile: AwsProfile): KeptCredentials | null =>
  keysOf(profile.aws_access_key_id, profile.aws_secret_access_key, profile.aws_session_token);

function ofJson(whose: string, text: string): KeptCredentials {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw awsError(`the answer of ${whose} is not JSON`); // its own words would quote it
  }
  const fields = Object(answer) as Record<string, unknown>;
  const [accessKey, secretKey, sessionToken, expiration] = [
    'AccessKeyId',
    'SecretAccessKey',
    'Token',
    'Expiration',
  ].map((name) => (typeof fields[name] === 'string' ? fields[name] : ''));
  return keptCredentials(whose, { accessKey, secretKey, sessionToken }, expiration);
}
