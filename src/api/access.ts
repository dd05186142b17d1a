// Who may act for which tenant (`tidemark.access`). Credentials are looked up by their digest, so that how long a look-up takes
// says nothing about them. What is not known to be harmless or to concern one tenant only is for those who may act for all.
import { createHash } from 'node:crypto';
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import { ANY_TENANT, type AccessRule, tokenProblem } from '../config/index.ts';
import { DEFAULT_TENANT } from '../model/index.ts';
import { basicCredentials } from './basic-auth.ts';

/** `open`: for everybody; `tenant`: about one tenant; `operator`: about the whole server. */
export type RouteAccess = 'open' | 'tenant' | 'operator';

const OPEN = new Set('/-/healthy /-/ready /version'.split(' '));
const TENANT = new Set(
  `query query/active query/active/:id query/active/:id/cancel query_range query_exemplars format_query parse_query
   search/metric_names search/label_names search/label_values series labels label/:name/values write read otlp/v1/metrics influxdb/write rules alerts
   status/buildinfo status/tsdb openapi.yaml features notifications notifications/live`.split(/\s+/),
);
const TENANT_BESIDE_API = new Set('/federate /write /api/v2/write /influx/write /influx/api/v2/write'.split(' '));
const API = '/api/v1/';

/** Of a route's path. `isPage`: a file of the web page, which holds no data. */
export function routeAccess(path: string, isPage: boolean): RouteAccess {
  if (isPage || OPEN.has(path)) return 'open';
  if (TENANT_BESIDE_API.has(path)) return 'tenant';
  return path.startsWith(API) && TENANT.has(path.slice(API.length)) ? 'tenant' : 'operator';
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64');

/** `Token` is what clients of InfluxDB say. */
const BEARER = /^(?:bearer|token) +(\S+)\s*$/i;

/** What somebody may do. */
export interface Grant {
  readonly name: string;
  readonly tenants: readonly string[];
}

/** The rules in force. */
export class AccessTable {
  readonly #tokens = new Map<string, Grant>();
  readonly #users = new Map<string, Grant>();

  private constructor() {}

  /** Null: there are no rules, and tenants are believed. Throws TidemarkError `bad_config` on an unreadable or bad token file. */
  static async load(
    rules: readonly AccessRule[],
    readFile: (path: string) => Promise<Uint8Array>,
  ): Promise<AccessTable | null> {
    if (rules.length === 0) return null;
    const table = new AccessTable();
    for (const rule of rules) {
      const grant = { name: rule.name, tenants: rule.tenants };
      if (rule.user !== '') table.#users.set(digest(rule.user), grant);
      else table.#tokens.set(digest(await tokenOf(rule, readFile)), grant);
    }
    return table;
  }

  /** Whether an Authorization header is one of the tokens: then no user is needed. */
  isToken(authorization: string | undefined): boolean {
    const token = BEARER.exec(authorization ?? '')?.[1];
    return token !== undefined && this.#tokens.has(digest(token));
  }

  /** `areUsersChecked`: the server has checked the password of whoever says to be a user. */
  grant(authorization: string | undefined, areUsersChecked: boolean): Grant | null {
    const token = BEARER.exec(authorization ?? '')?.[1];
    if (token !== undefined) return this.#tokens.get(digest(token)) ?? null;
    const user = areUsersChecked ? basicCredentials(authorization)?.user : undefined;
    return user === undefined ? null : (this.#users.get(digest(user)) ?? null);
  }
}

async function tokenOf(rule: AccessRule, readFile: (path: string) => Promise<Uint8Array>): Promise<string> {
  if (rule.tokenFile === '') return rule.token.reveal();
  let token: string;
  try {
    token = utf8Text(await readFile(rule.tokenFile)).trim();
  } catch (cause) {
    throw new TidemarkError('bad_config', `cannot read token file ${rule.tokenFile}: ${errorText(cause)}`, { cause });
  }
  const problem = tokenProblem(token);
  if (problem === null) return token;
  throw new TidemarkError('bad_config', `cannot use token file ${rule.tokenFile}: ${problem}`);
}

const isAll = (grant: Grant): boolean => grant.tenants.includes(ANY_TENANT);

/** Whether a grant reaches a route and a tenant; `tenant` '' where the request names none. */
export const reaches = (grant: Grant, access: RouteAccess, tenant: string): boolean =>
  isAll(grant) || (access === 'tenant' && (tenant === '' || grant.tenants.includes(tenant)));

/** The tenant of a request that names none. */
export const tenantByDefault = ({ tenants: [first] }: Grant): string => (first === ANY_TENANT ? DEFAULT_TENANT : first);
