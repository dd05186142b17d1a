// The main thread's end of the query worker: passes requests on and bytes back, and cancels what a client no longer waits for.
import { MessageChannel, Worker } from 'node:worker_threads';
import {
  type ActiveQueries,
  type ActiveQuery,
  type Coding,
  type QueryRequest,
  type QueryResponse,
  type QueryService,
  type TsdbStatus,
  errorResponse,
  errorStatus,
} from '../api/index.ts';
import { type Counter, type Histogram, type Logger, TidemarkError, errorText } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import { AnswerBody } from './answer-body.ts';
import { createSlotMemory, createSlotViews } from './answer-slots.ts';
import { CancelFlags, createCancelMemory } from './cancel-flags.ts';
import { relayLog } from './port-logger.ts';
import type { QueryJournal } from './query-journal.ts';
import { type LoggedRequest, type QueryLog, isLogged } from './query-log.ts';
import type {
  EngineSettings,
  FilledSlots,
  QueryCommand,
  QueryCost,
  QueryEvent,
  QueryProgress,
  QueryWorkerData,
} from './query-protocol.ts';
import type { RemoteReadRole } from './remote-read-role.ts';
import type { ShardClient } from './shard-client.ts';

export interface QueryClientOptions {
  readonly shards: readonly ShardClient[];
  readonly settings: EngineSettings;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Null: none is kept. */
  readonly journal: QueryJournal | null;
  /** Null: there are no endpoints. */
  readonly remoteReads: RemoteReadRole | null;
  /** Null: none is kept. */
  readonly queryLog: QueryLog | null;
  /** Queries that took longer, waiting apart, are logged; 0: none. */
  readonly slowMs: number;
  readonly queueSeconds: Histogram;
  readonly runSeconds: Histogram;
  /** Counts queries whose answers have this status. */
  readonly countByStatus: (status: number) => Counter;
  readonly onDeath: (error: Error) => void;
}

/** What a request was, for people. */
interface AboutQuery extends Pick<ActiveQuery, 'id' | 'tenant' | 'kind' | 'query' | 'started'> {
  readonly sinceMs: number;
}

/** Of a query's text in the log. */
const LOGGED_TEXT_MAX = 2000;

const textOf = (request: QueryRequest): string => {
  if ('query' in request) return request.query;
  return 'matches' in request ? request.matches.join(' ') : '';
};

/** A query from its request to the end of its answer. */
interface Pending {
  readonly about: AboutQuery;
  /** For the query log; null: not logged. */
  readonly logged: LoggedRequest | null;
  resolve(response: QueryResponse): void;
  reject(error: Error): void;
  /** An answer of which more is to come. */
  body: AnswerBody | null;
  /** No longer listens to the request's signal. */
  readonly done: () => void;
}

export class QueryClient implements QueryService, ActiveQueries {
  readonly #options: QueryClientOptions;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #tsdb = new Map<number, { resolve(status: TsdbStatus): void; reject(error: unknown): void }>();
  readonly #progress = new Map<number, (queries: readonly QueryProgress[]) => void>();
  readonly #cancels: CancelFlags;
  readonly #views: readonly Uint8Array[];
  #nextId = 1;
  #isStopping = false;
  #isDead = false;

