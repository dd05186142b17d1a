// The order of many label sets, worked out in pieces: sorted runs, merged two by two.
import { type Labels, compareLabels } from '../../model/index.ts';
import type { QueryRun, Work } from './query-run.ts';

const RUN_LENGTH = 4096;
/** A comparison takes as long as looking at so many values. */
const COMPARE_WORK = 16;

function isSorted(labels: readonly Labels[]): boolean {
  for (let i = 1; i < labels.length; i++) if (compareLabels(labels[i - 1], labels[i]) > 0) return false;
  return true;
}

/** Positions in the order of the labels; equal ones in theirs. null: they are in order. */
export function* labelOrder(labels: readonly Labels[], run: QueryRun): Work<Uint32Array | null> {
  if (isSorted(labels)) return null;
  let from = Uint32Array.from(labels, (_, i) => i);
  for (let at = 0; at < from.length; at += RUN_LENGTH) {
    if (run.isDue(RUN_LENGTH * 12 * COMPARE_WORK)) yield;
    from.subarray(at, at + RUN_LENGTH).sort((a, b) => compareLabels(labels[a], labels[b]) || a - b);
  }
  let to = new Uint32Array(from.length);
  for (let length = RUN_LENGTH; length < from.length; length *= 2) {
    for (let at = 0; at < from.length; at += 2 * length) {
      const middle = Math.min(at + length, from.length);
      const end = Math.min(at + 2 * length, from.length);
      for (let i = at, left = at, right = middle; i < end; i++) {
        if (run.isDue(COMPARE_WORK)) yield;
        const isLeft = right === end || (left < middle && compareLabels(labels[from[left]], labels[from[right]]) <= 0);
        to[i] = from[isLeft ? left++ : right++];
      }
    }
    [from, to] = [to, from];
  }
  return from;
}
