// The resources that discovery watches, and what each role makes of its own.
import type { Json } from '../json.ts';
import { pathPart } from '../json-request.ts';
import {
  type KubeEndpointSlice,
  type KubeEndpoints,
  type KubeIngress,
  type KubeNamespace,
  type KubeNode,
  type KubePod,
  type KubeService,
  readEndpointSlice,
  readEndpoints,
  readIngress,
  readNamespace,
  readNode,
  readPod,
  readService,
} from './objects.ts';
import {
  type Lookup,
  type RoleGroup,
  endpointSliceGroup,
  endpointsGroup,
  ingressGroup,
  nodeGroup,
  podGroup,
  serviceGroup,
} from './roles.ts';

/** Objects by the kind that roles and selectors call them. */
export interface KubeObjects {
  node: KubeNode;
  pod: KubePod;
  service: KubeService;
  endpoints: KubeEndpoints;
  endpointslice: KubeEndpointSlice;
  ingress: KubeIngress;
  namespace: KubeNamespace;
}

export type KubeKind = keyof KubeObjects;
export type KubeRole = Exclude<KubeKind, 'namespace'>;

interface Resource<T> {
  readonly group: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
  readonly read: (json: Json) => T;
}

const resource = <T>(group: string, plural: string, read: (json: Json) => T, isNamespaced = true): Resource<T> => ({
  group,
  plural,
  isNamespaced,
  read,
});

const CORE = '/api/v1';

export const RESOURCES: { readonly [K in KubeKind]: Resource<KubeObjects[K]> } = {
  node: resource(CORE, 'nodes', readNode, false),
  namespace: resource(CORE, 'namespaces', readNamespace, false),
  pod: resource(CORE, 'pods', readPod),
  service: resource(CORE, 'services', readService),
  endpoints: resource(CORE, 'endpoints', readEndpoints),
  endpointslice: resource('/apis/discovery.k8s.io/v1', 'endpointslices', readEndpointSlice),
  ingress: resource('/apis/networking.k8s.io/v1', 'ingresses', readIngress),
};

/** `/api/v1/namespaces/web/pods`; all namespaces where `namespace` is ''. */
export function pathOf(kind: KubeKind, namespace: string): string {
  const { group, plural } = RESOURCES[kind];
  return namespace === '' ? `${group}/${plural}` : `${group}/namespaces/${pathPart(namespace)}/${plural}`;
}

interface Role<T> {
  readonly sourcePrefix: string;
  /** What a group needs besides its object. */
  readonly needs: readonly KubeKind[];
  readonly group: (object: T, lookup: Lookup) => RoleGroup;
}

export const ROLES: { readonly [K in KubeRole]: Role<KubeObjects[K]> } = {
  node: { sourcePrefix: 'node', needs: [], group: nodeGroup },
  pod: { sourcePrefix: 'pod', needs: [], group: podGroup },
  service: { sourcePrefix: 'svc', needs: [], group: serviceGroup },
  endpoints: { sourcePrefix: 'endpoints', needs: ['pod', 'service'], group: endpointsGroup },
  endpointslice: { sourcePrefix: 'endpointslice', needs: ['pod', 'service'], group: endpointSliceGroup },
  ingress: { sourcePrefix: 'ingress', needs: [], group: ingressGroup },
};

/** Roles that attach_metadata.node has a meaning for. */
export const NODE_ATTACHING: ReadonlySet<KubeRole> = new Set(['pod', 'endpoints', 'endpointslice']);
