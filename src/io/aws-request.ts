// Requests to those who give AWS credentials. What an answer holds is never quoted, but for what a refusal says of itself.
import { TidemarkError, utf8Text } from '../base/index.ts';
import type { TokenWorld } from './access-token.ts';
import type { HttpRequest } from './ports.ts';

const TIMEOUT_MS = 30_000;
const BODY_BYTES_MAX = 1 << 20;
const REASON_CHARS_MAX = 300;

/** A refusal, or that there are no credentials; code `no_credentials`. */
export const awsError = (fact: string): TidemarkError =>
  new TidemarkError('no_credentials', `cannot find AWS credentials: ${fact}`);

/** The text of an answer with status 2xx. Throws TidemarkError, `no_credentials` for another status. */
export async function askAws(
  { http }: TokenWorld,
  request: Pick<HttpRequest, 'url'> & Partial<HttpRequest>,
): Promise<string> {
  const limits = { timeoutMs: TIMEOUT_MS, bodyBytesMax: BODY_BYTES_MAX, followRedirects: false };
  const { status, body } = await http.request({ ...limits, method: 'GET', ...request });
  if (status >= 200 && status <= 299) return utf8Text(body);
  const { origin, pathname } = new URL(request.url);
  throw awsError(`${origin}${pathname} returned HTTP status ${status}${reasonOf(Buffer.from(body).toString())}`);
}

/** Code and first line of an error in XML. The lines after it may repeat the request with all its headers. */
function reasonOf(text: string): string {
  const parts = ['Code', 'Message'].map((name) => new RegExp(`<${name}>\\s*([^<\\n]*)`).exec(text)?.[1].trim() ?? '');
  const reason = parts.filter((part) => part !== '').join(': ');
  return reason === '' ? '' : `: ${reason.slice(0, REASON_CHARS_MAX)}`;
}
