// Readers of files: our log, blocks and images, and Prometheus' blocks. What is damaged must be named as corrupt.
import { type Files, createSimWorld } from '../src/io/index.ts';
import { createBlockWasm, loadKernel } from '../src/kernel/index.ts';
import { Labels, histogramFromBytes, histogramToBytes, newHistogram } from '../src/model/index.ts';
import { Block } from '../src/tsdb/block/block.ts';
import { BlockCache } from '../src/tsdb/block/block-cache.ts';
import { TidemarkError, silentLogger } from '../src/base/index.ts';
import { encodeSegmentHeader, putRecord } from '../src/tsdb/log-record.ts';
import { replayLog } from '../src/tsdb/index.ts';
import { PrometheusBlock, SampleBuffer, findPrometheusBlocks } from '../src/wire/index.ts';
import { decodeChunk } from '../src/wire/prometheus-chunk-files.ts';
import { Dice } from '../test/kernel/intake-traffic.ts';
import { randomSeries, readBlock, seeded, writeBlock } from '../test/support/block-model.ts';
import { randomHistogram } from '../test/support/histograms.ts';
import { floatBits } from '../test/support/prometheus-bit-writer.ts';
import { writePrometheusBlock } from '../test/support/prometheus-block-writer.ts';
import { encodeHistogramChunk, encodeXor2Chunk, encodeXorChunk } from '../test/support/prometheus-chunk-writer.ts';
import { type Random, below, mutateBytes } from './mutate.ts';
import { type Target, bytesTarget } from './target.ts';

const kernel = createBlockWasm(await loadKernel('block'));
const PATH = 'x.block';

async function blockFile(): Promise<Uint8Array> {
  const sim = createSimWorld(1);
  return sim.run(async () => {
    const { files } = sim.world;
    await writeBlock(files, PATH, kernel, randomSeries(seeded(7), 20, 30));
    return files.readFile(PATH);
  });
}

/** Files that hold some bytes. */
function filesWith(contents: ReadonlyMap<string, Uint8Array>): Files {
  const bytesOf = (path: string): Uint8Array => {
    const bytes = contents.get(path);
    if (!bytes) throw new TidemarkError('not_found', `cannot open ${path}: it is not there`);
    return bytes;
  };
  return {
    open: async (path: string) => ({
      read: async (into: Uint8Array, offset: number) => {
        const part = bytesOf(path).subarray(offset, offset + into.length);
        into.set(part);
        return part.length;
      },
      size: async () => bytesOf(path).length,
      write: async () => {},
      sync: async () => {},
      truncate: async () => {},
      close: async () => {},
    }),
    readFile: async (path: string) => bytesOf(path),
    stat: async (path: string) => (contents.has(path) ? { sizeBytes: bytesOf(path).length } : null),
    list: async (path: string) => {
      const front = `${path}/`;
      const below = [...contents.keys()].filter((name) => name.startsWith(front));
      return [...new Set(below.map((name) => name.slice(front.length).split('/')[0]))];
    },
  } as unknown as Files;
}

async function readOwnBlock(bytes: Uint8Array): Promise<void> {
  const block = await Block.open(filesWith(new Map([[PATH, bytes]])), PATH, new BlockCache(1 << 20));
  const index = await block.index();
  for (const tenant of ['anonymous', 'team-b']) index.select(tenant, [{ name: 'job', op: '=~', value: 'a.*' }]);
  await readBlock(block, kernel);
}

const ULID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const points = (from: number, ...values: number[]) =>
  values.map((value, i) => ({ timeMs: from + i * 1000, bits: floatBits(value) }));

async function prometheusFiles(): Promise<Map<string, Uint8Array>> {
  const sim = createSimWorld(1);
  return sim.run(async () => {
    const { files } = sim.world;
    const series = Array.from({ length: 5 }, (_, i) => ({
      labels: Labels.from({ __name__: 'm', i: `${i}`, 'é.x': 'v' }),
      chunks: [
        { encoding: 1, data: encodeXorChunk(points(1000, 1, i, 3)), minMs: 1000, maxMs: 3000 },
        { encoding: 4, data: encodeXor2Chunk(points(9000, 4, 5)), minMs: 9000, maxMs: 10_000 },
      ],
    }));
    await files.makeDirectory(`b/${ULID}/chunks`);
    await writePrometheusBlock(files, `b/${ULID}`, { ulid: ULID, series } as never);
    const found = new Map<string, Uint8Array>();
    for (const name of ['meta.json', 'index', 'tombstones', 'chunks/000001']) {
      const path = `b/${ULID}/${name}`;
      if (await files.stat(path)) found.set(path, await files.readFile(path));
    }
    return found;
  });
}

