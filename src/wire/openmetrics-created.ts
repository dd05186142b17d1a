// The `_created` lines of OpenMetrics: when the counters of a metric began. Where start times are kept these lines are no series but
// belong to the metric's other lines, wherever in its family they stand.
//
//   # TYPE a counter                   text without the last line,
//   a_total{x="1"} 5            ─►     start times by sample line: [1700000000123]
//   a_created{x="1"} 1700000000.123
//
// Only lines that are surely meant are taken: what is malformed stays for the parser to refuse.
import { utf8, utf8Text } from '../base/index.ts';
import { METRIC_TYPES, type MetricType } from './exposition-scan.ts';

/** Families that have such lines, and what else their lines end with. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  histogram: ['_bucket', '_sum', '_count', ''],
  summary: ['_sum', '_count', ''],
};
const CREATED = '_created';
/** Labels that tell lines of one metric apart. */
const INNER: ReadonlySet<string> = new Set(['le', 'quantile']);

/** A body and the start time of each of its sample lines, in ms; 0: none. */
export interface CreatedTimes {
  readonly text: Uint8Array;
  /** Null: no line has one. */
  readonly starts: Float64Array | null;
}

interface SampleLine {
  readonly name: string;
  /** Labels but the inner ones, in one order. */
  readonly labels: string;
  /** What follows name and labels. */
  readonly rest: string;
}

const PLAIN_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^\s*(?:([a-zA-Z_][a-zA-Z0-9_]*|"(?:[^"\\]|\\.)*")=)?("(?:[^"\\]|\\.)*")\s*,?/;

/** Takes a line of a sample apart; null if it is not one, or malformed. */
function parseLine(line: string): SampleLine | null {
  let name = PLAIN_NAME.exec(line)?.[0] ?? '';
  let rest = line.slice(name.length);
  const labels: string[] = [];
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    while (!rest.startsWith('}')) {
      const label = LABEL.exec(rest);
      if (!label) return null;
      const [whole, key, value] = label;
      if (key === undefined) name = value.slice(1, -1);
      else if (!INNER.has(key)) labels.push(`${key}=${value}`);
      rest = rest.slice(whole.length);
    }
    rest = rest.slice(1);
  }
  return name === '' ? null : { name, labels: labels.sort().join(), rest };
}

/** The metrics of one family, as far as it has been read. */
class Family {
  readonly #name: string;
  readonly #suffixes: readonly string[];
  readonly #created = new Map<string, number>();
  readonly #samples: { readonly place: number; readonly labels: string }[] = [];

  constructor(name: string, type: string) {
    this.#name = name;
    this.#suffixes = SUFFIXES[type] ?? [];
  }

  /** Whether the line is one of `_created`. */
  takes({ name, labels, rest }: SampleLine): boolean {
    if (this.#suffixes.length === 0 || name !== this.#name + CREATED) return false;
    const seconds = Number(rest.trim().split(' ')[0] || 'NaN');
    if (!Number.isSafeInteger(Math.trunc(seconds * 1000))) return false;
    this.#created.set(labels, Math.trunc(seconds * 1000));
    return true;
  }

  /** Sample line number `place`. */
  note({ name, labels }: SampleLine, place: number): void {
    if (this.#suffixes.some((suffix) => name === this.#name + suffix)) this.#samples.push({ place, labels });
  }

  /** Calls `set` for each sample line whose start is known. */
  finish(set: (place: number, startMs: number) => void): void {
    if (this.#created.size === 0) return;
    for (const { place, labels } of this.#samples) {
      const startMs = this.#created.get(labels);
      if (startMs !== undefined) set(place, startMs);
    }
  }
}

/** Takes the `_created` lines out of an OpenMetrics body. */
export function takeCreated(body: Uint8Array): CreatedTimes {
  if (Buffer.from(body.buffer, body.byteOffset, body.length).indexOf(CREATED) < 0) return { text: body, starts: null };
  const kept: string[] = [];
  const starts: number[] = [];
  let any = false;
  let family = new Family('', '');
  const finish = (): void =>
    family.finish((place, startMs) => {
      starts[place] = startMs;
      any = true;
    });
  for (const line of utf8Text(body).split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type) {
      finish();
      family = new Family(type[1].replace(/^"(.*)"$/, '$1'), type[2]);
    }
    const sample = line === '' || line.startsWith('#') ? null : parseLine(line);
    if (sample && family.takes(sample)) continue;
    if (sample) family.note(sample, starts.length);
    if (line !== '' && !line.startsWith('#')) starts.push(0);
    kept.push(line);
  }
  finish();
  return { text: utf8(kept.join('\n')), starts: any ? Float64Array.from(starts) : null };
}

/** A sample line whose counter's start is known. */
export interface StartedLine {
  /** Name and labels, as the line has them. */
  readonly series: string;
  /** Of its family, as `# TYPE` says. */
  readonly type: MetricType;
  readonly startMs: number;
}

/** The sample lines of a body, text or OpenMetrics, that have a start time. `starts`: by sample line. */
export function* startedLines(body: Uint8Array, starts: Float64Array): Generator<StartedLine> {
  let type: MetricType = 'unknown';
  let place = 0;
  for (const line of utf8Text(body).split('\n')) {
    const typed = /^# TYPE \S+ (\S+)$/.exec(line);
    if (typed) type = METRIC_TYPES.find((one) => one === typed[1]) ?? 'unknown';
    if (line === '' || line.startsWith('#')) continue;
    const startMs = starts[place++] ?? 0;
    const sample = startMs === 0 ? null : parseLine(line);
    if (sample) yield { series: line.slice(0, line.length - sample.rest.length), type, startMs };
  }
}
