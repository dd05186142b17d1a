// Fetching pages: plan the reads, read, check, decompress. Wanted pages that stand near one another come with one read.
import type { OpenFile } from '../../io/index.ts';
import { type BlockCache, type CacheEntry, PinnedPages } from './block-cache.ts';
import { type Extent, unpack } from './block-format.ts';

/** Bytes that are cheaper to read over than to start another read. */
const GAP_BYTES_MAX = 65_536;
/** A read is cut beyond this: its pages are checked and decompressed in one go. */
const READ_BYTES_MAX = 1 << 20;
/** Reads at a time. */
const READS_AT_ONCE = 8;

/** What reading the pages of one block takes. `entries` has the cached ones, by number. */
export interface PageReader {
  readonly file: OpenFile;
  readonly path: string;
  readonly cache: BlockCache;
  readonly entries: (CacheEntry<Uint8Array> | undefined)[];
}

/** One read: consecutive pages, of which some may be unwanted. */
export interface PageRead {
  readonly offset: number;
  readonly bytes: number;
  readonly pages: readonly number[];
}

/** The reads that bring the wanted pages, given ascending. */
export function planReads(extents: readonly Extent[], wanted: readonly number[]): PageRead[] {
  const reads: PageRead[] = [];
  let pages: number[] = [];
  const endOf = (number: number) => extents[number].offset + extents[number].bytes;
  const close = () => {
    if (pages.length === 0) return;
    const { offset } = extents[pages[0]];
    reads.push({ offset, bytes: endOf(pages[pages.length - 1]) - offset, pages });
    pages = [];
  };
  for (const number of wanted) {
    if (pages.length > 0) {
      const gap = extents[number].offset - endOf(pages[pages.length - 1]);
      if (gap > GAP_BYTES_MAX || endOf(number) - extents[pages[0]].offset > READ_BYTES_MAX) close();
    }
    pages.push(number);
  }
  close();
  return reads;
}

/** Smaller ones are as well left to the collector. */
const POOLED_BYTES_MIN = 65_536;
const POOL_MAX = 8;
/** Buffers of READ_BYTES_MAX that no read uses: what was read is garbage as soon as its pages are decompressed. */
const pool: Uint8Array<ArrayBuffer>[] = [];

/** Reads into a buffer that is taken again later: `use` must not keep it. */
async function withBuffer<T>(bytes: number, use: (buffer: Uint8Array) => Promise<T>): Promise<T> {
  if (bytes < POOLED_BYTES_MIN || bytes > READ_BYTES_MAX) return use(new Uint8Array(bytes));
  const buffer = pool.pop() ?? new Uint8Array(READ_BYTES_MAX);
  try {
    return await use(buffer.subarray(0, bytes));
  } finally {
    if (pool.length < POOL_MAX) pool.push(buffer);
  }
}

function readPages(
  reader: PageReader,
  extents: readonly Extent[],
  read: PageRead,
  keep: boolean,
  into: PinnedPages,
): Promise<void> {
  return withBuffer(read.bytes, (buffer) => readInto(buffer, reader, extents, read, keep, into));
}

async function readInto(
  bytes: Uint8Array,
  reader: PageReader,
  extents: readonly Extent[],
  read: PageRead,
  keep: boolean,
  into: PinnedPages,
): Promise<void> {
  const got = await reader.file.read(bytes, read.offset);
  for (const number of read.pages) {
    const extent = extents[number];
    const from = extent.offset - read.offset;
    const stored = bytes.subarray(from, Math.min(from + extent.bytes, got));
    // A copy, so that a page does not keep the others of its read in memory.
    const raw = unpack(extent.isCompressed ? stored : stored.slice(), extent, reader.path, 'page');
    into.set(number, raw);
    if (keep && reader.entries[number]?.value === undefined) reader.entries[number] = reader.cache.add(raw, raw.length);
  }
}

/** How to fetch: `keep` false leaves the cache as it is; `reuse` are pages that the caller has already; `fresh` reads the file whatever is cached. */
export interface FetchOptions {
  readonly keep?: boolean;
  readonly reuse?: PinnedPages | null;
  readonly fresh?: boolean;
}

/** Pages by ascending number, from the cache or the file. */
export function fetchPages(
  reader: PageReader,
  extents: readonly Extent[],
  wanted: readonly number[],
  { keep = true, reuse = null, fresh = false }: FetchOptions,
): Promise<PinnedPages> | PinnedPages {
  const pinned = new PinnedPages();
  const missing: number[] = [];
  for (const number of wanted) {
    const raw = fresh ? undefined : (reuse?.get(number) ?? reader.cache.use(reader.entries[number]));
    if (raw) pinned.set(number, raw);
    else missing.push(number);
  }
  if (missing.length === 0) return pinned;
  return readAll(reader, extents, planReads(extents, missing), keep, pinned);
}

async function readAll(
  reader: PageReader,
  extents: readonly Extent[],
  reads: readonly PageRead[],
  keep: boolean,
  pinned: PinnedPages,
): Promise<PinnedPages> {
  let next = 0;
  const lane = async () => {
    while (next < reads.length) await readPages(reader, extents, reads[next++], keep, pinned);
  };
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, reads.length) }, lane));
  return pinned;
}
