// A shard in a worker thread: takes durable groups from the main thread and leaf plans from the query worker. Ingest goes first: a
// leaf runs in slices of a few milliseconds and lets waiting groups in between them.
import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { errorText, invariant } from '../base/index.ts';
import { type Clock, type DurableGroup, createRealWorld } from '../io/index.ts';
import { type ExecKernel, createExecWasm } from '../kernel/index.ts';
import { mergeTexts } from '../model/index.ts';
import { CachedLeaf, LabelsPacker, type LeafControl, LocalLeafExecutor, leafTransferables } from '../promql/index.ts';
import { type Retention, Shard } from '../tsdb/index.ts';
import { GarbageCollector } from './collect-garbage.ts';
import { portLogger } from './port-logger.ts';
import { shardCardinality } from './shard-cardinality.ts';
import {
  type PushedGroup,
  type ShardAnswer,
  type ShardAsk,
  type ShardCommand,
  type ShardEvent,
  type ShardQuery,
  type ShardQueryValue,
  type ShardReport,
  type ShardSelection,
  type ShardWorkerData,
  toWireError,
} from './shard-protocol.ts';
import { threadMemory } from './thread-memory.ts';

/**
 * A leaf yields after this long, and gives the processor away for a moment: p99 of a write beside eight clients with heavy queries on
 * two processors (bench/isolation.ts): 18-22 ms with slices of 3 ms and no pause, 14 ms with these; the queries took no longer.
 */
const SLICE_MS = 1;
const PAUSE_MS = 0.1;
/** No pause for writers where nothing was written for so long. */
const WRITES_RECENT_MS = 1000;
/**
 * Below the thread that accepts writes, above the one that plans queries. bench/isolation.ts on two processors, p99 of a write
 * under heavy queries on a busy machine: 119 to 147 ms at 0, 22 ms at 5, 23 ms at 10; ingest the same.
 */
const PRIORITY = 10;

class ShardHost {
  readonly #shard: Shard;
  /** What the shard looks at. */
  readonly #retention: Retention;
  readonly #clock: Clock;
  readonly #executor: CachedLeaf;
  readonly #kernel: ExecKernel;
  readonly #garbage: GarbageCollector;
  readonly #main: MessagePort;
  readonly #running = new Map<number, AbortController>();
  /** What groups come in, by the place that names it. */
  readonly #places: SharedArrayBuffer[] = [];
  #queue: DurableGroup[] = [];
  #applied = 0;
  /** When groups came last. */
  #pushedMs = Number.NEGATIVE_INFINITY;
  /** An image is being written, or a record waits for block files: nothing is applied meanwhile. */
  #busy: Promise<void> | null = null;
  #waiting: { after: number; resolve: () => void }[] = [];

  constructor(
    shard: Shard,
    { retention, execModule, resultCacheBytesMax }: ShardWorkerData,
    clock: Clock,
    garbage: GarbageCollector,
    main: MessagePort,
  ) {
    this.#shard = shard;
    this.#retention = retention;
    this.#clock = clock;
    this.#main = main;
    this.#garbage = garbage;
    this.#kernel = createExecWasm(execModule);
    const executor = new LocalLeafExecutor({
      source: shard.source,
      kernel: this.#kernel,
      nowMs: () => clock.monotonicMs(),
    });
    this.#executor = new CachedLeaf({ executor, changes: shard.changes, bytesMax: resultCacheBytesMax });
  }

  stats(): ShardReport {
    return { ...this.#shard.stats(), results: this.#executor.stats(), thread: threadMemory() };
  }

  #post(event: ShardEvent): void {
    this.#main.postMessage(event);
  }

