// Tenants are named by the header X-Scope-OrgID.
import { TidemarkError } from '../base/index.ts';
import { DEFAULT_TENANT, tenantProblem } from '../model/index.ts';

/** Lower case, as in request headers. */
export const TENANT_HEADER = 'x-scope-orgid';

/** The tenant of a header value; absent or empty: the default one. Throws TidemarkError `bad_data`. */
export function parseTenant(header: string | string[] | undefined): string {
  if (header === undefined || header === '') return DEFAULT_TENANT;
  const name = String(header);
  const problem = tenantProblem(name);
  if (problem !== null) throw new TidemarkError('bad_data', problem);
  return name;
}
