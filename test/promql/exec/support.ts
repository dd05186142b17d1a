// An engine over samples in memory, and adapters to it.
import type { Clock } from '../../../src/io/index.ts';
import { type ExecKernel, createExecTwin } from '../../../src/kernel/index.ts';
import { Labels, type NativeHistogram, STALE_NAN_BITS, histogramText } from '../../../src/model/index.ts';
import {
  type Engine,
  type EngineOptions,
  type LeafClient,
  LocalLeafExecutor,
  type MatrixResult,
  MemorySource,
  type QueryResult,
  createEngine,
  matrixTimes,
} from '../../../src/promql/index.ts';

/** A clock that stands still until it is moved. */
export function testClock(): Clock & { advance(ms: number): void } {
  let now = 0;
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    sleep: async () => {},
    after: () => () => {},
    yield: () => Promise.resolve(),
    pause: () => {},
    advance(ms) {
      now += ms;
    },
  };
}

/** A sample's value. */
export type TestValue = number | 'stale' | NativeHistogram;

export interface TestStore {
  readonly engine: Engine;
  /** Series such as `m{a="b"}` given as labels, samples one per `stepMs` from 0; null for none. */
  load(labels: Record<string, string>, values: readonly (TestValue | null)[], stepMs?: number): void;
  append(labels: Labels, timeMs: number, value: TestValue): void;
}

/** A text that always gives the same shard. */
function shardOf(labels: Labels, shards: number): number {
  let hash = 7;
  for (const char of labels.key) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash % shards;
}

/** `wrap` may put something between the engine and each shard. */
export function testStore(
  shards = 1,
  options: Partial<EngineOptions> = {},
  wrap: (client: LeafClient) => LeafClient = (client) => client,
  leafKernel: () => ExecKernel = createExecTwin,
): TestStore {
  const sources = Array.from({ length: shards }, () => new MemorySource());
  const engine = createEngine({
    leaves: sources.map((source) => wrap(new LocalLeafExecutor({ source, kernel: leafKernel() }))),
    clock: testClock(),
    ...options,
  });
  const append = (labels: Labels, timeMs: number, value: TestValue): void => {
    sources[shardOf(labels, shards)].append(labels, timeMs, value === 'stale' ? STALE_NAN_BITS : value);
  };
  return {
    engine,
    append,
    load(source, values, stepMs = 60_000) {
      const labels = Labels.from(source);
      values.forEach((value, i) => value !== null && append(labels, i * stepMs, value));
    },
  };
}

const pointText = ({ vs, histograms }: Pick<MatrixResult, 'vs' | 'histograms'>, i: number): string => {
  const h = histograms?.[i];
  return h ? histogramText(h) : String(vs[i]);
};

/** Result as text, one series per line: `{a="b"} 1@60 2@120`. */
export function show({ data }: QueryResult): string[] {
  switch (data.type) {
    case 'scalar':
    case 'string':
      return [String(data.value)];
    case 'vector':
      return data.labels.map((labels, i) => `${labels} ${pointText(data, i)}`);
    case 'matrix':
      return data.labels.map((labels, i) => {
        const from = i === 0 ? 0 : data.ends[i - 1];
        const points = Array.from(
          { length: data.ends[i] - from },
          (_, k) => `${pointText(data, from + k)}@${matrixTimes(data, i)[k] / 1000}`,
        );
        return `${labels} ${points.join(' ')}`;
      });
  }
}
