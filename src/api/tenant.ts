// Tenants are named by the header X-Scope-OrgID.
import { TidemarkError } from '../base/index.ts';
import { DEFAULT_TENANT, tenantProblem } from '../model/index.ts';

/** Lower case, as in request headers. */
export const TENANT_HEADER = 'x-scope-orgid';

/** The tenant of a header value; absent or empty: the given one. Throws TidemarkError `bad_data`. */
export function parseTenant(header: string | string[] | undefined, absent = DEFAULT_TENANT): string {
  if (header === undefined || header === '') return absent;
  const name = String(header);
  const problem = tenantProblem(name);
  if (problem !== null) throw new TidemarkError('bad_data', problem);
  return name;
}
