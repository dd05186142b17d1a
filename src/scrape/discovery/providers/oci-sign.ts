// Signatures of Oracle Cloud Infrastructure's API (https://docs.oracle.com/iaas/Content/API/Concepts/signingrequests.htm), with
// the key of a user or of a resource principal.
import { type KeyObject, createPrivateKey, createSign } from 'node:crypto';
import { TidemarkError, errorText, utf8Text } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import type { DiscoveryWorld } from '../world.ts';

type OciSdConfig = SdConfig<'ociSdConfigs'>;
type Parts = Pick<DiscoveryWorld, 'files' | 'environment'>;

/** Who signs, and with what. */
export interface OciIdentity {
  readonly keyId: string;
  readonly key: KeyObject;
  readonly region: string;
  readonly tenancy: string;
}

const bad = (text: string): TidemarkError => new TidemarkError('bad_discovery', text);

/** Headers of a GET request, signed. */
export function ociHeaders(url: string, identity: OciIdentity, nowMs: number): Record<string, string> {
  const { host, pathname, search } = new URL(url);
  const date = new Date(nowMs).toUTCString();
  const text = `date: ${date}\n(request-target): get ${pathname}${search}\nhost: ${host}`;
  const signature = createSign('RSA-SHA256').update(text).sign(identity.key, 'base64');
  const what = `keyId="${identity.keyId}",algorithm="rsa-sha256",headers="date (request-target) host"`;
  return { date, host, authorization: `Signature version="1",${what},signature="${signature}"` };
}

function privateKey(pem: string, passphrase: string, what: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, ...(passphrase !== '' && { passphrase }) });
  } catch {
    throw bad(`cannot authenticate: ${what} is no private key in PEM, or its passphrase is another`);
  }
  if (key.asymmetricKeyType !== 'rsa') throw bad(`cannot authenticate: ${what} is not an RSA key`);
  return key;
}

async function readText(parts: Parts, file: string): Promise<string> {
  try {
    return utf8Text(await parts.files.readFile(file)).trim();
  } catch (cause) {
    throw new TidemarkError('bad_discovery', `cannot read key file ${file}: ${errorText(cause)}`, { cause });
  }
}

/** The identity that the configuration names; read anew each time, since keys and tokens are renewed. */
export function ociIdentity(config: OciSdConfig, parts: Parts): Promise<OciIdentity> {
  if (config.auth === '' || config.auth === 'api_key') return userIdentity(config, parts);
  if (config.auth === 'resource_principal') return resourceIdentity(config, parts);
  throw bad(`cannot authenticate: auth ${config.auth} is not supported; want api_key or resource_principal`);
}

async function userIdentity(config: OciSdConfig, parts: Parts): Promise<OciIdentity> {
  const { tenancy, user, fingerprint, keyFile, region } = config;
  for (const [name, value] of Object.entries({ region, tenancy, user, fingerprint, key_file: keyFile }))
    if (value === '') throw bad(`cannot authenticate: ${name} is not configured`);
  const key = privateKey(await readText(parts, keyFile), config.keyPassphrase.reveal(), `key file ${keyFile}`);
  return { keyId: `${tenancy}/${user}/${fingerprint}`, key, region, tenancy };
}

/** A variable that holds a value or the path of a file with it. */
async function valueOrFile(parts: Parts, name: string): Promise<string> {
  const value = parts.environment[name] ?? '';
  if (value === '') throw bad(`cannot authenticate: ${name} is not in the environment`);
  return value.startsWith('/') ? readText(parts, value) : value;
}

async function resourceIdentity(config: OciSdConfig, parts: Parts): Promise<OciIdentity> {
  const token = await valueOrFile(parts, 'OCI_RESOURCE_PRINCIPAL_RPST');
  const pem = await valueOrFile(parts, 'OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM');
  const passphraseName = 'OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE';
  const passphrase = parts.environment[passphraseName] ? await valueOrFile(parts, passphraseName) : '';
  const region = config.region || parts.environment.OCI_RESOURCE_PRINCIPAL_REGION || '';
  if (region === '') throw bad('cannot authenticate: region is neither configured nor in the environment');
  const key = privateKey(pem, passphrase, 'OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM');
  return { keyId: `ST$${token}`, key, region, tenancy: config.tenancy || tenancyOf(token) };
}

/** The tenancy that a token was made for; '' if it does not say. */
function tenancyOf(token: string): string {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const tenancy = (claims as Record<string, unknown> | null)?.res_tenant;
    return typeof tenancy === 'string' ? tenancy : '';
  } catch {
    return ''; // the server is the one to judge the token
  }
}
