// Long work beside ingest: a sort that can be interrupted.

/** Lets others run when the current slice of work is used up. */
export type Breathe = () => Promise<void> | undefined;

const PIECE = 1024;

/** Sorts in place: pieces at a time, then merges them, with a breath between. Stable. */
export async function sortInSlices(
  list: Uint32Array,
  compare: (a: number, b: number) => number,
  breathe: Breathe,
): Promise<void> {
  for (let from = 0; from < list.length; from += PIECE) {
    list.subarray(from, from + PIECE).sort(compare);
    await breathe();
  }
  let source: Uint32Array = list;
  let target: Uint32Array = new Uint32Array(list.length > PIECE ? list.length : 0);
  for (let run = PIECE; run < list.length; run *= 2) {
    for (let from = 0; from < list.length; from += 2 * run) {
      await mergeRuns(source, target, [from, from + run, from + 2 * run], compare, breathe);
    }
    [source, target] = [target, source];
  }
  if (source !== list) list.set(source);
}

async function mergeRuns(
  source: Uint32Array,
  target: Uint32Array,
  bounds: readonly [number, number, number],
  compare: (a: number, b: number) => number,
  breathe: Breathe,
): Promise<void> {
  const middle = Math.min(bounds[1], source.length);
  const end = Math.min(bounds[2], source.length);
  let a = bounds[0];
  let b = middle;
  for (let at = a; at < end; at++) {
    const takesA = b >= end || (a < middle && compare(source[a], source[b]) <= 0);
    target[at] = takesA ? source[a++] : source[b++];
    if ((at & 255) === 0) await breathe();
  }
}
