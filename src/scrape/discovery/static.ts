// Targets written in the configuration itself.
import type { StaticConfig } from '../../config/index.ts';
import type { Discoverer, EmitGroups } from './discoverer.ts';
import { targetGroups } from './target-groups.ts';

/** Emits its groups once. */
export class StaticDiscovery implements Discoverer {
  readonly #configs: readonly StaticConfig[];

  constructor(configs: readonly StaticConfig[]) {
    this.#configs = configs;
  }

  start(emit: EmitGroups): void {
    emit(targetGroups(this.#configs, ''));
  }

  async stop(): Promise<void> {}
}
