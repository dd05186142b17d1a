// Prometheus' durations: 1y2w3d4h5m6s7ms, units in this order, each at most once, none needed; a year is 365 days, a
// week 7 days. The total must fit in 64-bit nanoseconds (some 292 years).
import { goQuote } from '../../model/index.ts';
import { TidemarkError } from '../../base/index.ts';

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNIT_MS = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1];
const UNIT_NAMES = ['y', 'w', 'd', 'h', 'm', 's', 'ms'];
/** Printed only where they divide the whole rest: 7d is 1w but 8d stays 8d. */
const EXACT_UNIT_COUNT = 2;
const NANOSECONDS_MAX = (1n << 63n) - 1n;

/** Milliseconds of a duration such as `1h30m` or `0`. Throws `bad_data` with Prometheus' texts. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (text === '') throw new TidemarkError('bad_data', 'empty duration string');
  const match = DURATION.exec(text);
  if (!match) throw new TidemarkError('bad_data', `not a valid duration string: ${goQuote(text)}`);
  let ms = 0n;
  for (let i = 0; i < UNIT_MS.length; i++) ms += BigInt(match[i + 1] ?? 0) * BigInt(UNIT_MS[i]);
  if (ms * 1_000_000n > NANOSECONDS_MAX) throw new TidemarkError('bad_data', 'duration out of range');
  return Number(ms);
}

/** A duration of whole milliseconds as Prometheus prints it: `1h30m`, `0s`. Negative ones get a sign in front. */
export function formatDuration(ms: number): string {
  let rest = Math.trunc(Math.abs(ms));
  if (rest === 0) return '0s';
  let out = ms < 0 ? '-' : '';
  for (let i = 0; i < UNIT_MS.length; i++) {
    const unitMs = UNIT_MS[i];
    if (i < EXACT_UNIT_COUNT && rest % unitMs !== 0) continue;
    const count = Math.floor(rest / unitMs);
    if (count === 0) continue;
    out += `${count}${UNIT_NAMES[i]}`;
    rest -= count * unitMs;
  }
  return out;
}
