// What whoever looks after the server should know, from when it is true until it is not, and those who want to hear of it at once.
import type { Notification, NotificationListener } from '../api/index.ts';
import type { Clock } from '../io/index.ts';

export class Notifications {
  readonly #clock: Clock;
  readonly #subscribersMax: number;
  readonly #active = new Map<string, Notification>();
  readonly #subscribers = new Set<NotificationListener>();
  #isEnded = false;

  /** `subscribersMax`: listeners at once. */
  constructor(clock: Clock, subscribersMax: number) {
    this.#clock = clock;
    this.#subscribersMax = subscribersMax;
  }

  /** From now on this is so. Saying it again changes nothing. */
  begin(text: string): void {
    if (this.#active.has(text)) return;
    const notification = { text, date: new Date(this.#clock.nowMs()).toISOString(), active: true };
    this.#active.set(text, notification);
    this.#tell(notification);
  }

  /** It is so no more. */
  end(text: string): void {
    const before = this.#active.get(text);
    if (!before) return;
    this.#active.delete(text);
    this.#tell({ ...before, active: false });
  }

  list(): Notification[] {
    return [...this.#active.values()];
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  /** Tells the listener what is so, and what changes. Returns a function that ends it; null: there are too many. */
  subscribe(listener: NotificationListener): (() => void) | null {
    if (this.#isEnded || this.#subscribers.size >= this.#subscribersMax) return null;
    this.#subscribers.add(listener);
    for (const notification of this.#active.values()) listener.next(notification);
    return () => this.#subscribers.delete(listener);
  }

  /** No more will come. */
  close(): void {
    this.#isEnded = true;
    for (const { end } of this.#subscribers) end();
    this.#subscribers.clear();
  }

  #tell(notification: Notification): void {
    for (const { next } of this.#subscribers) next(notification);
  }
}
