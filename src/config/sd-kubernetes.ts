// Kubernetes discovery: its fields and Prometheus' checks of roles and selectors.
import { checkHttpClient, httpClientFields } from './http-client.ts';
import { bool, oneOf, path, text, url } from './scalars.ts';
import { type Infer, type Place, kept, list, struct } from './schema.ts';

const ROLES = ['node', 'pod', 'service', 'endpoints', 'endpointslice', 'ingress'] as const;
const role = oneOf(ROLES, (value) => `unknown Kubernetes SD role "${value}"`);

const SELECTORS: Record<string, readonly string[]> = {
  node: ['node'],
  pod: ['pod', 'node'],
  service: ['service'],
  endpoints: ['endpoints', 'pod', 'service'],
  endpointslice: ['endpointslice', 'pod', 'service'],
  ingress: ['ingress'],
};

const LABEL_REQUIREMENT =
  /^\s*(?:!\s*[\w./-]+|[\w./-]+(?:\s*(?:==?|!=|>|<)\s*[\w.-]*|\s+(?:in|notin)\s*\([\w.,\s-]*\))?)\s*$/;

/** Whether a text is a Kubernetes label selector: `a=b,c in (d,e),!f`. */
function isLabelSelector(value: string): boolean {
  if (value.trim() === '') return true;
  return value.split(/,(?![^(]*\))/).every((requirement) => LABEL_REQUIREMENT.test(requirement));
}

/** Whether a text is a Kubernetes field selector: `metadata.name=x,status.phase!=y`. */
const isFieldSelector = (value: string): boolean =>
  value.trim() === '' || value.split(/(?<!\\),/).every((term) => /^[^=!]+(?:==?|!=)/.test(term));

const selector = struct({ role, label: text, field: text }, (value, at) => {
  if (!isLabelSelector(value.label)) at.at('label').fail(`unable to parse requirement: ${value.label}`);
  if (!isFieldSelector(value.field))
    at.at('field').fail(`invalid selector: '${value.field}'; can't understand '${value.field}'`);
});

const fields = {
  apiServer: url,
  role: kept(role),
  kubeconfigFile: path,
  ...httpClientFields,
  namespaces: struct({ ownNamespace: kept(bool), names: list(text) }),
  selectors: list(selector),
  attachMetadata: struct({ node: kept(bool), namespace: bool }),
};

type Kubernetes = Infer<ReturnType<typeof struct<typeof fields>>>;

function checkSelectors(sd: Kubernetes, at: Place): void {
  const allowed = [...(SELECTORS[sd.role] ?? [])];
  if (sd.attachMetadata.node && sd.role.startsWith('endpoint')) allowed.push('node');
  const seen = new Set<string>();
  for (const { role: selected } of sd.selectors) {
    if (seen.has(selected)) at.at('selectors').fail(`duplicated selector role: ${selected}`);
    seen.add(selected);
    if (!allowed.includes(selected))
      at.at('selectors').fail(`${sd.role} role supports only ${allowed.join(', ')} selectors`);
  }
}

function hasClientOptions(sd: Kubernetes): boolean {
  const { basicAuth, authorization, oauth2, bearerToken, bearerTokenFile, proxyUrl, httpHeaders, tlsConfig } = sd;
  const tls = Object.values(tlsConfig).some((v) => v !== '' && v !== false && String(v) !== '');
  const credentials = basicAuth || authorization || oauth2 || httpHeaders || !bearerToken.isEmpty;
  const other = bearerTokenFile !== '' || proxyUrl !== '' || sd.proxyFromEnvironment;
  return Boolean(credentials) || other || tls || !sd.followRedirects || !sd.enableHttp2;
}

export const kubernetesSd = struct(fields, (sd, at) => {
  if (sd.role === '') at.fail('role missing (one of: pod, service, endpoints, endpointslice, node, ingress)');
  checkHttpClient(sd, at);
  const custom = hasClientOptions(sd);
  if (sd.apiServer !== '' && sd.kubeconfigFile !== '')
    at.fail("cannot use 'kubeconfig_file' and 'api_server' simultaneously");
  if (sd.kubeconfigFile !== '' && custom)
    at.fail("cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
  if (sd.apiServer === '' && custom)
    at.fail("to use custom HTTP client configuration please provide the 'api_server' URL explicitly");
  if (sd.apiServer !== '' && sd.namespaces.ownNamespace)
    at.fail("cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
  if (sd.kubeconfigFile !== '' && sd.namespaces.ownNamespace)
    at.fail("cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
  checkSelectors(sd, at);
});
