// One set of samples behind engines that differ in everything that must not show: shards, kernels, where aggregations run, the length
// of pieces, the order of series, when leaves let others run.
import type { Clock } from '../../src/io/index.ts';
import { type ExecKernel, createExecTwin, createExecWasm, loadKernel } from '../../src/kernel/index.ts';
import { STALE_NAN_BITS, histogramToBytes, withHint } from '../../src/model/index.ts';
import {
  CachedLeaf,
  type Engine,
  type LeafClient,
  LocalLeafExecutor,
  MemorySource,
  type QueryResult,
  createEngine,
  leafTransferables,
  matrixTimes,
} from '../../src/promql/index.ts';
import { type Sample, testSamples } from './promql-data.ts';
import { shardOf } from './promql-shard.ts';

export interface Variant {
  readonly name: string;
  readonly engine: Engine;
  /** It remembers: asked of nearby times first, it answers from what it kept. */
  readonly isCached: boolean;
}

const FEATURES = new Set(['promql-experimental-functions']);

/** A clock that stands still. */
const stillClock: Clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  sleep: async () => {},
  after: () => () => {},
  yield: () => Promise.resolve(),
  pause: () => {},
};

interface Shape {
  readonly shards: number;
  readonly kernel: () => ExecKernel;
  readonly pushDown?: boolean;
  readonly pieceSamples?: number;
  /** Series come in the opposite order. */
  readonly reversed?: boolean;
  readonly wrap?: (client: LeafClient) => LeafClient;
  readonly isCached?: boolean;
}

/** A text that always gives the same shard. */
function shardNumber(key: string, shards: number): number {
  let hash = 7;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) >>> 0;
  return ((hash ^ (hash >>> 15)) >>> 0) % shards;
}

function variant(name: string, samples: readonly Sample[], shape: Shape): Variant {
  const {
    shards,
    kernel,
    pushDown = true,
    pieceSamples,
    reversed,
    wrap = (client) => client,
    isCached = false,
  } = shape;
  const sources = Array.from({ length: shards }, () => new MemorySource());
  // The order of a source's series is that of their first samples.
  const keys = [...new Set(samples.map(({ labels }) => labels.key))];
  const rank = new Map((reversed ? keys.reverse() : keys).map((key, i) => [key, i]));
  const ordered = samples.toSorted((a, b) => (rank.get(a.labels.key) ?? 0) - (rank.get(b.labels.key) ?? 0));
  for (const { labels, timeMs, value } of ordered) {
    sources[shardNumber(labels.key, shards)].append(labels, timeMs, value === 'stale' ? STALE_NAN_BITS : value);
  }
  const leaves = sources.map((source) => {
    const executor = new LocalLeafExecutor({ source, kernel: kernel(), pieceSamples });
    const { changes } = source;
    return wrap(isCached ? new CachedLeaf({ executor, changes, bytesMax: 1 << 22, samplesMin: 0 }) : executor);
  });
  // All but the first one free whatever they have used up: who used it later would fail.
  const freeBytesMin = reversed || shards > 1 ? 1 : 1 << 30;
  const engine = createEngine({
    freeBytesMin,
    leaves,
    clock: stillClock,
    kernel: kernel(),
    pushDown,
    features: FEATURES,
  });
  return { name, engine, isCached };
}

/** Lets others run after every series. */
const restless = (client: LeafClient): LeafClient => ({
  execute: (plan, { signal }) =>
    client.execute(plan, { signal, shouldYield: () => true, yield: () => Promise.resolve() }),
});

/** Through structured clone, as between threads. */
const cloned = (client: LeafClient): LeafClient => ({
  async execute(plan, control) {
    const result = await client.execute(structuredClone(plan), control);
    return structuredClone(result, { transfer: leafTransferables(result) });
  },
});

/** Over a real shard, head and blocks, that remembers. */
async function shardVariant(samples: readonly Sample[], kernel: () => ExecKernel, directory: string): Promise<Variant> {
  const { source } = await shardOf(samples, directory);
  const executor = new LocalLeafExecutor({ source, kernel: kernel(), pieceSamples: 8 });
  const { changes } = source;
  const leaf = changes ? new CachedLeaf({ executor, changes, bytesMax: 1 << 22, samplesMin: 0 }) : executor;
  const options = { freeBytesMin: 1, clock: stillClock, kernel: kernel(), features: FEATURES };
  return { name: 'a real shard', engine: createEngine({ leaves: [leaf], ...options }), isCached: true };
}

/** The first one is what the others are compared to. `directory`: an empty one, for a shard's files. */
export async function variants(directory: string): Promise<Variant[]> {
  const samples = testSamples();
  const module = await loadKernel('exec');
  const compiled = (): ExecKernel => createExecWasm(module);
  return [
    variant('one shard, twins', samples, { shards: 1, kernel: createExecTwin }),
    variant('nothing pushed down', samples, { shards: 1, kernel: createExecTwin, pushDown: false, reversed: true }),
    variant('eight shards, kernels, short pieces', samples, {
      shards: 8,
      kernel: compiled,
      pieceSamples: 4,
      wrap: restless,
    }),
    variant('three shards, nothing pushed down, cloned', samples, {
      shards: 3,
      kernel: compiled,
      pushDown: false,
      wrap: cloned,
    }),
    variant('two shards, cached', samples, { shards: 2, kernel: compiled, isCached: true, wrap: cloned }),
    variant('one shard, kernels, other order', samples, { shards: 1, kernel: compiled, reversed: true, wrap: cloned }),
    await shardVariant(samples, compiled, directory),
  ];
}

const words = (array: Float64Array): string => new Uint32Array(array.slice().buffer).join();
/** Every NaN is the same answer; its payload is not. */
const numbers = (array: Float64Array): string => words(array.map((x) => (Number.isNaN(x) ? NaN : x)));

/** All of an answer, bit by bit; but for the hints about counter resets of histograms, which no answer shows. */
export function answerBits({ data, warnings, infos }: QueryResult): string {
  const notes = JSON.stringify([warnings, infos]);
  if (data.type === 'string' || data.type === 'scalar')
    return `${data.type} ${Object.is(data.value, -0) ? '-0' : data.value} ${notes}`;
  const histograms =
    data.histograms
      ?.map((h) => (h ? Buffer.from(histogramToBytes(withHint(h, 'unknown'))).toString('base64') : ''))
      .join() ?? '';
  const labels = data.labels.map(String).join('\n');
  const shape =
    data.type === 'matrix' ? `${data.ends.join()} ${data.labels.map((_, i) => words(matrixTimes(data, i)))}` : '';
  return `${data.type}\n${labels}\n${shape}\n${numbers(data.vs)}\n${histograms}\n${notes}`;
}
