// Target groups by the object that each is made of. A group notes the other objects that were looked at while it was made, and
// is made again when one of them changes, appears or goes.
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import type { RoleGroup } from './roles.ts';

/** Makes a group; calls `uses` with each other object it looks at. Undefined: the object is gone. */
export type MakeGroup = (key: string, uses: (dependency: string) => void) => RoleGroup | undefined;

export class GroupTable {
  readonly #sourcePrefix: string;
  readonly #make: MakeGroup;
  readonly #groups = new Map<string, TargetGroup>();
  readonly #stale = new Set<string>();
  readonly #usersOf = new Map<string, Set<string>>();
  readonly #usedBy = new Map<string, Set<string>>();

  constructor(sourcePrefix: string, make: MakeGroup) {
    this.#sourcePrefix = sourcePrefix;
    this.#make = make;
  }

  /** The object itself has changed. */
  objectChanged(key: string): void {
    this.#stale.add(key);
  }

  /** Another object has changed; whether any group looked at it. */
  dependencyChanged(dependency: string): boolean {
    const users = this.#usersOf.get(dependency);
    for (const key of users ?? []) this.#stale.add(key);
    return users !== undefined;
  }

  /** All groups that have targets. */
  current(): TargetGroup[] {
    for (const key of this.#stale) this.#update(key);
    this.#stale.clear();
    return [...this.#groups.values()];
  }

  #update(key: string): void {
    for (const dependency of this.#usedBy.get(key) ?? []) this.#unlink(dependency, key);
    const uses = new Set<string>();
    const made = this.#make(key, (dependency) => uses.add(dependency));
    for (const dependency of uses) this.#link(dependency, key);
    if (uses.size > 0) this.#usedBy.set(key, uses);
    else this.#usedBy.delete(key);
    if (made && made.targets.length > 0) {
      const source = `${this.#sourcePrefix}/${key}`;
      const targets = made.targets.map((target) => Labels.from(target));
      this.#groups.set(key, { source, targets, labels: Labels.from(made.labels) });
    } else {
      this.#groups.delete(key);
    }
  }

  #link(dependency: string, key: string): void {
    const users = this.#usersOf.get(dependency);
    if (users) users.add(key);
    else this.#usersOf.set(dependency, new Set([key]));
  }

  #unlink(dependency: string, key: string): void {
    const users = this.#usersOf.get(dependency);
    users?.delete(key);
    if (users?.size === 0) this.#usersOf.delete(dependency);
  }
}
