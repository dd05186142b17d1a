// Promise 3: a shard is a pure function of its log. One shard takes writes, crashes and comes back; another on another machine gets the same
// records in other groups, at other times, with reads between, and is restarted from its images. In the end both have the same
// memory and the same files.
import { type Logger, silentLogger } from '../src/base/index.ts';
import {
  type DurableGroup,
  type LogPosition,
  type SimMachine,
  type SimRandom,
  createSimWorld,
} from '../src/io/index.ts';
import { Intake, LocalShardPort, Shard, type ShardPort, isBusy, replayLog } from '../src/tsdb/index.ts';
import { RECORD_HEADER_BYTES, framedPayloads, putRecord } from '../src/tsdb/log-record.ts';
import { compressSnappy } from '../src/wire/snappy.ts';
import { INTAKE_LIMITS_DEFAULT, type Instances } from './instances.ts';
import { Model } from './model.ts';
import { Violation, judgeGroups } from './reader.ts';
import { type SimSettings, drawSettings } from './settings.ts';
import { TENANTS, Workload, requestBody } from './workload.ts';

interface LogRecord {
  readonly position: LogPosition;
  readonly next: LogPosition;
  readonly payload: Uint8Array;
}

/** Long enough for what is under way to come to its end. */
const QUIET_MS = 30_000;

/** Notes what goes to the first shard. */
class Tee implements ShardPort {
  readonly #inner: LocalShardPort;
  readonly #note: (group: DurableGroup) => void;

  constructor(inner: LocalShardPort, note: (group: DurableGroup) => void) {
    this.#inner = inner;
    this.#note = note;
  }

  push(group: DurableGroup): void {
    this.#note(group);
    this.#inner.push(group);
  }
  get pushed(): number {
    return this.#inner.pushed;
  }
  get pendingBytes(): number {
    return this.#inner.pendingBytes;
  }
  get fullness(): number {
    return this.#inner.fullness;
  }
  get startSegment(): number {
    return this.#inner.startSegment;
  }
}

class Replicas {
  readonly #sim: ReturnType<typeof createSimWorld>;
  readonly #random: SimRandom;
  readonly #instances: Instances;
  readonly #settings: SimSettings;
  readonly #workload: Workload;
  readonly #logger: Logger;
  readonly #records: LogRecord[] = [];
  readonly #failures: unknown[] = [];
  #known: LogPosition = { segment: 0, offset: 0 };
  #isOver = false;
  restarts = 0;

  constructor(seed: number, instances: Instances, log?: (text: string) => void) {
    this.#sim = createSimWorld(seed);
    this.#random = this.#sim.random.fork();
    this.#instances = instances;
    this.#workload = new Workload(this.#sim.random.fork(), new Model());
    this.#settings = { ...drawSettings(this.#sim.random.fork()), shards: 1 };
    const say = (text: string, fields?: object): void => log?.(`${text} ${JSON.stringify(fields)}`);
    this.#logger = log ? { debug: say, info: say, warn: say, error: say } : silentLogger;
  }

  run(): Promise<void> {
    return this.#sim.run(async () => {
      this.#instances.rewind();
      const second = this.#second();
      second.catch((error: unknown) => this.#failures.push(error));
      const first = await this.#first();
      this.#isOver = true;
      compare(await this.#finish('main', first), await this.#finish('second', await second));
    });
  }

