// Checks all of a block file: every checksum, every chunk, every reference between them, and with a kernel every column.
import { TidemarkError, errorText, isCorrupt } from '../../base/index.ts';
import type { BlockKernel } from '../../kernel/index.ts';
import { METRIC_NAME, type SampleColumn, StartTimes, histogramFromBytes } from '../../model/index.ts';
import type { Block } from './block.ts';
import { BlockCache, type PinnedPages } from './block-cache.ts';
import type { BlockIndex } from './block-index.ts';
import { PIECE_SAMPLES, partOf, readPiece, valueBytes } from './block-read.ts';
import type { SeriesChunk } from './series.ts';
import { compareSeries } from './series-order.ts';
import { countSamples } from './start-column.ts';

/** So many problems are named; a damaged file may have millions. */
const PROBLEMS_MAX = 100;
const CACHE_BYTES = 8 << 20;

class Problems {
  readonly texts: string[] = [];
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  get isFull(): boolean {
    return this.texts.length >= PROBLEMS_MAX;
  }

  add(fact: string): void {
    if (!this.isFull) this.texts.push(`cannot trust ${this.#path}: ${fact}`);
  }

  /** What `check` throws is a problem. */
  async collect(check: () => Promise<void> | void): Promise<void> {
    if (this.isFull) return;
    try {
      await check();
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      if (!this.isFull) this.texts.push(error.message);
    }
  }
}

/** What is wrong with a block, in words: nothing if it is whole. */
export async function verifyBlock(block: Block, kernel: BlockKernel | null): Promise<string[]> {
  const problems = new Problems(block.path);
  await problems.collect(() => block.checkHeader());
  let index: BlockIndex | undefined;
  await problems.collect(async () => {
    index = (await block.index()).withCache(new BlockCache(CACHE_BYTES));
  });
  if (!index) return problems.texts;
  const whole = index;
  await problems.collect(() => checkSymbols(whole, problems));
  await problems.collect(() => checkSeries(whole, problems));
  await problems.collect(() => checkPostings(block, whole, problems));
  await checkPages(block, whole, problems);
  if (problems.texts.length === 0) await problems.collect(() => checkColumns(block, whole, kernel, problems));
  return problems.texts;
}

function checkSymbols(index: BlockIndex, problems: Problems): void {
  let before: Uint8Array | null = null;
  for (let place = 0; place < index.chunks.symbols.length; place++) {
    const { bytes, starts, count } = index.chunks.symbolChunk(place);
    for (let i = 0; i < count; i++) {
      const text = bytes.subarray(starts[i], starts[i + 1]);
      if (before && Buffer.compare(before, text) >= 0) problems.add(`symbols are out of order in chunk ${place}`);
      before = text;
    }
  }
}

/** Order of series, and references to symbols. */
function checkSeries(index: BlockIndex, problems: Problems): void {
  const metricName = index.symbol(METRIC_NAME);
  let before: number[] = [];
  let tenantBefore = -1;
  for (let series = 0; series < index.seriesCount; series++) {
    const labels = index.labelSymbols(series);
    const tenant = index.tenantSymbol(series);
    if (labels.some((symbol) => symbol >= index.symbolCount)) problems.add(`series ${series} has an unknown symbol`);
    const order = compareSeries(metricName, tenantBefore, before, before.length, tenant, labels, labels.length);
    if (series > 0 && order >= 0) problems.add(`series ${series} is out of order`);
    const range = index.tenantRange(index.text(tenant));
    if (!range || series < range.from || series >= range.to) problems.add(`series ${series} is of another tenant`);
    before = labels;
    tenantBefore = tenant;
  }
}

/** Every posting has its series, and every label of a series its posting. */
function checkPostings(block: Block, index: BlockIndex, problems: Problems): void {
  let labels = 0;
  for (let series = 0; series < index.seriesCount; series++) labels += index.labelSymbols(series).length / 2;
  let postings = 0;
  for (const { tenant } of block.meta.tenants) {
    for (const name of index.labelNames(tenant)) {
      for (const group of index.postings(tenant, name)) {
        for (let i = 0; i < group.values.length; i++) {
          const list = index.list(group, i);
          const column = index.labelColumn(list, name);
          if (column.some((value) => value !== group.values[i])) problems.add(`postings of ${name} are wrong`);
          postings += list.length;
        }
      }
    }
  }
  if (labels !== postings) problems.add(`it has ${labels} labels of series, and ${postings} postings`);
}

async function checkPages(block: Block, index: BlockIndex, problems: Problems): Promise<void> {
  const count = index.pages.extents.length;
  for (let number = 0; number < count; number++) {
    await problems.collect(async () => (await block.fetch(index, [number], { keep: false, fresh: true })).release());
  }
}

async function checkColumns(
  block: Block,
  index: BlockIndex,
  kernel: BlockKernel | null,
  problems: Problems,
): Promise<void> {
  const vs = new Float64Array(PIECE_SAMPLES);
  const into = {
    ts: new Float64Array(PIECE_SAMPLES),
    vs,
    vsWords: new Uint32Array(vs.buffer),
    histograms: newHistograms(),
    starts: new StartTimes(),
  };
  let samples = 0;
  for (let series = 0; series < index.seriesCount && !problems.isFull; ) {
    const { to, pages } = index.batchFrom(series, 16);
    const pinned = await block.fetch(index, pages, { keep: false });
    for (; series < to; series++) {
      index.ids(Uint32Array.of(series));
      samples += checkParts(index, index.chunks.seriesChunk(series), series, pinned, kernel, into, problems);
    }
  }
  if (samples !== block.meta.samples) problems.add(`it has ${samples} samples, not ${block.meta.samples}`);
}

function checkParts(
  index: BlockIndex,
  chunk: SeriesChunk,
  series: number,
  pages: PinnedPages,
  kernel: BlockKernel | null,
  into: SampleColumn,
  problems: Problems,
): number {
  let before = -Infinity;
  let samples = 0;
  const i = series - chunk.first;
  for (let number = chunk.partStart[i]; number < chunk.partStart[i + 1]; number++) {
    const part = partOf(index, chunk, number);
    samples += part.samples;
    if (part.minMs < index.minMs || part.maxMs > index.maxMs) problems.add(`series ${series} reaches beyond the block`);
    if (kernel && countSamples(kernel, valueBytes(part, pages)) !== part.samples)
      problems.add(`series ${series} has other than ${part.samples} values for its times`);
    for (let from = 0; kernel && from < part.samples; from += PIECE_SAMPLES) {
      const to = Math.min(from + PIECE_SAMPLES, part.samples);
      readPiece(index, part, pages, kernel, from, to, into, 0);
      checkHistograms(series, into, problems);
      for (let k = 0; k < to - from; k++) {
        if (into.ts[k] <= before) problems.add(`times of series ${series} do not ascend`);
        before = into.ts[k];
      }
      if (from === 0 && into.ts[0] !== part.minMs) problems.add(`series ${series} starts at another time`);
      if (to === part.samples && before !== part.maxMs) problems.add(`series ${series} ends at another time`);
    }
  }
  return samples;
}

const newHistograms = () => ({ at: [] as number[], bytes: [] as Uint8Array[] });

/** Decodes the histograms of a piece, which then are done. */
function checkHistograms(series: number, { histograms }: SampleColumn, problems: Problems): void {
  if (!histograms) return;
  try {
    for (const bytes of histograms.bytes) histogramFromBytes(bytes);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    problems.add(`series ${series} has a malformed histogram: ${errorText(error)}`);
  }
  histograms.at.length = 0;
  histograms.bytes.length = 0;
}
