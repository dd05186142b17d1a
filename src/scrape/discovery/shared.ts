// Discoverers of equal configuration run once, however many jobs have them: ten jobs that look at the same pods take one watch.
// One that nobody uses runs on for a while, so that a reload, which ends a job's discoverers before it begins new ones, leaves
// those running whose configuration is as before.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../io/index.ts';
import type { Discoverer, EmitGroups, TargetGroup } from './discoverer.ts';

/** A reload takes as long as scrapes that must be waited for. */
const LINGER_MS = 60_000;

interface Running {
  readonly kind: string;
  readonly config: object;
  readonly discoverer: Discoverer;
  readonly users: Set<EmitGroups>;
  groups: readonly TargetGroup[] | null;
  cancelEnd: () => void;
}

/** What runs for all jobs of one role. */
export class SharedDiscovery {
  readonly #clock: Clock;
  readonly #running = new Set<Running>();
  readonly #ending = new Set<Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A discoverer that stands for the one of all entries with this kind and configuration; `make` makes that one if need be. */
  of(kind: string, config: object, make: () => Discoverer): Discoverer {
    let running: Running | undefined;
    let use: EmitGroups = () => {};
    return {
      start: (emit) => {
        running = this.#find(kind, config) ?? this.#begin(kind, config, make());
        running.cancelEnd();
        use = (groups) => emit(groups);
        running.users.add(use);
        if (running.groups) use(running.groups);
      },
      stop: async () => {
        if (!running?.users.delete(use) || running.users.size > 0) return;
        const unused = running;
        unused.cancelEnd = this.#clock.after(LINGER_MS, () => this.#end(unused));
      },
    };
  }

  /** Ends all that runs, used or not. */
  async stop(): Promise<void> {
    for (const running of this.#running) this.#end(running);
    await Promise.all(this.#ending);
  }

  #find(kind: string, config: object): Running | undefined {
    for (const running of this.#running)
      if (running.kind === kind && isDeepStrictEqual(running.config, config)) return running;
    return undefined;
  }

  #begin(kind: string, config: object, discoverer: Discoverer): Running {
    const running: Running = { kind, config, discoverer, users: new Set(), groups: null, cancelEnd: () => {} };
    this.#running.add(running);
    discoverer.start((groups) => {
      running.groups = groups;
      for (const use of running.users) use(groups);
    });
    return running;
  }

  #end(running: Running): void {
    running.cancelEnd();
    running.users.clear();
    this.#running.delete(running);
    const ended = running.discoverer.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
