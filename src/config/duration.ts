// Prometheus durations: `1h30m`, units y w d h m s ms from big to small, each at most once; `0` alone needs none. A year is
// 365 days. Values are whole milliseconds.
import { TidemarkError } from '../base/index.ts';
import { goQuote } from '../model/index.ts';

const UNIT_MS = { y: 31_536_000_000, w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const UNITS = Object.entries(UNIT_MS);
// Go counts nanoseconds in 63 bits: about 292 years.
const DURATION_MS_MAX = 9_223_372_036_854;

const problem = (text: string) => new TidemarkError('bad_data', text);

/** Milliseconds of a duration; throws TidemarkError `bad_data` in Prometheus' words. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (text === '') throw problem('empty duration string');
  const invalid = () => problem(`not a valid duration string: ${goQuote(text)}`);
  let totalMs = 0;
  let unitsLeft = 0;
  let at = 0;
  while (at < text.length) {
    const part = /^([0-9]+)([^0-9]+)/.exec(text.slice(at));
    if (!part) throw invalid();
    const index = UNITS.findIndex(([unit]) => unit === part[2]);
    if (index < 0) throw problem(`unknown unit ${goQuote(part[2])} in duration ${goQuote(text)}`);
    if (index < unitsLeft) throw invalid();
    unitsLeft = index + 1;
    totalMs += Number(part[1]) * UNITS[index][1];
    if (totalMs > DURATION_MS_MAX) throw problem('duration out of range');
    at += part[0].length;
  }
  return totalMs;
}

/** The duration as Prometheus prints it: years and weeks only where nothing is left over, so 90d stays 90d. */
export function formatDuration(durationMs: number): string {
  let left = Math.abs(durationMs);
  if (left === 0) return '0s';
  let out = durationMs < 0 ? '-' : '';
  for (const [unit, unitMs] of UNITS) {
    if ((unit === 'y' || unit === 'w') && left % unitMs !== 0) continue;
    const count = Math.floor(left / unitMs);
    if (count > 0) out += `${count}${unit}`;
    left -= count * unitMs;
  }
  return out;
}
