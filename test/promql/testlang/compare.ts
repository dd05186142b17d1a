// Whether a result is the expected one. Every function gives the list of what differs.
import { compareLabels } from '../../../src/model/index.ts';
import { compareHistogram } from './compare-histogram.ts';
import type { QueryResult, ResultPoint, ResultSeries } from './runner.ts';
import type { EvalCommand, ExpectedSeries, Expectations, TextMatch, TimeRange } from './script.ts';
import type { SequenceValue } from '../../../src/promql/testlang/sequence.ts';

const RELATIVE_ERROR_MAX = 1e-6;
const NORMAL_MIN = 2 ** -1022;

/** Relative to the sum of both; zero is equal to zero only, any NaN to any NaN. */
export function almostEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < NORMAL_MIN) return difference < RELATIVE_ERROR_MAX * NORMAL_MIN;
  return difference / Math.min(sum, Number.MAX_VALUE) < RELATIVE_ERROR_MAX;
}

const matches = ({ kind, text }: TextMatch, actual: string): boolean =>
  kind === 'any' || (kind === 'msg' ? actual === text : new RegExp(text).test(actual));

const describe = ({ kind, text }: TextMatch): string => (kind === 'any' ? 'any' : `${kind}: ${text}`);

/** `error` is null where the query did not fail. */
export function compareFailure(expected: TextMatch | null, error: string | null): string[] {
  if (expected === null) return [`query failed: ${error}`];
  if (error === null) return ['query did not fail'];
  return matches(expected, error) ? [] : [`query failed with "${error}", expected ${describe(expected)}`];
}

export function compareAnnotations(expect: Expectations, result: QueryResult): string[] {
  return [
    ...compareTexts('warning', expect.warn, expect.noWarn, result.warnings),
    ...compareTexts('info', expect.info, expect.noInfo, result.infos),
  ];
}

function compareTexts(
  what: string,
  expected: readonly TextMatch[],
  none: boolean,
  actual: readonly string[],
): string[] {
  if (none) return actual.map((text) => `unexpected ${what}: ${text}`);
  if (expected.length === 0) return [];
  const missing = expected.filter((match) => !actual.some((text) => matches(match, text)));
  const surplus = actual.filter((text) => !expected.some((match) => matches(match, text)));
  return [
    ...missing.map((match) => `missing ${what} ${describe(match)}; got ${JSON.stringify(actual)}`),
    ...surplus.map((text) => `unexpected ${what}: ${text}`),
  ];
}

function compareValue(expected: SequenceValue, actual: ResultPoint['value']): string[] {
  if (typeof expected === 'number') {
    if (typeof actual !== 'number') return ['got a histogram instead of a float'];
    return almostEqual(expected, actual) ? [] : [`expected ${expected}, got ${actual}`];
  }
  if (expected === null || expected === 'stale') return ['an expected result cannot be stale'];
  if (typeof actual === 'number') return [`got ${actual} instead of a histogram`];
  return compareHistogram(expected, actual, almostEqual);
}

/** The result of an instant query: scalar, string or vector. */
export function compareInstant(command: EvalCommand, result: QueryResult): string[] {
  const { expect, scalar, series } = command;
  if (expect.string !== null) return compareString(expect.string, result);
  if (result.type === 'string') return [`result is the string ${JSON.stringify(result.value)}`];
  if (result.type === 'matrix') return ['result is a range vector'];
  if (result.type === 'scalar') return compareScalar(scalar, result.value);
  if (scalar !== null) return ['expected a scalar, got an instant vector'];
  const failures = unmatched(series, result.series);
  for (const [position, { labels, points }] of result.series.entries()) {
    const index = series.findIndex((candidate) => candidate.labels.key === labels.key);
    if (index === -1) continue;
    const { values } = series[index];
    if (values.length !== 1) failures.push(`expectation for ${labels} has ${values.length} values`);
    if (expect.ordered && index !== position) failures.push(`${labels} is at position ${position}, expected ${index}`);
    failures.push(...compareValue(values[0], points[0].value).map((text) => `${labels}: ${text}`));
  }
  return failures;
}

