// Pages: the encoded columns of neighbouring series back to back, about 64 KiB, compressed as a whole where it pays. A column that
// is longer has a page of its own. Columns of values and of times have pages of their own kind; the directory names them in file order:
//
//   count (varint), then per page: kind u8, columns (varint), extent
import { ByteReader, ByteWriter, corruptError } from '../../base/index.ts';
import { type Extent, HEADER_BYTES, type StoredBytes, decodeExtent, encodeExtent, pack } from './block-format.ts';

export const PAGE_BYTES = 65_536;
const PAGE_LEVEL = 3;
/** A page is kept raw unless zstd saves this part: raw pages cost no decompression. Figures: docs/formats/block.md. */
const PAGE_SAVING_MIN = 0.15;

export const VALUE_PAGE = 0;
export const TIME_PAGE = 1;
export type PageKind = typeof VALUE_PAGE | typeof TIME_PAGE;

interface PageDraft extends StoredBytes {
  readonly kind: PageKind;
  readonly columns: number;
}

/** The page that is being filled. */
class OpenPage {
  bytes: Uint8Array = new Uint8Array(PAGE_BYTES);
  length = 0;
  columns = 0;

  append(column: Uint8Array): void {
    const end = this.length + column.length;
    if (end > this.bytes.length) {
      const bigger = new Uint8Array(end);
      bigger.set(this.bytes.subarray(0, this.length));
      this.bytes = bigger;
    }
    this.bytes.set(column, this.length);
    this.length = end;
    this.columns++;
  }

  clear(): void {
    if (this.bytes.length > PAGE_BYTES) this.bytes = new Uint8Array(PAGE_BYTES);
    this.length = 0;
    this.columns = 0;
  }
}

/** Collects columns into pages and the pages' directory. */
export class PageWriter {
  readonly #open = [new OpenPage(), new OpenPage()];
  readonly #directory = new ByteWriter(1024);
  #sealed: Uint8Array[] = [];
  #sealedBytes = 0;
  #count = 0;
  /** Where the next page will be in the file. */
  offset = HEADER_BYTES;

  /** Bytes of sealed pages that wait to be written. */
  get pendingBytes(): number {
    return this.#sealedBytes;
  }

  /** Returns where in its page the column starts. */
  append(kind: PageKind, column: Uint8Array): number {
    const page = this.#open[kind];
    if (page.length > 0 && page.length + column.length > PAGE_BYTES) this.seal(kind);
    const at = page.length;
    page.append(column);
    return at;
  }

  /** Ends the open page of a kind. Returns its bytes in the file. */
  seal(kind: PageKind): number {
    const page = this.#open[kind];
    if (page.columns === 0) return 0;
    const stored = pack(page.bytes.subarray(0, page.length), PAGE_LEVEL, PAGE_SAVING_MIN);
    this.#enter({ ...stored, kind, columns: page.columns });
    page.clear();
    return stored.stored.length;
  }

  #enter(page: PageDraft): void {
    this.#directory.u8(page.kind);
    this.#directory.varint(page.columns);
    encodeExtent(this.#directory, page);
    this.#sealed.push(page.stored);
    this.#sealedBytes += page.stored.length;
    this.offset += page.stored.length;
    this.#count++;
  }

  /** Sealed pages in file order; they count as written from now on. */
  takeSealed(): Uint8Array[] {
    const sealed = this.#sealed;
    this.#sealed = [];
    this.#sealedBytes = 0;
    return sealed;
  }

  encodeDirectory(): Uint8Array {
    const writer = new ByteWriter(this.#directory.length + 8);
    writer.varint(this.#count);
    writer.bytes(this.#directory.view());
    return writer.finish();
  }
}

/** The pages of a block: extents in file order, and which page starts with which column of its kind. */
export class PageDirectory {
  readonly extents: Extent[] = [];
  /** Per kind: the pages' numbers, and the number of the first column of each, with the count of all at the end. */
  readonly pages: readonly [number[], number[]] = [[], []];
  readonly firsts: readonly [number[], number[]] = [[0], [0]];

  constructor(raw: Uint8Array, pagesEnd: number) {
    const reader = new ByteReader(raw);
    const count = reader.varint();
    let offset = HEADER_BYTES;
    for (let number = 0; number < count; number++) {
      const kind = reader.u8();
      if (kind !== VALUE_PAGE && kind !== TIME_PAGE) throw corruptError('cannot read pages: a kind is not known');
      const firsts = this.firsts[kind];
      firsts.push(firsts[firsts.length - 1] + reader.varint());
      this.pages[kind].push(number);
      const extent = decodeExtent(reader, offset);
      this.extents.push(extent);
      offset += extent.bytes;
    }
    reader.end();
    if (offset !== pagesEnd) throw corruptError('cannot read pages: they do not end where the index starts');
  }

  get byteLength(): number {
    return this.extents.length * 96;
  }

  /** Columns of a kind. */
  columns(kind: PageKind): number {
    return this.firsts[kind][this.firsts[kind].length - 1];
  }

  /** Place in pages[kind] of the page with a column. */
  indexOf(kind: PageKind, column: number): number {
    const firsts = this.firsts[kind];
    let low = 0;
    let high = firsts.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (firsts[middle] <= column) low = middle;
      else high = middle;
    }
    return low;
  }
}
