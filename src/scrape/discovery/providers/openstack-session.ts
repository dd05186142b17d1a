// A session with OpenStack's identity service (https://docs.openstack.org/api-ref/identity/v3): a token and the catalogue of the
// other services' endpoints.
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { type Api, type Page, everyPage, jsonOf, trimSlash } from '../provider.ts';

type OpenstackSdConfig = SdConfig<'openstackSdConfigs'>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Who asks, and for which project. */
interface Identity {
  readonly endpoint: string;
  readonly username: string;
  readonly userId: string;
  readonly password: string;
  readonly projectName: string;
  readonly projectId: string;
  readonly domainName: string;
  readonly domainId: string;
  readonly credentialName: string;
  readonly credentialId: string;
  readonly credentialSecret: string;
}

/** As configured; without an endpoint, as the environment of OpenStack's own clients says. */
function identityOf(config: OpenstackSdConfig, environment: Environment): Identity {
  if (config.identityEndpoint !== '') {
    return {
      endpoint: config.identityEndpoint,
      username: config.username,
      userId: config.userid,
      password: config.password.reveal(),
      projectName: config.projectName,
      projectId: config.projectId,
      domainName: config.domainName,
      domainId: config.domainId,
      credentialName: config.applicationCredentialName,
      credentialId: config.applicationCredentialId,
      credentialSecret: config.applicationCredentialSecret.reveal(),
    };
  }
  const variable = (...names: string[]): string => names.map((name) => environment[name]).find(Boolean) ?? '';
  const endpoint = variable('OS_AUTH_URL');
  if (endpoint === '')
    throw new TidemarkError('bad_discovery', 'cannot authenticate: there is neither identity_endpoint nor OS_AUTH_URL');
  return {
    endpoint,
    username: variable('OS_USERNAME'),
    userId: variable('OS_USERID', 'OS_USER_ID'),
    password: variable('OS_PASSWORD'),
    projectName: variable('OS_PROJECT_NAME', 'OS_TENANT_NAME'),
    projectId: variable('OS_PROJECT_ID', 'OS_TENANT_ID'),
    domainName: variable('OS_USER_DOMAIN_NAME', 'OS_DOMAIN_NAME'),
    domainId: variable('OS_USER_DOMAIN_ID', 'OS_DOMAIN_ID'),
    credentialName: variable('OS_APPLICATION_CREDENTIAL_NAME'),
    credentialId: variable('OS_APPLICATION_CREDENTIAL_ID'),
    credentialSecret: variable('OS_APPLICATION_CREDENTIAL_SECRET'),
  };
}

const domainOf = ({ domainId, domainName }: Identity): object | undefined => {
  if (domainId !== '') return { id: domainId };
  return domainName === '' ? undefined : { name: domainName };
};

function userOf(identity: Identity): object {
  if (identity.userId !== '') return { id: identity.userId };
  const domain = domainOf(identity);
  return { name: identity.username, ...(domain && { domain }) };
}

function scopeOf(identity: Identity): object | undefined {
  const { projectId, projectName } = identity;
  const domain = domainOf(identity);
  if (projectId !== '') return { project: { id: projectId } };
  if (projectName !== '') return { project: { name: projectName, ...(domain && { domain }) } };
  return domain && { domain };
}

/** The body that asks for a token. */
export function tokenRequest(identity: Identity): object {
  const { credentialId, credentialName, credentialSecret } = identity;
  if (credentialId !== '' || credentialName !== '') {
    const credential = credentialId !== '' ? { id: credentialId } : { name: credentialName, user: userOf(identity) };
    const own = { ...credential, secret: credentialSecret };
    return { auth: { identity: { methods: ['application_credential'], application_credential: own } } };
  }
  const scope = scopeOf(identity);
  const user = { ...userOf(identity), password: identity.password };
  return { auth: { identity: { methods: ['password'], password: { user } }, ...(scope && { scope }) } };
}

export class OpenstackSession {
  readonly #api: Api;
  readonly #config: OpenstackSdConfig;
  readonly #token: string;
  readonly #catalog: readonly Json[];
  readonly #signal: AbortSignal;

  private constructor(
    api: Api,
    config: OpenstackSdConfig,
    token: string,
    catalog: readonly Json[],
    signal: AbortSignal,
  ) {
    this.#api = api;
    this.#config = config;
    this.#token = token;
    this.#catalog = catalog;
    this.#signal = signal;
  }

  /** Throws TidemarkError if the identity service gives no token. */
  static async begin(
    api: Api,
    config: OpenstackSdConfig,
    environment: Environment,
    signal: AbortSignal,
  ): Promise<OpenstackSession> {
    const identity = identityOf(config, environment);
    const base = trimSlash(identity.endpoint);
    const url = `${base.endsWith('/v3') ? base : `${base}/v3`}/auth/tokens`;
    const body = JSON.stringify(tokenRequest(identity));
    const headers = { 'Content-Type': 'application/json' };
    const answer = await api.ask(url, { method: 'POST', headers, body, signal });
    const token = answer.headers['x-subject-token'] ?? '';
    if (token === '')
      throw new TidemarkError('bad_discovery', 'cannot authenticate: the answer has no X-Subject-Token');
    return new OpenstackSession(api, config, token, jsonOf(answer, url).in('token.catalog').list(), signal);
  }

  /** The URL of a service, such as `compute`, in the configured region, without a slash at its end. */
  endpoint(...types: string[]): string {
    const { region, availability } = this.#config;
    for (const service of this.#catalog) {
      if (!types.includes(service.at('type').text())) continue;
      const found = service
        .at('endpoints')
        .list()
        .find(
          (one) =>
            one.at('interface').text() === availability &&
            [one.at('region').text(), one.at('region_id').text()].includes(region),
        );
      if (found) return trimSlash(found.at('url').text());
    }
    throw new TidemarkError(
      'bad_discovery',
      `cannot find service ${types[0]}: the catalogue has no ${availability} endpoint in region ${region}`,
    );
  }

  /** All items of a list; `name` is that of the field that holds them, links to more pages are in `<name>_links`. */
  list(url: string, name: string): Promise<Json[]> {
    const headers = { 'X-Auth-Token': this.#token };
    return everyPage(url, async (page): Promise<Page<Json, string>> => {
      const answer = await this.#api.json(page, { signal: this.#signal, headers });
      const next = answer
        .at(`${name}_links`)
        .list()
        .find((link) => link.at('rel').text() === 'next');
      return { items: answer.at(name).list(), next: next ? samePlace(next.at('href').text(), url) : null };
    });
  }
}

/** A link to a page, at the host that is known: the token goes to no other, and proxies make links to hosts that are not there. */
function samePlace(link: string, base: string): string {
  const from = URL.parse(base);
  const to = URL.parse(link, base);
  if (!from || !to) throw new TidemarkError('bad_discovery', 'cannot list pages: the link to the next one is no URL');
  return `${from.origin}${to.pathname}${to.search}`;
}