function compareString(expected: string, result: QueryResult): string[] {
  if (result.type !== 'string') return [`expected a string, got a ${result.type}`];
  if (result.value === expected) return [];
  return [`expected ${JSON.stringify(expected)}, got ${JSON.stringify(result.value)}`];
}

function compareScalar(expected: number | null, actual: number): string[] {
  if (expected === null) return [`result is the scalar ${actual}`];
  return almostEqual(expected, actual) ? [] : [`expected ${expected}, got ${actual}`];
}

/** Series that only one side has, and doubles. */
function unmatched(expected: readonly ExpectedSeries[], actual: readonly ResultSeries[]): string[] {
  const expectedKeys = new Set(expected.map(({ labels }) => labels.key));
  const actualKeys = new Set(actual.map(({ labels }) => labels.key));
  const failures = expected
    .filter(({ labels }) => !actualKeys.has(labels.key))
    .map(({ labels }) => `missing ${labels}`);
  for (const { labels, points } of actual) {
    if (!expectedKeys.has(labels.key)) failures.push(`unexpected ${labels} ${JSON.stringify(points[0]?.value)}`);
  }
  if (actualKeys.size !== actual.length) failures.push('a series is there twice');
  if (expectedKeys.size !== expected.length) failures.push('a series is expected twice');
  return failures;
}

/** The matrix of a range query. A scalar expression gives one series without labels. */
export function compareRange(command: EvalCommand, result: QueryResult): string[] {
  if (command.time.kind !== 'range') return ['not a range query'];
  if (result.type !== 'matrix') return [`expected a matrix, got a ${result.type}`];
  return compareMatrix(command.series, result.series, command.time);
}

/** An instant query for a range vector. */
export function compareRangeVector(command: EvalCommand, result: QueryResult): string[] {
  if (result.type !== 'matrix') return [`expected a range vector, got a ${result.type}`];
  return compareMatrix(command.series, result.series, command.expect.rangeVector as TimeRange);
}

function compareMatrix(
  expected: readonly ExpectedSeries[],
  actual: readonly ResultSeries[],
  time: TimeRange,
): string[] {
  const failures = unmatched(expected.filter(hasValue), actual);
  for (let i = 1; i < actual.length; i++) {
    if (compareLabels(actual[i - 1].labels, actual[i].labels) > 0) failures.push('series are not sorted by labels');
  }
  for (const { labels, values } of expected) {
    const steps = Math.floor((time.endMs - time.startMs) / time.stepMs) + 1;
    if (values.length > steps) failures.push(`${labels}: ${values.length} values expected for ${steps} steps`);
    const found = actual.find((candidate) => candidate.labels.key === labels.key);
    if (found) failures.push(...comparePoints(values, found.points, time).map((text) => `${labels}: ${text}`));
  }
  return failures;
}

const hasValue = ({ values }: ExpectedSeries): boolean => values.some((value) => value !== null);

function comparePoints(values: readonly SequenceValue[], points: readonly ResultPoint[], time: TimeRange): string[] {
  const wanted = new Map<number, SequenceValue>();
  values.forEach((value, i) => value !== null && wanted.set(time.startMs + i * time.stepMs, value));
  const failures: string[] = [];
  for (const { timeMs, value } of points) {
    const expected = wanted.get(timeMs);
    if (expected === undefined) failures.push(`unexpected value ${JSON.stringify(value)} at ${timeMs}`);
    else failures.push(...compareValue(expected, value).map((text) => `at ${timeMs}: ${text}`));
    wanted.delete(timeMs);
  }
  for (const timeMs of wanted.keys()) failures.push(`no value at ${timeMs}`);
  return failures;
}
