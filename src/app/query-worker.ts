// The query side in a worker thread: parses, plans, executes over the shards' leaves, and encodes answers. The main thread only passes
// requests and bytes.
import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import {
  type BulkRequest,
  type Coding,
  type EncodedPiece,
  type EngineAnswer,
  type HandlerEngine,
  type InstantRequest,
  type HandlerAnswer,
  type QueryRequest,
  type RangeRequest,
  createQueryHandler,
  encodeAnswer,
  errorAnswer,
  plainErrorAnswer,
  syntaxTree,
} from '../api/index.ts';
import { TidemarkError, errorText, invariant } from '../base/index.ts';
import { type Clock, createRealWorld } from '../io/index.ts';
import { type ExecKernel, type PointsKernel, createExecWasm, createJsonWasm, loadKernel } from '../kernel/index.ts';
import {
  type Engine,
  FUNCTIONS,
  type QueryResult,
  type RunningCost,
  createEngine,
  exprSelectors,
  parseExpr,
  parseSelector,
  prettyPrint,
} from '../promql/index.ts';
import { AnswerSender } from './answer-sender.ts';
import { SlotPool } from './answer-slots.ts';
import { CancelFlags } from './cancel-flags.ts';
import { GarbageCollector } from './collect-garbage.ts';
import { FairQueue } from './fair-queue.ts';
import { federateAnswer } from './federate-answer.ts';
import { remoteReadAnswer } from './remote-read-answer.ts';
import { ruleAnswer } from './rules-answer.ts';
import { engineAnswer } from './engine-answer.ts';
import { createListings, tsdbStatus } from './listings.ts';
import type { EngineSettings, QueryCommand, QueryEvent, QueryProgress, QueryWorkerData } from './query-protocol.ts';
import { RemoteReadAsker } from './remote-read-asker.ts';
import { RemoteReads } from './remote-read-source.ts';
import { RemoteLeaf, RemoteShard } from './remote-leaves.ts';
import { WriteActivity } from './write-activity.ts';

/** Per tenant. */
const WAITING_MAX = 200;
/** Between pieces of work and of a long answer: see shard-worker.ts. */
const PAUSE_MS = 0.1;
/**
 * Below the thread that accepts writes. As the shards: below them a message to the first would wake it on this processor and put this
 * thread aside, and the second shard would hear of its part when the first is done.
 */
const PRIORITY = 10;
/** After this long of encoding others have their turn: whole steps of other queries, so that a shorter one keeps long answers waiting. */
const SEND_SLICE_MS = 5;
/** What a query may always hold, however much of other answers waits for slow receivers. */
const QUERY_BYTES_LEAST = 16 << 20;

/** Rules wait for their turn as a tenant of their own would: no number of dashboards delays them. */
const RULES_QUEUE = ' rules';

function queueOf(request: QueryRequest): string {
  if (request.kind === 'rule') return RULES_QUEUE;
  return 'tenant' in request ? request.tenant : '';
}

/** Whose errors are plain text. */
const isPlain = (request: QueryRequest): boolean => isBulk(request) || request.kind === 'rule';

const isBulk = (request: QueryRequest): request is BulkRequest =>
  request.kind === 'federate' || request.kind === 'read';

interface Running {
  readonly id: number;
  readonly controller: AbortController;
  state: QueryProgress['state'];
  /** Of the evaluation, once it has begun. */
  cost: RunningCost | null;
  sender: AnswerSender | null;
}

interface Kernels {
  readonly exec: () => ExecKernel;
  readonly points: PointsKernel;
}

class QueryHost {
  readonly #main: MessagePort;
  readonly #shards: readonly RemoteShard[];
  readonly #clock: Clock;
  readonly #kernel: ExecKernel;
  /** Writes answers' samples. */
  readonly #pointsKernel: PointsKernel;
  readonly #queue: FairQueue;
  readonly #slots: SlotPool;
  readonly #cancels: CancelFlags;
  readonly #garbage: GarbageCollector;
  readonly #writes: WriteActivity;
  readonly #running = new Map<number, Running>();
  /** Results that are being sent. */
  #unsentBytes = 0;
  /** Of leaves that run here, over samples of remote endpoints. */
  readonly #leafKernel: ExecKernel;
  readonly #asker: RemoteReadAsker;
  /** The local store has everything from here on; until it is known, it may have nothing. */
  #localFromMs = Number.MAX_SAFE_INTEGER;
  #settings: EngineSettings;
  #features: ReadonlySet<string>;

