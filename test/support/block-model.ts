// Blocks in tests: series as plain data, a writer of blocks from them, and a reader of all that a block has.
import { SimRandom } from '../../src/io/index.ts';
import type { Files, Random } from '../../src/io/index.ts';
import type { BlockKernel } from '../../src/kernel/index.ts';
import {
  type HistogramSamples,
  METRIC_NAME,
  type Matcher,
  StartTimes,
  compareUtf8,
  histogramToBytes,
  matcherTest,
} from '../../src/model/index.ts';
import type { Block } from '../../src/tsdb/block/block.ts';
import type { BlockMeta, BlockMetaInput } from '../../src/tsdb/block/block-format.ts';
import { readColumn, samplesMax } from '../../src/tsdb/block/block-read.ts';
import { BlockWriter } from '../../src/tsdb/block/block-writer.ts';
import { findSymbol, symbolList } from '../../src/tsdb/block/symbols.ts';
import { randomHistogram } from './histograms.ts';

export interface ModelSeries {
  readonly tenant: string;
  /** Sorted by name. */
  readonly labels: readonly (readonly [string, string])[];
  readonly id: readonly number[];
  /** Ascending by time. */
  readonly samples: readonly ModelSample[];
}

/** Time, value, and the start time if there is one. */
export type ModelSample = readonly [timeMs: number, value: ModelValue, startMs?: number];

/** Raw bits of a double, or the bytes of a native histogram in hexadecimal. */
export type ModelValue = bigint | string;

export const BLOCK_START = 1_699_999_200_000;

export const META: BlockMetaInput = {
  shard: 3,
  windowStartMs: BLOCK_START,
  windowEndMs: BLOCK_START + 7_200_000,
  level: 0,
  position: { segment: 7, offset: 4096 },
  sources: [],
  deletesThrough: { segment: 7, offset: 4096 },
};

const words = new DataView(new ArrayBuffer(8));

export function bitsOf(value: number): bigint {
  words.setFloat64(0, value);
  return words.getBigUint64(0);
}

/** A key that equal tenant and labels share. */
export const keyOf = ({ tenant, labels }: Pick<ModelSeries, 'tenant' | 'labels'>): string =>
  JSON.stringify([tenant, labels]);

const metricOf = (series: ModelSeries): string => new Map(series.labels).get(METRIC_NAME) ?? '';

/** Order of series in a block, by texts. */
export function compareModel(a: ModelSeries, b: ModelSeries): number {
  const order = compareUtf8(a.tenant, b.tenant) || compareUtf8(metricOf(a), metricOf(b));
  if (order !== 0) return order;
  const x = a.labels.flat();
  const y = b.labels.flat();
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return compareUtf8(x[i], y[i]);
  return x.length - y.length;
}

