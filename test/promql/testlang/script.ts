// The promqltest language: text to commands.
//
//   load 5m                      series lines follow, up to a blank line
//   eval instant at 5m <query>   expect lines and expected series follow, up to a blank line
//   eval range from 0 to 10m step 1m <query>
//   clear                        forgets everything loaded
//
// Each line is trimmed; a line that starts with # counts as blank and so ends a block.
import type { Labels } from '../../../src/model/index.ts';
import { parseDuration } from '../../../src/promql/parse/index.ts';
import { unquote } from '../../../src/promql/parse/quote.ts';
import { parseNumber } from '../../../src/promql/testlang/histogram.ts';
import type { LoadedPoint, LoadedSeries } from './runner.ts';
import { type SequenceValue, parseSequence, parseSeriesLine } from '../../../src/promql/testlang/sequence.ts';
import { parseStartTimestamps } from './start-timestamps.ts';

export interface TextMatch {
  readonly kind: 'any' | 'msg' | 'regex';
  readonly text: string;
}

export interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface Expectations {
  ordered: boolean;
  fail: TextMatch | null;
  readonly warn: TextMatch[];
  readonly info: TextMatch[];
  noWarn: boolean;
  noInfo: boolean;
  rangeVector: TimeRange | null;
  string: string | null;
}

export interface ExpectedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

export interface LoadCommand {
  readonly kind: 'load';
  readonly line: number;
  readonly withNhcb: boolean;
  readonly series: readonly LoadedSeries[];
}

export interface EvalCommand {
  readonly kind: 'eval';
  readonly line: number;
  readonly query: string;
  readonly time: { readonly kind: 'instant'; readonly atMs: number } | ({ readonly kind: 'range' } & TimeRange);
  readonly expect: Expectations;
  /** A lone number as the expected result. */
  readonly scalar: number | null;
  readonly series: readonly ExpectedSeries[];
}

export type Command = LoadCommand | EvalCommand | { readonly kind: 'clear'; readonly line: number };
export type Script = readonly Command[];

const LOAD = /^load(?:_(with_nhcb))?\s+(.+?)$/i;
const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/i;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/i;
const EXPECT = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const EXPECT_RANGE = /^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$/;
const EXPECT_STRING = /^expect string\s+(.+)$/;
const LEGACY_FAIL = /^expected_fail_(message|regexp)\s+(.+)$/;

/** Parses a script; throws an Error that names the line. */
export function parseScript(text: string): Script {
  const lines = text.split('\n').map((line) => (line.trim().startsWith('#') ? '' : line.trim()));
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; ) {
    if (lines[at] === '') {
      at++;
      continue;
    }
    const end = blockEnd(lines, at);
    try {
      const isClear = lines[at].toLowerCase() === 'clear';
      commands.push(isClear ? { kind: 'clear', line: at + 1 } : parseBlock(lines.slice(at, end), at + 1));
      at = isClear ? at + 1 : end;
    } catch (cause) {
      throw new Error(`cannot parse script: line ${at + 1}: ${(cause as Error).message}`, { cause });
    }
  }
  return commands;
}

function blockEnd(lines: readonly string[], from: number): number {
  const end = lines.indexOf('', from);
  return end === -1 ? lines.length : end;
}

function parseBlock([head, ...body]: readonly string[], line: number): Command {
  const load = LOAD.exec(head);
  if (load) {
    return { kind: 'load', line, withNhcb: load[1] !== undefined, series: parseLoad(body, scriptDuration(load[2])) };
  }
  const instant = INSTANT.exec(head);
  if (instant) {
    const [, legacy, at, query] = instant;
    return parseEval(body, line, query, { kind: 'instant', atMs: scriptDuration(at ?? '0') }, legacy);
  }
  const range = RANGE.exec(head);
  if (!range) throw new Error(`not a command: ${head}`);
  const [, legacy, from, to, step, query] = range;
  return parseEval(body, line, query, { kind: 'range', ...timeRange(from, to, step) }, legacy);
}

