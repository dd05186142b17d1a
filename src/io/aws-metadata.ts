// The metadata service of an EC2 instance, version 2 of its protocol: a token first, then what is asked for.
import { TidemarkError } from '../base/index.ts';
import type { TokenWorld } from './access-token.ts';
import { askAws, awsError } from './aws-request.ts';
import { hasCode } from './file-error.ts';

const SERVICE = 'http://169.254.169.254';
/** There is nobody to ask outside of EC2, and no refusal either. */
const TIMEOUT_MS = 2000;
const TOKEN_SECONDS = '300';

/** The text at a path such as `placement/region`; null outside of EC2. Throws TidemarkError if the service refuses. */
export async function instanceMetadata(world: TokenWorld, path: string, signal: AbortSignal): Promise<string | null> {
  const { AWS_EC2_METADATA_DISABLED: disabled, AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint } = world.environment;
  if (disabled?.toLowerCase() === 'true') return null;
  const service = (endpoint || SERVICE).replace(/\/+$/, '');
  if (!URL.canParse(service)) throw awsError(`AWS_EC2_METADATA_SERVICE_ENDPOINT is no URL; got ${service}`);
  const get = async (method: 'GET' | 'PUT', url: string, headers: Record<string, string>): Promise<string> =>
    (await askAws(world, { method, url, headers, timeoutMs: TIMEOUT_MS, signal })).trim();
  try {
    const seconds = { 'X-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS };
    const token = await get('PUT', `${service}/latest/api/token`, seconds);
    return await get('GET', `${service}/latest/meta-data/${path}`, { 'X-aws-ec2-metadata-token': token });
  } catch (cause) {
    if (hasCode(cause, 'no_credentials') || !(cause instanceof TidemarkError)) throw cause;
    return null;
  }
}
