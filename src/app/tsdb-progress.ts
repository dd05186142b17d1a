// How far long work has come, on standard error: a bar on a terminal, else a line for each tenth.
import type { Clock } from '../io/index.ts';

const BAR_COLUMNS = 30;
const REDRAW_MS = 100;

/** Where progress is shown. */
export interface ProgressOutput {
  write(text: string): void;
  readonly isTerminal: boolean;
}

/** Progress of one piece of work, 0 to `total` of whatever is counted. */
export class Progress {
  readonly #what: string;
  readonly #total: number;
  readonly #output: ProgressOutput;
  readonly #clock: Clock;
  #done = 0;
  #drawnMs = -Infinity;
  #tenths = 0;

  constructor(what: string, total: number, output: ProgressOutput, clock: Clock) {
    this.#what = what;
    this.#total = total;
    this.#output = output;
    this.#clock = clock;
  }

  /** So much more is done. Of work whose size is not known (total 0) nothing is shown. */
  add(count: number): void {
    if (this.#total === 0) return;
    this.#done = Math.min(this.#total, this.#done + count);
    if (this.#output.isTerminal) this.#redraw();
    else this.#line();
  }

  get #share(): number {
    return this.#total > 0 ? this.#done / this.#total : 1;
  }

  #redraw(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#draw();
  }

  #draw(): void {
    const filled = Math.floor(this.#share * BAR_COLUMNS);
    const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_COLUMNS - filled)}`;
    this.#output.write(`\r${this.#what} [${bar}] ${String(Math.floor(this.#share * 100)).padStart(3)} %`);
  }

  #line(): void {
    const tenths = Math.floor(this.#share * 10);
    if (tenths <= this.#tenths) return;
    this.#tenths = tenths;
    this.#output.write(`${this.#what}: ${tenths * 10} %\n`);
  }

  /** The work is over: a bar becomes full, and its line ends. */
  finish(): void {
    this.#done = this.#total;
    if (!this.#output.isTerminal) return this.#line();
    this.#draw();
    this.#output.write('\n');
  }

  /** The work broke off: a bar leaves its line to the message. */
  abort(): void {
    if (this.#output.isTerminal) this.#output.write('\n');
  }
}
