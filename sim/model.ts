// What the clients of a simulation know: what they wrote and deleted, in the order of the log, and which of it was acknowledged.
//
// A cell is one time of one series. Its history is a list of puts and deletes; what the store may show there follows from it:
//
//   put, certain      where nothing is, the value is; a value that is there stays (the first logged counts)
//   put, uncertain    the same, or nothing happened
//   delete, certain   nothing is there
//   delete, uncertain the same, or nothing happened
//
// An operation is certain for a reader if it was acknowledged before the reader began. So a reader that takes its time may see what came
// later, and has to see what came before. After a restart what is seen becomes the history: what was uncertain is settled.
import { type Matcher, type SampleColumn, type StartTimes, matcherTest } from '../src/model/index.ts';

/** One request or command. Both numbers are of the model's count of events. */
export interface Operation {
  readonly startedAt: number;
  acknowledgedAt: number;
  /** It surely never came into the log. */
  isVoid: boolean;
}

/** A sample as its bits and the start of its counter; `high` is -1 for a delete. */
interface Bits {
  readonly high: number;
  readonly low: number;
  readonly startMs: number;
}

interface Event extends Bits {
  readonly operation: Operation;
}

/** What a reader reads into. */
export type Shown = SampleColumn & { readonly starts: StartTimes };

const bitsAt = ({ vsWords, starts }: Shown, i: number): Bits => ({
  high: vsWords[2 * i + 1],
  low: vsWords[2 * i],
  startMs: starts.of(i),
});

const DELETE = -1;
/** In the upper half of a value: it is a native histogram, and the lower half its number. A NaN that nobody writes. */
export const HISTOGRAM = 0xffffffff;
const settled: Operation = { startedAt: 0, acknowledgedAt: 0, isVoid: false };

/** One time of one series. */
interface Cell {
  events: Event[];
  /** Puts that lost: one may show when retention has taken the block with the first. */
  losers: Event[];
  /** All puts that ever were. */
  readonly puts: Event[];
}

export interface ModelSeries {
  readonly number: number;
  readonly tenant: string;
  readonly labels: readonly (readonly [string, string])[];
  readonly cells: Map<number, Cell>;
}

const isPossible = (states: readonly Event[], { high, low, startMs }: Bits): boolean => {
  for (const state of states) {
    if (state.high === high && state.low === low && state.startMs === startMs) return true;
  }
  return false;
};

const ABSENT: Event = { operation: settled, high: DELETE, low: 0, startMs: 0 };

/** States that a cell may be in for a reader that began at `since`; an ABSENT among them: nothing need be there. */
function possibleStates(cell: Cell, since: number, mayBeGone: boolean): Event[] {
  let states: Event[] = [ABSENT];
  for (const event of cell.events) {
    if (event.operation.isVoid) continue;
    const isCertain = event.operation.acknowledgedAt <= since;
    const canBeAbsent = states.includes(ABSENT);
    if (event.high === DELETE) {
      if (isCertain) states = [ABSENT];
      else if (!canBeAbsent) states.push(ABSENT);
    } else if (canBeAbsent) {
      if (isCertain && !mayBeGone) states.splice(states.indexOf(ABSENT), 1);
      states.push(event);
    }
  }
  if (!mayBeGone) return states;
  return [...states, ...cell.losers, ABSENT];
}

/** Puts that no delete took for certain. */
function losers({ events, losers: before }: Cell): Event[] {
  const from = events.findLastIndex(({ high, operation }) => high === DELETE && operation.acknowledgedAt < Infinity);
  return [...(from < 0 ? before : []), ...events.slice(from + 1).filter(({ high }) => high !== DELETE)];
}

const shownAs = ({ high, low, startMs }: Bits): string =>
  `0x${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}${startMs === 0 ? '' : ` since ${startMs}`}`;

/** How a reader's findings are judged. */
export interface Judging {
  /** The model's count when the reader began. */
  readonly since: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Samples before may be gone by the retention. */
  readonly horizonMs: number;
  /** Something was damaged, and reported: samples may be missing, and an older state may show, but nothing invented. */
  readonly isLossy: boolean;
}

export class Model {
  readonly series: ModelSeries[] = [];
  /** Numbers of all histograms that were ever written, by their bytes as text. */
  readonly #histograms = new Map<string, number>();
  /** Counts operations and acknowledgements. */
  now = 0;

  addSeries(tenant: string, labels: ModelSeries['labels']): ModelSeries {
    const added = { number: this.series.length, tenant, labels, cells: new Map() };
    this.series.push(added);
    return added;
  }

  /** The number of a histogram that is written, by its bytes. */
  addHistogram(bytes: Uint8Array): number {
    const text = Buffer.from(bytes).toString('hex');
    const number = this.#histograms.get(text) ?? this.#histograms.size;
    this.#histograms.set(text, number);
    return number;
  }

