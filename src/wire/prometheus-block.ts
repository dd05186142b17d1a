// Blocks of Prometheus' TSDB, as found in its data directory or in a snapshot: one directory each, named by a ULID, with meta.json,
// index, chunks/ and tombstones. Read series by series; memory holds the symbols of the index and the samples of one series.
import { TidemarkError, errorText, isCorrupt, utf8Text } from '../base/index.ts';
import { type Files, hasCode } from '../io/index.ts';
import type { Labels } from '../model/index.ts';
import { type ChunkSamples, PrometheusChunkFiles } from './prometheus-chunk-files.ts';
import { SampleBuffer } from './prometheus-float-chunks.ts';
import type { HistogramSample } from './prometheus-histogram-chunks.ts';
import { type IndexedSeries, PrometheusIndex } from './prometheus-index.ts';
import { type DeletedRange, type Tombstones, decodeTombstones } from './prometheus-tombstones.ts';

/** What meta.json tells of a block. */
export interface PrometheusBlockMeta {
  readonly ulid: string;
  readonly minMs: number;
  /** Exclusive. */
  readonly maxMs: number;
  readonly series: number;
  readonly samples: number;
  readonly level: number;
  /** Blocks that this one was made from: data of theirs is in here. */
  readonly parents: readonly string[];
}

/** One series with all its samples that are not deleted. Valid until the next one is asked for. */
export interface PrometheusSeries {
  readonly labels: Labels;
  /** Float samples: ascending times, raw bits of values. */
  readonly floats: SampleBuffer;
  readonly histograms: readonly HistogramSample[];
}

const META = 'meta.json';
const VERSION = 1;

type Json = Record<string, unknown>;

const asObject = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const asNumber = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Reads a meta.json; throws `bad_block` with what is wrong. */
export function parsePrometheusMeta(text: string, path: string): PrometheusBlockMeta {
  const bad = (fact: string, cause?: unknown) =>
    new TidemarkError('bad_block', `cannot read ${path}: ${fact}`, { cause });
  let json: Json;
  try {
    json = asObject(JSON.parse(text));
  } catch (cause) {
    throw bad(errorText(cause), cause);
  }
  if (json.version !== VERSION) throw bad(`version ${JSON.stringify(json.version)} is not known; ${VERSION} is`);
  const { ulid, minTime, maxTime } = json;
  if (typeof ulid !== 'string' || !Number.isSafeInteger(minTime) || !Number.isSafeInteger(maxTime)) {
    throw bad('ulid, minTime or maxTime is missing');
  }
  const stats = asObject(json.stats);
  const compaction = asObject(json.compaction);
  const parents = Array.isArray(compaction.parents) ? compaction.parents.map((parent) => asObject(parent).ulid) : [];
  return {
    ulid,
    minMs: minTime as number,
    maxMs: maxTime as number,
    series: asNumber(stats.numSeries),
    samples: asNumber(stats.numSamples),
    level: asNumber(compaction.level),
    parents: parents.filter((parent) => typeof parent === 'string'),
  };
}

/** A block directory and its meta. */
export interface FoundPrometheusBlock {
  readonly path: string;
  readonly meta: PrometheusBlockMeta;
}

async function readMeta(files: Files, path: string): Promise<PrometheusBlockMeta | undefined> {
  const metaPath = joined(path, META);
  try {
    return parsePrometheusMeta(utf8Text(await files.readFile(metaPath)), metaPath);
  } catch (error) {
    if (hasCode(error, 'not_found')) return undefined;
    throw error;
  }
}

const joined = (directory: string, name: string): string => (directory === '' ? name : `${directory}/${name}`);

/**
 * The blocks in a directory, or the one that the directory is, by time. Blocks whose data another one has taken over, left behind
 * by a stop in the middle of a compaction, are not among them.
 */
export async function findPrometheusBlocks(files: Files, path: string): Promise<FoundPrometheusBlock[]> {
  const own = await readMeta(files, path);
  if (own) return [{ path, meta: own }];
  const found: FoundPrometheusBlock[] = [];
  for (const name of await files.list(path)) {
    if (!/^[0-9A-HJKMNP-TV-Z]{26}$/.test(name)) continue;
    const meta = await readMeta(files, joined(path, name));
    if (meta) found.push({ path: joined(path, name), meta });
  }
  const superseded = new Set(found.flatMap(({ meta }) => meta.parents));
  return found.filter(({ meta }) => !superseded.has(meta.ulid)).sort((a, b) => a.meta.minMs - b.meta.minMs);
}

/** An open block of Prometheus. */
export class PrometheusBlock {
  readonly path: string;
  readonly meta: PrometheusBlockMeta;
  readonly #index: PrometheusIndex;
  readonly #chunks: PrometheusChunkFiles;
  readonly #tombstones: Tombstones;

  private constructor(
    found: FoundPrometheusBlock,
    index: PrometheusIndex,
    chunks: PrometheusChunkFiles,
    tombstones: Tombstones,
  ) {
    this.path = found.path;
    this.meta = found.meta;
    this.#index = index;
    this.#chunks = chunks;
    this.#tombstones = tombstones;
  }

  /** Opens a block. Throws a corrupt error, or what the files throw. */
  static async open(files: Files, found: FoundPrometheusBlock): Promise<PrometheusBlock> {
    const tombstones = await readTombstones(files, joined(found.path, 'tombstones'));
    const index = await PrometheusIndex.open(files, joined(found.path, 'index'));
    try {
      const chunks = await PrometheusChunkFiles.open(files, joined(found.path, 'chunks'));
      return new PrometheusBlock(found, index, chunks, tombstones);
    } catch (error) {
      await index.close();
      throw error;
    }
  }

  /** All series with their samples, in the order of the index; those of which nothing is left are passed over. */
  async *series(): AsyncGenerator<PrometheusSeries> {
    const samples: ChunkSamples = { floats: new SampleBuffer(), histograms: [] };
    for await (const entry of this.#index.series()) {
      await this.#readSamples(entry, samples);
      const { floats, histograms } = samples;
      if (floats.count > 0 || histograms.length > 0) yield { labels: entry.labels, floats, histograms };
    }
  }

  async #readSamples(entry: IndexedSeries, { floats, histograms }: ChunkSamples): Promise<void> {
    floats.clear();
    histograms.length = 0;
    for (const chunk of entry.chunks) await this.#chunks.read(chunk.segment, chunk.offset, { floats, histograms });
    const deleted = this.#tombstones.get(entry.reference);
    if (deleted) {
      floats.removeTimes((timeMs) => isDeleted(deleted, timeMs));
      const kept = histograms.filter(({ timeMs }) => !isDeleted(deleted, timeMs));
      histograms.splice(0, histograms.length, ...kept);
    }
    floats.sortByTime();
    histograms.sort((a, b) => a.timeMs - b.timeMs);
  }

  async close(): Promise<void> {
    await this.#index.close();
    await this.#chunks.close();
  }
}

const isDeleted = (ranges: readonly DeletedRange[], timeMs: number): boolean =>
  ranges.some(({ minMs, maxMs }) => timeMs >= minMs && timeMs <= maxMs);

async function readTombstones(files: Files, path: string): Promise<Tombstones> {
  let bytes: Uint8Array;
  try {
    bytes = await files.readFile(path);
  } catch (error) {
    if (hasCode(error, 'not_found')) return new Map();
    throw error;
  }
  try {
    return decodeTombstones(bytes);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw new TidemarkError('corrupt', `cannot read ${path}: ${errorText(error)}`, { cause: error, corrupt: true });
  }
}
