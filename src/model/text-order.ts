// Lists of texts in the order of their UTF-8 bytes.
import { compareUtf8 } from './labels.ts';

/** A text that has one may not be ordered by its UTF-16 units. */
const SURROGATE = /[\ud800-\udfff]/;

/** Sorts in place. The units' own order, which takes no comparing function, is that of the bytes but for surrogates. */
export function sortTexts(texts: string[]): string[] {
  return texts.some((text) => SURROGATE.test(text)) ? texts.sort(compareUtf8) : texts.sort();
}

/** All texts of lists that are sorted, each once. */
export function mergeTexts(lists: readonly (readonly string[])[]): readonly string[] {
  if (lists.length === 0) return [];
  let merged = lists[0];
  for (const list of lists.slice(1)) merged = mergeTwo(merged, list);
  return merged;
}

function mergeTwo(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const out: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const order = compareUtf8(a[i], b[j]);
    out.push(order <= 0 ? a[i] : b[j]);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  while (i < a.length) out.push(a[i++]);
  while (j < b.length) out.push(b[j++]);
  return out;
}
