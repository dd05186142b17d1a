// The query side in a worker thread: parses, plans, executes over the shards' leaves, and encodes answers. The main thread only passes
// requests and bytes.
import { constants, setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import {
  type EngineAnswer,
  type HandlerEngine,
  type InstantRequest,
  type QueryRequest,
  type QueryResponse,
  type RangeRequest,
  createQueryHandler,
  errorResponse,
} from '../api/index.ts';
import { TidemarkError, errorText, invariant } from '../base/index.ts';
import { type Clock, createRealWorld } from '../io/index.ts';
import { type ExecKernel, createExecWasm, loadKernel } from '../kernel/index.ts';
import { type Engine, createEngine, parseExpr, parseSelector, prettyPrint } from '../promql/index.ts';
import { FairQueue } from './fair-queue.ts';
import { engineAnswer } from './engine-answer.ts';
import { createListings, tsdbStatus } from './listings.ts';
import type { EngineSettings, QueryCommand, QueryEvent, QueryWorkerData } from './query-protocol.ts';
import { RemoteLeaf, RemoteShard } from './remote-leaves.ts';

/** Per tenant. */
const WAITING_MAX = 200;
/** JSON of one answer. */
const RESULT_BYTES_MAX = 1 << 30;
/** Between pieces of a long answer: see shard-worker.ts. */
const PAUSE_MS = 0.1;

class QueryHost {
  readonly #main: MessagePort;
  readonly #shards: readonly RemoteShard[];
  readonly #clock: Clock;
  readonly #kernel: ExecKernel;
  readonly #queue: FairQueue;
  readonly #running = new Map<number, AbortController>();
  #settings: EngineSettings;
  #features: ReadonlySet<string>;

  constructor(main: MessagePort, data: QueryWorkerData, clock: Clock, kernel: ExecKernel) {
    this.#main = main;
    this.#shards = data.ports.map((port) => new RemoteShard(port));
    this.#clock = clock;
    this.#kernel = kernel;
    this.#settings = data.settings;
    this.#features = new Set(data.settings.features);
    this.#queue = new FairQueue({ slots: data.settings.maxConcurrency, waitingMax: WAITING_MAX });
  }

  command(command: QueryCommand): void {
    switch (command.type) {
      case 'query':
        void this.#query(command.id, command.request, command.after);
        return;
      case 'cancel':
        this.#running
          .get(command.id)
          ?.abort(new TidemarkError('canceled', 'query was canceled in expression evaluation'));
        return;
      case 'tsdb':
        void this.#tsdb(command.id, command.tenant, command.limit, command.after);
        return;
      case 'settings':
        this.#settings = command.settings;
        this.#features = new Set(command.settings.features);
        this.#queue.slots = command.settings.maxConcurrency;
        return;
      case 'stop':
        this.#main.close();
    }
  }

  async #query(id: number, request: QueryRequest, after: readonly number[]): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    const arrivedMs = this.#clock.monotonicMs();
    let startedMs = arrivedMs;
    let response: QueryResponse;
    try {
      const tenant = 'tenant' in request ? request.tenant : '';
      if (!(await this.#queue.enter(tenant, controller.signal))) {
        throw new TidemarkError('timeout', `too many queries wait: ${WAITING_MAX} of the tenant`);
      }
      startedMs = this.#clock.monotonicMs();
      try {
        response = await this.#handler(after)(request, controller.signal);
      } finally {
        this.#queue.leave();
      }
    } catch (error) {
      response = errorResponse(error);
    }
    this.#running.delete(id);
    const stats = { queueMs: startedMs - arrivedMs, runMs: this.#clock.monotonicMs() - startedMs };
    const { status, body } = response;
    // The body is handed over, unless its memory is shared with more than itself.
    const transfer = body.byteLength === body.buffer.byteLength ? [body.buffer as ArrayBuffer] : [];
    this.#main.postMessage({ type: 'answer', id, status, body, stats } satisfies QueryEvent, transfer);
  }

  async #tsdb(id: number, tenant: string, limit: number, after: readonly number[]): Promise<void> {
    try {
      const status = await tsdbStatus(this.#shards, after, tenant, limit);
      this.#main.postMessage({ type: 'tsdb', id, status } satisfies QueryEvent);
    } catch (error) {
      this.#main.postMessage({ type: 'tsdbFailed', id, error: errorText(error) } satisfies QueryEvent);
    }
  }

  /** A handler whose leaves see what was acknowledged before the request came. */
  #handler(after: readonly number[]): (request: QueryRequest, signal: AbortSignal) => Promise<QueryResponse> {
    const engine = this.#handlerEngine(after);
    const listings = createListings(this.#shards, after);
    const breathe = () => this.#clock.pause(PAUSE_MS);
    return createQueryHandler({ engine, listings, resultBytesMax: RESULT_BYTES_MAX, breathe });
  }

  #engine(after: readonly number[]): Engine {
    const { lookbackMs, timeoutMs, maxSamples, defaultStepMs, queryBytesMax, totalBytesMax } = this.#settings;
    return createEngine({
      leaves: this.#shards.map((shard, i) => new RemoteLeaf(shard, after[i])),
      clock: this.#clock,
      kernel: this.#kernel,
      lookbackMs,
      timeoutMs,
      maxSamples,
      maxBytes: Math.min(queryBytesMax, Math.floor(totalBytesMax / Math.max(1, this.#queue.running))),
      defaultStepMs,
      features: this.#features,
    });
  }

  #handlerEngine(after: readonly number[]): HandlerEngine {
    const engine = this.#engine(after);
    const features = this.#features;
    const options = (request: InstantRequest | RangeRequest, signal: AbortSignal) => ({
      tenant: request.tenant,
      signal,
      ...(request.lookbackMs === null ? {} : { lookbackMs: request.lookbackMs }),
      ...(request.timeoutMs === null ? {} : { timeoutMs: request.timeoutMs }),
    });
    return {
      async instant(request, signal): Promise<EngineAnswer> {
        return engineAnswer(
          await engine.instant(request.query, request.timeMs, options(request, signal)),
          request.stats,
        );
      },
      async range(request, signal): Promise<EngineAnswer> {
        const { query, startMs, endMs, stepMs } = request;
        return engineAnswer(await engine.range(query, startMs, endMs, stepMs, options(request, signal)), request.stats);
      },
      parseSelector: (text) => parseSelector(text),
      format: (query) => prettyPrint(parseExpr(query, { features })),
      parse: null,
    };
  }
}

async function main(): Promise<void> {
  invariant(parentPort, 'the query worker runs in a worker thread');
  // On Linux this is the thread's own priority: writes go first when both want the processor.
  setPriority(0, constants.priority.PRIORITY_LOW);
  const { clock } = createRealWorld('.');
  const port = parentPort;
  const early: QueryCommand[] = [];
  let host: QueryHost | null = null;
  port.on('message', (command: QueryCommand) => (host ? host.command(command) : early.push(command)));
  host = new QueryHost(port, workerData as QueryWorkerData, clock, createExecWasm(await loadKernel('exec')));
  for (const command of early) host.command(command);
}

await main();
