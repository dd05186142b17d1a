// Numbers, durations and times as people read them.

const SI: readonly (readonly [number, string])[] = [
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** Up to four significant digits with an SI suffix: 1.5k, 0.0123, 12.3M. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e18 || size < 1e-4) return value.toExponential(2).replace(/\.?0+e/, 'e');
  for (const [unit, suffix] of SI) if (size >= unit * 0.99995) return trimmed(value / unit) + suffix;
  return trimmed(value);
}

const trimmed = (value: number): string => String(Number(value.toPrecision(4)));

const UNITS: readonly (readonly [string, number])[] = [
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** Seconds as a Prometheus duration: 90 is 1m30s, 0.25 is 250ms. */
export function duration(seconds: number): string {
  let rest = Math.round(seconds * 1000);
  let text = '';
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / (length * 1000));
    if (count > 0) text += `${count}${unit}`;
    rest -= count * length * 1000;
  }
  if (rest > 0) text += `${rest}ms`;
  return text || '0s';
}

const DURATION = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** The seconds of a duration such as 1h30m, or of a plain number; null if it is neither. */
export function parseDuration(text: string): number | null {
  const plain = text.trim();
  if (/^\d+(\.\d+)?$/.test(plain)) return Number(plain);
  const match = plain === '' ? null : DURATION.exec(plain);
  if (!match) return null;
  const lengths = [...UNITS.map(([, length]) => length), 0.001];
  return match.slice(1).reduce((sum, part, i) => sum + Number(part ?? 0) * lengths[i], 0);
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `2026-03-01 12:30:00` in local time or UTC. */
export function timeText(timeMs: number, utc: boolean, withMs = false): string {
  const date = new Date(utc ? timeMs : timeMs - new Date(timeMs).getTimezoneOffset() * 60_000);
  const day = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day} ${clock}${withMs ? `.${String(date.getUTCMilliseconds()).padStart(3, '0')}` : ''}`;
}

/** The time of `2026-03-01 12:30[:00]` in local time or UTC, or null. */
export function parseTimeText(text: string, utc: boolean): number | null {
  const match = /^\s*(\d{4}-\d\d-\d\d)(?:[ T](\d\d?:\d\d(?::\d\d)?))?\s*$/.exec(text);
  if (!match) return null;
  const ms = Date.parse(`${match[1]}T${(match[2] ?? '00:00').padStart(5, '0')}${utc ? 'Z' : ''}`);
  return Number.isNaN(ms) ? null : ms;
}

/** `12s ago`, `3h ago`; in the future `now`. */
export function ago(timeMs: number, nowMs: number): string {
  const seconds = (nowMs - timeMs) / 1000;
  if (seconds < 1) return 'now';
  for (const [unit, length] of UNITS) if (seconds >= length) return `${Math.floor(seconds / length)}${unit} ago`;
  return 'now';
}

/** Seconds that something took, to the millisecond. */
export const took = (seconds: number): string =>
  seconds > 0 && seconds < 0.001 ? '<1ms' : duration(Math.round(seconds * 1000) / 1000);

/** A Go time such as lastScrape in milliseconds; null is its zero time, which stands for never. */
export function goTime(text: string): number | null {
  const timeMs = Date.parse(text);
  return timeMs > 0 ? timeMs : null;
}

/** A number as the API writes it, such as 1.5e+00, in the plainest form; +Inf and NaN stay. */
export function plainNumber(text: string): string {
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? text : String(value);
}

/** 12345 as 12,345. */
export const grouped = (value: number): string => value.toLocaleString('en-US');

const quoted = (value: string): string => JSON.stringify(value);

/** A label set as PromQL writes it: name{a="b"}. */
export function seriesText(metric: Readonly<Record<string, string>>): string {
  const { __name__: name = '', ...labels } = metric;
  const isPlain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
  const parts = Object.entries(labels).map(([key, value]) => {
    return `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(key) ? key : quoted(key)}=${quoted(value)}`;
  });
  if (name !== '' && !isPlain) parts.unshift(quoted(name));
  const braces = parts.length > 0 || name === '' ? `{${parts.join(', ')}}` : '';
  return isPlain ? name + braces : braces;
}
