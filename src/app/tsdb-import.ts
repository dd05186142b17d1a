// `tidemark tsdb import`: history of Prometheus, or OpenMetrics text with timestamps, into block files.
import path from 'node:path';
import { TidemarkError, corruptError } from '../base/index.ts';
import { type Files, createRealWorld } from '../io/index.ts';
import { type BlockKernel, ExpositionKernel, createIntakeWasm, loadKernel } from '../kernel/index.ts';
import {
  DEFAULT_TENANT,
  type HistogramSamples,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
  histogramToBytes,
  shapeProblem,
  tenantProblem,
  withHint,
} from '../model/index.ts';
import { BlockImport, type ImportedBlock } from '../tsdb/index.ts';
import {
  type FoundPrometheusBlock,
  OpenMetricsImport,
  PrometheusBlock,
  type PrometheusSeries,
  SampleBuffer,
  findPrometheusBlocks,
} from '../wire/index.ts';
import { type HeldDirectory, type ToolWorld, blockKernel, withDirectory } from './tsdb-directory.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { Progress } from './tsdb-progress.ts';
import { type ShownBlock, blockTable } from './tsdb-list.ts';

/** Samples of OpenMetrics text that are sorted together in memory: 24 bytes each. */
const SORTED_SAMPLES_MAX = 4 << 20;
const READ_BYTES = 1 << 20;
/** Series of Prometheus blocks that are imported together: some hundred bytes each. */
const GROUP_SERIES_MAX = 2_000_000;
/** Work between two turns of the event loop. */
const SLICE_MS = 20;

/** The tenant that --tenant names. */
export function tenantOf(args: VerbArguments): string {
  const tenant = args.text('tenant') || DEFAULT_TENANT;
  const problem = tenantProblem(tenant);
  if (problem !== null) throw new TidemarkError('bad_flag', problem);
  return tenant;
}

interface ImportRun {
  readonly world: ToolWorld;
  readonly directory: HeldDirectory;
  readonly tenant: string;
  readonly kernel: BlockKernel;
}

/** An import into the directory; `progress` hears of samples that are in blocks. */
function openImport({ world, directory, tenant, kernel }: ImportRun, onWritten: (samples: number) => void) {
  let sliceEndMs = world.clock.monotonicMs() + SLICE_MS;
  const breathe = () => {
    if (world.clock.monotonicMs() < sliceEndMs) return undefined;
    sliceEndMs = world.clock.monotonicMs() + SLICE_MS;
    return world.clock.yield();
  };
  const { files, manifest } = directory;
  return BlockImport.open({ files, kernel, manifest, tenant, breathe, onWritten });
}

/** The blocks that came to be, and what they mean for the next start. */
async function report({ world, directory }: ImportRun, blocks: readonly ImportedBlock[]): Promise<void> {
  if (blocks.length === 0) return world.say('there were no samples');
  const shown: ShownBlock[] = [];
  for (const { path: name, meta } of blocks) {
    shown.push({ name, meta, sizeBytes: (await directory.files.stat(name))?.sizeBytes ?? 0 });
  }
  await world.print(blockTable(shown, true));
  const samples = blocks.reduce((sum, { meta }) => sum + meta.samples, 0);
  const [from, to] = [
    Math.min(...blocks.map(({ meta }) => meta.minMs)),
    Math.max(...blocks.map(({ meta }) => meta.maxMs)),
  ].map((timeMs) => new Date(timeMs).toISOString());
  world.say(`imported ${samples} samples from ${from} to ${to}; --storage.tsdb.retention.time must cover them`);
}

/** Prometheus keeps its newest hours beside its blocks. */
async function sayWhatIsNotRead(world: ToolWorld, files: Files, source: string): Promise<void> {
  for (const name of ['wal', 'chunks_head']) {
    if ((await files.list(name)).length === 0) continue;
    world.say(`${source} has a write-ahead log, which is not read: for the newest hours import a snapshot`);
    return;
  }
}