  command(command: ShardCommand): void {
    if (command.type === 'push') {
      this.#pushedMs = this.#clock.monotonicMs();
      for (const group of command.groups) this.#queue.push(this.#placed(group));
      this.#pump();
    } else if (command.type === 'port') {
      command.port.on('message', (query: ShardQuery) => void this.#query(command.port, query));
    } else if (command.type === 'retain') Object.assign(this.#retention, command.retention);
    else if (command.type === 'stop') void this.#stop();
    else void this.#ask(command);
  }

  async #ask(command: ShardAsk & { id: number }): Promise<void> {
    const { id } = command;
    try {
      if (command.type === 'settle') await this.#caughtUp(command.after);
      else if (command.type === 'image') await this.#image();
      else if (command.type === 'snapshot') await this.#shard.snapshot(command.directory);
      this.#post({ type: 'reply', id, stats: this.stats() });
    } catch (error) {
      this.#post({ type: 'refused', id, error: toWireError(error) });
    }
  }

  #placed({ place, buffer, ...group }: PushedGroup): DurableGroup {
    if (buffer) this.#places[place] = buffer;
    return { ...group, buffer: this.#places[place] };
  }

  /** Applies what waits. */
  #pump(): void {
    while (!this.#busy && this.#queue.length > 0) {
      const groups = this.#queue;
      this.#queue = [];
      const done = this.#apply(groups);
      this.#finish(groups.slice(0, done));
      if (!this.#busy && this.#shard.isImageDue) void this.#image();
    }
  }

  /** Applies groups up to the first that has to wait for block files; returns how many are done. */
  #apply(groups: readonly DurableGroup[]): number {
    for (const [i, group] of groups.entries()) {
      const { buffer, length, position, next } = group;
      const waiting = this.#shard.applyGroup(new Uint8Array(buffer, 0, length), position, next);
      if (!waiting) continue;
      this.#queue.unshift(...groups.slice(i + 1));
      void this.#hold(waiting.then(() => this.#finish([group])));
      return i;
    }
    return groups.length;
  }

  #finish(groups: readonly DurableGroup[]): void {
    if (groups.length === 0) return;
    this.#applied += groups.length;
    this.#post({ type: 'applied', groups: groups.length, fullness: this.#shard.fullness });
    for (const { after, resolve } of this.#waiting) if (after <= this.#applied) resolve();
    this.#waiting = this.#waiting.filter(({ after }) => after > this.#applied);
  }

