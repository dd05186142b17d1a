// Virtual time. Whatever waits is a task with a due time and an owner; a step runs one of the tasks that are due, picked by
// the seed, then lets all promise reactions settle (one turn of the real event loop), then picks again. When no task is
// due, time jumps to the next one. Same seed, same program: same order of events.
//
// An owner that died takes its tasks with it: they are dropped, and the promises behind them stay open for ever, as they do
// in a process that was killed.
import { TidemarkError } from '../base/index.ts';
import type { SimRandom } from './sim-random.ts';

const STEP_COUNT_MAX = 5_000_000;
const REAL_WAIT_MS_MAX = 200;

/** Who waits. The driver of a simulation lives for ever, the processes in it until they crash. */
export interface SimOwner {
  isAlive: boolean;
}

interface Task {
  readonly dueMs: number;
  readonly order: number;
  readonly owner: SimOwner;
  run: (() => void) | undefined;
}

const isBefore = (a: Task, b: Task): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/** Decides what happens next. */
export class SimScheduler {
  nowMs = 0;
  stepCount = 0;
  readonly #random: SimRandom;
  readonly #later: Task[] = []; // a binary heap by (dueMs, order)
  readonly #ready: Task[] = [];
  #order = 0;
  #realWorkCount = 0;

  constructor(random: SimRandom) {
    this.#random = random;
  }

  /** Runs `run` once after `delayMs`, if the owner still lives; the result cancels. */
  schedule(owner: SimOwner, delayMs: number, run: () => void): () => void {
    const task: Task = { dueMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, owner, run };
    this.#push(task);
    return () => {
      task.run = undefined;
    };
  }

  /** Resolves after `delayMs`, or never if the owner dies first. */
  wait(owner: SimOwner, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (owner.isAlive) this.schedule(owner, delayMs, resolve);
    });
  }

  /** Stops virtual time until work outside the simulation (a compiler, a thread pool) is done. */
  async real<T>(work: Promise<T>): Promise<T> {
    this.#realWorkCount++;
    try {
      return await work;
    } finally {
      this.#realWorkCount--;
    }
  }

  /** Runs tasks until the program ends. Throws `sim_stuck` when it waits and nothing is left to run. */
  async run<T>(program: () => Promise<T>, stepCountMax = STEP_COUNT_MAX): Promise<T> {
    let isDone = false;
    const result = program().finally(() => {
      isDone = true;
    });
    result.catch(() => {}); // it is returned below; until then a failure is not unhandled
    const lastStep = this.stepCount + stepCountMax;
    for (;;) {
      await nextTurn();
      if (isDone) return result;
      if (this.#realWorkCount > 0) continue;
      if (!this.#step() && !(await this.#isFedFromOutside(() => isDone))) throw stuck('nothing is left to run');
      if (this.stepCount > lastStep) throw stuck(`it did not end within ${stepCountMax} steps`);
    }
  }

  // Real work that nobody announced with real() may yet schedule something.
  async #isFedFromOutside(isDone: () => boolean): Promise<boolean> {
    const startMs = performance.now();
    while (performance.now() - startMs < REAL_WAIT_MS_MAX) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (isDone() || this.#realWorkCount > 0 || this.#later.length + this.#ready.length > 0) return true;
    }
    return false;
  }

  #step(): boolean {
    for (;;) {
      while (this.#later.length > 0 && this.#later[0].dueMs <= this.nowMs) this.#ready.push(this.#pop());
      const task = this.#takeReady();
      if (task === undefined) {
        if (this.#later.length === 0) return false;
        if (isLive(this.#later[0])) this.nowMs = this.#later[0].dueMs;
        else this.#pop();
        continue;
      }
      if (!isLive(task)) continue;
      this.stepCount++;
      task.run?.();
      return true;
    }
  }

  #takeReady(): Task | undefined {
    if (this.#ready.length === 0) return undefined;
    const at = this.#random.below(this.#ready.length);
    const task = this.#ready[at];
    const last = this.#ready.pop() as Task;
    if (last !== task) this.#ready[at] = last;
    return task;
  }

  #push(task: Task): void {
    const heap = this.#later;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(task, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = task;
  }

  #pop(): Task {
    const heap = this.#later;
    const top = heap[0];
    const last = heap.pop() as Task;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

const isLive = (task: Task): boolean => task.run !== undefined && task.owner.isAlive;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const stuck = (fact: string): TidemarkError =>
  new TidemarkError('sim_stuck', `cannot finish simulation: the program still waits and ${fact}`);