const timeRange = (from: string, to: string, step: string): TimeRange => ({
  startMs: scriptDuration(from),
  endMs: scriptDuration(to),
  stepMs: scriptDuration(step),
});

const scriptDuration = (text: string): number =>
  text.startsWith('-') ? -parseDuration(text.slice(1)) : parseDuration(text);

function parseLoad(body: readonly string[], stepMs: number): LoadedSeries[] {
  const byKey = new Map<string, LoadedSeries>();
  let starts: (number | null)[] | null = null;
  for (const line of body) {
    const { labels, isStartTimestamps, items } = parseSeriesLine(line);
    if (isStartTimestamps) {
      starts = parseStartTimestamps(items);
      continue;
    }
    // The same series twice in one load: the last one counts.
    byKey.set(labels.key, { labels, points: points(parseSequence(items), stepMs, starts) });
    starts = null;
  }
  return [...byKey.values()];
}

function points(
  values: readonly SequenceValue[],
  stepMs: number,
  starts: readonly (number | null)[] | null,
): LoadedPoint[] {
  if (starts && starts.length !== values.length) {
    throw new Error(`${starts.length} start timestamps for ${values.length} samples`);
  }
  return values.flatMap((value, i) => {
    if (value === null) return [];
    const timeMs = i * stepMs;
    const start = starts?.[i];
    return [start === null || start === undefined ? { timeMs, value } : { timeMs, value, startMs: timeMs + start }];
  });
}

function noExpectations(): Expectations {
  return {
    ...{ ordered: false, fail: null, warn: [], info: [], noWarn: false, noInfo: false },
    ...{ rangeVector: null, string: null },
  };
}

const ANY: TextMatch = { kind: 'any', text: '' };

function parseEval(
  body: readonly string[],
  line: number,
  query: string,
  time: EvalCommand['time'],
  legacy: string | undefined,
): EvalCommand {
  const expect = noExpectations();
  if (legacy === 'fail') expect.fail = ANY;
  if (legacy === 'warn') expect.warn.push(ANY);
  if (legacy === 'info') expect.info.push(ANY);
  if (legacy === 'ordered') expect.ordered = true;
  const series: ExpectedSeries[] = [];
  let scalar: number | null = null;
  for (const text of body) {
    if (parseExpect(text, expect)) continue;
    if (/^[-+.\d]|^(?:inf|nan)$/i.test(text) && !text.includes('{')) {
      scalar = parseNumber(text);
      break;
    }
    const { labels, items } = parseSeriesLine(text);
    series.push({ labels, values: parseSequence(items) });
  }
  if (expect.noWarn && expect.warn.length > 0) throw new Error('expect warn and no_warn exclude each other');
  if (expect.noInfo && expect.info.length > 0) throw new Error('expect info and no_info exclude each other');
  return { kind: 'eval', line, query, time, expect, scalar, series };
}

/** Whether the line was about expectations; they are noted in `expect`. */
function parseExpect(text: string, expect: Expectations): boolean {
  const legacy = LEGACY_FAIL.exec(text);
  if (legacy) {
    expect.fail = { kind: legacy[1] === 'message' ? 'msg' : 'regex', text: legacy[2] };
    return true;
  }
  if (!/^expect\s/.test(text)) return false;
  const range = EXPECT_RANGE.exec(text);
  const string = EXPECT_STRING.exec(text);
  const plain = EXPECT.exec(text);
  if (range) expect.rangeVector = timeRange(range[1], range[2], range[3]);
  else if (string) expect.string = unquote(string[1]);
  else if (plain) noteExpect(plain, expect);
  else throw new Error(`not an expectation: ${text}`);
  return true;
}

function noteExpect([, what, kind, text]: RegExpExecArray, expect: Expectations): void {
  const match: TextMatch = kind === undefined ? ANY : { kind: kind as 'msg' | 'regex', text: text.trim() };
  if (what === 'ordered') expect.ordered = true;
  else if (what === 'fail') expect.fail = match;
  else if (what === 'no_warn') expect.noWarn = true;
  else if (what === 'no_info') expect.noInfo = true;
  else expect[what as 'warn' | 'info'].push(match);
}
