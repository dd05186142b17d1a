// Compaction: several blocks become one, a pure function of their files. Series are walked in block order in all inputs at once, symbols by
// the numbers they will have; samples of a series that several blocks have are merged by time. Memory holds some pages of each
// input, whatever the length of a series.
import type { Files } from '../../io/index.ts';
import type { BlockKernel } from '../../kernel/index.ts';
import { METRIC_NAME } from '../../model/index.ts';
import type { Breathe } from '../slices.ts';
import type { Block } from './block.ts';
import { BlockCache } from './block-cache.ts';
import type { BlockMeta, BlockMetaInput } from './block-format.ts';
import type { BlockIndex } from './block-index.ts';
import { BlockWriter } from './block-writer.ts';
import { MergeInput } from './merge-input.ts';
import { SampleMerger } from './merge-samples.ts';
import { compareSeries } from './series-order.ts';
import { mergeSymbols } from './symbol-merge.ts';
import { findSymbol } from './symbols.ts';

/** Decoded chunks of each input: those of the place where it stands. */
const CACHE_BYTES_PER_INPUT = 2 << 20;

/** Deleted times of a series, both ends included. */
export type DeletedRanges = readonly (readonly [number, number])[];

export interface MergeOptions {
  readonly files: Files;
  /** By priority: of equal times of a series the first block's sample stays. */
  readonly inputs: readonly Block[];
  readonly outPath: string;
  readonly kernel: BlockKernel;
  readonly meta: BlockMetaInput;
  /** What is deleted from a tenant's series of an input, by series number; null or no entry = nothing. */
  readonly gone?: (block: Block, index: BlockIndex, tenant: string) => ReadonlyMap<number, DeletedRanges> | null;
  /** Lets others run; called often. */
  readonly breathe?: Breathe;
}

/** Writes the inputs' series and samples into one block; the inputs stay. Returns null, and writes nothing, if no sample is left. */
export async function mergeBlocks(options: MergeOptions): Promise<BlockMeta | null> {
  const { files, inputs, outPath, kernel, breathe = () => undefined } = options;
  for (const block of inputs) block.retain();
  try {
    const indexes: BlockIndex[] = [];
    const cache = new BlockCache(CACHE_BYTES_PER_INPUT * inputs.length);
    for (const block of inputs) indexes.push((await block.index()).withCache(cache));
    const { symbols, ranks } = await mergeSymbols(indexes, breathe);
    const writer = await BlockWriter.create(files, outPath, kernel, symbols, breathe);
    try {
      const sources = inputs.map((block, i) => new MergeInput(block, indexes[i], ranks[i], kernel, options.gone));
      await mergeSeries(sources, writer, kernel, findSymbol(symbols, METRIC_NAME), breathe);
      if (writer.seriesCount > 0) return await writer.finish(options.meta);
    } catch (error) {
      await writer.abort();
      throw error;
    }
    await writer.abort();
    return null;
  } finally {
    for (const block of inputs) block.release();
  }
}

/** The inputs that have the next series, by priority. */
function nextSeries(inputs: readonly MergeInput[], metricName: number): MergeInput[] {
  let least: MergeInput[] = [];
  for (const input of inputs) {
    if (input.isAtEnd) continue;
    const order = least.length === 0 ? -1 : compareInputs(metricName, input, least[0]);
    if (order < 0) least = [input];
    else if (order === 0) least.push(input);
  }
  return least;
}

const compareInputs = (metricName: number, a: MergeInput, b: MergeInput): number =>
  compareSeries(metricName, a.tenant, a.labels, a.labels.length, b.tenant, b.labels, b.labels.length);

async function mergeSeries(
  inputs: readonly MergeInput[],
  writer: BlockWriter,
  kernel: BlockKernel,
  metricName: number,
  breathe: Breathe,
): Promise<void> {
  const merger = new SampleMerger(writer, kernel, breathe);
  for (;;) {
    const members = nextSeries(inputs, metricName);
    if (members.length === 0) return;
    for (const input of members) if (!input.isFetched) await input.fetch();
    await merger.merge(members);
    for (const input of members) input.next();
    if (writer.isFlushDue) await writer.flush();
    await breathe();
  }
}