/** `import prometheus DIR`: a data directory or snapshot of Prometheus, or one block of it. */
export async function importPrometheus(world: ToolWorld, args: VerbArguments, output: ProgressOutputOf): Promise<void> {
  const [source] = args.positional;
  const { files } = createRealWorld(source);
  const found = await findPrometheusBlocks(files, '');
  if (found.length === 0)
    throw new TidemarkError('not_found', `cannot import ${source}: there are no Prometheus blocks in it`);
  await sayWhatIsNotRead(world, files, source);
  const tenant = tenantOf(args);
  await withDirectory(world, args.text('storage.tsdb.path'), true, async (directory) => {
    const run = { world, directory, tenant, kernel: await blockKernel() };
    const newestMs = Math.max(...found.map(({ meta }) => meta.maxMs - 1));
    // Each sample counts when it is read and when it is written.
    const total = found.reduce((sum, { meta }) => sum + 2 * meta.samples, 0);
    const progress = new Progress('import', total, output, world.clock);
    const blocks: ImportedBlock[] = [];
    try {
      for (const group of groupsOf(found)) await importGroup(run, files, group, newestMs, progress, blocks);
      progress.finish();
    } catch (error) {
      progress.abort();
      throw error;
    }
    await report(run, blocks);
  });
}

/** Blocks in a row that are imported together, so that those of one day go into one file; memory bounds how many. */
function groupsOf(found: readonly FoundPrometheusBlock[]): FoundPrometheusBlock[][] {
  const groups: FoundPrometheusBlock[][] = [];
  let series = Infinity;
  for (const one of found) {
    if (series + one.meta.series > GROUP_SERIES_MAX) {
      groups.push([]);
      series = 0;
    }
    groups[groups.length - 1].push(one);
    series += one.meta.series;
  }
  return groups;
}

/** Imports some blocks together. */
async function importGroup(
  run: ImportRun,
  files: Files,
  group: readonly FoundPrometheusBlock[],
  newestMs: number,
  progress: Progress,
  blocks: ImportedBlock[],
): Promise<void> {
  const target = await openImport(run, (samples) => progress.add(samples));
  try {
    for (const found of group) await readBlock(files, found, target, progress);
    blocks.push(...(await target.finish(newestMs)));
  } catch (error) {
    await target.abort();
    throw error;
  }
}

async function readBlock(
  files: Files,
  found: FoundPrometheusBlock,
  target: BlockImport,
  progress: Progress,
): Promise<void> {
  const block = await PrometheusBlock.open(files, found);
  try {
    for await (const { labels, floats, histograms } of block.series()) {
      const series = target.series(labels);
      if (floats.count > 0) target.samples(series, floats, floats.count);
      if (histograms.length > 0) addHistograms(target, series, histograms, found.path);
      if (target.isFlushDue) await target.flush();
      progress.add(floats.count + histograms.length);
    }
  } finally {
    await block.close();
  }
}

type FoundHistograms = PrometheusSeries['histograms'];

/**
 * Adds native histograms of a series, ascending by time. Stale ones become stale markers; of the hints about counter resets only that
 * of gauges is kept, as by remote write.
 */
function addHistograms(target: BlockImport, series: number, found: FoundHistograms, path: string): void {
  const samples = new SampleBuffer();
  const histograms: HistogramSamples = { at: [], bytes: [] };
  for (const { timeMs, startMs, isStale, histogram } of found) {
    if (samples.count > 0 && samples.ts[samples.count - 1] === timeMs) continue;
    if (!isStale) {
      const problem = shapeProblem(histogram);
      if (problem !== null) throw corruptError(`cannot import ${path}: a native histogram is malformed: ${problem}`);
      const isGauge = histogram.resetHint === 'gauge';
      histograms.at.push(samples.count);
      histograms.bytes.push(histogramToBytes(isGauge ? histogram : withHint(histogram, 'unknown')));
    }
    samples.push(timeMs, STALE_NAN_HIGH, STALE_NAN_LOW, startMs);
  }
  target.samples(series, samples, samples.count, histograms);
}

/** Standard error, as Progress takes it. */
export type ProgressOutputOf = ConstructorParameters<typeof Progress>[2];