/** Writes a block of the series, given in any order. */
export async function writeBlock(
  files: Files,
  path: string,
  kernel: BlockKernel,
  series: readonly ModelSeries[],
  meta: BlockMetaInput = META,
): Promise<BlockMeta> {
  const texts = series.flatMap(({ tenant, labels }) => [tenant, ...labels.flat()]);
  const symbols = symbolList(texts);
  const numbers = new Map([...new Set(texts)].map((text) => [text, findSymbol(symbols, text)]));
  const writer = await BlockWriter.create(files, path, kernel, symbols);
  try {
    for (const one of [...series].sort(compareModel)) {
      addSeries(writer, kernel, numbers, one);
      if (writer.isFlushDue) await writer.flush();
    }
    return await writer.finish(meta);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function addSeries(
  writer: BlockWriter,
  kernel: BlockKernel,
  numbers: ReadonlyMap<string, number>,
  { tenant, labels, id, samples }: ModelSeries,
): void {
  kernel.reserve(samples.length);
  const { ts, vsWords } = kernel;
  const values = new BigUint64Array(vsWords.buffer, vsWords.byteOffset, samples.length);
  const histograms: HistogramSamples = { at: [], bytes: [] };
  const starts = new StartTimes();
  for (const [i, [timeMs, value, startMs = 0]] of samples.entries()) {
    ts[i] = timeMs;
    if (startMs === 0) starts.none(i, 1);
    else starts.begin(i, 1)[i] = startMs;
    if (typeof value === 'bigint') {
      values[i] = value;
      continue;
    }
    histograms.at.push(i);
    histograms.bytes.push(Buffer.from(value, 'hex'));
  }
  const pairs = labels.flat().map((text) => numbers.get(text) as number);
  writer.add(numbers.get(tenant) as number, pairs, Uint32Array.from(id), samples.length, histograms, starts);
}

/** Series of a block with their samples in [minMs, maxMs]; `numbers` = which. */
export async function readBlock(
  block: Block,
  kernel: BlockKernel,
  minMs = -Infinity,
  maxMs = Infinity,
  numbers?: Uint32Array,
): Promise<ModelSeries[]> {
  const index = await block.index();
  const wanted = numbers ?? Uint32Array.from({ length: index.seriesCount }, (_, i) => i);
  const pages = await block.prefetch(index, wanted, 0, wanted.length);
  const ids = index.ids(wanted);
  return Array.from(wanted, (series, i) => {
    const max = samplesMax(index, series, minMs, maxMs);
    const vs = new Float64Array(max + 3);
    const histograms: HistogramSamples = { at: [], bytes: [] };
    const starts = new StartTimes();
    const into = { ts: new Float64Array(max + 3), vs, vsWords: new Uint32Array(vs.buffer), histograms, starts };
    const count = readColumn(index, pages, series, minMs, maxMs, kernel, into, 3);
    const values: ModelValue[] = [...new BigUint64Array(vs.buffer)];
    for (const [h, place] of histograms.at.entries()) values[place] = Buffer.from(histograms.bytes[h]).toString('hex');
    const { pairs } = index.labels(series);
    return {
      tenant: index.text(index.tenantSymbol(series)),
      labels: Array.from({ length: pairs.length / 2 }, (_, k) => [pairs[2 * k], pairs[2 * k + 1]] as const),
      id: [...ids.subarray(4 * i, 4 * i + 4)],
      samples: Array.from({ length: count }, (_, k) => sampleOf(into.ts[3 + k], values[3 + k], starts.of(3 + k))),
    };
  });
}

const sampleOf = (timeMs: number, value: ModelValue, startMs: number): ModelSample =>
  startMs === 0 ? [timeMs, value] : [timeMs, value, startMs];

/** Whether the matchers select a series. */
export function isSelected({ labels }: ModelSeries, matchers: readonly Matcher[]): boolean {
  const map = new Map(labels);
  return matchers.every((matcher) => matcherTest(matcher)(map.get(matcher.name) ?? ''));
}

const SPECIAL = [
  0x7ff0000000000002n,
  0x7ff8000000000001n,
  0x8000000000000000n,
  0x7ff0000000000000n,
  0xfff8000000000abcn,
];

function randomBits(random: Random, kind: number, step: number): bigint {
  if (kind === 0) return bitsOf(42);
  if (kind === 1) return bitsOf(step * 3);
  if (kind === 2) return bitsOf(Math.round(random.next() * 1000) / 100);
  if (kind === 3 && random.next() < 0.1) return SPECIAL[Math.floor(random.next() * SPECIAL.length)];
  return bitsOf(random.next() * 1e9);
}

/** Kind 5 are histograms, of kind 6 some are. */
function randomValue(random: Random, kind: number, step: number): ModelValue {
  const isHistogram = kind === 5 || (kind === 6 && random.next() < 0.2);
  if (!isHistogram) return randomBits(random, kind, step);
  const roll = (sides: number): number => Math.floor(random.next() * sides);
  return Buffer.from(histogramToBytes(randomHistogram({ roll, one: (sides) => roll(sides) === 0 }))).toString('hex');
}

/** Of each eighth series the samples of another one. */
function copyOf(random: Random, others: ReadonlyMap<string, ModelSeries>): ModelSeries['samples'] | undefined {
  if (random.next() >= 0.125) return undefined;
  return [...others.values()][Math.floor(random.next() * others.size)]?.samples;
}

/** Samples every 15 s with gaps; half of the series share their times. A fourth have start times: one, changing ones, here and there. */
export function randomSamples(random: Random, count: number, fromMs = BLOCK_START): ModelSample[] {
  const kind = Math.floor(random.next() * 7);
  const jitterMs = random.next() < 0.5 ? 0 : Math.floor(random.next() * 9000);
  const startKind = Math.floor(random.next() * 12);
  const samples: ModelSample[] = [];
  for (let step = 0; step < count; step++) {
    if (jitterMs > 0 && random.next() < 0.05) continue;
    const timeMs = fromMs + step * 15_000 + Math.floor(random.next() * jitterMs);
    const starts = [fromMs - 7, timeMs - 15_000, random.next() < 0.3 ? -step : 0];
    samples.push(sampleOf(timeMs, randomValue(random, kind, step), starts[startKind] ?? 0));
  }
  return samples.length > 0 ? samples : [[fromMs, bitsOf(1)]];
}

/** Random series of two tenants that share labels, some without metric name, with long, empty and foreign texts. */
export function randomSeries(random: Random, count: number, samplesMax: number): ModelSeries[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)];
  const out = new Map<string, ModelSeries>();
  while (out.size < count) {
    const pairs: [string, string][] = [];
    if (random.next() < 0.95) pairs.push([METRIC_NAME, pick(['cpu_seconds_total', 'up', 'żółw', 'memory', 'a'])]);
    if (random.next() < 0.3) pairs.push(['Zone', pick(['a', 'b', '😀', '\uffff'])]);
    if (random.next() < 0.9) pairs.push(['instance', `host-${Math.floor(random.next() * count)}`]);
    if (random.next() < 0.9) pairs.push(['job', pick(['api', 'db', 'api-server'])]);
    if (random.next() < 0.1) pairs.push(['long', 'x'.repeat(Math.floor(random.next() * 3000)) + pick(['', 'y'])]);
    if (random.next() < 0.2) pairs.push([`extra_${Math.floor(random.next() * 20)}`, '1']);
    const labels = pairs.filter(([, value]) => value !== '').sort((a, b) => compareUtf8(a[0], b[0]));
    const tenant = pick(['anonymous', 'anonymous', 'team-b']);
    const key = JSON.stringify([tenant, labels]);
    if (out.has(key)) continue;
    const id = Array.from({ length: 4 }, () => Math.floor(random.next() * 2 ** 32));
    const samples = copyOf(random, out) ?? randomSamples(random, 1 + Math.floor(random.next() * samplesMax));
    out.set(key, { tenant, labels, id, samples });
  }
  return [...out.values()];
}

/** A generator from a seed. */
export const seeded = (seed: number): Random => new SimRandom(seed);
