// Active series in the intake's twin: the rules of kernels/intake/active.ts.
const EPOCHS_KEPT = 3;

interface Active {
  readonly tenant: string;
  epoch: number;
}

/** Which series are active, by id and tenant. */
export class TwinActive {
  readonly #series = new Map<bigint, Active>();
  #added: bigint[] = [];
  #epoch = 0;

  begin(): void {
    this.#added = [];
  }
  undo(): void {
    for (const id of this.#added.splice(0)) this.#series.delete(id);
  }

  /** Whether a segment may define the series. */
  admit(id: bigint, tenant: string, limit: number): boolean {
    if (limit === Infinity) return true;
    const known = this.#series.get(id);
    if (known) known.epoch = this.#epoch;
    else if (this.count(tenant) >= limit) return false;
    else {
      this.#series.set(id, { tenant, epoch: this.#epoch });
      this.#added.push(id);
    }
    return true;
  }

  count(tenant: string): number {
    return this.#series.values().reduce((sum, one) => sum + (one.tenant === tenant ? 1 : 0), 0);
  }

  nextEpoch(): void {
    this.#epoch++;
    for (const [id, { epoch }] of this.#series) if (this.#epoch - epoch > EPOCHS_KEPT) this.#series.delete(id);
    this.begin();
  }
}
