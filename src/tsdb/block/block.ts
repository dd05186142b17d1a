// An open block file. Opening reads the tail and the footer; the index comes with one read when it is first asked for; pages come when they
// are prefetched, neighbours with one read. What was read is kept under the budget of the cache, and checked before use.
import { corruptError, invariant } from '../../base/index.ts';
import type { Files, OpenFile } from '../../io/index.ts';
import { type BlockKernel, crc32c } from '../../kernel/index.ts';
import type { BlockCache, CacheEntry, PinnedPages } from './block-cache.ts';
import {
  type BlockFooter,
  type BlockMeta,
  TAIL_BYTES,
  checkHeader,
  decodeFooter,
  decodeTail,
  HEADER_BYTES,
  unpack,
} from './block-format.ts';
import { BlockIndex } from './block-index.ts';
import { directoryOf } from './block-writer.ts';
import { verifyBlock } from './block-verify.ts';
import { type FetchOptions, type PageReader, fetchPages } from './page-fetch.ts';

/** Read first when opening: most footers are in it. */
const OPEN_BYTES = 65_536;
const COPY_BYTES = 1 << 20;

/** Reads bytes [offset, offset + length) of a file; fewer is a corrupt error. */
export async function readRange(file: OpenFile, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const got = await file.read(bytes, offset);
  if (got < length)
    throw corruptError(`cannot read ${path}: it ends at offset ${offset + got}, within ${length} bytes at ${offset}`);
  return bytes;
}

async function readFooter(file: OpenFile, path: string, sizeBytes: number): Promise<BlockFooter> {
  if (sizeBytes < HEADER_BYTES + TAIL_BYTES)
    throw corruptError(`cannot read ${path}: it is cut off; got ${sizeBytes} bytes`);
  const endOffset = Math.max(0, sizeBytes - OPEN_BYTES);
  const end = await readRange(file, path, endOffset, sizeBytes - endOffset);
  const { footerBytes, crc } = decodeTail(end.subarray(end.length - TAIL_BYTES), sizeBytes, path);
  const offset = sizeBytes - TAIL_BYTES - footerBytes;
  const footer =
    offset >= endOffset
      ? end.subarray(offset - endOffset, end.length - TAIL_BYTES)
      : await readRange(file, path, offset, footerBytes);
  if (crc32c(footer) !== crc) throw corruptError(`cannot read ${path}: its footer at offset ${offset} is damaged`);
  try {
    return decodeFooter(footer, offset);
  } catch (cause) {
    throw corruptError(`cannot read ${path}: its footer at offset ${offset} is malformed`, cause);
  }
}

/** One immutable block file. Its opener holds it; whoever else uses it does so between retain() and release(). */
export class Block {
  readonly path: string;
  readonly meta: BlockMeta;
  readonly sizeBytes: number;
  readonly footer: BlockFooter;
  readonly cache: BlockCache;
  readonly #files: Files;
  readonly #file: OpenFile;
  /** Decoded chunks, by ordinal, for all generations of the index. */
  readonly #chunkEntries: (CacheEntry | undefined)[] = [];
  readonly #pages: PageReader;
  #indexEntry: CacheEntry<BlockIndex> | undefined;
  #indexLoading: Promise<BlockIndex> | null = null;
  /** The opener is the first. */
  #holders = 1;
  #isDoomed = false;
  #isClosed = false;

  private constructor(
    files: Files,
    path: string,
    file: OpenFile,
    sizeBytes: number,
    footer: BlockFooter,
    cache: BlockCache,
  ) {
    this.path = path;
    this.meta = footer.meta;
    this.sizeBytes = sizeBytes;
    this.footer = footer;
    this.cache = cache;
    this.#files = files;
    this.#file = file;
    this.#pages = { file, path, cache, entries: [] };
  }

  /** Opens a file; throws a corrupt error unless it is a whole block, and `unsupported_version` if a newer build wrote it. */
  static async open(files: Files, path: string, cache: BlockCache): Promise<Block> {
    const file = await files.open(path, 'read');
    try {
      const sizeBytes = await file.size();
      return new Block(files, path, file, sizeBytes, await readFooter(file, path, sizeBytes), cache);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The index, from the cache or the file. Keep it while a query runs, not longer. */
  async index(): Promise<BlockIndex> {
    const cached = this.cache.use(this.#indexEntry);
    if (cached) return cached;
    this.#indexLoading ??= this.#loadIndex().finally(() => {
      this.#indexLoading = null;
    });
    return this.#indexLoading;
  }

  /** Checksums of all chunks, now: who decodes one later cannot go on without the block. */
  #checkChunks(region: Uint8Array): void {
    for (const { kind, offset, bytes, crc } of this.footer.chunks) {
      const from = offset - this.footer.indexOffset;
      if (from >= 0 && crc32c(region.subarray(from, from + bytes)) === crc) continue;
      throw corruptError(`cannot read ${this.path}: chunk of ${kind} at offset ${offset} is damaged`);
    }
  }

