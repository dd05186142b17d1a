// Parameters of requests as Prometheus reads them: from the query string and, for POST, from a form in the body, the body's
// first. Times are seconds (float) or RFC 3339; durations are seconds or `1h30m`.
import { TidemarkError, errorText } from '../base/index.ts';
import { goQuote } from '../model/index.ts';
import { invalidParameter } from './envelope.ts';

/** Stand for "no time given"; Prometheus' own sentinels, which it accepts as texts, are mapped to them. */
export const MIN_TIME_MS = Number.MIN_SAFE_INTEGER;
/** See MIN_TIME_MS. */
export const MAX_TIME_MS = Number.MAX_SAFE_INTEGER;

const MIN_TIME_TEXT = '-292273086-05-16T16:47:06Z';
const MAX_TIME_TEXT = '292277025-08-18T07:12:54.999999999Z';

const badData = (text: string): TidemarkError => new TidemarkError('bad_data', text);

function decodePart(text: string): string | null {
  const plain = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!plain.includes('%')) return plain;
  if (/%(?![0-9a-fA-F]{2})/.test(plain)) return null;
  try {
    return decodeURIComponent(plain);
  } catch {
    throw badData(`invalid parameter: bytes are not valid UTF-8; got ${goQuote(text.slice(0, 100))}`);
  }
}

/** A request's parameters. */
export class Parameters {
  readonly #values = new Map<string, string[]>();
  /** The first pair that could not be decoded; such pairs are left out. */
  malformed: string | null = null;

  /** Adds `a=1&b=2`. What is added first comes first. */
  add(text: string): void {
    if (text === '') return;
    for (const pair of text.split('&')) if (pair !== '') this.#addPair(pair);
  }

  #addPair(pair: string): void {
    const equals = pair.indexOf('=');
    const name = decodePart(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodePart(pair.slice(equals + 1));
    if (name === null || value === null || pair.includes(';')) {
      this.malformed ??= pair.includes(';')
        ? 'invalid semicolon separator in query'
        : `invalid URL escape ${goQuote(/%.{0,2}/s.exec(pair)?.[0] ?? '')}`;
      return;
    }
    const values = this.#values.get(name);
    if (values) values.push(value);
    else this.#values.set(name, [value]);
  }

  /** The first value, or ''. */
  get(name: string): string {
    return this.#values.get(name)?.[0] ?? '';
  }

  /** All values. */
  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

/** Go's decimal floats; NaN and infinities make no time and no duration. */
const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

function parseRfc3339(text: string): number | null {
  const match = RFC3339.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match;
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number);
  const date = new Date(0);
  date.setUTCFullYear(y, mo - 1, d);
  if (date.getUTCMonth() !== mo - 1 || date.getUTCDate() !== d || h > 23 || mi > 59 || s > 59) return null;
  let offsetMinutes = 0;
  if (zone !== 'Z') {
    const [zoneHours, zoneMinutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4))];
    if (zoneHours > 23 || zoneMinutes > 59) return null;
    offsetMinutes = (zoneHours * 60 + zoneMinutes) * (zone[0] === '-' ? -1 : 1);
  }
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3));
  return date.getTime() + ((h * 60 + mi - offsetMinutes) * 60 + s) * 1000 + ms;
}

/** A time in milliseconds, rounded to whole ones. Throws `cannot parse "x" to a valid timestamp`. */
export function parseTime(text: string): number {
  if (FLOAT.test(text)) {
    const seconds = Number(text);
    const whole = Math.trunc(seconds);
    const ms = whole * 1000 + Math.round((seconds - whole) * 1000);
    if (Math.abs(ms) <= MAX_TIME_MS) return ms === 0 ? 0 : ms;
  }
  if (text === MIN_TIME_TEXT) return MIN_TIME_MS;
  if (text === MAX_TIME_TEXT) return MAX_TIME_MS;
  const ms = parseRfc3339(text);
  if (ms === null) throw badData(`cannot parse ${goQuote(text)} to a valid timestamp`);
  return ms;
}

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNIT_MS = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1];
const DURATION_MS_MAX = 2 ** 63 / 1e6;

/** A duration in milliseconds (fractions of it cut). Throws `cannot parse "x" to a valid duration`. */
export function parseDuration(text: string): number {
  if (FLOAT.test(text)) {
    const ms = Number(text) * 1000;
    if (Math.abs(ms) > DURATION_MS_MAX) {
      throw badData(`cannot parse ${goQuote(text)} to a valid duration. It overflows int64`);
    }
    // Seconds such as 0.007 are not exact: a nanosecond decides, as in Prometheus.
    return Math.trunc(Math.round(ms * 1e6) / 1e6);
  }
  const match = text === '' ? null : text === '0' ? [] : DURATION.exec(text);
  const ms = match?.slice(1).reduce((sum, part, unit) => sum + Number(part ?? 0) * UNIT_MS[unit], 0);
  if (ms === undefined || ms > DURATION_MS_MAX) {
    throw badData(`cannot parse ${goQuote(text)} to a valid duration`);
  }
  return ms;
}

/** A limit: a whole number that is not negative; '' is 0. */
export function parseLimit(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?\d+$/.test(text)) throw badData(`strconv.Atoi: parsing ${goQuote(text)}: invalid syntax`);
  const limit = Number(text);
  if (!Number.isSafeInteger(limit)) throw badData(`strconv.Atoi: parsing ${goQuote(text)}: value out of range`);
  if (limit < 0) throw badData('limit must be non-negative');
  return limit === 0 ? 0 : limit;
}

/** Parses a parameter; an error says which one it was. */
export function parameter<T>(parameters: Parameters, name: string, parse: (text: string) => T): T {
  try {
    return parse(parameters.get(name));
  } catch (error) {
    throw invalidParameter(name, error);
  }
}

/** A time that may be absent. */
export function optionalTime(parameters: Parameters, name: string, absentMs: number): number {
  return parameter(parameters, name, (text) => {
    if (text === '') return absentMs;
    try {
      return parseTime(text);
    } catch (error) {
      throw badData(`Invalid time value for '${name}': ${errorText(error)}`);
    }
  });
}

/** Go's strconv.ParseBool. */
export function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw badData(`unable to parse boolean ${goQuote(text)}`);
}
