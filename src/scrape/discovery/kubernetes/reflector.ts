// A copy of one resource's objects in this process' memory, kept up to date: list, then watch from the list's version on; when
// a watch ends, another from the last version seen; when that version is too old (410 Gone), list again. Trouble is waited
// out, ever longer, with the objects as they were.
//
//   list ──► watch ──► watch ──► ...          ended by the server: from the last version
//     ▲        │ 410
//     └────────┘        error: wait 0.8 s, 1.6 s, ... 30 s, then as before
import { TidemarkError, errorText } from '../../../base/index.ts';
import type { Clock } from '../../../io/index.ts';
import type { Json } from '../json.ts';
import { type KubeApi, type KubeEvent, type KubeQuery, isGone } from './api.ts';

const BACKOFF_MS_MIN = 800;
const BACKOFF_MS_MAX = 30_000;
/** A watch that lasted so long was a good one. */
const GOOD_WATCH_MS = 10_000;

export type KubeChange = 'add' | 'update' | 'delete';

export interface ReflectorOptions<T> {
  readonly api: KubeApi;
  readonly query: KubeQuery;
  readonly clock: Clock;
  /** What is kept of an object. Throws TidemarkError if it is not such an object. */
  readonly read: (json: Json) => T;
  /** An object, by its key, is other than before. */
  readonly onChange: (key: string, change: KubeChange) => void;
  /** The first list is complete. */
  readonly onSynced: () => void;
  readonly onFailure: (text: string) => void;
}

interface Kept<T> {
  readonly version: string;
  readonly value: T;
}

/** `namespace/name`, or the name alone of what is in no namespace. */
export function keyOf(json: Json): string {
  const meta = json.at('metadata');
  const namespace = meta.at('namespace').text();
  const name = meta.at('name').text();
  return namespace === '' ? name : `${namespace}/${name}`;
}

const versionOf = (json: Json): string => json.in('metadata.resourceVersion').text();

export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #stop = new AbortController();
  readonly #kept = new Map<string, Kept<T>>();
  #running: Promise<void> = Promise.resolve();
  /** Of the last list or event; '' = list. */
  #version = '';
  isSynced = false;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  get(key: string): T | undefined {
    return this.#kept.get(key)?.value;
  }

  keys(): IterableIterator<string> {
    return this.#kept.keys();
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    let waitMs = BACKOFF_MS_MIN;
    while (!signal.aborted) {
      const startMs = clock.monotonicMs();
      const isGood = await this.#turn(signal);
      if (signal.aborted) return;
      if (isGood && clock.monotonicMs() - startMs >= GOOD_WATCH_MS) {
        waitMs = BACKOFF_MS_MIN;
        continue;
      }
      await clock.sleep(waitMs, signal).catch(() => {}); // it was stopped
      waitMs = isGood ? BACKOFF_MS_MIN : Math.min(waitMs * 2, BACKOFF_MS_MAX);
    }
  }

  /** Lists if need be and watches until the watch ends; whether it ended well. */
  async #turn(signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#version === '') await this.#list(signal);
      const { api, query } = this.#options;
      await api.watch(query, this.#version, signal, (event) => this.#take(event));
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof TidemarkError)) throw error;
      if (isGone(error)) {
        this.#version = '';
        return true;
      }
      this.#options.onFailure(errorText(error));
      return false;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { api, query, onSynced } = this.#options;
    const seen = new Set<string>();
    let page = '';
    let version: string;
    do {
      const { items, next, resourceVersion } = await api.list(query, page, signal);
      for (const item of items) {
        seen.add(keyOf(item));
        this.#put(item);
      }
      page = next;
      version = resourceVersion;
    } while (page !== '');
    for (const key of [...this.#kept.keys()]) if (!seen.has(key)) this.#remove(key);
    this.#version = version;
    if (this.isSynced) return;
    this.isSynced = true;
    onSynced();
  }

  #take({ type, object }: KubeEvent): void {
    if (type === 'DELETED') this.#remove(keyOf(object));
    else if (type !== 'BOOKMARK') this.#put(object);
    this.#version = versionOf(object) || this.#version;
  }

  #put(json: Json): void {
    const { read, onChange, onFailure } = this.#options;
    const key = keyOf(json);
    const before = this.#kept.get(key);
    const version = versionOf(json);
    if (before && version !== '' && before.version === version) return;
    try {
      this.#kept.set(key, { version, value: read(json) });
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      onFailure(`${key}: ${errorText(error)}`); // one odd object does not hide the others
      return;
    }
    onChange(key, before ? 'update' : 'add');
  }

  #remove(key: string): void {
    if (this.#kept.delete(key)) this.#options.onChange(key, 'delete');
  }
}
