// One seed: log and shards over a simulated disk, under crashes, kills, faults and a full disk. Checked after each restart and now and
// then between: promise 1 (acknowledged means durable), 2 (and visible), 3 (a shard is a pure function of its log: image plus tail and
// log alone give the same bytes) and 8 (any order of times, duplicates count once, good samples of a mixed request are stored).
import { type Logger, TidemarkError } from '../src/base/index.ts';
import { type SimRandom, createSimWorld, hasCode } from '../src/io/index.ts';
import { INTAKE_LIMITS_DEFAULT, type IntakeKernel, createIntakeWasm, loadKernel } from '../src/kernel/index.ts';
import { Head, Intake, LocalShardPort, Shard, isBusy } from '../src/tsdb/index.ts';
import { encodeRemoteWriteV1 } from '../src/wire/remote-write-v1.ts';
import { compressSnappy } from '../src/wire/snappy.ts';
import { Model, type ModelSample, valueAt } from './model.ts';

export interface SimSwitches {
  /** The disk's sync makes nothing durable: promise 1 must be found broken. */
  readonly brokenSync?: boolean;
}

export interface SimOutcome {
  readonly seed: number;
  /** What was found, or null. */
  readonly violation: string | null;
  readonly crashes: number;
  readonly acknowledged: number;
  readonly refused: number;
}

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const ALWAYS = [-(2 ** 52), 2 ** 52] as const;
const START = 1_700_000_000_000;
const TENANT = 'anonymous';

/** Instances are reused from seed to seed: each reserves gigabytes of address space. */
class Instances {
  readonly #module: WebAssembly.Module;
  readonly #heads: Head[] = [];
  #used = 0;
  readonly kernels = new Map<number, IntakeKernel>();

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  rewind(): void {
    this.#used = 0;
  }

  head(): Head {
    if (this.#used === this.#heads.length) this.#heads.push(new Head(this.#module));
    const head = this.#heads[this.#used++];
    head.reset();
    return head;
  }
}

let instances: Instances | null = null;
let modules: { head: WebAssembly.Module; intake: WebAssembly.Module } | null = null;

async function prepare(shards: number): Promise<IntakeKernel> {
  modules ??= { head: await loadKernel('head'), intake: await loadKernel('intake') };
  instances ??= new Instances(modules.head);
  let kernel = instances.kernels.get(shards);
  if (!kernel) {
    kernel = createIntakeWasm(modules.intake, { shards, key: new Uint8Array(32).fill(9) });
    instances.kernels.set(shards, kernel);
  }
  for (let shard = 0; shard < shards; shard++) kernel.rotate(shard);
  return kernel;
}

class Violation extends Error {}

/** One process on the simulated machine. */
interface Running {
  readonly shards: Shard[];
  readonly intake: Intake;
}

class Simulation {
  readonly #sim: ReturnType<typeof createSimWorld>;
  readonly #random: SimRandom;
  readonly #model = new Model();
  readonly #kernel: IntakeKernel;
  readonly #shardCount: number;
  readonly #seriesCount: number;
  #newestMs = START;
  crashes = 0;
  acknowledged = 0;
  refused = 0;
  #running: Running | null = null;
  #generation = 0;

  constructor(seed: number, kernel: IntakeKernel, switches: SimSwitches) {
    this.#sim = createSimWorld(seed);
    this.#random = this.#sim.random.fork();
    this.#kernel = kernel;
    this.#shardCount = kernel.shards;
    this.#seriesCount = 1 + this.#random.below(12);
    this.#sim.disk.lieAboutSync = switches.brokenSync ?? false;
  }

