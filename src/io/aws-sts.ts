// Temporary credentials of AWS' Security Token Service, for a role (https://docs.aws.amazon.com/STS/latest/APIReference/).
import { type XmlElement, parseXml, utf8Text } from '../base/index.ts';
import type { TokenWorld } from './access-token.ts';
import { askAws, awsError } from './aws-request.ts';
import { type AwsCredentials, signAws } from './aws-sign.ts';

/** Credentials, and until when they may be kept. */
export interface KeptCredentials {
  readonly credentials: AwsCredentials;
  readonly goodUntilMs: number;
}

/** A role to be assumed. */
export interface AwsRole {
  readonly arn: string;
  /** '': none is asked for. */
  readonly externalId: string;
  /** '': our own. */
  readonly sessionName: string;
}

/** Which STS is asked, and on whose behalf. */
export interface StsPlace {
  readonly world: TokenWorld;
  readonly region: string;
  readonly isFips: boolean;
  readonly signal: AbortSignal;
}

const EXPIRY_MARGIN_MS = 5 * 60_000;
const SESSION_NAME = 'tidemark';

/** Credentials as a service gave them, with the time of their end in RFC 3339 ('': none). Throws TidemarkError. */
export function keptCredentials(whose: string, given: AwsCredentials, expiration = ''): KeptCredentials {
  const goodUntilMs = expiration === '' ? Number.POSITIVE_INFINITY : Date.parse(expiration) - EXPIRY_MARGIN_MS;
  if (given.accessKey === '' || given.secretKey === '') throw awsError(`the answer of ${whose} has no key`);
  return { credentials: given, goodUntilMs };
}

/** The address of a service's API in a region; `AWS_ENDPOINT_URL_<SERVICE>` has another. */
export function awsServiceUrl(
  service: string,
  region: string,
  { environment }: Pick<TokenWorld, 'environment'>,
): string {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || `https://${service}.${region}.${domain}/`;
}

/** In GovCloud all of STS keeps to FIPS 140 and there is no other name for it. */
const stsUrl = ({ world, region, isFips }: StsPlace): string =>
  world.environment.AWS_ENDPOINT_URL_STS ||
  awsServiceUrl(isFips && !region.startsWith('us-gov-') ? 'sts-fips' : 'sts', region, world);

/** Assumes a role with the credentials that one has. */
export const assumeRole = (place: StsPlace, role: AwsRole, own: AwsCredentials): Promise<KeptCredentials> =>
  ask(place, 'AssumeRole', role, { ...(role.externalId !== '' && { ExternalId: role.externalId }) }, own);

/** Assumes a role with a token of another identity provider, as pods have it. */
export async function assumeRoleWithWebIdentity(
  place: StsPlace,
  role: AwsRole,
  tokenFile: string,
): Promise<KeptCredentials> {
  const token = utf8Text(await place.world.readFile(tokenFile)).trim();
  return ask(place, 'AssumeRoleWithWebIdentity', role, { WebIdentityToken: token }, null);
}

/** `own` null: not signed, the request holds its proof itself. */
async function ask(
  place: StsPlace,
  action: string,
  role: AwsRole,
  more: Record<string, string>,
  own: AwsCredentials | null,
): Promise<KeptCredentials> {
  const { world, region, signal } = place;
  const url = stsUrl(place);
  if (!URL.canParse(url)) throw awsError(`the address of STS is no URL; got ${url}`);
  const session = { RoleArn: role.arn, RoleSessionName: role.sessionName || SESSION_NAME };
  const body = new URLSearchParams({ Version: '2011-06-15', Action: action, ...session, ...more }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const request = { method: 'POST', url, headers, body } as const;
  const signed = own ? signAws({ ...request, region, service: 'sts' }, own, world.clock.nowMs()) : headers;
  return credentialsOfXml(await askAws(world, { ...request, headers: signed, signal }), `${action}Result/Credentials`);
}

function credentialsOfXml(text: string, path: string): KeptCredentials {
  let given: XmlElement;
  try {
    given = parseXml(text).at(path);
  } catch {
    throw awsError('the answer of STS is not the XML that is wanted'); // its own words would quote it
  }
  const names = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'];
  const [accessKey, secretKey, sessionToken, expiration] = names.map((name) => given.textAt(name));
  return keptCredentials('STS', { accessKey, secretKey, sessionToken }, expiration);
}
