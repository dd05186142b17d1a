// Kernel instances, reused from seed to seed: each reserves gigabytes of address space.
import { INTAKE_LIMITS_DEFAULT, type IntakeKernel, createIntakeWasm, loadKernel } from '../src/kernel/index.ts';
import { Head } from '../src/tsdb/index.ts';

export interface Modules {
  readonly head: WebAssembly.Module;
  readonly block: WebAssembly.Module;
  readonly intake: WebAssembly.Module;
}

export class Instances {
  readonly modules: Modules;
  readonly #heads: Head[] = [];
  readonly #intakes = new Map<number, IntakeKernel>();
  #used = 0;

  private constructor(modules: Modules) {
    this.modules = modules;
  }

  static async load(): Promise<Instances> {
    const [head, block, intake] = await Promise.all([loadKernel('head'), loadKernel('block'), loadKernel('intake')]);
    return new Instances({ head, block, intake });
  }

  /** All heads are free again: nobody runs that has one. */
  rewind(): void {
    this.#used = 0;
  }

  /** Makes an empty head. */
  readonly head = (): Head => {
    if (this.#used === this.#heads.length) this.#heads.push(new Head(this.modules.head));
    const head = this.#heads[this.#used++];
    head.reset();
    return head;
  };

  /** An intake for so many shards, its dictionaries empty. */
  intake(shards: number): IntakeKernel {
    let kernel = this.#intakes.get(shards);
    if (!kernel) {
      kernel = createIntakeWasm(this.modules.intake, { shards, key: new Uint8Array(32).fill(9) });
      this.#intakes.set(shards, kernel);
    }
    for (let shard = 0; shard < shards; shard++) kernel.rotate(shard);
    return kernel;
  }
}

export { INTAKE_LIMITS_DEFAULT };
