// Labels that several roles share.
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import type { Container, ContainerPort, KubeNode, KubePod, KubeService, ObjectMeta } from './objects.ts';

export type LabelMap = Record<string, string>;

export const META = '__meta_kubernetes_';

/** `<prefix>label_<name>`, `<prefix>labelpresent_<name>` and the same for annotations, of an object. */
export function labelsAndAnnotations(kind: string, meta: ObjectMeta): LabelMap {
  const out: LabelMap = {};
  const add = (what: string, texts: Readonly<Record<string, string>>): void => {
    for (const [name, value] of Object.entries(texts)) {
      const label = sanitizeLabelName(name);
      out[`${META}${kind}_${what}_${label}`] = value;
      out[`${META}${kind}_${what}present_${label}`] = 'true';
    }
  };
  add('label', meta.labels);
  add('annotation', meta.annotations);
  return out;
}

/** labelsAndAnnotations() and the name. */
export const metaLabels = (kind: string, meta: ObjectMeta): LabelMap => ({
  [`${META}${kind}_name`]: meta.name,
  ...labelsAndAnnotations(kind, meta),
});

export const serviceLabels = (service: KubeService): LabelMap => metaLabels('service', service.meta);

/** What attach_metadata.node adds. */
export const attachedNodeLabels = (node: KubeNode): LabelMap => metaLabels('node', node.meta);

export function podLabels(pod: KubePod): LabelMap {
  const { controller } = pod.meta;
  return {
    [`${META}pod_ip`]: pod.podIp,
    [`${META}pod_ready`]: pod.ready,
    [`${META}pod_phase`]: pod.phase,
    [`${META}pod_node_name`]: pod.nodeName,
    [`${META}pod_host_ip`]: pod.hostIp,
    [`${META}pod_uid`]: pod.meta.uid,
    [`${META}pod_controller_kind`]: controller?.kind ?? '',
    [`${META}pod_controller_name`]: controller?.name ?? '',
    ...metaLabels('pod', pod.meta),
  };
}

export const containerLabels = ({ name, image, isInit }: Container): LabelMap => ({
  [`${META}pod_container_name`]: name,
  [`${META}pod_container_image`]: image,
  [`${META}pod_container_init`]: String(isInit),
});

export const containerPortLabels = ({ name, number, protocol }: ContainerPort): LabelMap => ({
  [`${META}pod_container_port_name`]: name,
  [`${META}pod_container_port_number`]: String(number),
  [`${META}pod_container_port_protocol`]: protocol,
});

/** The container ports of pods behind endpoints: those that an endpoint names, and those left over. */
export class PodPorts {
  readonly #seen = new Map<string, { readonly pod: KubePod; readonly numbers: Set<number | null> }>();

  /** Labels of the pod behind an endpoint, and of its container that has the endpoint's port. */
  endpointLabels(pod: KubePod, port: number | null): LabelMap {
    const { namespace, name } = pod.meta;
    const key = `${namespace}/${name}`;
    const seen = this.#seen.get(key) ?? { pod, numbers: new Set() };
    this.#seen.set(key, seen);
    seen.numbers.add(port);
    const labels = podLabels(pod);
    for (const container of pod.containers) {
      const found = container.ports.find(({ number }) => number === port);
      if (found) Object.assign(labels, containerLabels(container), containerPortLabels(found));
    }
    return labels;
  }

  /** Targets for the ports that no endpoint names. */
  *rest(): Generator<LabelMap> {
    for (const { pod, numbers } of this.#seen.values()) {
      if (pod.podIp === '') continue; // it starts, or has been evicted
      for (const container of pod.containers) {
        for (const port of container.ports) {
          if (numbers.has(port.number)) continue;
          const __address__ = joinHostPort(pod.podIp, port.number);
          yield { __address__, ...containerLabels(container), ...containerPortLabels(port), ...podLabels(pod) };
        }
      }
    }
  }
}
