// Where columns lie: a chunk of the index lists the lengths of consecutive columns of one kind, and how far into its page the first one is;
// the directory of pages says where pages start.
import { corruptError } from '../../base/index.ts';
import type { PageDirectory, PageKind } from './pages.ts';

/** Consecutive columns: page number (in the file), offset in it and length of each. */
export interface ColumnPlaces {
  readonly page: Uint32Array;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
}

/** Places of the columns from number `first` on, the first of which starts at `firstOffset` of its page. */
export function placeColumns(
  directory: PageDirectory,
  kind: PageKind,
  first: number,
  firstOffset: number,
  length: Uint32Array,
): ColumnPlaces {
  const count = length.length;
  const page = new Uint32Array(count);
  const offset = new Uint32Array(count);
  if (first + count > directory.columns(kind))
    throw corruptError('cannot place columns: there are more than pages have');
  const firsts = directory.firsts[kind];
  let index = count === 0 ? 0 : directory.indexOf(kind, first);
  let at = firstOffset;
  for (let i = 0; i < count; i++) {
    if (first + i === firsts[index + 1]) {
      index++;
      at = 0;
    }
    const number = directory.pages[kind][index];
    page[i] = number;
    offset[i] = at;
    at += length[i];
    if (at > directory.extents[number].rawBytes)
      throw corruptError('cannot place columns: one reaches beyond its page');
  }
  return { page, offset, length };
}
