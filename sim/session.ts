// One process of a simulation: opens the store, serves clients, operators and readers, until somebody ends it.
import { type Logger, TidemarkError } from '../src/base/index.ts';
import { type Files, type SimRandom, type SimWorld, hasCode } from '../src/io/index.ts';
import type { IntakeKernel } from '../src/kernel/index.ts';
import { type Command, Intake, LocalShardPort, Shard, isBusy } from '../src/tsdb/index.ts';
import { compressSnappy } from '../src/wire/snappy.ts';
import { filesBelow } from './below.ts';
import { INTAKE_LIMITS_DEFAULT, type Instances } from './instances.ts';
import type { Judging, Model, Operation } from './model.ts';
import {
  ALWAYS,
  type ReaderParts,
  Violation,
  judgeGroups,
  judgeLabels,
  makeColumn,
  readAndJudge,
  readEverything,
} from './reader.ts';
import type { SimSettings, SimTotals } from './settings.ts';
import { TENANTS, type WorkSample, type Workload, requestBody } from './workload.ts';

const ROOM = 20_000;
const quietColumn = makeColumn(ROOM);

export interface SessionParts {
  readonly sim: SimWorld;
  readonly instances: Instances;
  readonly model: Model;
  readonly workload: Workload;
  readonly settings: SimSettings;
  readonly totals: SimTotals;
  /** Samples before it may be gone by the retention. */
  readonly horizon: { ms: number };
  readonly log?: (text: string) => void;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #random: SimRandom;
  readonly #world: SimWorld['world'];
  readonly #kernel: IntakeKernel;
  readonly #failures: unknown[] = [];
  readonly #operations: Operation[] = [];
  #shards: Shard[] = [];
  #ports: LocalShardPort[] = [];
  #intake: Intake | null = null;
  #inFlight = 0;
  #paused: PromiseWithResolvers<void> | null = null;
  /** What the program said of damage. */
  readonly complaints: string[] = [];

  constructor(parts: SessionParts, random: SimRandom) {
    this.#parts = parts;
    this.#random = random;
    this.#world = parts.sim.world;
    parts.instances.rewind();
    this.#kernel = parts.instances.intake(parts.settings.shards);
  }

  get shards(): readonly Shard[] {
    return this.#shards;
  }