async function readPrometheusBlock(contents: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const files = filesWith(contents);
  for (const found of await findPrometheusBlocks(files, 'b')) {
    const block = await PrometheusBlock.open(files, found);
    try {
      for await (const series of block.series()) void series.labels.size;
    } finally {
      await block.close();
    }
  }
}

const own = await blockFile();
const foreign = await prometheusFiles();
// Undamaged they can be read: else nothing would be tried here.
await readOwnBlock(own);
await readPrometheusBlock(foreign);
const foreignPaths = [...foreign.keys()];

function segment(random: Random): Uint8Array {
  const bytes = new Uint8Array(4096);
  bytes.set(encodeSegmentHeader(0, 1));
  let at = 24;
  for (let left = 1 + below(random, 5); left > 0; left--) {
    const payload = Uint8Array.from({ length: below(random, 200) }, () => below(random, 256));
    at = putRecord(bytes, at, payload, random.next() < 0.5 ? 0 : at);
  }
  return bytes.subarray(0, at);
}

async function replay(bytes: Uint8Array): Promise<void> {
  const files = filesWith(new Map([['log/000/00000001.log', bytes]]));
  await replayLog(files, 0, { segment: 0, offset: 0 }, { record: () => null }, silentLogger);
}

/** Which file is damaged comes first. */
const damagedForeign = (random: Random): Uint8Array => {
  const i = below(random, foreignPaths.length);
  return Buffer.concat([Uint8Array.of(i), mutateBytes(random, foreign.get(foreignPaths[i]) as Uint8Array)]);
};

const ENCODINGS = [1, 2, 3, 4, 5, 6];

function chunk(random: Random): Uint8Array {
  const from = 1_700_000_000_000;
  const floats = points(from, ...Array.from({ length: 1 + below(random, 20) }, () => below(random, 100) / 4));
  const kind = below(random, 3);
  const dice = new Dice(1 + below(random, 2 ** 31));
  const histograms = [0, 1, 2].map((i) => ({
    timeMs: from + i,
    isStale: false,
    isInteger: true,
    histogram: integerHistogram(dice),
    startMs: 0,
  }));
  const data = [() => encodeXorChunk(floats), () => encodeXor2Chunk(floats), () => encodeHistogramChunk(histograms)][
    kind
  ]();
  const encoding = random.next() < 0.9 ? [1, 4, 2][kind] : ENCODINGS[below(random, ENCODINGS.length)];
  return Buffer.concat([Uint8Array.of(encoding), mutateBytes(random, data)]);
}

const integerHistogram = (dice: Dice) =>
  newHistogram({
    count: 3,
    sum: dice.roll(100),
    zeroCount: 1,
    positive: { indexes: Int32Array.of(0, 1 + dice.roll(9)), counts: Float64Array.of(1, 1) },
  });

const decodeOne = (bytes: Uint8Array): void =>
  decodeChunk(bytes[0], bytes, 1, bytes.length, { floats: new SampleBuffer(), histograms: [] });

export const STORE_TARGETS: readonly Target[] = [
  bytesTarget('own-block', 1, (random) => mutateBytes(random, own), readOwnBlock),
  bytesTarget('own-log', 3, (random) => mutateBytes(random, segment(random)), replay),
  bytesTarget(
    'own-histogram',
    6,
    (random) => mutateBytes(random, histogramToBytes(randomHistogram(new Dice(1 + below(random, 2 ** 31))))),
    histogramFromBytes,
  ),
  bytesTarget('prometheus-chunk', 8, chunk, decodeOne),
  bytesTarget('prometheus-block', 1, damagedForeign, (bytes) =>
    readPrometheusBlock(new Map([...foreign, [foreignPaths[bytes[0]], bytes.subarray(1)]])),
  ),
];
