// The items of an `@st` line: when each sample's counter started, relative to the sample.
//
//   _  _xN  <duration>  <duration>xN  <duration>±<duration>xN        durations may be negative
import { parseDuration } from '../../../src/promql/parse/index.ts';

const ITEM = /^([+-]?\w+?)(?:([+-])(\w+?))?(?:x(\d+))?$/;

/** Milliseconds to add to each sample's time; null = no start known. */
export function parseStartTimestamps(items: string): (number | null)[] {
  return items.split(/\s+/).filter(Boolean).flatMap(itemValues);
}

const signed = (text: string): number =>
  /^[+-]/.test(text) ? (text[0] === '-' ? -1 : 1) * parseDuration(text.slice(1)) : parseDuration(text);

function itemValues(item: string): (number | null)[] {
  const gap = /^_(?:x(\d+))?$/.exec(item);
  if (gap) return Array(gap[1] === undefined ? 1 : Number(gap[1])).fill(null);
  const match = ITEM.exec(item);
  if (!match) throw new Error(`not a start timestamp: ${item}`);
  const [, first, sign, increment, times] = match;
  const step = increment === undefined ? 0 : parseDuration(increment) * (sign === '-' ? -1 : 1);
  const base = signed(first);
  return Array.from({ length: 1 + Number(times ?? 0) }, (_, i) => base + i * step);
}
