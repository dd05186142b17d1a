// Targets from Consul. The catalog says which services there are, unless the configuration names them; each service is then
// watched on its own by blocking queries, asked at most once per refresh interval.
import { type Counter, TidemarkError, errorText } from '../../base/index.ts';
import { Labels } from '../../model/index.ts';
import { type ConsulAnswer, ConsulApi, type ConsulSdConfig } from './consul-api.ts';
import { consulTarget } from './consul-targets.ts';
import type { Discoverer, EmitGroups, TargetGroup } from './discoverer.ts';
import { Emission } from './emission.ts';
import type { Json } from './json.ts';
import type { DiscoveryWorld } from './world.ts';

const RETRY_MS = 15_000;

type Watch = { readonly stop: AbortController; readonly running: Promise<void> };

export class ConsulDiscovery implements Discoverer {
  readonly #config: ConsulSdConfig;
  readonly #world: DiscoveryWorld;
  readonly #api: ConsulApi;
  readonly #emission: Emission;
  readonly #failures: Counter | undefined;
  readonly #stop = new AbortController();
  readonly #watches = new Map<string, Watch>();
  readonly #ending = new Set<Promise<void>>();
  readonly #groups = new Map<string, TargetGroup>();
  /** Services that have not been answered for yet; null: it is not known which there are. Nothing is emitted before. */
  #awaited: Set<string> | null = null;
  #hasEmitted = false;
  #datacenter = '';
  #emit: EmitGroups = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(config: ConsulSdConfig, world: DiscoveryWorld) {
    this.#config = config;
    this.#world = world;
    this.#api = new ConsulApi(config, world);
    this.#failures = world.metrics?.counter(
      'prometheus_sd_consul_rpc_failures_total',
      'The number of Consul RPC call failures.',
    );
    this.#emission = new Emission(world.clock, () => this.#emit([...this.#groups.values()]));
  }

  start(emit: EmitGroups): void {
    this.#emit = emit;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#emission.stop();
    this.#stop.abort();
    for (const name of [...this.#watches.keys()]) this.#unwatch(name);
    await this.#running;
    await Promise.all(this.#ending);
    await this.#api.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { services, tags, datacenter } = this.#config;
    this.#datacenter = datacenter;
    while (this.#datacenter === '' && !signal.aborted) {
      const name = await this.#ask('the datacenter', signal, () => this.#api.datacenter(signal));
      if (name !== null) this.#datacenter = name;
      else await this.#sleep(RETRY_MS, signal);
    }
    if (signal.aborted) return;
    if (services.length > 0 && tags.length === 0) {
      this.#wantServices(new Set(services));
      return;
    }
    const ask = (index: number) => this.#api.services(index, signal);
    await this.#follow('services', signal, ask, (body) => this.#wantServices(this.#wanted(body)));
  }

  /** Services of the catalog that are to be watched: with a name and all tags that are asked for. */
  #wanted(body: Json): Set<string> {
    const { services, tags } = this.#config;
    const wanted = new Set<string>();
    for (const [name, value] of body.entries()) {
      const has = new Set(value.texts());
      const isNamed = services.length === 0 || services.includes(name);
      if (isNamed && tags.every((tag) => has.has(tag))) wanted.add(name);
    }
    return wanted;
  }

  #wantServices(wanted: ReadonlySet<string>): void {
    for (const name of this.#watches.keys()) if (!wanted.has(name)) this.#unwatch(name);
    this.#awaited ??= new Set(wanted);
    for (const name of wanted) if (!this.#watches.has(name)) this.#watch(name);
    this.#changed();
  }

  #watch(name: string): void {
    const stop = new AbortController();
    const ask = async (index: number): Promise<ConsulAnswer> => {
      try {
        return await this.#api.instances(name, index, stop.signal);
      } catch (error) {
        this.#answered(name); // one service that cannot be had does not hide the others
        throw error;
      }
    };
    const running = this.#follow(`service ${name}`, stop.signal, ask, (body) => {
      const targets = body.list().map((entry) => consulTarget(entry, this.#config.tagSeparator));
      const labels = Labels.from({ __meta_consul_service: name, __meta_consul_dc: this.#datacenter });
      this.#groups.set(name, { source: name, targets, labels });
      this.#answered(name);
    });
    this.#watches.set(name, { stop, running });
  }

  #unwatch(name: string): void {
    const { stop, running } = this.#watches.get(name) as Watch;
    this.#watches.delete(name);
    stop.abort();
    this.#ending.add(running);
    void running.finally(() => this.#ending.delete(running));
    this.#groups.delete(name);
    this.#awaited?.delete(name);
  }

  /** Asks again and again; `take` gets each answer whose index is new. */
  async #follow(
    what: string,
    signal: AbortSignal,
    ask: (index: number) => Promise<ConsulAnswer>,
    take: (body: Json) => void,
  ): Promise<void> {
    const { clock } = this.#world;
    let index = 0;
    while (!signal.aborted) {
      const startMs = clock.monotonicMs();
      const isDone = await this.#ask(what, signal, async () => {
        const answer = await ask(index);
        if (signal.aborted) return true;
        if (answer.index === 0 || answer.index !== index) take(answer.body);
        // An index that went back is another server's, or a restored one's: it says nothing about ours.
        index = answer.index < index ? 0 : answer.index;
        return true;
      });
      const intervalMs = isDone ? this.#config.refreshIntervalMs : RETRY_MS;
      await this.#sleep(Math.max(0, intervalMs - (clock.monotonicMs() - startMs)), signal);
    }
  }

  /** Null after an error, which is counted and told. */
  async #ask<T>(what: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) return null;
      if (!(error instanceof TidemarkError)) throw error;
      this.#failures?.inc();
      const { logger, jobName } = this.#world;
      const fields = { job: jobName, what, error: errorText(error) };
      logger.error('cannot follow Consul: the last good targets stay', fields);
      return null;
    }
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#world.clock.sleep(ms, signal).catch(() => {}); // it was stopped
  }

  #answered(name: string): void {
    this.#awaited?.delete(name);
    this.#changed();
  }

  #changed(): void {
    if (this.#awaited === null || this.#awaited.size > 0) return;
    if (this.#hasEmitted) return this.#emission.request();
    this.#hasEmitted = true;
    this.#emission.now();
  }
}
