// The main thread's end of the query worker: passes requests on and bytes back, and cancels what a client no longer waits for.
import { MessageChannel, Worker } from 'node:worker_threads';
import type { QueryRequest, QueryResponse, QueryService, TsdbStatus } from '../api/index.ts';
import { type Histogram, type Logger, TidemarkError, errorText } from '../base/index.ts';
import { relayLog } from './port-logger.ts';
import type { EngineSettings, QueryCommand, QueryEvent, QueryWorkerData } from './query-protocol.ts';
import type { ShardClient } from './shard-client.ts';

export interface QueryClientOptions {
  readonly shards: readonly ShardClient[];
  readonly settings: EngineSettings;
  readonly logger: Logger;
  readonly queueSeconds: Histogram;
  readonly runSeconds: Histogram;
  readonly onDeath: (error: Error) => void;
}

interface Pending {
  resolve(response: QueryResponse): void;
  readonly done: () => void;
}

export class QueryClient implements QueryService {
  readonly #options: QueryClientOptions;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #tsdb = new Map<number, { resolve(status: TsdbStatus): void; reject(error: unknown): void }>();
  #nextId = 1;
  #isStopping = false;

  constructor(options: QueryClientOptions) {
    this.#options = options;
    const ports = options.shards.map((shard) => {
      const { port1, port2 } = new MessageChannel();
      shard.connect(port1);
      return port2;
    });
    this.#worker = new Worker(new URL('./query-worker.ts', import.meta.url), {
      workerData: { ports, settings: options.settings } satisfies QueryWorkerData,
      transferList: ports,
      name: 'query',
    });
    this.#worker.on('message', (event: QueryEvent) => this.#receive(event));
    this.#worker.on('error', (error: unknown) => this.#died(error instanceof Error ? error : new Error(String(error))));
  }

  /** Queries under way. */
  get running(): number {
    return this.#pending.size;
  }

  query(request: QueryRequest, signal: AbortSignal): Promise<QueryResponse> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<QueryResponse>();
    const onAbort = () => this.#post({ type: 'cancel', id });
    signal.addEventListener('abort', onAbort, { once: true });
    this.#pending.set(id, { resolve, done: () => signal.removeEventListener('abort', onAbort) });
    this.#post({ type: 'query', id, request, after: this.#after() });
    if (signal.aborted) onAbort();
    return promise;
  }

  tsdb(tenant: string, limit: number): Promise<TsdbStatus> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<TsdbStatus>();
    this.#tsdb.set(id, { resolve, reject });
    this.#post({ type: 'tsdb', id, tenant, limit, after: this.#after() });
    return promise;
  }

  configure(settings: EngineSettings): void {
    this.#post({ type: 'settings', settings });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#worker.terminate();
  }

  #after(): number[] {
    return this.#options.shards.map((shard) => {
      shard.flush();
      return shard.pushed;
    });
  }

  #post(command: QueryCommand): void {
    this.#worker.postMessage(command);
  }

  #receive(event: QueryEvent): void {
    if (relayLog(event, this.#options.logger)) return;
    if (event.type === 'answer') {
      const pending = this.#pending.get(event.id);
      if (!pending) return;
      this.#pending.delete(event.id);
      pending.done();
      this.#options.queueSeconds.observe(event.stats.queueMs / 1000);
      this.#options.runSeconds.observe(event.stats.runMs / 1000);
      pending.resolve({ status: event.status, body: event.body });
      return;
    }
    const waiting = this.#tsdb.get(event.id);
    this.#tsdb.delete(event.id);
    if (event.type === 'tsdb') waiting?.resolve(event.status);
    else waiting?.reject(new TidemarkError('internal', event.error));
  }

  #died(error: Error): void {
    this.#options.logger.error('query worker ended', { error: errorText(error) });
    if (!this.#isStopping) this.#options.onDeath(error);
  }
}
