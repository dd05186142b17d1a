// Tenants are named by the header X-Scope-OrgID, with the limits on names that Cortex and Mimir set.
import { TidemarkError } from '../base/index.ts';
import { DEFAULT_TENANT, goQuote } from '../model/index.ts';

/** Lower case, as in request headers. */
export const TENANT_HEADER = 'x-scope-orgid';

const LENGTH_MAX = 150;
const ALLOWED = /^[a-zA-Z0-9!\-_.*'()]+$/;

/** The tenant of a header value; absent or empty: the default one. Throws TidemarkError `bad_data`. */
export function parseTenant(header: string | string[] | undefined): string {
  if (header === undefined || header === '') return DEFAULT_TENANT;
  const name = String(header);
  if (name.length > LENGTH_MAX) {
    throw new TidemarkError('bad_data', `tenant ID is too long: max ${LENGTH_MAX} characters; got ${name.length}`);
  }
  if (!ALLOWED.test(name)) {
    const position = [...name].findIndex((character) => !ALLOWED.test(character));
    throw new TidemarkError(
      'bad_data',
      `tenant ID ${goQuote(name)} contains unsupported character ${goQuote([...name][position])}`,
    );
  }
  if (name === '.' || name === '..') {
    throw new TidemarkError('bad_data', `tenant ID ${goQuote(name)} is not allowed`);
  }
  return name;
}