  async #loadIndex(): Promise<BlockIndex> {
    const { indexOffset, indexEnd } = this.footer;
    const region = await this.readRange(indexOffset, indexEnd - indexOffset);
    this.#checkChunks(region);
    const index = new BlockIndex({
      path: this.path,
      footer: this.footer,
      region,
      cache: this.cache,
      entries: this.#chunkEntries,
    });
    this.#adoptLastPage(index, region);
    this.#indexEntry = this.cache.add(index, index.byteLength);
    return index;
  }

  /** The page of times before the index came with it. */
  #adoptLastPage(index: BlockIndex, region: Uint8Array): void {
    const { extents } = index.pages;
    const extent = extents.at(-1);
    if (!extent || extent.offset < this.footer.indexOffset) return;
    const stored = region.slice(
      extent.offset - this.footer.indexOffset,
      extent.offset + extent.bytes - this.footer.indexOffset,
    );
    const raw = unpack(stored, extent, this.path, 'page');
    this.#pages.entries[extents.length - 1] = this.cache.add(raw, raw.length);
  }

  /** Bytes of the file. */
  readRange(offset: number, length: number): Promise<Uint8Array> {
    invariant(!this.#isClosed, 'a closed block is not read');
    return readRange(this.#file, this.path, offset, length);
  }

  /**
   * Fetches the pages with the columns of series[from..to). The result holds them until it is released; take large selections in
   * pieces. No promise if all are in the cache.
   */
  prefetch(
    index: BlockIndex,
    series: Uint32Array,
    from = 0,
    to = series.length,
    options: FetchOptions = {},
  ): Promise<PinnedPages> | PinnedPages {
    return this.fetch(index, index.pagesOf(series, from, to), options);
  }

  /** Fetches pages by ascending number. */
  fetch(index: BlockIndex, pages: readonly number[], options: FetchOptions): Promise<PinnedPages> | PinnedPages {
    invariant(!this.#isClosed, 'a closed block is not read');
    return fetchPages(this.#pages, index.pages.extents, pages, options);
  }

  /** Reads the header: nothing else needs it. */
  async checkHeader(): Promise<void> {
    checkHeader(await this.readRange(0, HEADER_BYTES), this.path);
  }

  /**
   * Reads the whole file and checks all of it; returns what is wrong, in words. With a kernel every column is decoded; without, its
   * checksum has to do.
   */
  verify(kernel: BlockKernel | null = null): Promise<string[]> {
    return verifyBlock(this, kernel);
  }

  retain(): void {
    invariant(this.#holders > 0, 'a released block is not retained');
    this.#holders++;
  }

  /** Gives back a retain(), or what open() gave. After the last one the file is closed. */
  release(): void {
    invariant(this.#holders > 0, 'a block is released as often as it was retained');
    this.#holders--;
    if (this.#holders === 0) this.close().catch(() => undefined); // it was only read
  }

  /**
   * Gives back what open() gave, and removes the file's name for good before this resolves: a block that came back after a crash would
   * bring deleted samples with it. Who holds the block reads on; the disk has its space back after the last release().
   */
  async remove(): Promise<void> {
    invariant(this.#holders > 0 && !this.#isDoomed, 'a block is removed once');
    this.#isDoomed = true;
    try {
      await this.#files.remove(this.path);
      await this.#files.syncDirectory(directoryOf(this.path));
    } finally {
      this.release();
    }
  }

  /** Copies the file; the copy is durable once its directory is. */
  async copyTo(path: string): Promise<void> {
    const target = await this.#files.open(path, 'create');
    try {
      for (let offset = 0; offset < this.sizeBytes; offset += COPY_BYTES) {
        const piece = await this.readRange(offset, Math.min(COPY_BYTES, this.sizeBytes - offset));
        await target.write(piece, offset);
      }
      await target.sync();
    } finally {
      await target.close();
    }
  }

  /** Closes the file and leaves the cache. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.cache.remove(this.#indexEntry);
    for (const entry of this.#chunkEntries) this.cache.remove(entry);
    for (const entry of this.#pages.entries) this.cache.remove(entry);
    await this.#file.close();
  }
}
