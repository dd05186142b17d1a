// Algebra of postings: ascending lists of series numbers without repeats.

export const NO_SERIES: Uint32Array = new Uint32Array(0);

/** Numbers that are in both lists. Gallops through the longer one. */
export function intersect(a: Uint32Array, b: Uint32Array): Uint32Array {
  const [small, large] = a.length <= b.length ? [a, b] : [b, a];
  const out = new Uint32Array(small.length);
  let count = 0;
  let j = 0;
  for (let i = 0; i < small.length; i++) {
    const wanted = small[i];
    // Gallop: steps of growing length, then halves.
    let step = 1;
    while (j + step < large.length && large[j + step] < wanted) step *= 2;
    let low = j + (step >> 1);
    let high = Math.min(j + step, large.length - 1);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (large[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    j = low;
    if (j < large.length && large[j] === wanted) out[count++] = wanted;
  }
  return out.subarray(0, count);
}

/** Numbers of `a` that are not in `b`. */
export function subtract(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (b.length === 0) return a;
  const out = new Uint32Array(a.length);
  let count = 0;
  let j = 0;
  for (let i = 0; i < a.length; i++) {
    while (j < b.length && b[j] < a[i]) j++;
    if (j === b.length || b[j] !== a[i]) out[count++] = a[i];
  }
  return out.subarray(0, count);
}

/** Union of disjoint lists: a series has one value per label. */
export function unite(lists: readonly Uint32Array[]): Uint32Array {
  if (lists.length === 0) return NO_SERIES;
  if (lists.length === 1) return lists[0];
  let total = 0;
  let low = 0xffffffff;
  let high = 0;
  for (const list of lists) {
    if (list.length === 0) continue;
    total += list.length;
    low = Math.min(low, list[0]);
    high = Math.max(high, list[list.length - 1]);
  }
  if (total === 0) return NO_SERIES;
  // A bitmap costs a word per 32 numbers between the ends, a sort several steps per number.
  return (high - low) >>> 6 <= total ? uniteByBitmap(lists, low, high, total) : uniteBySort(lists, total);
}

function uniteBySort(lists: readonly Uint32Array[], total: number): Uint32Array {
  const all = new Uint32Array(total);
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all.sort();
}

function uniteByBitmap(lists: readonly Uint32Array[], low: number, high: number, total: number): Uint32Array {
  const bitmap = new Uint32Array(((high - low) >>> 5) + 1);
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const bit = list[i] - low;
      bitmap[bit >>> 5] |= 1 << (bit & 31);
    }
  }
  const out = new Uint32Array(total);
  let count = 0;
  for (let word = 0; word < bitmap.length; word++) {
    let bits = bitmap[word];
    while (bits !== 0) {
      out[count++] = low + (word << 5) + (31 - Math.clz32(bits & -bits));
      bits &= bits - 1;
    }
  }
  return out.subarray(0, count);
}
