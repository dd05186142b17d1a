// `access` in the section `tidemark`: who may act for which tenant. Where it is given, the header X-Scope-OrgID alone is believed no
// more: a request must show a token, or be that of a user of --web.config.file.
//
//   tidemark:
//     access:
//       - { name: team-a, token_file: /etc/tidemark/team-a.token, tenants: [team-a] }
//       - { name: operators, user: admin, tenants: ['*'] }
//
// The first tenant is that of a request without the header. `*` is every tenant, and what concerns the whole server.
import { DEFAULT_TENANT, goQuote, tenantProblem } from '../model/index.ts';
import { path, secret, text } from './scalars.ts';
import { type Infer, type Place, list, struct } from './schema.ts';

/** Stands for every tenant. */
export const ANY_TENANT = '*';
const TOKEN_LENGTH_MIN = 16;

/** What is wrong with a token; null: nothing. */
export function tokenProblem(token: string): string | null {
  if (token.length < TOKEN_LENGTH_MIN) return `a token must have at least ${TOKEN_LENGTH_MIN} characters`;
  return /^[\x21-\x7e]+$/.test(token) ? null : 'a token must be printable ASCII without spaces';
}

const rule = struct({ name: text, token: secret, tokenFile: path, user: text, tenants: list(text) }, (value, at) => {
  if (value.name === '') at.fail("'name' is missing: it is what the log calls who asks");
  const given = [!value.token.isEmpty, value.tokenFile !== '', value.user !== ''].filter(Boolean).length;
  if (given !== 1) at.fail('exactly one of token, token_file & user must be configured');
  const problem = value.token.isEmpty ? null : tokenProblem(value.token.reveal());
  if (problem !== null) at.at('token').fail(problem);
  checkTenants(value.tenants, at);
});

function checkTenants(tenants: readonly string[], at: Place): void {
  if (tenants.length === 0)
    at.fail(`'tenants' is empty; ${goQuote(DEFAULT_TENANT)} is that of requests that name none`);
  for (const tenant of tenants) {
    const problem = tenant === ANY_TENANT ? null : tenantProblem(tenant);
    if (problem !== null) at.at('tenants').fail(problem);
  }
}

/** One who may ask. */
export type AccessRule = Infer<typeof rule>;

export const access = list(rule, 'empty or null access rule');
