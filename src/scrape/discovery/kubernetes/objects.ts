// What discovery keeps of Kubernetes' objects: the fields that labels are made of. An object as the API gives it is ten times
// as big.
import type { Json } from '../json.ts';

type Texts = Readonly<Record<string, string>>;

export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels: Texts;
  readonly annotations: Texts;
  /** The owner that controls the object. */
  readonly controller: { readonly kind: string; readonly name: string } | null;
}

export interface KubeNamespace {
  readonly meta: ObjectMeta;
}

export interface KubeNode {
  readonly meta: ObjectMeta;
  readonly providerId: string;
  readonly kubeletPort: number;
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
  readonly conditions: readonly Condition[];
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

export interface KubePod {
  readonly meta: ObjectMeta;
  readonly nodeName: string;
  readonly podIp: string;
  readonly hostIp: string;
  readonly phase: string;
  /** In lower case. */
  readonly ready: string;
  readonly containers: readonly Container[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  /** With its runtime: `containerd://...`; '' before it runs. */
  readonly id: string;
  readonly isInit: boolean;
  readonly ports: readonly ContainerPort[];
}

export interface ContainerPort {
  readonly name: string;
  readonly number: number;
  readonly protocol: string;
}

export interface KubeService {
  readonly meta: ObjectMeta;
  readonly type: string;
  readonly clusterIp: string;
  readonly externalName: string;
  readonly loadBalancerIp: string;
  readonly ipFamilyPolicy: string;
  readonly ipFamilies: readonly string[];
  readonly ports: readonly ContainerPort[];
}

export interface KubeIngress {
  readonly meta: ObjectMeta;
  readonly className: string | null;
  readonly tlsHosts: readonly string[];
  readonly rules: readonly { readonly host: string; readonly paths: readonly string[] }[];
}

export interface TargetRef {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

export interface KubeEndpoints {
  readonly meta: ObjectMeta;
  readonly subsets: readonly {
    readonly ports: readonly ContainerPort[];
    readonly ready: readonly EndpointAddress[];
    readonly notReady: readonly EndpointAddress[];
  }[];
}

export interface EndpointAddress {
  readonly ip: string;
  readonly hostname: string;
  readonly nodeName: string | null;
  readonly targetRef: TargetRef | null;
}

export interface KubeEndpointSlice {
  readonly meta: ObjectMeta;
  readonly addressType: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** null: the field is not there. */
export interface SlicePort {
  readonly name: string | null;
  readonly number: number | null;
  readonly protocol: string | null;
  readonly appProtocol: string | null;
}

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions: { readonly [name: string]: boolean | null };
  readonly hostname: string | null;
  readonly nodeName: string | null;
  readonly zone: string | null;
  readonly targetRef: TargetRef | null;
  readonly topology: Texts;
}

const textOrNull = (json: Json): string | null => (json.isNull ? null : json.text());

function metaOf(json: Json): ObjectMeta {
  const meta = json.at('metadata');
  const owner = meta
    .at('ownerReferences')
    .list()
    .find((ref) => ref.at('controller').bool());
  return {
    name: meta.at('name').text(),
    namespace: meta.at('namespace').text(),
    uid: meta.at('uid').text(),
    labels: meta.at('labels').textMap(),
    annotations: meta.at('annotations').textMap(),
    controller: owner ? { kind: owner.at('kind').text(), name: owner.at('name').text() } : null,
  };
}

const conditionsOf = (json: Json): Condition[] =>
  json.list().map((one) => ({ type: one.at('type').text(), status: one.at('status').text().toLowerCase() }));

const portOf = (json: Json, number: string): ContainerPort => ({
  name: json.at('name').text(),
  number: json.at(number).number(),
  protocol: json.at('protocol').text(),
});

export const readNamespace = (json: Json): KubeNamespace => ({ meta: metaOf(json) });

export const readNode = (json: Json): KubeNode => ({
  meta: metaOf(json),
  providerId: json.in('spec.providerID').text(),
  kubeletPort: json.in('status.daemonEndpoints.kubeletEndpoint.Port').number(),
  addresses: json
    .in('status.addresses')
    .list()
    .map((one) => ({ type: one.at('type').text(), address: one.at('address').text() })),
  conditions: conditionsOf(json.in('status.conditions')),
});

export function readPod(json: Json): KubePod {
  const spec = json.at('spec');
  const status = json.at('status');
  const ids = new Map<string, string>();
  for (const list of ['containerStatuses', 'initContainerStatuses'])
    for (const one of status.at(list).list()) ids.set(one.at('name').text(), one.at('containerID').text());
  const containers = (list: string, isInit: boolean): Container[] =>
    spec
      .at(list)
      .list()
      .map((one) => ({
        name: one.at('name').text(),
        image: one.at('image').text(),
        id: ids.get(one.at('name').text()) ?? '',
        isInit,
        ports: one
          .at('ports')
          .list()
          .map((port) => portOf(port, 'containerPort')),
      }));
  return {
    meta: metaOf(json),
    nodeName: spec.at('nodeName').text(),
    podIp: status.at('podIP').text(),
    hostIp: status.at('hostIP').text(),
    phase: status.at('phase').text(),
    ready: conditionsOf(status.at('conditions')).find(({ type }) => type === 'Ready')?.status ?? 'unknown',
    containers: [...containers('containers', false), ...containers('initContainers', true)],
  };
}

export function readService(json: Json): KubeService {
  const spec = json.at('spec');
  return {
    meta: metaOf(json),
    type: spec.at('type').text(),
    clusterIp: spec.at('clusterIP').text(),
    externalName: spec.at('externalName').text(),
    loadBalancerIp: spec.at('loadBalancerIP').text(),
    ipFamilyPolicy: spec.at('ipFamilyPolicy').text(),
    ipFamilies: spec.at('ipFamilies').texts(),
    ports: spec
      .at('ports')
      .list()
      .map((port) => portOf(port, 'port')),
  };
}

export function readIngress(json: Json): KubeIngress {
  const spec = json.at('spec');
  const paths = (rule: Json): string[] => {
    const http = rule.at('http');
    if (http.isNull) return ['/'];
    const listed = http.at('paths').list();
    return listed.map((one) => one.at('path').text() || '/');
  };
  return {
    meta: metaOf(json),
    className: textOrNull(spec.at('ingressClassName')),
    tlsHosts: spec
      .at('tls')
      .list()
      .flatMap((one) => one.at('hosts').texts()),
    rules: spec
      .at('rules')
      .list()
      .map((rule) => ({ host: rule.at('host').text(), paths: paths(rule) })),
  };
}

const targetRefOf = (json: Json): TargetRef | null =>
  json.isNull
    ? null
    : { kind: json.at('kind').text(), name: json.at('name').text(), namespace: json.at('namespace').text() };

export function readEndpoints(json: Json): KubeEndpoints {
  const addresses = (list: Json): EndpointAddress[] =>
    list.list().map((one) => ({
      ip: one.at('ip').text(),
      hostname: one.at('hostname').text(),
      nodeName: textOrNull(one.at('nodeName')),
      targetRef: targetRefOf(one.at('targetRef')),
    }));
  const subsets = json.at('subsets').list();
  return {
    meta: metaOf(json),
    subsets: subsets.map((subset) => ({
      ports: subset
        .at('ports')
        .list()
        .map((port) => portOf(port, 'port')),
      ready: addresses(subset.at('addresses')),
      notReady: addresses(subset.at('notReadyAddresses')),
    })),
  };
}

const boolOrNull = (json: Json): boolean | null => (json.isNull ? null : json.bool());

export function readEndpointSlice(json: Json): KubeEndpointSlice {
  const endpoint = (one: Json): SliceEndpoint => ({
    addresses: one.at('addresses').texts(),
    conditions: {
      ready: boolOrNull(one.in('conditions.ready')),
      serving: boolOrNull(one.in('conditions.serving')),
      terminating: boolOrNull(one.in('conditions.terminating')),
    },
    hostname: textOrNull(one.at('hostname')),
    nodeName: textOrNull(one.at('nodeName')),
    zone: textOrNull(one.at('zone')),
    targetRef: targetRefOf(one.at('targetRef')),
    topology: one.at('deprecatedTopology').textMap(),
  });
  const port = (one: Json): SlicePort => ({
    name: textOrNull(one.at('name')),
    number: one.at('port').isNull ? null : one.at('port').number(),
    protocol: textOrNull(one.at('protocol')),
    appProtocol: textOrNull(one.at('appProtocol')),
  });
  return {
    meta: metaOf(json),
    addressType: json.at('addressType').text(),
    ports: json.at('ports').list().map(port),
    endpoints: json.at('endpoints').list().map(endpoint),
  };
}
