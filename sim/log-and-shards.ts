// One seed: intake, log and shards over a simulated disk. Clients write and delete, operators flush and clean, readers read beside
// them; the process is killed, the power fails, the disk fills up, fails and rots. Checked all the time: promise 1 (acknowledged means
// durable), 2 (and visible), 8 (any order of times, the first logged of equal times counts, good samples of a mixed request are stored).
import { TidemarkError, errorText } from '../src/base/index.ts';
import { type SimRandom, createSimWorld } from '../src/io/index.ts';
import { Instances } from './instances.ts';
import { Model } from './model.ts';
import { Violation } from './reader.ts';
import { compareReplicas } from './replica.ts';
import { rot } from './rot.ts';
import { Session } from './session.ts';
import { type SimSwitches, type SimTotals, drawSettings, newTotals } from './settings.ts';
import { Workload } from './workload.ts';

export interface SimOutcome {
  readonly seed: number;
  /** What was found, or null. */
  readonly violation: string | null;
  readonly totals: SimTotals;
}

let instances: Instances | null = null;

class Simulation {
  readonly #sim: ReturnType<typeof createSimWorld>;
  readonly #random: SimRandom;
  readonly #parts: ConstructorParameters<typeof Session>[0];
  readonly totals: SimTotals;

  constructor(seed: number, instancesNow: Instances, switches: SimSwitches, totals: SimTotals) {
    const sim = createSimWorld(seed);
    this.#sim = sim;
    this.#random = sim.random.fork();
    const model = new Model();
    const workload = new Workload(sim.random.fork(), model);
    const settings = drawSettings(sim.random.fork());
    this.totals = totals;
    this.#parts = {
      sim,
      instances: instancesNow,
      model,
      workload,
      settings,
      totals,
      horizon: { ms: -Infinity },
      log: switches.log,
    };
    sim.disk.lieAboutSync = switches.brokenSync ?? false;
  }

  run(): Promise<void> {
    return this.#sim.run(async () => {
      const rounds = 1 + this.#random.below(4);
      for (let round = 0; round < rounds; round++) await this.#round();
      const last = new Session(this.#parts, this.#sim.random.fork());
      await last.start(this.#random.chance(0.4));
      await last.check();
      await last.stop();
      if (this.#random.chance(0.4)) await rot(this.#parts, this.#sim.random.fork());
      this.#countWork();
    });
  }

  /** A process from start to end: its own, or one that comes from outside. */
  async #round(): Promise<void> {
    const random = this.#random;
    const session = new Session(this.#parts, this.#sim.random.fork());
    const outcome: { ended: boolean; error: unknown } = { ended: false, error: null };
    const live = async (): Promise<void> => {
      await session.start(random.chance(0.3));
      await session.check();
      await session.work();
    };
    live().then(
      () => (outcome.ended = true),
      (error: unknown) => {
        outcome.error = error;
      },
    );
    const wholeMs = random.pick([5, 60, 200, 400]) * random.next() * 2;
    for (let sleptMs = 0; sleptMs < wholeMs && !outcome.ended; sleptMs += 4) {
      await this.#sim.clock.sleep(4);
      if (outcome.error !== null) throw outcome.error;
      session.throwFailures();
    }
    await this.#end(session, outcome.ended);
    if (outcome.error !== null) throw outcome.error;
  }

  async #end(session: Session, mayStop: boolean): Promise<void> {
    const { totals } = this;
    this.#sim.disk.capacityBytes = Number.POSITIVE_INFINITY;
    for (const fault of ['write', 'sync', 'read', 'rename'] as const) this.#sim.disk.faultChance[fault] = 0;
    if (mayStop && this.#random.chance(0.3)) {
      totals.stops++;
      await session.stop();
      return;
    }
    session.abandon();
    if (this.#random.chance(0.6)) {
      totals.crashes++;
      this.#sim.crash();
    } else {
      totals.kills++;
      this.#sim.kill();
    }
    this.#sim.machine('main').clockSkewMs = this.#random.chance(0.2) ? (this.#random.next() - 0.5) * 1e10 : 0;
  }

  #countWork(): void {
    const { workload } = this.#parts;
    for (const [name, count] of Object.entries(workload.counts)) this.totals[name as 'late'] += count;
    this.totals.dataDays += (workload.nowMs - 1_700_000_000_000) / 86_400_000;
  }
}

/** Of so many seeds one compares replicas. */
const REPLICAS_ONE_IN = 8;

/** Runs one seed to its end. */
export async function simulate(seed: number, switches: SimSwitches = {}): Promise<SimOutcome> {
  instances ??= await Instances.load();
  const totals = newTotals();
  let violation: string | null = null;
  try {
    if (seed % REPLICAS_ONE_IN === 0 && !switches.brokenSync) {
      totals.replicaRestarts += await compareReplicas(seed, instances, switches.log);
      totals.replicas++;
    } else await new Simulation(seed, instances, switches, totals).run();
  } catch (error) {
    // Whatever a program throws where it should have coped is a violation, too.
    const isFound = error instanceof Violation || (error instanceof TidemarkError && error.code !== 'sim_stuck');
    violation = isFound
      ? errorText(error)
      : `it broke: ${error instanceof Error ? (error.stack ?? error.message) : error}`;
  }
  return { seed, violation, totals };
}
