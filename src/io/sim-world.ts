// The simulated world: machines with a disk each, an object store and a network between them, virtual time for all, and
// one seed behind every choice. The test's own code (the driver) runs inside run() and outlives every machine:
//
//   const sim = createSimWorld(seed);
//   await sim.run(async () => {
//     const log = await openLog(sim.world, ...);         // `world` belongs to the process that runs now
//     const acknowledged = log.append(record);
//     await sim.clock.sleep(sim.random.next() * 5);      // the driver's own time
//     sim.crash();                                       // power loss: what was under way never resolves
//     const again = await openLog(sim.world, ...);       // a new process on what the disk kept
//   });
import type { Clock, Files, HttpClient, HttpClientOptions, Objects, Random, World } from './ports.ts';
import { SimClock } from './sim-clock.ts';
import { SimDisk } from './sim-disk.ts';
import { SimFiles } from './sim-files.ts';
import { SimHttpClient, type SimHttpHandler, SimNetwork } from './sim-http.ts';
import { SimObjectStore, SimObjects } from './sim-objects.ts';
import { SimRandom } from './sim-random.ts';
import { type SimOwner, SimScheduler } from './sim-scheduler.ts';

/** What one process on a machine gets. Dead after kill() or crash(). */
export interface SimProcess extends World {
  readonly files: Files;
  readonly clock: SimClock;
  readonly random: Random;
  readonly objects: Objects;
  makeHttpClient(options?: HttpClientOptions): HttpClient;
  /** Serves an origin such as http://store-1:9090 while this process lives; the result ends it. */
  serve(origin: string, handler: SimHttpHandler): () => void;
}

/** A machine: a disk, and one process at a time. */
export class SimMachine {
  readonly name: string;
  readonly disk: SimDisk;
  readonly #sim: SimWorld;
  readonly #random: SimRandom;
  #owner: SimOwner = { isAlive: true };
  #process: SimProcess;
  #skewMs = 0;

  constructor(sim: SimWorld, name: string) {
    this.#sim = sim;
    this.name = name;
    this.#random = sim.random.fork();
    this.disk = new SimDisk(sim.random.fork());
    this.#process = this.#start();
  }

  /** The process that runs now. */
  get world(): SimProcess {
    return this.#process;
  }

  /** How far this machine's wall clock is off. Stays over crashes. */
  set clockSkewMs(skewMs: number) {
    this.#skewMs = skewMs;
    this.#process.clock.skewMs = skewMs;
  }

  get clockSkewMs(): number {
    return this.#skewMs;
  }

  #start(): SimProcess {
    const owner = { isAlive: true };
    this.#owner = owner;
    const { scheduler, network, objectStore } = this.#sim;
    const clock = new SimClock(scheduler, owner);
    clock.skewMs = this.#skewMs;
    return {
      files: new SimFiles(`sim:${this.name}`, this.disk, scheduler, owner),
      clock,
      random: this.#random.fork(),
      objects: new SimObjects(objectStore, scheduler, owner),
      makeHttpClient: (options) => new SimHttpClient(network, scheduler, owner, this.name, options),
      serve: (origin, handler) => network.serve(origin, handler, owner),
    };
  }

  /** kill -9, and a new process: what was written stays. */
  kill(): void {
    this.#owner.isAlive = false;
    this.disk.kill();
    this.#process = this.#start();
  }

  /** Power loss, and a new process: what was synced stays, of the rest anything. */
  crash(): void {
    this.#owner.isAlive = false;
    this.disk.crash();
    this.#process = this.#start();
  }
}

/** Everything, from one seed. `world`, `disk`, `kill` and `crash` are those of the machine `main`. */
export class SimWorld {
  readonly seed: number;
  readonly random: SimRandom;
  readonly scheduler: SimScheduler;
  /** The driver's clock: true time, outlives every machine. */
  readonly clock: Clock;
  readonly network: SimNetwork;
  readonly objectStore: SimObjectStore;
  readonly #machines = new Map<string, SimMachine>();

  constructor(seed: number) {
    this.seed = seed;
    this.random = new SimRandom(seed);
    this.scheduler = new SimScheduler(this.random.fork());
    this.clock = new SimClock(this.scheduler, { isAlive: true });
    this.network = new SimNetwork(this.random.fork());
    this.objectStore = new SimObjectStore(this.random.fork());
  }

  /** The machine of a name; made when first asked for. */
  machine(name: string): SimMachine {
    const present = this.#machines.get(name);
    if (present !== undefined) return present;
    const made = new SimMachine(this, name);
    this.#machines.set(name, made);
    return made;
  }

  get world(): SimProcess {
    return this.machine('main').world;
  }

  get disk(): SimDisk {
    return this.machine('main').disk;
  }

  kill(): void {
    this.machine('main').kill();
  }

  crash(): void {
    this.machine('main').crash();
  }

  /** Runs a program in virtual time to its end. Throws `sim_stuck` when it waits for what cannot come. */
  run<T>(program: () => Promise<T>, stepCountMax?: number): Promise<T> {
    return this.scheduler.run(program, stepCountMax);
  }

  /** Work outside the simulation (compiling a kernel, a thread pool): virtual time waits for it. */
  real<T>(work: Promise<T>): Promise<T> {
    return this.scheduler.real(work);
  }
}

/** A simulated world in which every choice follows from `seed`. */
export function createSimWorld(seed: number): SimWorld {
  return new SimWorld(seed);
}
