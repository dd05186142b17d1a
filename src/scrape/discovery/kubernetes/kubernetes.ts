// Targets from the Kubernetes API. Each resource that a role needs is mirrored (reflector.ts), per namespace; what changes makes
// groups stale, and stale groups are made again (group-table.ts) when the list is handed on.
import { type Counter, TidemarkError, errorText } from '../../../base/index.ts';
import type { Discoverer, EmitGroups } from '../discoverer.ts';
import { Emission } from '../emission.ts';
import type { DiscoveryWorld } from '../world.ts';
import { KubeApi } from './api.ts';
import { type KubeConnection, type KubernetesSdConfig, connectKubernetes } from './connection.ts';
import { GroupTable } from './group-table.ts';
import { type KubeChange, Reflector } from './reflector.ts';
import {
  type KubeKind,
  type KubeObjects,
  type KubeRole,
  NODE_ATTACHING,
  RESOURCES,
  ROLES,
  pathOf,
} from './resources.ts';
import type { Lookup, RoleGroup } from './roles.ts';

/** A connection that cannot be made is tried again: its files may come. */
const CONNECT_RETRY_MS = 10_000;

type Reflectors = { [K in KubeKind]?: Reflector<KubeObjects[K]>[] };

export class KubernetesDiscovery implements Discoverer {
  readonly #config: KubernetesSdConfig;
  readonly #world: DiscoveryWorld;
  readonly #role: KubeRole;
  readonly #table: GroupTable;
  readonly #emission: Emission;
  readonly #reflectors: Reflectors = {};
  readonly #failures: Counter | undefined;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #emit: EmitGroups = () => {};
  #isSynced = false;

  constructor(config: KubernetesSdConfig, world: DiscoveryWorld) {
    this.#config = config;
    this.#world = world;
    this.#role = config.role as KubeRole; // the configuration has checked that there is one
    this.#failures = world.metrics?.counter(
      'prometheus_sd_kubernetes_failures_total',
      'The number of failed WATCH/LIST requests.',
    );
    this.#table = new GroupTable(ROLES[this.#role].sourcePrefix, (key, uses) => this.#group(this.#role, key, uses));
    this.#emission = new Emission(world.clock, () => this.#emit(this.#table.current()));
  }

  start(emit: EmitGroups): void {
    this.#emit = emit;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#emission.stop();
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const connection = await this.#connect();
    if (!connection) return;
    const reflectors = this.#kinds().flatMap((kind) => this.#reflect(kind, connection));
    for (const reflector of reflectors) reflector.start();
    const { signal } = this.#stop;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.all(reflectors.map((reflector) => reflector.stop()));
    await connection.http.close();
  }

  async #connect(): Promise<KubeConnection | null> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        return await connectKubernetes(this.#config, this.#world);
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error;
        this.#failed('connect', errorText(error));
      }
      await this.#world.clock.sleep(CONNECT_RETRY_MS, signal).catch(() => {}); // it was stopped
    }
    return null;
  }

  #kinds(): KubeKind[] {
    const { attachMetadata } = this.#config;
    const kinds: KubeKind[] = [this.#role, ...ROLES[this.#role].needs];
    if (attachMetadata.node && NODE_ATTACHING.has(this.#role)) kinds.push('node');
    if (attachMetadata.namespace && this.#role !== 'node') kinds.push('namespace');
    return kinds;
  }

  #reflect<K extends KubeKind>(kind: K, { server, http, namespaces }: KubeConnection): Reflector<KubeObjects[K]>[] {
    const { clock, userAgent } = this.#world;
    const { label = '', field = '' } = this.#config.selectors.find(({ role }) => role === kind) ?? {};
    const { isNamespaced, read } = RESOURCES[kind];
    const count = this.#eventCounters(kind);
    const reflectors = (isNamespaced ? namespaces : ['']).map(
      (namespace) =>
        new Reflector<KubeObjects[K]>({
          api: new KubeApi(server, http, userAgent),
          query: { path: pathOf(kind, namespace), labelSelector: label, fieldSelector: field },
          clock,
          read,
          onChange: (key, change) => {
            count[change]?.inc();
            this.#changed(kind, key);
          },
          onSynced: () => this.#synced(),
          onFailure: (text) => this.#failed(pathOf(kind, namespace), text),
        }),
    );
    this.#reflectors[kind] = reflectors as Reflectors[K];
    return reflectors;
  }

  #eventCounters(role: KubeKind): Record<KubeChange, Counter | undefined> {
    const counter = (event: KubeChange): Counter | undefined =>
      this.#world.metrics?.counter(
        'prometheus_sd_kubernetes_events_total',
        'The number of Kubernetes events handled.',
        { role, event },
      );
    return { add: counter('add'), update: counter('update'), delete: counter('delete') };
  }

  #failed(what: string, error: string): void {
    this.#failures?.inc();
    const { logger, jobName } = this.#world;
    logger.error('cannot follow the Kubernetes API: the last good targets stay', { job: jobName, what, error });
  }

  #changed(kind: KubeKind, key: string): void {
    let isNews = kind === this.#role;
    if (isNews) this.#table.objectChanged(key);
    else isNews = this.#table.dependencyChanged(`${kind}/${key}`);
    if (isNews && this.#isSynced) this.#emission.request();
  }

  #synced(): void {
    const all = Object.values(this.#reflectors).flat();
    if (this.#isSynced || !all.every(({ isSynced }) => isSynced)) return;
    this.#isSynced = true;
    this.#emission.now();
  }

  #group<R extends KubeRole>(role: R, key: string, uses: (dependency: string) => void): RoleGroup | undefined {
    const object = this.#find(role, key);
    return object && ROLES[role].group(object, this.#lookup(uses));
  }

  #lookup(uses: (dependency: string) => void): Lookup {
    const find = <K extends KubeKind>(kind: K, key: string): KubeObjects[K] | undefined => {
      uses(`${kind}/${key}`);
      return this.#find(kind, key);
    };
    return {
      attachesNode: this.#reflectors.node !== undefined,
      pod: (namespace, name) => find('pod', `${namespace}/${name}`),
      service: (namespace, name) => find('service', `${namespace}/${name}`),
      node: (name) => find('node', name),
      namespace: (name) => (this.#reflectors.namespace ? find('namespace', name) : undefined),
    };
  }

  #find<K extends KubeKind>(kind: K, key: string): KubeObjects[K] | undefined {
    const reflectors = this.#reflectors[kind] as Reflector<KubeObjects[K]>[] | undefined;
    for (const reflector of reflectors ?? []) {
      const found = reflector.get(key);
      if (found) return found;
    }
    return undefined;
  }
}