  run(): Promise<void> {
    return this.#sim.run(async () => {
      const rounds = 2 + this.#random.below(4);
      for (let round = 0; round < rounds; round++) {
        await this.#start();
        await this.#check();
        await this.#work();
        this.#end();
      }
      await this.#start();
      await this.#check();
    });
  }

  async #start(): Promise<void> {
    instances?.rewind();
    const { files, clock } = this.#sim.world;
    const module = (modules as { head: WebAssembly.Module }).head;
    const makeHead = () => (instances as Instances).head();
    for (let shard = 0; shard < this.#shardCount; shard++) this.#kernel.rotate(shard);
    const shards: Shard[] = [];
    for (let shard = 0; shard < this.#shardCount; shard++) {
      const opened = await Shard.open({ files, shard, module, logger, makeHead });
      const rebuilt = await Shard.open({ files, shard, module, logger, makeHead, ignoreImages: true });
      if (Buffer.compare(opened.stateBytes(), rebuilt.stateBytes()) !== 0) {
        throw new Violation(`promise 3: image and log of shard ${shard} give different states`);
      }
      shards.push(opened);
    }
    let intake: Intake | null = null;
    const ports = shards.map((shard, i) => new LocalShardPort(shard, (buffer) => intake?.recycle(i, buffer)));
    intake = await Intake.open({ files, clock, kernel: this.#kernel, ports, logger });
    this.#running = { shards, intake };
    this.#generation++;
  }

  /** Clients write, some at once, until it is time to crash. */
  async #work(): Promise<void> {
    const { disk, clock } = this.#sim;
    const generation = this.#generation;
    disk.faultChance.write = this.#random.chance(0.3) ? 0.02 : 0;
    disk.faultChance.sync = this.#random.chance(0.3) ? 0.02 : 0;
    const clients = Array.from({ length: 1 + this.#random.below(4) }, () => this.#client(generation));
    const failures: unknown[] = [];
    for (const client of clients) client.catch((error: unknown) => failures.push(error));
    const actions = this.#random.below(12);
    for (let i = 0; i < actions; i++) {
      await clock.sleep(this.#random.next() * 8);
      await this.#disturb();
      if (failures.length > 0) throw failures[0];
    }
    disk.faultChance.write = 0;
    disk.faultChance.sync = 0;
    disk.capacityBytes = Number.POSITIVE_INFINITY;
  }

  async #disturb(): Promise<void> {
    const { disk } = this.#sim;
    const running = this.#running as Running;
    const what = this.#random.below(8);
    if (what === 0) disk.capacityBytes = disk.usedBytes + this.#random.below(2000);
    else if (what === 1) disk.capacityBytes = Number.POSITIVE_INFINITY;
    else if (what === 2) await this.#check();
    else if (what === 3) {
      const log = this.#random.below(this.#shardCount);
      running.intake.logs[log].rotate();
      this.#kernel.rotate(log);
    } else if (what === 4) await this.#image(running);
  }

  /** An image stands for a quiet shard: writes wait, as they do in the worker. */
  async #image({ shards }: Running): Promise<void> {
    const shard = this.#random.pick(shards);
    this.#paused = Promise.withResolvers<void>();
    await this.#drained();
    await shard.writeImage();
    this.#paused.resolve();
    this.#paused = null;
  }

  #paused: PromiseWithResolvers<void> | null = null;
  #inFlight = 0;

  async #drained(): Promise<void> {
    while (this.#inFlight > 0) await this.#sim.world.clock.sleep(0.5);
  }

  #end(): void {
    this.crashes++;
    this.#paused = null;
    this.#inFlight = 0;
    if (this.#random.chance(0.6)) this.#sim.crash();
    else this.#sim.kill();
    this.#running = null;
  }

  #makeSamples(): ModelSample[] {
    const samples: ModelSample[] = [];
    const count = 1 + this.#random.below(30);
    for (let i = 0; i < count; i++) {
      const late = this.#random.chance(0.15) ? this.#random.below(400) * 1000 : 0;
      this.#newestMs += this.#random.chance(0.3) ? 1000 : 0;
      samples.push({ series: this.#random.below(this.#seriesCount), timeMs: this.#newestMs - late });
    }
    return samples;
  }

  async #client(generation: number): Promise<void> {
    const { clock } = this.#sim.world; // this process' clock: a client's turn ends with the process
    for (let again: ModelSample[] | null = null; generation === this.#generation; ) {
      await clock.sleep(this.#random.next() * 4);
      await this.#paused?.promise;
      const samples: ModelSample[] = again ?? this.#makeSamples();
      again = (await this.#write(samples)) ? null : samples;
      if (this.#random.chance(0.05)) again = samples; // a retry after a lost answer
    }
  }

  async #write(samples: ModelSample[]): Promise<boolean> {
    const { intake } = this.#running as Running;
    this.#model.attempt(samples);
    this.#inFlight++;
    try {
      const body = this.#body(samples);
      const code = await intake.commit(TENANT, (kernel) => kernel.remoteWrite1(body, INTAKE_LIMITS_DEFAULT));
      if (code !== 0) throw new Violation(`a good request was refused with code ${code}`);
      this.#model.acknowledge(samples);
      this.acknowledged += samples.length;
      this.#checkSeries(samples[0].series);
      return true;
    } catch (error) {
      if (!isBusy(error) && !hasCode(error, 'io_error')) throw error;
      this.refused++;
      return false;
    } finally {
      this.#inFlight--;
    }
  }

  /** A request of remote write 1.0, now and then with a bad series among the good ones. */
  #body(samples: readonly ModelSample[]): Uint8Array {
    const series = samples.map(({ series: number, timeMs }) => ({
      labels: [
        ['__name__', `m${number % 3}`],
        ['series', String(number)],
      ] as [string, string][],
      samples: [{ timestampMs: timeMs, value: valueAt(number, timeMs) }],
    }));
    if (this.#random.chance(0.2)) {
      const bad = {
        labels: [['series', 'nameless']] as [string, string][],
        samples: [{ timestampMs: START, value: 1 }],
      };
      series.splice(this.#random.below(series.length + 1), 0, bad);
    }
    return compressSnappy(encodeRemoteWriteV1(series));
  }

  async #check(): Promise<void> {
    for (let series = 0; series < this.#seriesCount; series++) this.#checkSeries(series);
  }

  #checkSeries(series: number): void {
    const { shards } = this.#running as Running;
    const into = column();
    let found = 0;
    for (const shard of shards) {
      const set = shard.source.select(TENANT, [{ name: 'series', op: '=', value: String(series) }], ...ALWAYS);
      for (let i = 0; i < set.length; i++) {
        found++;
        const count = set.read(i, ...ALWAYS, into);
        const fault = this.#model.fault(series, into.ts, into.vs, count);
        if (fault) throw new Violation(`promises 1, 2, 8: ${fault}`);
      }
    }
    if (found > 1) throw new Violation(`series ${series} exists ${found} times`);
    if (found === 0 && this.#model.acknowledged.has(series)) throw new Violation(`promise 1: series ${series} is gone`);
  }
}

const shared = new Float64Array(100_000);
const column = () => ({ ts: new Float64Array(100_000), vs: shared, vsWords: new Uint32Array(shared.buffer) });

/** Runs one seed to its end. */
export async function simulate(seed: number, switches: SimSwitches = {}): Promise<SimOutcome> {
  const kernel = await prepare(1 + (seed % 3));
  const simulation = new Simulation(seed, kernel, switches);
  let violation: string | null = null;
  try {
    await simulation.run();
  } catch (error) {
    if (!(error instanceof Violation))
      throw new TidemarkError('sim_failed', `seed ${seed}: ${error}`, { cause: error });
    violation = error.message;
  }
  const { crashes, acknowledged, refused } = simulation;
  return { seed, violation, crashes, acknowledged, refused };
}
