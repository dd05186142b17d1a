// Native histograms of a column are told by their places: when samples move, the places have to follow.
import type { HistogramSamples } from '../model/index.ts';

/** Where moved samples came from, to be filled in their new order; null if there is no histogram that would have to know. */
export const movesOf = (histograms: HistogramSamples | undefined): number[] | null =>
  histograms !== undefined && histograms.at.length > 0 ? [] : null;

/** Number of the first histogram at or behind a place. */
export function firstHistogram({ at }: HistogramSamples, place: number): number {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle] < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Adds the histograms of places [from, to), moved by `shift`. */
export function copyHistograms(
  source: HistogramSamples,
  from: number,
  to: number,
  into: HistogramSamples,
  shift: number,
): void {
  for (let h = firstHistogram(source, from); h < source.at.length && source.at[h] < to; h++) {
    into.at.push(source.at[h] + shift);
    into.bytes.push(source.bytes[h]);
  }
}

/** Sample `from + i` was at place moves[i] before; those below `from` have stayed, the others are gone. */
export function moveHistograms(
  histograms: HistogramSamples | undefined,
  from: number,
  moves: readonly number[] | null,
): void {
  if (!histograms || !moves) return;
  const { at, bytes } = histograms;
  const moved = new Map<number, Uint8Array>();
  let kept = at.length;
  while (kept > 0 && at[kept - 1] >= from) {
    kept--;
    moved.set(at[kept], bytes[kept]);
  }
  at.length = kept;
  bytes.length = kept;
  for (let i = 0; i < moves.length; i++) {
    const found = moved.get(moves[i]);
    if (found === undefined) continue;
    at.push(from + i);
    bytes.push(found);
  }
}
