// Looks at a data directory that no server uses: which blocks there are, what is damaged, which metrics take how much room.
import { type Logger, errorText, isCorrupt, silentLogger } from '../base/index.ts';
import type { Files } from '../io/index.ts';
import type { BlockKernel } from '../kernel/index.ts';
import { METRIC_NAME } from '../model/index.ts';
import { Block } from './block/block.ts';
import { BlockCache } from './block/block-cache.ts';
import type { BlockMeta } from './block/block-format.ts';
import type { BlockIndex } from './block/block-index.ts';
import { verifyBlock } from './block/block-verify.ts';
import { blockDirectory, isBlockFileName } from './block-name.ts';
import { Head } from './head.ts';
import { restoreImage } from './image.ts';
import { listSegments, replayLog } from './log-segments.ts';

const CACHE_BYTES = 32 << 20;
const LOG_START = { segment: 0, offset: 0 };

/** A block file of a directory. */
export interface ListedBlock {
  readonly shard: number;
  readonly path: string;
  readonly sizeBytes: number;
  /** Null if it cannot be read; then `problem` says why. */
  readonly meta: BlockMeta | null;
  readonly problem: string;
}

/** Paths of a shard's block files, sorted; those set aside as damaged, too. */
async function blockPaths(files: Files, shard: number): Promise<string[]> {
  const directory = blockDirectory(shard);
  const names = await files.list(directory);
  return names.filter((name) => isBlockFileName(name.replace(/\.bad$/, ''))).map((name) => `${directory}/${name}`);
}

/** Opens a block for `use` and closes it again. */
async function withBlock<T>(files: Files, path: string, use: (block: Block) => Promise<T>): Promise<T> {
  const block = await Block.open(files, path, new BlockCache(CACHE_BYTES));
  try {
    return await use(block);
  } finally {
    await block.close();
  }
}

/** All block files of a directory, by shard and time. */
export async function listBlocks(files: Files, shards: number): Promise<ListedBlock[]> {
  const listed: ListedBlock[] = [];
  for (let shard = 0; shard < shards; shard++) {
    for (const path of await blockPaths(files, shard)) listed.push(await listBlock(files, shard, path));
  }
  const start = (block: ListedBlock) => block.meta?.windowStartMs ?? Infinity;
  return listed.sort((a, b) => a.shard - b.shard || start(a) - start(b) || (a.path < b.path ? -1 : 1));
}

async function listBlock(files: Files, shard: number, path: string): Promise<ListedBlock> {
  try {
    const meta = await withBlock(files, path, async (block) => block.meta);
    return { shard, path, sizeBytes: (await files.stat(path))?.sizeBytes ?? 0, meta, problem: '' };
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    const sizeBytes = (await files.stat(path))?.sizeBytes ?? 0;
    return { shard, path, sizeBytes, meta: null, problem: errorText(error) };
  }
}

/** What new blocks without a place in the log have to keep clear of. */
export interface TakenPositions {
  /** Paths of files, and those that a block names as its sources: a start removes what is still there of them. */
  readonly paths: ReadonlySet<string>;
  /** By shard: the first offset in segment 0 behind those of the blocks there are. */
  readonly nextOffsets: readonly number[];
}

/** Looks at all blocks. The log's segments count from 1, so segment 0 is the time before it. */
export async function takenPositions(files: Files, shards: number): Promise<TakenPositions> {
  const paths = new Set<string>();
  const nextOffsets = new Array<number>(shards).fill(0);
  for (const { shard, path, meta } of await listBlocks(files, shards)) {
    paths.add(path.replace(/\.bad$/, ''));
    for (const source of meta?.sources ?? []) paths.add(`${blockDirectory(shard)}/${source}`);
    if (meta?.position.segment === 0) nextOffsets[shard] = Math.max(nextOffsets[shard], meta.position.offset + 1);
  }
  return { paths, nextOffsets };
}

/** What a check of a file found. */
export interface VerifiedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Empty: all is well. */
  readonly problems: readonly string[];
}

