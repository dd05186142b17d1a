// Basic authentication against bcrypt hashes. What was once checked is remembered, for a check costs as much as thousands of
// requests; checks are made one after the other, and who fails too often must wait before the next one.
import { createHash } from 'node:crypto';
import type { Clock } from '../io/index.ts';
import { bcryptMatches } from './bcrypt.ts';

const REMEMBERED_MAX = 1000;
/** Checks that may wait for their turn. */
const WAITING_MAX = 32;
/** Failures that an address may have at once, and how soon one of them is forgotten. */
const FAILURES_MAX = 10;
const FAILURE_FORGOTTEN_MS = 6000;
const ADDRESSES_MAX = 10_000;
/** Compared with where there is no such user, so that an answer does not tell which names exist. */
const NOBODY = '$2a$10$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q';

/** `busy`: nothing was checked; try again after so many seconds. */
export type AuthOutcome = 'good' | 'bad' | { readonly retryAfterSeconds: number };

/** User and password of an Authorization header; null: it is no such header. */
export function basicCredentials(header: string | undefined): { user: string; password: string } | null {
  const match = /^basic +([A-Za-z0-9+/=]+)\s*$/i.exec(header ?? '');
  if (!match) return null;
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

interface Failures {
  count: number;
  sinceMs: number;
}

export class BasicAuth {
  readonly #clock: Clock;
  readonly #remembered = new Map<string, boolean>();
  readonly #failures = new Map<string, Failures>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `hashes`: bcrypt hashes by user. `address`: who asks. */
  async check(hashes: ReadonlyMap<string, string>, header: string | undefined, address: string): Promise<AuthOutcome> {
    const given = basicCredentials(header);
    if (!given) return 'bad';
    const hash = hashes.get(given.user);
    const key = createHash('sha256')
      .update(JSON.stringify([given.user, hash ?? NOBODY, given.password]))
      .digest('base64');
    const known = this.#remembered.get(key);
    if (known !== undefined) return known ? 'good' : 'bad';
    if (this.#waiting >= WAITING_MAX || this.#isBlocked(address))
      return { retryAfterSeconds: Math.ceil(FAILURE_FORGOTTEN_MS / 1000) };
    const isGood = (await this.#compare(given.password, hash ?? NOBODY)) && hash !== undefined;
    this.#remember(key, isGood);
    if (!isGood) this.#failed(address);
    return isGood ? 'good' : 'bad';
  }

  #compare(password: string, hash: string): Promise<boolean> {
    this.#waiting++;
    const turn = this.#last.then(() => bcryptMatches(password, hash, () => this.#clock.yield()));
    this.#last = turn.catch(() => {}); // its own caller hears of it
    return turn.finally(() => {
      this.#waiting--;
    });
  }

  #remember(key: string, isGood: boolean): void {
    this.#remembered.set(key, isGood);
    if (this.#remembered.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#remembered.keys();
    this.#remembered.delete(oldest);
  }

  #current(address: string): number {
    const failures = this.#failures.get(address);
    if (!failures) return 0;
    const forgotten = Math.floor((this.#clock.monotonicMs() - failures.sinceMs) / FAILURE_FORGOTTEN_MS);
    return Math.max(0, failures.count - forgotten);
  }

  #isBlocked(address: string): boolean {
    return this.#current(address) >= FAILURES_MAX;
  }

  #failed(address: string): void {
    const count = this.#current(address) + 1;
    this.#failures.delete(address);
    this.#failures.set(address, { count, sinceMs: this.#clock.monotonicMs() });
    if (this.#failures.size <= ADDRESSES_MAX) return;
    const [oldest] = this.#failures.keys();
    this.#failures.delete(oldest);
  }
}