  #open(machine: SimMachine): Promise<Shard> {
    const { modules, head: makeHead } = this.#instances;
    const { files, clock } = machine.world;
    const random = this.#sim.random.fork();
    const chance = random.pick([0, 0.05, 0.5]);
    const { policy, retention, cacheBytesMax } = this.#settings;
    return Shard.open({
      files,
      clock,
      shard: 0,
      module: modules.head,
      blockModule: modules.block,
      logger: this.#logger,
      policy,
      retention,
      cacheBytesMax,
      makeHead,
      isLogElsewhere: machine !== this.#sim.machine('main'),
      breathe: () => (random.chance(chance) ? clock.sleep(random.chance(0.1) ? random.next() * 30 : 0) : undefined),
    });
  }

  #throwFailures(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  /** The shard that takes writes. */
  async #first(): Promise<Shard> {
    const random = this.#random;
    for (let life = 1 + random.below(3); ; life--) {
      const machine = this.#sim.machine('main');
      const shard = await this.#open(machine);
      await this.#learn(machine);
      await this.#write(machine, shard, life === 1);
      this.#throwFailures();
      if (life === 1) return shard;
      this.restarts++;
      if (random.chance(0.5)) this.#sim.crash();
      else this.#sim.kill();
    }
  }

  /** Records that were durable when the process ended, and had not come to its shard. */
  async #learn({ world }: SimMachine): Promise<void> {
    const record = (payload: Uint8Array, next: LogPosition): null => {
      this.#note(payload, next);
      return null;
    };
    await replayLog(world.files, 0, this.#known, { record }, this.#logger);
  }

  #note(payload: Uint8Array, next: LogPosition): void {
    const position = { segment: next.segment, offset: next.offset - payload.length - RECORD_HEADER_BYTES };
    this.#records.push({ position, next, payload: payload.slice() });
    this.#known = next;
  }

  #noteGroup({ buffer, length, position }: DurableGroup): void {
    let { offset } = position;
    for (const payload of framedPayloads(new Uint8Array(buffer, 0, length))) {
      offset += RECORD_HEADER_BYTES + payload.length;
      this.#note(payload, { segment: position.segment, offset });
    }
  }

  async #write(machine: SimMachine, shard: Shard, isLast: boolean): Promise<void> {
    const random = this.#random;
    const { files, clock } = machine.world;
    const port = new LocalShardPort(shard, undefined, (error) => this.#failures.push(error));
    const kernel = this.#instances.intake(1);
    const ports = [new Tee(port, (group) => this.#noteGroup(group))];
    const intake = await Intake.open({
      files,
      clock,
      kernel,
      ports,
      logger: this.#logger,
      settings: this.#settings.intake,
    });
    for (let i = random.below(120); i > 0; i--) {
      if (random.chance(0.3)) await clock.sleep(random.next() * 5);
      const what = random.below(40);
      if (what === 0) {
        await port.settled();
        await shard.writeImage();
      } else if (what === 1) await this.#read(shard);
      else if (what === 2) intake.beginSegments();
      else await (what === 3 ? this.#command(intake) : this.#batch(intake));
    }
    // The last request is on its way when the process ends.
    if (!isLast && random.chance(0.5)) this.#batch(intake).catch(() => undefined);
    else await port.settled();
  }

  async #batch(intake: Intake): Promise<void> {
    const samples = this.#workload.next();
    if (samples.length === 0) return;
    const { version, body } = requestBody(samples, false);
    const packed = compressSnappy(body);
    try {
      await intake.commit(samples[0].series.tenant, (kernel) =>
        version === 1
          ? kernel.remoteWrite1(packed, INTAKE_LIMITS_DEFAULT)
          : kernel.remoteWrite2(packed, INTAKE_LIMITS_DEFAULT),
      );
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
  }

  #command(intake: Intake): Promise<void> {
    const [minMs, maxMs] = this.#workload.range();
    const tenant = this.#random.pick(TENANTS);
    const matchers = this.#workload.matchers();
    return intake.command(
      this.#random.pick([
        { type: 'flush' },
        { type: 'clean' },
        { type: 'delete', tenant, matchers, minMs, maxMs },
      ] as const),
    );
  }

  /** Reading must leave no trace. */
  async #read(shard: Shard): Promise<void> {
    const [minMs, maxMs] = this.#workload.range();
    const set = await shard.source.select(this.#random.pick(TENANTS), this.#workload.matchers(), minMs, maxMs);
    judgeGroups(set, 'by', ['job']);
    for (let i = 0; i < set.length; ) i = (await set.prefetch?.(i)) ?? set.length;
    set.release?.();
  }

  /** The shard that gets the records of the other. */
  async #second(): Promise<Shard> {
    const random = this.#sim.random.fork();
    const machine = this.#sim.machine('second');
    let shard = await this.#open(machine);
    while (!this.#isOver || this.#behind(shard) < this.#records.length) {
      await this.#sim.clock.sleep(random.next() * 10);
      for (let i = random.below(6); i > 0; i--) await this.#feed(shard, random);
      if (random.chance(0.05)) await shard.writeImage();
      if (random.chance(0.1)) await this.#read(shard);
      if (random.chance(0.02)) {
        this.restarts++;
        if (random.chance(0.5)) machine.crash();
        else machine.kill();
        shard = await this.#open(machine);
      }
    }
    return shard;
  }

  /** Number of the first record that the shard has not applied. */
  #behind({ position }: Shard): number {
    const at = this.#records.findIndex(
      ({ next }) =>
        next.segment > position.segment || (next.segment === position.segment && next.offset > position.offset),
    );
    return at < 0 ? this.#records.length : at;
  }

  /** Some records of one segment, as one group. */
  async #feed(shard: Shard, random: SimRandom): Promise<void> {
    const from = this.#behind(shard);
    const first = this.#records[from];
    if (!first) return;
    let group = this.#records.slice(from, from + 1 + random.below(8));
    group = group.filter(({ position }) => position.segment === first.position.segment);
    const bytes = new Uint8Array(group.reduce((sum, { payload }) => sum + payload.length + RECORD_HEADER_BYTES, 0));
    let at = 0;
    for (const { payload } of group) at = putRecord(bytes, at, payload, 0);
    await shard.applyGroup(bytes, first.position, group[group.length - 1].next);
  }

  /** Waits until nothing is under way; returns memory and files. */
  async #finish(name: string, shard: Shard): Promise<Map<string, Uint8Array>> {
    await this.#sim.clock.sleep(QUIET_MS);
    this.#throwFailures();
    const { files } = this.#sim.machine(name).world;
    const all = new Map([['memory', shard.stateBytes()]]);
    for (const file of await files.list('blocks/000')) all.set(file, await files.readFile(`blocks/000/${file}`));
    return all;
  }
}

function compare(first: Map<string, Uint8Array>, second: Map<string, Uint8Array>): void {
  const extra = (a: Map<string, unknown>, b: Map<string, unknown>) =>
    [...a.keys()].filter((name) => !b.has(name)).join(' ');
  const [more, less] = [extra(first, second), extra(second, first)];
  if (more !== '' || less !== '') throw new Violation(`promise 3: one has the files "${more}", the other "${less}"`);
  for (const [name, bytes] of first) {
    const other = second.get(name) as Uint8Array;
    if (Buffer.compare(bytes, other) === 0) continue;
    const at = bytes.findIndex((byte, i) => byte !== other[i]);
    throw new Violation(`promise 3: ${name} differs, first at ${at}, of ${bytes.length} and ${other.length} bytes`);
  }
}

/** Runs one seed; throws a Violation. Returns how often one of the two was restarted. */
export async function compareReplicas(
  seed: number,
  instances: Instances,
  log?: (text: string) => void,
): Promise<number> {
  const replicas = new Replicas(seed, instances, log);
  await replicas.run();
  return replicas.restarts;
}
