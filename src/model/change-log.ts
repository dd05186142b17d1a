// As of when a store's samples are not what they were: what lets results that were worked out before be used again. Each change has a
// version and the least time it touches. Asked is the least time of all changes after some version:
//
//   versions   3     7     8          a change is forgotten when a later one reaches further back, so times rise with versions,
//   times     10:00 10:05 10:20       and the first one after the version asked for has the least time
//
// Tenants have lists of their own, so that what one of them writes late is no change to another.

/** What a source tells about its changes. */
export interface SourceChanges {
  /** Grows with every change. */
  readonly version: number;
  /** The tenant's samples before this time are what they were at that version. Infinity: nothing has changed. */
  changedFromMs(version: number, tenant: string): number;
}

/** Changes that are told apart. Beyond, the oldest two become one: as if more had changed. */
const CHANGES_MAX = 1024;
/** Changes of further tenants count as changes of all. */
const TENANTS_MAX = 1024;

class Changes {
  readonly #versions: number[] = [];
  readonly #times: number[] = [];

  note(version: number, fromMs: number): void {
    while (this.#times.length > 0 && (this.#times.at(-1) as number) >= fromMs) {
      this.#times.pop();
      this.#versions.pop();
    }
    this.#times.push(fromMs);
    this.#versions.push(version);
    if (this.#times.length <= CHANGES_MAX) return;
    this.#times.splice(1, 1);
    this.#versions.shift();
  }

  fromMs(version: number): number {
    let [low, high] = [0, this.#versions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#versions[middle] > version) high = middle;
      else low = middle + 1;
    }
    return low < this.#times.length ? this.#times[low] : Infinity;
  }
}

/** The changes of one source, since it was opened. */
export class ChangeLog implements SourceChanges {
  readonly #all = new Changes();
  readonly #tenants = new Map<string, Changes>();
  #version = 0;

  get version(): number {
    return this.#version;
  }

  /** Samples of the tenant (null: of all) at or after this time have come, gone or changed. */
  note(fromMs: number, tenant: string | null = null): void {
    if (fromMs === Infinity) return;
    this.#version++;
    this.#of(tenant).note(this.#version, fromMs);
  }

  #of(tenant: string | null): Changes {
    if (tenant === null) return this.#all;
    let own = this.#tenants.get(tenant);
    if (!own && this.#tenants.size >= TENANTS_MAX) return this.#all;
    if (!own) this.#tenants.set(tenant, (own = new Changes()));
    return own;
  }

  changedFromMs(version: number, tenant: string): number {
    return Math.min(this.#all.fromMs(version), this.#tenants.get(tenant)?.fromMs(version) ?? Infinity);
  }
}