  readonly #logger: Logger = {
    debug: () => undefined,
    info: (text, fields) => {
      this.#parts.log?.(`info: ${text} ${JSON.stringify(fields)}`);
      if (typeof fields?.goneToMs === 'number') this.#gone(fields.goneToMs);
    },
    warn: (text, fields) => this.#complain(text, fields),
    error: (text, fields) => this.#complain(text, fields),
  };

  #complain(text: string, fields?: object): void {
    this.#parts.log?.(`complaint: ${text} ${JSON.stringify(fields)}`);
    this.complaints.push(`${text} ${JSON.stringify(fields)}`);
  }

  /** Blocks with samples up to `toMs` go: none of them may be younger than the retention. */
  #gone(toMs: number): void {
    const { horizon, workload, settings } = this.#parts;
    const { timeMs, sizeBytes } = settings.retention;
    const isTooYoung = sizeBytes === 0 && toMs >= workload.newestMs - timeMs;
    if (isTooYoung)
      throw new Violation(`a block goes with a sample at ${toMs}, and the newest is at ${workload.newestMs}`);
    horizon.ms = Math.max(horizon.ms, toMs + 1);
  }

  readonly #breathe = (): Promise<void> | undefined => {
    const { settings } = this.#parts;
    if (!this.#random.chance(settings.breatheChance)) return undefined;
    return this.#random.chance(0.05) ? this.#world.clock.sleep(this.#random.next() * 20) : this.#world.clock.yield();
  };

  async start(ignoreImages: boolean): Promise<void> {
    const { settings, totals } = this.#parts;
    const { files, clock } = this.#world;
    totals.starts++;
    for (let shard = 0; shard < settings.shards; shard++) {
      const opened = await this.#open(files, shard, ignoreImages);
      this.#countOpened(opened, ignoreImages);
      this.describe(`opened${ignoreImages ? ' without images' : ''}`, opened);
      this.#shards.push(opened);
    }
    this.#ports = this.#shards.map(
      (shard, i) =>
        new LocalShardPort(
          shard,
          (buffer) => this.#intake?.recycle(i, buffer),
          (error) => this.#failures.push(error),
        ),
    );
    const intakeParts = {
      files,
      clock,
      kernel: this.#kernel,
      ports: this.#ports,
      logger: this.#logger,
      settings: settings.intake,
    };
    this.#intake = await Intake.open(intakeParts);
  }

  #open(files: Files, shard: number, ignoreImages: boolean): Promise<Shard> {
    const { instances, settings } = this.#parts;
    return Shard.open({
      files,
      clock: this.#world.clock,
      shard,
      module: instances.modules.head,
      blockModule: instances.modules.block,
      logger: this.#logger,
      policy: settings.policy,
      retention: settings.retention,
      cacheBytesMax: settings.cacheBytesMax,
      breathe: this.#breathe,
      makeHead: instances.head,
      ignoreImages,
    });
  }

  #countOpened(shard: Shard, ignoreImages: boolean): void {
    const { totals } = this.#parts;
    const { isFromImage, replayedRecords, blocks } = shard.stats();
    if (ignoreImages) totals.imagesIgnored++;
    else if (isFromImage) totals.imagesUsed++;
    totals.replayed += replayedRecords;
    totals.blocksSeen += blocks.length;
  }

  /** For debugging: where a shard is. */
  describe(text: string, shard: Shard): void {
    const { log } = this.#parts;
    if (!log) return;
    const { position, clockMs, samples, blocks, tombstones } = shard.stats();
    const names = blocks.map(({ name, meta }) => `${name} [${meta.minMs},${meta.maxMs}] ${meta.samples}`);
    log(`${text}: ${JSON.stringify({ position, clockMs, samples, tombstones })} ${names.join(' ')}`);
  }

  throwFailures(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  get #horizonMs(): number {
    return this.#parts.horizon.ms;
  }

  /** Reads everything, and takes what it finds for settled: nobody has written in this process. */
  async check(): Promise<void> {
    await this.readAll(true);
  }

  /** Copies everything beside readers and compactions, when nobody writes, and judges the copy. */
  async snapshot(): Promise<void> {
    const { totals } = this.#parts;
    await this.command({ type: 'flush' });
    await this.#settled();
    if (this.#shards.some((shard) => shard.stats().minMs !== null)) return; // a disk that failed left some in the head
    const name = `snapshots/${totals.snapshots++}`;
    for (const shard of this.#shards) await shard.snapshot(name);
    const files = filesBelow(this.#world.files, name);
    const copies: Shard[] = [];
    for (let shard = 0; shard < this.#shards.length; shard++) copies.push(await this.#open(files, shard, false));
    await this.#readShards(copies, false, () => false);
    await this.#world.files.remove(name);
  }

  async readAll(isSettling = false, isLossy = () => false): Promise<void> {
    await this.#settled();
    await this.#readShards(this.#shards, isSettling, isLossy);
  }

  async #readShards(shards: readonly Shard[], isSettling: boolean, isLossy: () => boolean): Promise<void> {
    const { model, totals } = this.#parts;
    const judging = Object.defineProperty(this.#judging(...ALWAYS), 'isLossy', { get: isLossy });
    await readEverything({
      shards,
      model,
      column: quietColumn,
      judging,
      pause: () => undefined,
      onSeries: (series, column, count) => {
        totals.rows++;
        if (isSettling) model.settle(series, column, count, this.#horizonMs);
      },
    });
  }

  #judging(minMs: number, maxMs: number): Judging {
    return { since: this.#parts.model.now, minMs, maxMs, horizonMs: this.#horizonMs, isLossy: false };
  }

  /** What was acknowledged is applied. A query waits for that, too. */
  async #settled(): Promise<void> {
    await Promise.all(this.#ports.map((port) => port.settled()));
  }

  /** Clients, readers and trouble until all have done their part. */
  async work(): Promise<void> {
    const random = this.#random;
    const tasks: Promise<void>[] = [];
    const requests = random.pick([3, 20, 60]);
    for (let i = 1 + random.below(3); i > 0; i--) tasks.push(this.client(1 + random.below(requests)));
    for (let i = random.below(3); i > 0; i--) tasks.push(this.#reader(1 + random.below(6)));
    tasks.push(this.#disturber(random.below(14)));
    for (const task of tasks) task.catch((error: unknown) => this.#failures.push(error));
    await Promise.allSettled(tasks);
    this.throwFailures();
    this.#setFaults(0);
    this.#parts.sim.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await this.readAll();
    if (random.chance(0.3)) await this.snapshot();
  }

  /** 1: it can only be read. */
  #setFaults(chance: number): void {
    const { faultChance } = this.#parts.sim.disk;
    for (const fault of ['write', 'sync', 'rename', 'read'] as const)
      faultChance[fault] = fault !== 'read' ? chance : chance < 1 ? chance / 4 : 0;
  }

  async #disturber(actions: number): Promise<void> {
    const { sim, settings, totals } = this.#parts;
    const random = this.#random;
    for (let i = 0; i < actions; i++) {
      await this.#world.clock.sleep(random.next() * 30);
      const what = random.below(12);
      if (what === 0 && settings.hasFullDisk) {
        totals.fullDisks++;
        sim.disk.capacityBytes = sim.disk.usedBytes + random.below(4000);
      } else if (what <= 1) sim.disk.capacityBytes = Number.POSITIVE_INFINITY;
      else if (what === 2) this.#setFaults(settings.hasFaults && random.chance(0.5) ? random.pick([0.02, 0.02, 1]) : 0);
      else if (what <= 5) await this.#image();
      else if (what === 6) this.#intake?.beginSegments();
      else if (what === 7) await this.command({ type: 'flush' });
      else if (what === 8) await this.command({ type: 'clean' });
      else if (what <= 10) await this.#delete();
      else sim.machine('main').clockSkewMs = (random.next() - 0.5) * random.pick([1e4, 1e7, 1e11]);
    }
  }

  async #delete(): Promise<void> {
    const { workload } = this.#parts;
    const [minMs, maxMs] = workload.range();
    await this.command({
      type: 'delete',
      tenant: this.#random.pick(TENANTS),
      matchers: workload.matchers(),
      minMs,
      maxMs,
    });
  }

  async command(command: Command): Promise<void> {
    const { model, totals } = this.#parts;
    await this.#paused?.promise;
    const operation = this.#begin();
    if (command.type === 'delete')
      model.delete(operation, command.tenant, command.matchers, command.minMs, command.maxMs);
    this.#parts.log?.(`command ${JSON.stringify(command)}`);
    const name = ({ flush: 'flushes', delete: 'deletes', clean: 'cleans' } as const)[command.type];
    await this.#attempt(operation, async () => {
      await (this.#intake as Intake).command(command);
      totals[name]++;
    });
  }

  #begin(): Operation {
    const operation = this.#parts.model.begin();
    this.#operations.push(operation);
    return operation;
  }

  /** Awaits what writes to the log; errors of a disk that fails are part of the game. */
  async #attempt(operation: Operation, act: () => Promise<void>): Promise<boolean> {
    const { model, totals } = this.#parts;
    this.#inFlight++;
    try {
      await act();
      model.acknowledge(operation);
      this.#parts.log?.(`acknowledged ${operation.startedAt}`);
      for (const shard of this.#parts.log ? this.#shards : []) this.describe('  now', shard);
      return true;
    } catch (error) {
      if (!isBusy(error) && !hasCode(error, 'io_error')) throw error;
      if (hasCode(error, 'busy')) operation.isVoid = true;
      totals.refused++;
      return false;
    } finally {
      this.#inFlight--;
    }
  }

  /** An image stands for a quiet shard: nothing is applied meanwhile, as in the worker. */
  async #image(): Promise<void> {
    const { totals } = this.#parts;
    this.#paused = Promise.withResolvers<void>();
    while (this.#inFlight > 0) await this.#world.clock.sleep(0.5);
    await this.#settled();
    const shard = this.#random.pick(this.#shards);
    const before = shard.stats().imageCount;
    await shard.writeImage();
    this.describe('image', shard);
    totals.imagesWritten += shard.stats().imageCount - before;
    this.#paused.resolve();
    this.#paused = null;
  }

  async client(requests: number): Promise<void> {
    const { workload, model } = this.#parts;
    let again: WorkSample[] | null = null;
    for (let i = 0; i < requests; i++) {
      if (this.#random.chance(0.5)) await this.#world.clock.sleep(this.#random.next() * 4);
      await this.#paused?.promise;
      const samples: WorkSample[] = again ?? workload.next();
      if (samples.length === 0) continue;
      const operation = this.#begin();
      for (const sample of samples) model.put(operation, sample.series, sample.timeMs, sample);
      this.#parts.log?.(
        `put ${operation.startedAt} ${samples.map(({ series, timeMs }) => `${series.number}@${timeMs}`)}`,
      );
      const request = requestBody(samples, this.#random.chance(0.1));
      const isDone = await this.#attempt(operation, () => this.#write(samples[0].series.tenant, request));
      if (isDone) this.#parts.totals.acknowledged += samples.length;
      // A client that was refused sends the same again; some do although they were not.
      again = isDone && !this.#random.chance(0.05) ? null : samples;
    }
  }

  async #write(tenant: string, { version, body }: ReturnType<typeof requestBody>): Promise<void> {
    const packed = compressSnappy(body);
    const code = await (this.#intake as Intake).commit(tenant, (kernel) =>
      version === 1
        ? kernel.remoteWrite1(packed, INTAKE_LIMITS_DEFAULT)
        : kernel.remoteWrite2(packed, INTAKE_LIMITS_DEFAULT),
    );
    if (code !== 0) throw new Violation(`a good request was refused with code ${code}`);
  }

  /** Reads with pauses, so that cuts, drops and compactions come in between. */
  async #reader(questions: number): Promise<void> {
    const { workload, totals } = this.#parts;
    const column = makeColumn(ROOM);
    for (let i = 0; i < questions; i++) {
      await this.#world.clock.sleep(this.#random.next() * 40);
      const [minMs, maxMs] = workload.range();
      const tenant = this.#random.pick(TENANTS);
      const question = { tenant, matchers: workload.matchers(), minMs, maxMs };
      await this.#ask(question, column);
      totals.reads++;
    }
  }

  async #ask(question: Parameters<typeof readAndJudge>[1], column: ReaderParts['column']): Promise<void> {
    const random = this.#random;
    const patience = random.pick([0, 0.1, 0.6]);
    const judging = this.#judging(question.minMs, question.maxMs);
    const parts: ReaderParts = {
      shards: this.#shards,
      model: this.#parts.model,
      column,
      // The retention may go on while this reader reads.
      judging: Object.defineProperty(judging, 'horizonMs', { get: () => this.#horizonMs }),
      pause: () =>
        random.chance(patience) ? this.#world.clock.sleep(random.next() * random.pick([0, 3, 60])) : undefined,
    };
    await this.#settled();
    try {
      if (random.chance(0.25)) await judgeLabels(parts, question, random.pick(['__name__', 'job', 'series', 'zone']));
      else if (random.chance(0.2)) await this.#groups(question);
      else await readAndJudge(parts, question);
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'io_error') throw error;
    }
  }

  async #groups({ tenant, matchers, minMs, maxMs }: Parameters<typeof readAndJudge>[1]): Promise<void> {
    const random = this.#random;
    for (const { source } of this.#shards) {
      const set = await source.select(tenant, matchers, minMs, maxMs);
      judgeGroups(
        set,
        random.chance(0.5) ? 'by' : 'without',
        random.pick([['job'], ['__name__', 'zone'], ['series'], []]),
      );
      set.release?.();
    }
  }

  /** Ends as a program does that is told to. */
  async stop(imageChance = 0.7): Promise<void> {
    await this.#intake?.close();
    await this.#settled();
    for (const shard of this.#shards) {
      await shard.close();
      if (this.#random.chance(imageChance)) await shard.writeImage();
    }
    this.abandon();
    this.#parts.sim.kill();
  }

  /** The process is about to end: what it was doing stays open for ever. */
  abandon(): void {
    const { totals } = this.#parts;
    for (const shard of this.#shards) {
      const { lifeCycle } = shard.stats();
      totals.cuts += lifeCycle.cuts;
      totals.cutFailures += lifeCycle.cutFailures;
      totals.compactions += lifeCycle.compactions;
      totals.compactionFailures += lifeCycle.compactionFailures;
      totals.expired += lifeCycle.blocksExpired;
      totals.seriesLeft += lifeCycle.seriesLeft;
    }
  }
}
