// The metadata service of an EC2 instance, version 2 of its protocol: a token first, then what is asked for.
import { TidemarkError, utf8Text } from '../../../base/index.ts';
import type { HttpClient } from '../../../io/index.ts';
import { RefusedError, requestOk } from '../json-request.ts';

const SERVICE = 'http://169.254.169.254';
/** There is nobody to ask outside of EC2, and no refusal either. */
const TIMEOUT_MS = 2000;
const TOKEN_SECONDS = '300';

/** The text at a path such as `placement/region`. Throws TidemarkError. */
export async function instanceMetadata(
  http: HttpClient,
  path: string,
  signal: AbortSignal,
  service = SERVICE,
): Promise<string> {
  const get = async (method: 'GET' | 'PUT', url: string, headers: Record<string, string>): Promise<string> =>
    utf8Text((await requestOk(http, { method, url, headers, timeoutMs: TIMEOUT_MS, signal })).body).trim();
  try {
    const seconds = { 'X-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS };
    const token = await get('PUT', `${service}/latest/api/token`, seconds);
    return await get('GET', `${service}/latest/meta-data/${path}`, { 'X-aws-ec2-metadata-token': token });
  } catch (cause) {
    if (cause instanceof RefusedError || !(cause instanceof TidemarkError)) throw cause;
    throw new TidemarkError('bad_discovery', 'cannot ask instance metadata: this is no EC2 instance', { cause });
  }
}
