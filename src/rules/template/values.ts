// The values that templates work on, with the types Go gives them, for messages and for what may be done with them:
//
//   string, float64 (number), int (bigint), bool; null: nil
//   GoMap           map[string]string, map[string]interface {}
//   QuerySample     *template.sample: .Labels .Value
//   QuerySamples    template.queryResult
//   GoTime, GoDuration
//   AlertData       what an alert's templates begin with
//   NativeHistogram the value of a sample that is one
import { type NativeHistogram, compareUtf8, goQuote, histogramText } from '../../model/index.ts';
import { generalText } from './float-text.ts';

export class GoMap {
  readonly elements: 'string' | 'any';
  readonly entries: ReadonlyMap<string, GoValue>;

  constructor(elements: 'string' | 'any', entries: Iterable<readonly [string, GoValue]>) {
    this.elements = elements;
    this.entries = new Map(entries);
  }

  /** Keys in the order in which Go walks and prints a map. */
  keys(): string[] {
    return [...this.entries.keys()].sort(compareUtf8);
  }

  /** The value of a key; of one that is not there, the zero value. */
  get(key: string): GoValue {
    return this.entries.get(key) ?? (this.elements === 'string' ? '' : null);
  }
}

export class QuerySample {
  readonly labels: GoMap;
  readonly value: number;

  constructor(labels: Iterable<readonly [string, string]>, value: number) {
    this.labels = new GoMap('string', labels);
    this.value = value;
  }
}

export class QuerySamples {
  readonly items: readonly QuerySample[];

  constructor(items: readonly QuerySample[]) {
    this.items = items;
  }
}

export class GoTime {
  /** Since the Unix epoch. */
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class GoDuration {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class AlertData {
  readonly labels: GoMap;
  readonly externalLabels: GoMap;
  readonly externalUrl: string;
  readonly value: number | NativeHistogram;

  constructor(labels: GoMap, externalLabels: GoMap, externalUrl: string, value: number | NativeHistogram) {
    this.labels = labels;
    this.externalLabels = externalLabels;
    this.externalUrl = externalUrl;
    this.value = value;
  }
}

export type GoValue =
  | null
  | string
  | number
  | bigint
  | boolean
  | GoMap
  | QuerySample
  | QuerySamples
  | GoTime
  | GoDuration
  | AlertData
  | NativeHistogram;

export const isHistogram = (value: GoValue): value is NativeHistogram =>
  value !== null && typeof value === 'object' && 'schema' in value;

const ALERT_DATA_TYPE =
  'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }';

/** The name of a value's Go type. */
export function typeName(value: GoValue): string {
  if (value === null) return 'nil';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (value instanceof GoMap) return value.elements === 'string' ? 'map[string]string' : 'map[string]interface {}';
  if (value instanceof QuerySample) return '*template.sample';
  if (value instanceof QuerySamples) return 'template.queryResult';
  if (value instanceof GoTime) return '*time.Time';
  if (value instanceof GoDuration) return '*time.Duration';
  return value instanceof AlertData ? ALERT_DATA_TYPE : '*histogram.FloatHistogram';
}

/** As Go's fmt prints it with %v. */
export function printValue(value: GoValue, isNested = false): string {
  if (value === null) return isNested ? '<nil>' : '<no value>';
  if (typeof value === 'number') return generalText(value, null);
  if (typeof value !== 'object') return String(value);
  if (value instanceof GoMap) {
    const pairs = value.keys().map((key) => `${key}:${printValue(value.get(key), true)}`);
    return `map[${pairs.join(' ')}]`;
  }
  if (value instanceof QuerySample) return `{${printValue(value.labels)} ${printValue(value.value)}}`;
  if (value instanceof QuerySamples) return `[${value.items.map((item) => printValue(item, true)).join(' ')}]`;
  if (value instanceof GoTime) return timeText(value);
  if (value instanceof GoDuration) return durationText(value.nanoseconds);
  if (value instanceof AlertData) {
    const fields = [value.labels, value.externalLabels, value.externalUrl, value.value];
    return `{${fields.map((field) => printValue(field, true)).join(' ')}}`;
  }
  return histogramText(value);
}

/** Whether a value counts as true in {{if}} and {{with}}. */
export function isTrue(value: GoValue): boolean {
  if (value instanceof GoMap) return value.entries.size > 0;
  if (value instanceof QuerySamples) return value.items.length > 0;
  if (value instanceof GoDuration) return true;
  // NaN is not zero.
  return typeof value === 'number' ? value !== 0 : Boolean(value);
}

const DAY_MS = 86_400_000;

/** Whole milliseconds and what is left of nanoseconds. */
function splitTime(nanoseconds: bigint): { ms: number; rest: bigint } {
  const rest = ((nanoseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return { ms: Number((nanoseconds - rest) / 1_000_000n), rest };
}

/** `2006-01-02 15:04:05.999 +0000 UTC` */
function timeText({ nanoseconds }: GoTime): string {
  const { ms, rest } = splitTime(nanoseconds);
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return `${Math.floor(ms / DAY_MS)} days since 1970-01-01`;
  const [day, time] = date.toISOString().replace('Z', '').split('T');
  const [clock, fraction] = time.split('.');
  const digits = (fraction + String(rest).padStart(6, '0')).replace(/0+$/, '');
  return `${day.replace(/^\+0*/, '')} ${clock}${digits === '' ? '' : `.${digits}`} +0000 UTC`;
}

/** A duration as Go prints it: `1h2m3.5s`. */
export function durationText(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? '-' : '';
  const left = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (left === 0n) return '0s';
  const decimal = (value: bigint, unit: bigint): string => {
    const fraction = String(value % unit).padStart(String(unit).length - 1, '0');
    const trimmed = fraction.replace(/0+$/, '');
    return `${value / unit}${unit === 1n || trimmed === '' ? '' : `.${trimmed}`}`;
  };
  if (left < 1000n) return `${sign}${left}ns`;
  if (left < 1_000_000n) return `${sign}${decimal(left, 1000n)}µs`;
  if (left < 1_000_000_000n) return `${sign}${decimal(left, 1_000_000n)}ms`;
  const minutes = left / 60_000_000_000n;
  const seconds = `${decimal(left % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** A value as %q prints it in messages. */
export const quoteValue = (value: string): string => goQuote(value);
