// The query worker's end of the shards: leaf plans and listings go out over message ports, results come back.
import type { MessagePort } from 'node:worker_threads';
import {
  type LeafClient,
  type LeafControl,
  type LeafEstimate,
  type LeafPlan,
  type LeafResult,
  type PackedLabels,
  freeLeafResult,
} from '../promql/index.ts';
import {
  type ShardAnswer,
  type ShardCardinality,
  type ShardExemplars,
  type ShardQuery,
  type ShardQueryValue,
  type ShardSelection,
  fromWireError,
} from './shard-protocol.ts';

interface Pending {
  resolve(value: ShardQueryValue): void;
  reject(error: unknown): void;
}

type Question = ShardQuery extends infer Q ? (Q extends { id: number } ? Omit<Q, 'id'> : never) : never;

/** One shard, seen from the query worker. */
export class RemoteShard {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (answer: ShardAnswer) => this.#receive(answer));
  }

  #receive(answer: ShardAnswer): void {
    const pending = this.#pending.get(answer.id);
    if (!pending) {
      // Canceled meanwhile: the collector would come late for its columns.
      if ('value' in answer && 'kind' in answer.value) freeLeafResult(answer.value);
      return;
    }
    this.#pending.delete(answer.id);
    if ('error' in answer) pending.reject(fromWireError(answer.error));
    else pending.resolve(answer.value);
  }

  /** Asks; an aborted signal cancels the work in the shard too. */
  ask(question: Question, signal: AbortSignal): Promise<ShardQueryValue> {
    signal.throwIfAborted();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<ShardQueryValue>();
    const onAbort = () => {
      this.#pending.delete(id);
      this.#port.postMessage({ id, type: 'cancel' } satisfies ShardQuery);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#pending.set(id, { resolve, reject });
    this.#port.postMessage({ ...question, id } as ShardQuery);
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  series(after: number, selection: ShardSelection, signal: AbortSignal): Promise<PackedLabels> {
    return this.ask({ type: 'series', after, selection }, signal) as Promise<PackedLabels>;
  }

  labelNames(after: number, selection: ShardSelection, signal: AbortSignal): Promise<readonly string[]> {
    return this.ask({ type: 'labelNames', after, selection }, signal) as Promise<readonly string[]>;
  }

  labelValues(after: number, name: string, selection: ShardSelection, signal: AbortSignal): Promise<readonly string[]> {
    return this.ask({ type: 'labelValues', after, name, selection }, signal) as Promise<readonly string[]>;
  }

  exemplars(after: number, selection: ShardSelection, signal: AbortSignal): Promise<ShardExemplars> {
    return this.ask({ type: 'exemplars', after, selection }, signal) as Promise<ShardExemplars>;
  }

  cardinality(after: number, tenant: string, signal: AbortSignal): Promise<ShardCardinality> {
    return this.ask({ type: 'cardinality', after, tenant }, signal) as Promise<ShardCardinality>;
  }
}

/** A shard as a leaf of one query, which must see the first `after` groups of it. */
export class RemoteLeaf implements LeafClient {
  readonly #shard: RemoteShard;
  readonly #after: number;

  constructor(shard: RemoteShard, after: number) {
    this.#shard = shard;
    this.#after = after;
  }

  execute(plan: LeafPlan, control: LeafControl): Promise<LeafResult> {
    return this.#shard.ask({ type: 'leaf', after: this.#after, plan }, control.signal) as Promise<LeafResult>;
  }

  estimate(plan: LeafPlan, control: LeafControl): Promise<LeafEstimate> {
    return this.#shard.ask({ type: 'estimate', after: this.#after, plan }, control.signal) as Promise<LeafEstimate>;
  }
}
