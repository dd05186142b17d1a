// Objects as a Kubernetes API server gives them, one or two of each kind, that refer to one another.
import type { KubeApiServer, KubeObject } from './kube-api.ts';

export const node: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: 'node-1',
    uid: 'n-1',
    labels: { 'topology.kubernetes.io/zone': 'z1' },
    annotations: { 'a/b': 'c' },
  },
  spec: { providerID: 'aws:///z1/i-1' },
  status: {
    addresses: [
      { type: 'Hostname', address: 'node-1.local' },
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'ExternalIP', address: '1.2.3.4' },
      { type: 'ExternalIP', address: '1.2.3.5' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
};

export const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-1',
    namespace: 'shop',
    uid: 'p-1',
    labels: { app: 'web', 'app.kubernetes.io/name': 'web' },
    annotations: { 'prometheus.io/scrape': 'true' },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Other', name: 'other', uid: 'o-1' },
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'o-2', controller: true },
    ],
  },
  spec: {
    nodeName: 'node-1',
    containers: [
      {
        name: 'main',
        image: 'web:1',
        ports: [
          { name: 'http', containerPort: 8080, protocol: 'TCP' },
          { name: 'metrics', containerPort: 9090, protocol: 'TCP' },
        ],
      },
      { name: 'helper', image: 'helper:2' },
    ],
    initContainers: [{ name: 'setup', image: 'setup:3', ports: [{ containerPort: 7000, protocol: 'UDP' }] }],
  },
  status: {
    phase: 'Running',
    podIP: '10.1.0.1',
    hostIP: '10.0.0.1',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [
      { name: 'main', containerID: 'containerd://1', ready: true, restartCount: 0, image: 'web:1', imageID: '' },
    ],
    initContainerStatuses: [
      { name: 'setup', containerID: 'containerd://2', ready: true, restartCount: 0, image: 'setup:3', imageID: '' },
    ],
  },
};

export const pendingPod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-2', namespace: 'shop', uid: 'p-2' },
  spec: { containers: [{ name: 'main', image: 'web:1' }] },
  status: { phase: 'Pending' },
};

export const ipv6Pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'six', namespace: 'lab', uid: 'p-6' },
  spec: {
    nodeName: 'node-9',
    containers: [
      { name: 'a', image: 'a' },
      { name: 'b', image: 'b', ports: [{ containerPort: 80, protocol: 'TCP' }] },
    ],
  },
  status: { phase: 'Running', podIP: 'fd00::6', hostIP: 'fd00::1' },
};

export const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop', uid: 's-1', labels: { app: 'web' }, annotations: { x: 'y' } },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.2.0.1',
    loadBalancerIP: '5.6.7.8',
    ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
  },
};

export const externalService: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db', namespace: 'shop', uid: 's-2' },
  spec: { type: 'ExternalName', externalName: 'db.example.com', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] },
};

export const endpoints: KubeObject = {
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: 'web', namespace: 'shop', uid: 'e-1', labels: { app: 'web' }, annotations: { trigger: 'now' } },
  subsets: [
    {
      addresses: [
        {
          ip: '10.1.0.1',
          nodeName: 'node-1',
          hostname: 'web-one',
          targetRef: { kind: 'Pod', name: 'web-1', namespace: 'shop' },
        },
        { ip: '10.0.0.1', targetRef: { kind: 'Node', name: 'node-1' } },
      ],
      notReadyAddresses: [{ ip: '10.1.0.9' }],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
  ],
};

export const endpointSlice: KubeObject = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-x1', namespace: 'shop', uid: 'l-1', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [
    { name: 'http', port: 8080, protocol: 'TCP', appProtocol: 'http' },
    { name: 'any', protocol: 'TCP' },
  ],
  endpoints: [
    {
      addresses: ['10.1.0.1'],
      conditions: { ready: true, serving: true, terminating: false },
      hostname: 'web-one',
      nodeName: 'node-1',
      zone: 'z1',
      deprecatedTopology: { 'a/b': 'c' },
      targetRef: { kind: 'Pod', name: 'web-1', namespace: 'shop' },
    },
    { addresses: ['10.1.0.9', '10.1.0.8'], conditions: { ready: false } },
  ],
};

export const ingress: KubeObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'front', namespace: 'shop', uid: 'i-1', labels: { app: 'web' }, annotations: { rewrite: '/' } },
  spec: {
    ingressClassName: 'nginx',
    tls: [{ hosts: ['shop.example.com', '*.wild.example.com'] }],
    rules: [
      {
        host: 'shop.example.com',
        http: {
          paths: [
            { path: '/a', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
            { pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
          ],
        },
      },
      { host: 'x.wild.example.com' },
      { host: 'plain.example.com' },
    ],
  },
};

export const namespace: KubeObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', uid: 'ns-1', labels: { team: 'red' }, annotations: { owner: 'me' } },
};

/** A cluster with all of them. */
export function fillCluster(server: KubeApiServer): void {
  server.put('nodes', node);
  server.put('namespaces', namespace);
  for (const one of [pod, pendingPod, ipv6Pod]) server.put('pods', one);
  for (const one of [service, externalService]) server.put('services', one);
  server.put('endpoints', endpoints);
  server.put('endpointslices', endpointSlice);
  server.put('ingresses', ingress);
}