  /** Lets nothing be applied until the work is done. A failure ends the worker: what it was asked to do cannot be skipped. */
  async #hold(work: Promise<void>): Promise<void> {
    this.#busy = work;
    await work;
    this.#busy = null;
    this.#pump();
  }

  async #image(): Promise<void> {
    while (this.#busy) await this.#busy;
    await this.#hold(this.#shard.writeImage());
  }

  async #stop(): Promise<void> {
    for (const controller of this.#running.values()) controller.abort();
    this.#pump();
    while (this.#busy) await this.#busy;
    await this.#shard.close();
    if (this.#shard.hasChangesSinceImage) await this.#shard.writeImage();
    this.#post({ type: 'stopped' });
    this.#main.close();
  }

  /** Resolves once the groups are applied that were acknowledged before the query came. */
  #caughtUp(after: number): Promise<void> | null {
    if (after <= this.#applied) return null;
    return new Promise((resolve) => this.#waiting.push({ after, resolve }));
  }

  async #query(port: MessagePort, query: ShardQuery): Promise<void> {
    if (query.type === 'cancel') {
      this.#running.get(query.id)?.abort();
      return;
    }
    const controller = new AbortController();
    this.#running.set(query.id, controller);
    try {
      await this.#caughtUp(query.after);
      const value = await this.#answer(query, controller.signal);
      port.postMessage({ id: query.id, value } satisfies ShardAnswer, transferables(value));
    } catch (error) {
      port.postMessage({ id: query.id, error: toWireError(error) } satisfies ShardAnswer);
    } finally {
      this.#running.delete(query.id);
      if (this.#running.size === 0) this.#garbage.resetKernel(this.#kernel);
    }
  }

  #answer(
    query: Exclude<ShardQuery, { type: 'cancel' }>,
    signal: AbortSignal,
  ): Promise<ShardQueryValue> | ShardQueryValue {
    switch (query.type) {
      case 'leaf':
        return this.#executor.execute(query.plan, this.#control(signal));
      case 'estimate':
        return this.#executor.estimate(query.plan, this.#control(signal));
      case 'series':
        return this.#seriesLabels(query.selection, this.#control(signal));
      case 'labelNames':
        return this.#list(query.selection, (matchers, { tenant, startMs, endMs }) =>
          this.#shard.source.labelNames(tenant, matchers, startMs, endMs),
        );
      case 'labelValues':
        return this.#list(query.selection, (matchers, { tenant, startMs, endMs }) =>
          this.#shard.source.labelValues(tenant, query.name, matchers, startMs, endMs),
        );
      case 'exemplars':
        return this.#exemplars(query.selection, this.#control(signal));
      case 'cardinality':
        return shardCardinality(this.#shard, query.tenant);
    }
  }

  #control(signal: AbortSignal): LeafControl {
    const clock = this.#clock;
    let sliceEndMs = clock.monotonicMs() + SLICE_MS;
    return {
      signal,
      shouldYield: () => clock.monotonicMs() >= sliceEndMs,
      yield: async () => {
        await clock.yield();
        if (clock.monotonicMs() - this.#pushedMs < WRITES_RECENT_MS) clock.pause(PAUSE_MS);
        sliceEndMs = clock.monotonicMs() + SLICE_MS;
      },
    };
  }

  async #seriesLabels(selection: ShardSelection, control: LeafControl): Promise<ShardQueryValue> {
    const { tenant, matcherSets, startMs, endMs, limit } = selection;
    const packer = new LabelsPacker();
    let count = 0;
    for (const matchers of matcherSets.length === 0 ? [[]] : matcherSets) {
      const set = await this.#shard.source.select(tenant, matchers, startMs, endMs);
      try {
        let ready = 0;
        for (let i = 0; i < set.length && (limit === 0 || count <= limit); i++, count++) {
          if (i >= ready || control.shouldYield()) {
            if (control.shouldYield()) await control.yield();
            ready = set.prefetch ? await set.prefetch(i, 'labels') : set.length;
          }
          const labels = set.labels(i);
          if (labels.size > 0) packer.add(labels);
          control.signal.throwIfAborted();
        }
      } finally {
        set.release?.();
      }
    }
    return packer.finish();
  }

  async #exemplars(selection: ShardSelection, control: LeafControl): Promise<ShardQueryValue> {
    const series = await this.#shard.exemplars(selection, () => {
      control.signal.throwIfAborted();
      return control.shouldYield() ? control.yield() : undefined;
    });
    return { series };
  }

  async #list(
    selection: ShardSelection,
    list: (matchers: ShardSelection['matcherSets'][number], selection: ShardSelection) => string[] | Promise<string[]>,
  ): Promise<string[]> {
    const { matcherSets } = selection;
    if (matcherSets.length <= 1) return list(matcherSets[0] ?? [], selection);
    const lists = await Promise.all(matcherSets.map(async (matchers) => list(matchers, selection)));
    return [...mergeTexts(lists)];
  }
}

function transferables(value: ShardQueryValue): ArrayBuffer[] {
  if ('kind' in value) return leafTransferables(value);
  if ('pairs' in value) return [value.pairs.buffer as ArrayBuffer, value.ends.buffer as ArrayBuffer];
  return [];
}

async function main(): Promise<void> {
  invariant(parentPort, 'a shard worker runs in a worker thread');
  if (process.platform === 'linux') setPriority(0, PRIORITY); // of this thread alone; elsewhere it would be the process'
  const port = parentPort;
  const data = workerData as ShardWorkerData;
  const { directory, shard, headModule, blockModule, cacheBytesMax } = data;
  // One object for the life of the shard, which looks at it whenever it looks for blocks to let go.
  const retention = { ...data.retention };
  const { files, clock } = createRealWorld(directory);
  const logger = portLogger(port);
  const garbage = new GarbageCollector(clock);
  const early: ShardCommand[] = [];
  let host: ShardHost | null = null;
  port.on('message', (command: ShardCommand) => (host ? host.command(command) : early.push(command)));
  const onProgress = (done: number, total: number) =>
    port.postMessage({ type: 'progress', done, total } satisfies ShardEvent);
  try {
    const opened = await Shard.open({
      files,
      clock,
      shard,
      module: headModule,
      blockModule,
      logger,
      retention,
      cacheBytesMax,
      onProgress,
      afterWork: () => garbage.collect(),
    });
    host = new ShardHost(opened, { ...data, retention }, clock, garbage, port);
    port.postMessage({ type: 'ready', stats: host.stats() } satisfies ShardEvent);
    for (const command of early) host.command(command);
  } catch (error) {
    port.postMessage({ type: 'failed', error: errorText(error) } satisfies ShardEvent);
  }
}

await main();
