// Runs a promqltest script against an engine, and says for each eval whether it holds and why not.
//
// An instant eval without failure is run a second time as the middle step of a range query one minute to each side, which
// must give the same samples. That is left out where the answer depends on the query's range, and for results that are
// no vector or scalar. Then it is run at other times with all its selectors pinned to its own (`@`), which must make no
// difference either, unless it reads the evaluation time.
import type { Labels } from '../../../src/model/index.ts';
import { errorText } from '../../../src/base/index.ts';
import { compareAnnotations, compareFailure, compareInstant, compareRange, compareRangeVector } from './compare.ts';
import { pinnedTimes, pinnedTo } from './pinned.ts';
import { dependsOnQueryRange } from './query-range.ts';
import { type EvalCommand, type Script, parseScript } from './script.ts';
import type { Histogram } from '../../../src/promql/testlang/histogram.ts';

/** A sample's value as loaded. `stale` is the staleness marker. */
export type LoadedValue = number | 'stale' | Histogram;

export interface LoadedPoint {
  readonly timeMs: number;
  readonly value: LoadedValue;
  /** When the counter started, if the script says so. */
  readonly startMs?: number;
}

export interface LoadedSeries {
  /** With __name__. */
  readonly labels: Labels;
  readonly points: readonly LoadedPoint[];
}

export interface ResultPoint {
  readonly timeMs: number;
  readonly value: number | Histogram;
}

export interface ResultSeries {
  /** With __name__ where it is kept. */
  readonly labels: Labels;
  /** In order of time; one for an instant vector. */
  readonly points: readonly ResultPoint[];
}

/** What a query gives. Annotations are complete texts: `PromQL info: ... (1:5)`. */
export type QueryResult = { readonly warnings: readonly string[]; readonly infos: readonly string[] } & (
  | { readonly type: 'vector' | 'matrix'; readonly series: readonly ResultSeries[] }
  | { readonly type: 'scalar'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
);

type Awaitable<T> = T | Promise<T>;

/** The engine under test with a storage of its own. A query that fails throws; the error's message is the text. */
export interface TestEngine {
  load(series: readonly LoadedSeries[], options: { readonly withNhcb: boolean }): Awaitable<void>;
  instant(query: string, timeMs: number): Awaitable<QueryResult>;
  range(query: string, startMs: number, endMs: number, stepMs: number): Awaitable<QueryResult>;
}

/** One eval of a script. `failures` is empty where it holds. */
export interface EvalOutcome {
  readonly line: number;
  readonly query: string;
  readonly failures: readonly string[];
}

/** Runs a script. `newEngine` makes an engine with an empty storage: at the start and at each `clear`. */
export async function runScript(text: string, newEngine: () => Awaitable<TestEngine>): Promise<EvalOutcome[]> {
  const script: Script = parseScript(text);
  let engine = await newEngine();
  let loadFailure: string | null = null;
  const outcomes: EvalOutcome[] = [];
  for (const command of script) {
    if (command.kind === 'clear') {
      engine = await newEngine();
      loadFailure = null;
    } else if (command.kind === 'load') {
      try {
        await engine.load(command.series, { withNhcb: command.withNhcb });
      } catch (error) {
        loadFailure = `load at line ${command.line} failed: ${errorText(error)}`;
      }
    } else {
      const failures = loadFailure === null ? await runEval(engine, command) : [loadFailure];
      outcomes.push({ line: command.line, query: command.query, failures });
    }
  }
  return outcomes;
}

async function attempt(run: () => Awaitable<QueryResult>): Promise<QueryResult | { readonly error: string }> {
  try {
    return await run();
  } catch (error) {
    return { error: errorText(error) };
  }
}

async function runEval(engine: TestEngine, command: EvalCommand): Promise<string[]> {
  const { query, time } = command;
  const result = await attempt(() =>
    time.kind === 'instant'
      ? engine.instant(query, time.atMs)
      : engine.range(query, time.startMs, time.endMs, time.stepMs),
  );
  if ('error' in result || command.expect.fail) {
    return compareFailure(command.expect.fail, 'error' in result ? result.error : null);
  }
  const failures = compareAnnotations(command.expect, result);
  if (time.kind === 'range') return [...failures, ...compareRange(command, result)];
  if (command.expect.rangeVector) return [...failures, ...compareRangeVector(command, result)];
  failures.push(...compareInstant(command, result));
  if (failures.length === 0) failures.push(...(await rerunAsRange(engine, command, time.atMs, result)));
  if (failures.length === 0) failures.push(...(await rerunPinned(engine, command, time.atMs)));
  return failures;
}

/** An instant eval again, pinned to its time and evaluated at others. */
async function rerunPinned(engine: TestEngine, command: EvalCommand, atMs: number): Promise<string[]> {
  const query = pinnedTo(command.query, atMs);
  if (query === null) return [];
  for (const timeMs of pinnedTimes(atMs)) {
    const result = await attempt(() => engine.instant(query, timeMs));
    const failures = 'error' in result ? [result.error] : compareInstant(command, result);
    if (failures.length > 0) return failures.map((text) => `as ${query} at ${timeMs}: ${text}`);
  }
  return [];
}

const MARGIN_MS = 60_000;

async function rerunAsRange(
  engine: TestEngine,
  command: EvalCommand,
  atMs: number,
  instant: QueryResult,
): Promise<string[]> {
  if (instant.type === 'string' || instant.type === 'matrix' || dependsOnQueryRange(command.query)) return [];
  const result = await attempt(() => engine.range(command.query, atMs - MARGIN_MS, atMs + MARGIN_MS, MARGIN_MS));
  if ('error' in result) return [`as range query: ${result.error}`];
  if (result.type !== 'matrix') return [`as range query: result is a ${result.type}, not a matrix`];
  if (command.expect.ordered) return [];
  return compareInstant(command, middle(result.series, atMs, instant)).map((text) => `as range query: ${text}`);
}

function middle(series: readonly ResultSeries[], atMs: number, instant: QueryResult): QueryResult {
  const none = { warnings: [], infos: [] };
  const at = series.flatMap(({ labels, points }) => {
    const point = points.find(({ timeMs }) => timeMs === atMs);
    return point ? [{ labels, points: [point] }] : [];
  });
  if (instant.type !== 'scalar') return { ...none, type: 'vector', series: at };
  const value = at[0]?.points[0].value;
  return { ...none, type: 'scalar', value: typeof value === 'number' ? value : Number.NaN };
}