  constructor(main: MessagePort, data: QueryWorkerData, clock: Clock, kernels: Kernels) {
    this.#main = main;
    this.#leafKernel = kernels.exec();
    const post = (event: QueryEvent) => this.#main.postMessage(event);
    this.#asker = new RemoteReadAsker({
      ask: (ask) => post({ type: 'ask', ask }),
      drop: (id) => post({ type: 'dropAsk', id }),
    });
    this.#shards = data.ports.map((port) => new RemoteShard(port));
    this.#clock = clock;
    this.#kernel = kernels.exec();
    this.#pointsKernel = kernels.points;
    this.#settings = data.settings;
    this.#features = new Set(data.settings.features);
    this.#slots = new SlotPool(data.slots);
    this.#garbage = new GarbageCollector(clock);
    this.#cancels = new CancelFlags(data.cancels);
    this.#writes = new WriteActivity(data.pushes, clock);
    this.#queue = new FairQueue({ slots: data.settings.maxConcurrency, waitingMax: WAITING_MAX });
  }

  command(command: QueryCommand): void {
    switch (command.type) {
      case 'query':
        void this.#query(command);
        return;
      case 'cancel':
        this.#running
          .get(command.id)
          ?.controller.abort(new TidemarkError('canceled', 'query was canceled in expression evaluation'));
        return;
      case 'progress':
        this.#main.postMessage({ type: 'progress', id: command.id, queries: this.#progress() } satisfies QueryEvent);
        return;
      case 'taken':
        this.#running.get(command.id)?.sender?.released(command.slots.length);
        this.#slots.giveBack(command.slots);
        return;
      case 'tsdb':
        void this.#tsdb(command.id, command.tenant, command.limit, command.after);
        return;
      case 'read':
        this.#asker.done(command.outcome);
        return;
      case 'local':
        this.#localFromMs = command.fromMs;
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

  async #query({ id, request, after, accepted }: Extract<QueryCommand, { type: 'query' }>): Promise<void> {
    const running: Running = { id, controller: new AbortController(), state: 'waiting', cost: null, sender: null };
    const { signal } = running.controller;
    this.#running.set(id, running);
    const arrivedMs = this.#clock.monotonicMs();
    let startedMs = arrivedMs;
    let answer: HandlerAnswer;
    try {
      const tenant = queueOf(request);
      if (!(await this.#queue.enter(tenant, signal))) {
        throw new TidemarkError('timeout', `too many queries wait: ${WAITING_MAX} of the tenant`);
      }
      startedMs = this.#clock.monotonicMs();
      running.state = 'running';
      try {
        answer = await this.#handle(request, after, running);
      } finally {
        this.#queue.leave();
      }
    } catch (error) {
      answer = isPlain(request) ? plainErrorAnswer(error) : errorAnswer(error);
    }
    running.state = 'sending';
    const { samplesRead = 0, seriesRead = 0, peakBytes = 0, peakSamples = 0 } = running.cost ?? {};
    const runMs = this.#clock.monotonicMs() - startedMs;
    const { error = '' } = answer;
    const stats = { queueMs: startedMs - arrivedMs, runMs, samplesRead, seriesRead, peakBytes, peakSamples, error };
    const post = (event: QueryEvent) => this.#main.postMessage(event);
    running.sender = new AnswerSender({ id, status: answer.status, stats, pool: this.#slots, signal, post });
    await this.#send(answer, accepted, running.sender, signal);
    this.#running.delete(id);
    if (this.#running.size === 0) this.#garbage.resetKernel(this.#kernel);
    this.#garbage.dropped(peakBytes);
  }

  #progress(): QueryProgress[] {
    return Array.from(this.#running.values(), ({ id, state, cost }) => {
      const { samplesRead = 0, seriesRead = 0, bytes = 0, peakBytes = 0 } = cost ?? {};
      return { id, state, samplesRead, seriesRead, bytes, peakBytes };
    });
  }

  /** Encodes and sends; between two pieces others have their turn. Ends early when the receiver has gone. */
  async #send(
    answer: HandlerAnswer,
    accepted: Coding | null,
    sender: AnswerSender,
    signal: AbortSignal,
  ): Promise<void> {
    const clock = this.#clock;
    let sliceEndMs = clock.monotonicMs() + SEND_SLICE_MS;
    this.#unsentBytes += answer.heldBytes;
    try {
      const send = async (piece: EncodedPiece): Promise<void> => {
        await sender.send(piece);
        if (piece.isEnd) return;
        this.#pauseForWrites();
        if (clock.monotonicMs() < sliceEndMs) return;
        await clock.yield();
        sliceEndMs = clock.monotonicMs() + SEND_SLICE_MS;
      };
      await encodeAnswer(answer, accepted, send, this.#pointsKernel);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#unsentBytes -= answer.heldBytes;
    }
  }

  /** Gives the processor away for a moment, while writes come in. */
  #pauseForWrites(): void {
    if (this.#writes.isRecent) this.#clock.pause(PAUSE_MS);
  }

  async #tsdb(id: number, tenant: string, limit: number, after: readonly number[]): Promise<void> {
    try {
      const status = await tsdbStatus(this.#shards, after, tenant, limit);
      this.#main.postMessage({ type: 'tsdb', id, status } satisfies QueryEvent);
    } catch (error) {
      this.#main.postMessage({ type: 'tsdbFailed', id, error: errorText(error) } satisfies QueryEvent);
    }
  }

  /** What leaves read was acknowledged before the request came. */
  #handle(request: QueryRequest, after: readonly number[], running: Running): Promise<HandlerAnswer> {
    const { signal } = running.controller;
    if (isBulk(request)) return this.#bulk(request, after, signal);
    if (request.kind === 'rule') return ruleAnswer(this.#engine(after, this.#reads()), request, signal);
    const engine = this.#handlerEngine(after, running);
    const listings = createListings(this.#shards, after, this.#settings.keepsExemplars);
    return createQueryHandler({ engine, listings, breathe: () => this.#clock.yield() })(request, signal);
  }

  #bulk(request: BulkRequest, after: readonly number[], signal: AbortSignal): Promise<HandlerAnswer> {
    const { lookbackMs, maxSamples } = this.#settings;
    const limits = { lookbackMs, samplesMax: maxSamples, bytesMax: this.#bytesMax };
    const leaves = this.#shards.map((shard, i) => new RemoteLeaf(shard, after[i]));
    return request.kind === 'federate'
      ? federateAnswer(leaves, request, limits, signal)
      : remoteReadAnswer(leaves, request, limits, signal);
  }

  /** What one more query may hold. */
  get #bytesMax(): number {
    const { queryBytesMax, totalBytesMax } = this.#settings;
    const share = Math.floor((totalBytesMax - this.#unsentBytes) / Math.max(1, this.#queue.running));
    return Math.max(QUERY_BYTES_LEAST, Math.min(queryBytesMax, share));
  }

  #reads(): RemoteReads {
    return new RemoteReads({
      endpoints: this.#settings.remoteReads,
      ask: (...request) => this.#asker.ask(...request),
      localFromMs: this.#localFromMs,
      kernel: this.#leafKernel,
    });
  }

  #engine(after: readonly number[], reads: RemoteReads): Engine {
    const { lookbackMs, timeoutMs, maxSamples, defaultStepMs } = this.#settings;
    return createEngine({
      leaves: reads.leaves(this.#shards.map((shard, i) => new RemoteLeaf(shard, after[i]))),
      clock: this.#clock,
      onYield: () => this.#pauseForWrites(),
      kernel: this.#kernel,
      lookbackMs,
      timeoutMs,
      maxSamples,
      maxBytes: this.#bytesMax,
      defaultStepMs,
      features: this.#features,
    });
  }

  #handlerEngine(after: readonly number[], running: Running): HandlerEngine {
    const reads = this.#reads();
    const engine = this.#engine(after, reads);
    const features = this.#features;
    const options = (request: InstantRequest | RangeRequest, signal: AbortSignal) => ({
      tenant: request.tenant,
      noCache: request.noCache,
      signal,
      ...(request.explain === 'none' ? {} : { explain: request.explain }),
      isCanceled: () => this.#cancels.isCanceled(running.id),
      onRun: (cost: RunningCost) => {
        running.cost = cost;
      },
      ...(request.lookbackMs === null ? {} : { lookbackMs: request.lookbackMs }),
      ...(request.timeoutMs === null ? {} : { timeoutMs: request.timeoutMs }),
    });
    return {
      async instant(request, signal): Promise<EngineAnswer> {
        const result = await engine.instant(request.query, request.timeMs, options(request, signal));
        return engineAnswer(withWarnings(result, reads), request.stats);
      },
      async range(request, signal): Promise<EngineAnswer> {
        const { query, startMs, endMs, stepMs } = request;
        const result = await engine.range(query, startMs, endMs, stepMs, options(request, signal));
        return engineAnswer(withWarnings(result, reads), request.stats);
      },
      parseSelector: (text) => parseSelector(text),
      selectors: (query) => exprSelectors(parseExpr(query, { features })),
      format: (query) => prettyPrint(parseExpr(query, { features })),
      parse: (query) => syntaxTree(parseExpr(query, { features }), FUNCTIONS),
    };
  }
}

/** With what remote endpoints lack. */
const withWarnings = (result: QueryResult, { warnings }: RemoteReads): QueryResult =>
  warnings.length === 0 ? result : { ...result, warnings: [...result.warnings, ...warnings] };

async function main(): Promise<void> {
  invariant(parentPort, 'the query worker runs in a worker thread');
  if (process.platform === 'linux') setPriority(0, PRIORITY); // of this thread alone; elsewhere it would be the process'
  const { clock } = createRealWorld('.');
  const port = parentPort;
  const early: QueryCommand[] = [];
  let host: QueryHost | null = null;
  port.on('message', (command: QueryCommand) => (host ? host.command(command) : early.push(command)));
  const [exec, json] = await Promise.all(['exec', 'json'].map(loadKernel));
  host = new QueryHost(port, workerData as QueryWorkerData, clock, {
    exec: () => createExecWasm(exec),
    points: createJsonWasm(json),
  });
  for (const command of early) host.command(command);
}

await main();
