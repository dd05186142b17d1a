// The chunks of a block's index: compressed as they are in the file; decoded when they are needed, and then in the cache.
import { TidemarkError, corruptError } from '../../base/index.ts';
import type { BlockCache, CacheEntry } from './block-cache.ts';
import { type BlockFooter, type ChunkInfo, type ChunkKind, unpack } from './block-format.ts';
import { type TenantLabels, decodeLabels } from './labels.ts';
import { PageDirectory } from './pages.ts';
import { PostingsChunk } from './postings-section.ts';
import { SeriesChunk } from './series.ts';
import { SymbolChunk } from './symbols.ts';
import { TimeChunk } from './times.ts';
import { VarintReader } from './varints.ts';

interface Sized {
  readonly byteLength: number;
}

/** What an index is made of. */
export interface IndexSource {
  readonly path: string;
  readonly footer: BlockFooter;
  /** The file's bytes from footer.indexOffset on. */
  readonly region: Uint8Array;
  readonly cache: BlockCache;
  /** The cache's places of decoded chunks, by ordinal. */
  readonly entries: (CacheEntry | undefined)[];
}

/** Place of the chunk with item `number`. */
export function chunkWith(chunks: readonly ChunkInfo[], number: number): number {
  let low = 0;
  let high = chunks.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (chunks[middle].first <= number) low = middle;
    else high = middle;
  }
  return low;
}

export class IndexChunks {
  readonly path: string;
  readonly byteLength: number;
  readonly pages: PageDirectory;
  readonly symbols: readonly ChunkInfo[];
  readonly series: readonly ChunkInfo[];
  readonly ids: readonly ChunkInfo[];
  readonly times: readonly ChunkInfo[];
  readonly postings: readonly ChunkInfo[];
  /** Least value of each postings chunk. */
  readonly postingsKeys: readonly number[];
  readonly #labels: ChunkInfo;
  readonly #region: Uint8Array;
  readonly #regionOffset: number;
  readonly #cache: BlockCache;
  readonly #entries: (CacheEntry | undefined)[];
  // The chunk used last is usually the one used next.
  #seriesAt: SeriesChunk | null = null;
  #timesAt: TimeChunk | null = null;

  constructor({ path, footer, region, cache, entries }: IndexSource) {
    this.path = path;
    this.#region = region;
    this.#regionOffset = footer.indexOffset;
    this.#cache = cache;
    this.#entries = entries;
    this.byteLength = region.length;
    const ofKind = (kind: ChunkKind) => footer.chunks.filter((chunk) => chunk.kind === kind);
    const single = (kind: ChunkKind) => {
      const [chunk, ...others] = ofKind(kind);
      if (!chunk || others.length > 0) throw corruptError(`cannot read ${path}: it has not one chunk of ${kind}`);
      return chunk;
    };
    this.symbols = ofKind('symbols');
    this.series = ofKind('series');
    this.ids = ofKind('ids');
    this.times = ofKind('times');
    this.postings = ofKind('postings');
    this.#labels = single('labels');
    const pages = single('pages');
    const pagesEnd = footer.chunks[0].offset;
    this.pages = this.#guard(pages, () => new PageDirectory(this.raw(pages), pagesEnd));
    this.postingsKeys = this.postings.map((chunk) => this.#guard(chunk, () => new VarintReader(chunk.key).u32()));
  }

  /** Decompressed bytes of a chunk, checked. */
  raw(info: ChunkInfo): Uint8Array {
    const from = info.offset - this.#regionOffset;
    return unpack(this.#region.subarray(from, from + info.bytes), info, this.path, `chunk of ${info.kind}`);
  }

  /** Adds the place to errors of decoders. */
  #guard<T>(info: ChunkInfo, decode: () => T): T {
    try {
      return decode();
    } catch (cause) {
      if (!(cause instanceof TidemarkError) || cause.message.includes(this.path)) throw cause;
      throw corruptError(
        `cannot read ${this.path}: chunk of ${info.kind} at offset ${info.offset}: ${cause.message}`,
        cause,
      );
    }
  }

  #decoded<T extends Sized>(info: ChunkInfo, decode: (raw: Uint8Array) => T): T {
    const cached = this.#cache.use(this.#entries[info.ordinal]);
    if (cached !== undefined) return cached as T;
    const value = this.#guard(info, () => decode(this.raw(info)));
    this.#entries[info.ordinal] = this.#cache.add<unknown>(value, value.byteLength + 64);
    return value;
  }

  symbolChunk(place: number): SymbolChunk {
    const info = this.symbols[place];
    return this.#decoded(info, (raw) => new SymbolChunk(raw, info.first, info.count));
  }

  /** The chunk with a series. */
  seriesChunk(series: number): SeriesChunk {
    const last = this.#seriesAt;
    if (last && series >= last.first && series < last.first + last.count) return last;
    const info = this.series[chunkWith(this.series, series)];
    const chunk = this.#decoded(info, (raw) => new SeriesChunk(raw, info.first, info.count, this.pages));
    this.#seriesAt = chunk;
    return chunk;
  }

  /** The chunk with a column of times; a corrupt error if there is no such column. */
  timeChunk(times: number): TimeChunk {
    const last = this.#timesAt;
    if (last && times >= last.first && times < last.first + last.count) return last;
    const info = this.times[chunkWith(this.times, times)];
    if (info === undefined || times >= info.first + info.count)
      throw corruptError(`cannot read ${this.path}: a series has times that are not there; got ${times}`);
    const chunk = this.#decoded(info, (raw) => new TimeChunk(raw, info.first, info.count, this.pages));
    this.#timesAt = chunk;
    return chunk;
  }

  /** Words of the series' ids in a chunk. */
  idsChunk(place: number): Uint32Array {
    const info = this.ids[place];
    return this.#decoded(info, (raw) => {
      if (raw.length !== info.count * 16) throw corruptError('cannot read ids: their number is wrong');
      return new Uint32Array(raw.slice().buffer);
    });
  }

  postingsChunk(place: number): PostingsChunk {
    return this.#decoded(this.postings[place], (raw) => new PostingsChunk(raw));
  }

  /** Labels by tenant symbol. */
  labels(): Map<number, TenantLabels> {
    const { map } = this.#decoded(this.#labels, (raw) => ({ map: decodeLabels(raw), byteLength: raw.length * 8 }));
    return map;
  }
}
