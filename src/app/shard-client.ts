// The main thread's end of a shard worker: hands durable groups over and keeps count of what is not applied yet.
import { type MessagePort, Worker } from 'node:worker_threads';
import { type Logger, TidemarkError, errorText } from '../base/index.ts';
import type { Clock, DurableGroup } from '../io/index.ts';
import type { Retention, ShardPort } from '../tsdb/index.ts';
import { relayLog } from './port-logger.ts';
import {
  type PushedGroup,
  type ShardAsk,
  type ShardCommand,
  type ShardEvent,
  type ShardWorkerData,
  type ShardReport,
  fromWireError,
} from './shard-protocol.ts';
import { createPushMemory, notePush } from './write-activity.ts';

/** Longest wait of a durable group for others, and bytes that do not wait. */
const GATHER_MS = 5;
const GATHERED_BYTES_MAX = 512 * 1024;

/** Buffers that the worker knows by their place: more than the log keeps. */
const PLACES = 32;

/** Three times the space that is collected at a time: each time takes over half a millisecond, however little there is. */
const YOUNG_MB_MAX = 12;

export interface ShardClientOptions {
  readonly clock: Clock;
  readonly data: ShardWorkerData;
  readonly logger: Logger;
  readonly onProgress: (done: number, total: number) => void;
  /** Buffers of applied groups, to be filled again. */
  readonly onBuffers: (buffers: readonly SharedArrayBuffer[]) => void;
  /** The worker ended on its own: a bug, or memory that ran out. The process cannot go on. */
  readonly onDeath: (error: Error) => void;
}

export class ShardClient implements ShardPort {
  readonly #worker: Worker;
  readonly #options: ShardClientOptions;
  readonly #replies = new Map<number, PromiseWithResolvers<ShardReport>>();
  /** Pushed and not applied yet, in order. */
  readonly #pending: { readonly buffer: SharedArrayBuffer; readonly length: number; readonly atMs: number }[] = [];
  readonly #places: (SharedArrayBuffer | undefined)[] = [];
  #nextPlace = 0;
  #nextId = 1;
  #ready = Promise.withResolvers<void>();
  #stopped = Promise.withResolvers<void>();
  #isStopping = false;
  #gathered: PushedGroup[] = [];
  #gatheredBytes = 0;
  #cancelFlush: (() => void) | null = null;
  /** See write-activity.ts. */
  readonly pushMemory = createPushMemory();
  /** Groups handed over since the start. A query that must see them carries this number. */
  pushed = 0;
  pendingBytes = 0;
  fullness = 0;
  startSegment = 0;
  /** Damage that was found in the log at the start. */
  damageCount = 0;

  constructor(options: ShardClientOptions) {
    this.#options = options;
    this.#worker = new Worker(new URL('./shard-worker.ts', import.meta.url), {
      workerData: options.data,
      name: `shard-${options.data.shard}`,
      // Its data is in WebAssembly memory; what it allocates beside is little and dies young.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    });
    this.#worker.on('message', (event: ShardEvent) => this.#receive(event));
    this.#worker.on('error', (error: unknown) => this.#died(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', (code) => {
      if (this.#isStopping) this.#stopped.resolve();
      else this.#died(new Error(`shard worker ${options.data.shard} ended with code ${code}`));
    });
  }

  /** Resolves when the shard has restored its state; rejects when it cannot. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Groups go over in messages of several: waking a thread for each costs more than applying it. */
  push(group: DurableGroup): void {
    this.pushed++;
    notePush(this.pushMemory);
    this.pendingBytes += group.length;
    const { buffer, length } = group;
    this.#pending.push({ buffer, length, atMs: this.#options.clock.monotonicMs() });
    this.#gathered.push(this.#placed(group));
    this.#gatheredBytes += group.length;
    if (this.#gatheredBytes >= GATHERED_BYTES_MAX) this.flush();
    else this.#cancelFlush ??= this.#options.clock.after(GATHER_MS, () => this.flush());
  }

  #placed({ buffer, length, position, next }: DurableGroup): PushedGroup {
    const known = this.#places.indexOf(buffer);
    if (known >= 0) return { place: known, buffer: null, length, position, next };
    const place = this.#nextPlace++ % PLACES;
    this.#places[place] = buffer;
    return { place, buffer, length, position, next };
  }

  /** Hands over what is gathered. Before a query goes to the shard, which waits for the groups acknowledged before it. */
  flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    if (this.#gathered.length === 0) return;
    const groups = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#command({ type: 'push', groups });
  }

  /** When the oldest group came that is not applied, by the monotonic clock; null: all are. */
  get oldestPendingMs(): number | null {
    return this.#pending[0]?.atMs ?? null;
  }

  /** Gives the shard a port on which queries come. */
  connect(port: MessagePort): void {
    this.#worker.postMessage({ type: 'port', port } satisfies ShardCommand, [port]);
  }

  stats(): Promise<ShardReport> {
    return this.#ask({ type: 'stats' });
  }

  /** Writes an image now. */
  image(): Promise<ShardReport> {
    return this.#ask({ type: 'image' });
  }

  /** Resolves when all that was pushed so far is applied. */
  settled(): Promise<ShardReport> {
    this.flush();
    return this.#ask({ type: 'settle', after: this.pushed });
  }

  /** Changes what is kept. */
  retain(retention: Retention): void {
    this.#command({ type: 'retain', retention });
  }

  /** Copies the shard's blocks into a directory. */
  snapshot(directory: string): Promise<ShardReport> {
    return this.#ask({ type: 'snapshot', directory });
  }

  /** Applies what was pushed, writes an image, and ends the worker. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.flush();
    this.#command({ type: 'stop' });
    await this.#stopped.promise;
    await this.#worker.terminate();
  }

  #command(command: ShardCommand): void {
    this.#worker.postMessage(command);
  }

  #ask(command: ShardAsk): Promise<ShardReport> {
    this.flush();
    const id = this.#nextId++;
    const reply = Promise.withResolvers<ShardReport>();
    this.#replies.set(id, reply);
    this.#command({ ...command, id });
    return reply.promise;
  }

  #receive(event: ShardEvent): void {
    if (relayLog(event, this.#options.logger)) return;
    switch (event.type) {
      case 'progress':
        return this.#options.onProgress(event.done, event.total);
      case 'ready':
        this.startSegment = event.stats.position.segment;
        this.damageCount = event.stats.damage.length;
        return this.#ready.resolve();
      case 'failed':
        return this.#ready.reject(new TidemarkError('shard_failed', event.error));
      case 'stopped':
        return this.#stopped.resolve();
      case 'reply':
        this.#replies.get(event.id)?.resolve(event.stats);
        this.#replies.delete(event.id);
        return;
      case 'refused':
        this.#replies.get(event.id)?.reject(fromWireError(event.error));
        this.#replies.delete(event.id);
        return;
      case 'applied':
        this.fullness = event.fullness;
        this.#applied(event.groups);
    }
  }

  #applied(groups: number): void {
    const applied = this.#pending.splice(0, groups);
    for (const { length } of applied) this.pendingBytes -= length;
    this.#options.onBuffers(applied.map(({ buffer }) => buffer));
  }

  #died(error: Error): void {
    this.#ready.reject(error);
    this.#stopped.resolve();
    this.#options.logger.error('shard worker ended', { error: errorText(error) });
    if (!this.#isStopping) this.#options.onDeath(error);
  }
}
