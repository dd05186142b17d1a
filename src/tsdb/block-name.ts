// Where block files lie, and what their names say: blocks/<shard>/<start>-<end>-<level>-<segment>-<offset>[-<n>].block. Start and end are
// the span in milliseconds (end excluded), segment and offset the log position whose samples are in. A name never comes back with
// other contents: the position and the level tell two blocks of the same span apart.
import type { LogPosition } from '../io/index.ts';

/** The smallest span of a block, aligned to the epoch. Columns of the head never straddle it. */
export const WINDOW_MS = 7_200_000;
/** Spans of the levels: windows, days, and eight days. Each is a multiple of the one before. */
export const LEVEL_SPANS_MS: readonly number[] = [WINDOW_MS, 12 * WINDOW_MS, 96 * WINDOW_MS];

/** What a block's name says. */
export interface BlockName {
  readonly startMs: number;
  readonly endMs: number;
  readonly level: number;
  readonly position: LogPosition;
}

export const blockDirectory = (shard: number): string => `blocks/${String(shard).padStart(3, '0')}`;

/** The file name of a block, without its directory. */
export function blockFileName({ startMs, endMs, level, position }: BlockName): string {
  const segment = String(position.segment).padStart(8, '0');
  const offset = String(position.offset).padStart(10, '0');
  return `${startMs}-${endMs}-${level}-${segment}-${offset}.block`;
}

/** The span that a block's name says, or null if it is no block's name. */
export function spanOfName(name: string): { startMs: number; endMs: number } | null {
  const match = /^(-?\d+)-(-?\d+)-\d-\d{8}-\d{10}(-\d+)?\.block/.exec(name);
  return match ? { startMs: Number(match[1]), endMs: Number(match[2]) } : null;
}

export const isBlockFileName = (name: string): boolean => /^-?\d+--?\d+-\d-\d{8}-\d{10}(-\d+)?\.block$/.test(name);

export const spanStart = (timeMs: number, spanMs: number): number => Math.floor(timeMs / spanMs) * spanMs;