/** What a check of a directory needs. */
export interface VerifyOptions {
  readonly files: Files;
  readonly shards: number;
  readonly kernel: BlockKernel;
  /** The compiled head kernel. */
  readonly headModule: WebAssembly.Module;
}

/** Reads every block, log segment and the head images that a start would take, checks all checksums and decodes all columns. */
export async function* verifyStore(options: VerifyOptions): AsyncGenerator<VerifiedFile> {
  for (let shard = 0; shard < options.shards; shard++) {
    for (const path of await blockPaths(options.files, shard)) yield await verifyBlockFile(options, path);
    yield* verifyLog(options, shard);
    yield* verifyImages(options, shard);
  }
}

async function verifyBlockFile({ files, kernel }: VerifyOptions, path: string): Promise<VerifiedFile> {
  const sizeBytes = (await files.stat(path))?.sizeBytes ?? 0;
  try {
    return { path, sizeBytes, problems: await withBlock(files, path, (block) => verifyBlock(block, kernel)) };
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return { path, sizeBytes, problems: [errorText(error)] };
  }
}

async function* verifyLog({ files }: VerifyOptions, shard: number): AsyncGenerator<VerifiedFile> {
  if ((await listSegments(files, shard)).length === 0) return;
  const damage = await replayLog(files, shard, LOG_START, { record: () => null }, silentLogger);
  const path = `log/${String(shard).padStart(3, '0')}`;
  const problems = damage.map((found) => `${found.path}: ${found.text}`);
  yield { path, sizeBytes: await directoryBytes(files, path), problems };
}

async function* verifyImages({ files, headModule }: VerifyOptions, shard: number): AsyncGenerator<VerifiedFile> {
  const path = `head/${String(shard).padStart(3, '0')}`;
  if ((await files.list(path)).length === 0) return;
  const problems: string[] = [];
  const note = (_: string, fields?: Record<string, unknown>) => problems.push(String(fields?.error));
  const logger: Logger = { ...silentLogger, warn: note, error: note };
  await restoreImage(files, shard, () => new Head(headModule), logger);
  yield { path, sizeBytes: await directoryBytes(files, path), problems };
}

async function directoryBytes(files: Files, directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await files.list(directory)) bytes += (await files.stat(`${directory}/${name}`))?.sizeBytes ?? 0;
  return bytes;
}

/** What the values of a metric take in blocks. */
export interface MetricBytes {
  samples: number;
  /** Of encoded values as they are on disk; times and index, which series share, are not in it. */
  valueBytes: number;
}

/** Samples and bytes in blocks by metric name, for one tenant. */
export async function metricBytes(files: Files, shards: number, tenant: string): Promise<Map<string, MetricBytes>> {
  const sums = new Map<string, MetricBytes>();
  for (const { path, meta } of await listBlocks(files, shards)) {
    if (meta === null || path.endsWith('.bad')) continue;
    await withBlock(files, path, async (block) => addMetricBytes(sums, await block.index(), tenant));
  }
  return sums;
}

function addMetricBytes(sums: Map<string, MetricBytes>, index: BlockIndex, tenant: string): void {
  const range = index.tenantRange(tenant);
  if (!range) return;
  const series = new Uint32Array(range.to - range.from).map((_, i) => range.from + i);
  const names = index.labelColumn(series, METRIC_NAME);
  for (const [i, number] of series.entries()) {
    const name = names[i] < index.symbolCount ? index.text(names[i]) : '';
    const sum = sums.get(name) ?? { samples: 0, valueBytes: 0 };
    sums.set(name, sum);
    sum.samples += index.timeRange(number).count;
    sum.valueBytes += valueBytes(index, number);
  }
}

/** Encoded bytes of a series' values, less what the compression of their page saves. */
function valueBytes(index: BlockIndex, series: number): number {
  const chunk = index.chunks.seriesChunk(series);
  const i = series - chunk.first;
  let bytes = 0;
  for (let part = chunk.partStart[i]; part < chunk.partStart[i + 1]; part++) {
    const page = index.pages.extents[chunk.page[part]];
    bytes += (chunk.length[part] * page.bytes) / page.rawBytes;
  }
  return bytes;
}