/** `import openmetrics FILE`; `-` is standard input. */
export async function importOpenMetrics(
  world: ToolWorld,
  args: VerbArguments,
  output: ProgressOutputOf,
): Promise<void> {
  const [source] = args.positional;
  const tenant = tenantOf(args);
  const input =
    source === '-' ? { bytes: 0, parts: process.stdin as AsyncIterable<Uint8Array> } : await openText(source);
  // A document that is malformed leaves no block behind: they are written when all has been read.
  await withDirectory(world, args.text('storage.tsdb.path'), true, async (directory) => {
    const run = { world, directory, tenant, kernel: await blockKernel() };
    const reading = new Progress('read', input.bytes, output, world.clock);
    let writing: Progress | null = null;
    const target = await openImport(run, (samples) => writing?.add(samples));
    try {
      const sorter = new SampleSorter(target);
      await new OpenMetricsImport(await expositionKernel(), sorter).run(counted(input.parts, reading));
      await sorter.end();
      if (input.bytes > 0) reading.finish();
      writing = new Progress('write', target.sampleCount, output, world.clock);
      const blocks = await target.finish();
      writing.finish();
      await report(run, blocks);
    } catch (error) {
      (writing ?? reading).abort();
      await target.abort();
      throw error;
    }
  });
}

/** The parser's kernel: a part of the intake's. */
async function expositionKernel(): Promise<ExpositionKernel> {
  const intake = createIntakeWasm(await loadKernel('intake'), { shards: 1, key: new Uint8Array(32) });
  return new ExpositionKernel(intake.exports as unknown as ConstructorParameters<typeof ExpositionKernel>[0]);
}

async function openText(source: string): Promise<{ bytes: number; parts: AsyncIterable<Uint8Array> }> {
  const full = path.resolve(source);
  const file = await createRealWorld(path.dirname(full)).files.open(path.basename(full), 'read');
  async function* parts(): AsyncGenerator<Uint8Array> {
    try {
      for (let offset = 0; ; ) {
        const buffer = new Uint8Array(READ_BYTES);
        const count = await file.read(buffer, offset);
        if (count === 0) return;
        yield buffer.subarray(0, count);
        offset += count;
      }
    } finally {
      await file.close();
    }
  }
  return { bytes: await file.size(), parts: parts() };
}

async function* counted(parts: AsyncIterable<Uint8Array>, progress: Progress): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    yield part;
    progress.add(part.length);
  }
}

/** Gathers samples that come in any order, so that those of one series go on together. */
class SampleSorter {
  readonly #target: BlockImport;
  readonly #series = new Uint32Array(SORTED_SAMPLES_MAX);
  readonly #samples = new SampleBuffer();
  readonly #one = new SampleBuffer();

  constructor(target: BlockImport) {
    this.#target = target;
  }

  series(labels: Parameters<BlockImport['series']>[0]): number {
    return this.#target.series(labels);
  }

  sample(series: number, timeMs: number, high: number, low: number): void {
    if (this.#samples.count === SORTED_SAMPLES_MAX) this.#handOver();
    this.#series[this.#samples.count] = series;
    this.#samples.push(timeMs, high, low);
  }

  async flush(): Promise<void> {
    if (this.#target.isFlushDue) await this.#target.flush();
  }

  async end(): Promise<void> {
    this.#handOver();
    await this.flush();
  }

  #handOver(): void {
    const { ts, vsWords, count } = this.#samples;
    const order = new Uint32Array(count).map((_, i) => i);
    order.sort((a, b) => this.#series[a] - this.#series[b] || a - b);
    const one = this.#one;
    for (let from = 0; from < count; ) {
      const series = this.#series[order[from]];
      one.clear();
      for (; from < count && this.#series[order[from]] === series; from++) {
        const i = order[from];
        one.push(ts[i], vsWords[2 * i + 1], vsWords[2 * i]);
      }
      one.sortByTime();
      this.#target.samples(series, one, one.count);
    }
    this.#samples.clear();
  }
}