  /** Puts numbers in the place of the histograms that were read; of one that nobody wrote it is one that no histogram has. */
  numberHistograms({ vsWords, histograms }: SampleColumn): void {
    for (const [k, i] of (histograms?.at ?? []).entries()) {
      const text = Buffer.from(histograms?.bytes[k] ?? []).toString('hex');
      vsWords[2 * i] = this.#histograms.get(text) ?? HISTOGRAM;
      vsWords[2 * i + 1] = HISTOGRAM;
    }
  }

  begin(): Operation {
    return { startedAt: ++this.now, acknowledgedAt: Number.POSITIVE_INFINITY, isVoid: false };
  }

  acknowledge(operation: Operation): void {
    operation.acknowledgedAt = ++this.now;
  }

  put(operation: Operation, series: ModelSeries, timeMs: number, { high, low, startMs }: Bits): void {
    const event = { operation, high, low, startMs };
    const cell = series.cells.get(timeMs);
    if (!cell) series.cells.set(timeMs, { events: [event], losers: [], puts: [event] });
    else {
      cell.events.push(event);
      cell.puts.push(event);
    }
  }

  delete(operation: Operation, tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): void {
    const event = { ...ABSENT, operation };
    for (const series of this.matching(tenant, matchers)) {
      for (const [timeMs, cell] of series.cells) {
        if (timeMs >= minMs && timeMs <= maxMs) cell.events.push(event);
      }
    }
  }

  matching(tenant: string, matchers: readonly Matcher[]): ModelSeries[] {
    const tests = matchers.map((matcher) => ({ name: matcher.name, test: matcherTest(matcher) }));
    return this.series.filter(
      (series) =>
        series.tenant === tenant &&
        tests.every(({ name, test }) => test(series.labels.find(([label]) => label === name)?.[1] ?? '')),
    );
  }

  /** Whether a reader must find something in the series. */
  mustShow(series: ModelSeries, judging: Judging): boolean {
    if (judging.isLossy) return false;
    for (const [timeMs, cell] of series.cells) {
      if (timeMs < judging.minMs || timeMs > judging.maxMs) continue;
      if (!possibleStates(cell, judging.since, timeMs < judging.horizonMs).includes(ABSENT)) return true;
    }
    return false;
  }

  /** Why the samples that a series shows cannot be right, or null. */
  fault(series: ModelSeries, column: Shown, count: number, judging: Judging): string | null {
    const name = `series ${series.number}`;
    const { minMs, maxMs, since, horizonMs } = judging;
    const { isLossy } = judging; // asked after the read, which may be what finds damage
    const shown = new Set<number>();
    const { ts: times } = column;
    for (let i = 0; i < count; i++) {
      const timeMs = times[i];
      if (i > 0 && timeMs <= times[i - 1]) return `${name}: time ${timeMs} follows ${times[i - 1]}`;
      if (timeMs < minMs || timeMs > maxMs) return `${name}: time ${timeMs} was not asked for`;
      const cell = series.cells.get(timeMs);
      if (!cell) return `${name}: a sample at ${timeMs} that nobody wrote`;
      const bits = bitsAt(column, i);
      const states = isLossy ? cell.puts : possibleStates(cell, since, timeMs < horizonMs);
      if (!isPossible(states, bits)) {
        const wants = states.map((state) => (state.high === DELETE ? 'nothing' : shownAs(state)));
        return `${name}: ${shownAs(bits)} at ${timeMs} instead of ${wants.join(' or ')}`;
      }
      shown.add(timeMs);
    }
    return isLossy ? null : this.#missing(series, shown, judging);
  }

  #missing(series: ModelSeries, shown: ReadonlySet<number>, judging: Judging): string | null {
    for (const [timeMs, cell] of series.cells) {
      if (timeMs < judging.minMs || timeMs > judging.maxMs || shown.has(timeMs)) continue;
      const states = possibleStates(cell, judging.since, timeMs < judging.horizonMs);
      if (states.includes(ABSENT)) continue;
      return `series ${series.number}: nothing at ${timeMs} instead of ${states.map(shownAs).join(' or ')}`;
    }
    return null;
  }

  /** After a restart: what a whole series shows was found right, and from now on is what it has. */
  settle(series: ModelSeries, column: Shown, count: number, horizonMs: number): void {
    const places = new Map<number, number>();
    for (let i = 0; i < count; i++) places.set(column.ts[i], i);
    for (const [timeMs, cell] of series.cells) {
      // Retention may yet take it, or a log that is replayed may bring it back.
      if (timeMs < horizonMs) continue;
      const i = places.get(timeMs);
      if (cell.events.length === 1 && cell.events[0].operation === settled && i !== undefined) continue;
      cell.losers = i === undefined ? [] : losers(cell);
      cell.events = i === undefined ? [] : [{ operation: settled, ...bitsAt(column, i) }];
    }
  }
}