  constructor(options: QueryClientOptions) {
    this.#options = options;
    const ports = options.shards.map((shard) => {
      const { port1, port2 } = new MessageChannel();
      shard.connect(port1);
      return port2;
    });
    const slots = createSlotMemory();
    this.#views = createSlotViews(slots);
    const cancels = createCancelMemory();
    this.#cancels = new CancelFlags(cancels);
    this.#worker = new Worker(new URL('./query-worker.ts', import.meta.url), {
      workerData: {
        ports,
        settings: options.settings,
        slots,
        cancels,
        pushes: options.shards.map(({ pushMemory }) => pushMemory),
      } satisfies QueryWorkerData,
      transferList: ports,
      name: 'query',
    });
    this.#worker.on('message', (event: QueryEvent) => this.#receive(event));
    this.#worker.on('error', (error: unknown) => this.#died(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', (code) => this.#died(new Error(`query worker exited with code ${code}`)));
  }

  /** Queries under way. */
  get running(): number {
    return this.#pending.size;
  }

  query(request: QueryRequest, signal: AbortSignal, accepted: Coding | null): Promise<QueryResponse> {
    const tenant = 'tenant' in request ? request.tenant : '';
    const query = textOf(request);
    const refusal = this.#options.journal?.refusal(tenant, query);
    if (refusal) {
      const response = errorResponse(refusal);
      this.#options.countByStatus(response.status).inc();
      return Promise.resolve(response);
    }
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<QueryResponse>();
    const onAbort = () => this.#cancel(id);
    signal.addEventListener('abort', onAbort, { once: true });
    const done = () => signal.removeEventListener('abort', onAbort);
    const { clock, journal } = this.#options;
    const started = new Date(clock.nowMs()).toISOString();
    const about = { id, tenant, kind: request.kind, query, started, sinceMs: clock.monotonicMs() };
    const logged = this.#options.queryLog?.isOn && isLogged(request) ? request : null;
    this.#pending.set(id, { about, logged, resolve, reject, body: null, done });
    journal?.begin(id, tenant, query);
    this.#post({ type: 'query', id, request, after: this.#after(), accepted });
    if (signal.aborted) onAbort();
    return promise;
  }

  /** Nobody waits any more: neither for the result nor for the rest of the answer. */
  #cancel(id: number): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#cancels.cancel(id);
    this.#post({ type: 'cancel', id });
    this.#end(id, pending);
    const error = new TidemarkError('canceled', 'query was canceled');
    if (!pending.body) this.#options.countByStatus(errorStatus('canceled')).inc();
    if (pending.body) pending.body.fail(error);
    else pending.resolve(errorResponse(error));
  }

  #end(id: number, pending: Pending): void {
    this.#pending.delete(id);
    this.#options.journal?.end(id);
    pending.done();
  }

  async list(tenant: string): Promise<readonly ActiveQuery[]> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<readonly QueryProgress[]>();
    this.#progress.set(id, resolve);
    this.#post({ type: 'progress', id });
    const found: ActiveQuery[] = [];
    for (const progress of await promise) {
      const pending = this.#pending.get(progress.id);
      if (pending?.about.tenant !== tenant) continue;
      const { sinceMs, ...about } = pending.about;
      const seconds = (this.#options.clock.monotonicMs() - sinceMs) / 1000;
      found.push({ ...about, seconds, ...progress });
    }
    return found;
  }

  cancel(tenant: string, id: number): boolean {
    if (this.#pending.get(id)?.about.tenant !== tenant) return false;
    this.#cancel(id);
    return true;
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

  /** Tells from when on the local store has everything. */
  setLocalFrom(fromMs: number): void {
    this.#post({ type: 'local', fromMs });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#worker.terminate();
    await this.#options.journal?.close();
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
    if (event.type === 'answer') return this.#answer(event);
    if (event.type === 'ask') {
      void this.#options.remoteReads?.ask(event.ask).then((outcome) => this.#post({ type: 'read', outcome }));
      return;
    }
    if (event.type === 'dropAsk') return this.#options.remoteReads?.cancel(event.id);
    if (event.type === 'more') return this.#more(event.id, event.filled);
    if (event.type === 'progress') {
      this.#progress.get(event.id)?.(event.queries);
      this.#progress.delete(event.id);
      return;
    }
    const waiting = this.#tsdb.get(event.id);
    this.#tsdb.delete(event.id);
    if (event.type === 'tsdb') waiting?.resolve(event.status);
    else waiting?.reject(new TidemarkError('internal', event.error));
  }

  #answer({ id, status, stats, coding, body }: Extract<QueryEvent, { type: 'answer' }>): void {
    const pending = this.#pending.get(id);
    if (!pending) {
      if (!(body instanceof Uint8Array)) this.#give(id, body.slots);
      return;
    }
    this.#options.countByStatus(status).inc();
    this.#logSlow(pending.about, status, stats);
    if (pending.logged) this.#options.queryLog?.log(pending.logged, status, stats);
    this.#options.queueSeconds.observe(stats.queueMs / 1000);
    this.#options.runSeconds.observe(stats.runMs / 1000);
    if (body instanceof Uint8Array) {
      this.#end(id, pending);
      pending.resolve({ status, coding, body });
      return;
    }
    const give = (slots: readonly number[]) => this.#give(id, slots);
    pending.body = new AnswerBody({ views: this.#views, give, onEnd: () => this.#end(id, pending) }, body);
    pending.resolve({ status, coding, body: pending.body });
  }

  #logSlow({ tenant, kind, query }: AboutQuery, status: number, stats: QueryCost): void {
    const { slowMs, logger } = this.#options;
    if (slowMs === 0 || stats.runMs < slowMs) return;
    const { runMs, queueMs, samplesRead, seriesRead, peakBytes } = stats;
    logger.warn('slow query', {
      query: query.length > LOGGED_TEXT_MAX ? `${query.slice(0, LOGGED_TEXT_MAX)}...` : query,
      kind,
      tenant,
      status,
      seconds: Math.round(runMs) / 1000,
      queueSeconds: Math.round(queueMs) / 1000,
      samplesRead,
      seriesRead,
      peakBytes,
    });
  }

  #more(id: number, filled: FilledSlots): void {
    const body = this.#pending.get(id)?.body;
    if (body) body.push(filled);
    else this.#give(id, filled.slots);
  }

  #give(id: number, slots: readonly number[]): void {
    this.#post({ type: 'taken', id, slots });
  }

  #died(error: Error): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#failAll(error);
    if (this.#isStopping) return;
    this.#options.logger.error('query worker ended', { error: errorText(error) });
    this.#options.onDeath(error);
  }

  /** Requests get an error; answers under way are broken off. */
  #failAll(error: Error): void {
    for (const [id, pending] of this.#pending) {
      this.#end(id, pending);
      if (pending.body) pending.body.fail(error);
      else pending.reject(error);
    }
    for (const { reject } of this.#tsdb.values()) reject(error);
    this.#tsdb.clear();
    for (const resolve of this.#progress.values()) resolve([]);
    this.#progress.clear();
  }
}
