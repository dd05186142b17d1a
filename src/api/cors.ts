// Cross-origin requests: who may read answers is said by the pattern of --web.cors.origin.
import { compileRegex } from '../model/index.ts';

const ANY_ORIGIN = '.*';

const COMMON: Readonly<Record<string, string>> = {
  'access-control-allow-headers': 'Accept, Accept-Encoding, Authorization, Content-Type, Origin, X-Scope-OrgID',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-expose-headers': 'Date',
  vary: 'Origin',
};

/** A function from the Origin header to headers of the answer. Throws TidemarkError `bad_data` on a malformed pattern. */
export function corsHeaders(pattern: string): (origin: string | undefined) => Readonly<Record<string, string>> | null {
  const isAllowed = compileRegex(pattern);
  const open = { ...COMMON, 'access-control-allow-origin': '*' };
  return (origin) => {
    if (origin === undefined || origin === '') return null;
    if (pattern === ANY_ORIGIN) return open;
    return isAllowed(origin) ? { ...COMMON, 'access-control-allow-origin': origin } : COMMON;
  };
}
