// The engine as the test language sees it.
import { type Labels, STALE_NAN_BITS } from '../../../src/model/index.ts';
import { createExecTwin } from '../../../src/kernel/index.ts';
import {
  ALL_PARSER_FEATURES,
  LocalLeafExecutor,
  MemorySource,
  type QueryResult,
  createEngine,
  matrixTimes,
} from '../../../src/promql/index.ts';
import type { QueryResult as ScriptResult, TestEngine } from '../testlang/runner.ts';
import { type Histogram, fromNative, toNative } from '../../../src/promql/testlang/histogram.ts';
import { customHistograms } from '../testlang/nhcb.ts';
import { testClock } from './support.ts';

export const SCRIPT_FEATURES: ReadonlySet<string> = new Set([...ALL_PARSER_FEATURES, 'promql-delayed-name-removal']);

function toScript({ data, warnings, infos }: QueryResult): ScriptResult {
  if (data.type === 'scalar' || data.type === 'string') return { ...data, warnings, infos } as ScriptResult;
  const series = data.labels.map((labels, i) => {
    const valueAt = (k: number): number | Histogram => {
      const h = data.histograms?.[k];
      return h ? fromNative(h) : data.vs[k];
    };
    if (data.type === 'vector') return { labels, points: [{ timeMs: data.timeMs, value: valueAt(i) }] };
    const from = i === 0 ? 0 : data.ends[i - 1];
    const values = Array.from({ length: data.ends[i] - from }, (_, k) => valueAt(from + k));
    return { labels, points: values.map((value, k) => ({ timeMs: matrixTimes(data, i)[k], value })) };
  });
  return { type: data.type, series, warnings, infos };
}

/** An engine with a storage of its own in so many shards. */
export function scriptEngine(shards = 1, features = SCRIPT_FEATURES): TestEngine {
  const sources = Array.from({ length: shards }, () => new MemorySource());
  const engine = createEngine({
    leaves: sources.map((source) => new LocalLeafExecutor({ source, kernel: createExecTwin() })),
    clock: testClock(),
    features,
    maxSamples: 10_000,
  });
  let next = 0;
  const shardOf = new Map<string, MemorySource>();
  return {
    load(series, { withNhcb }) {
      for (const { labels, points } of withNhcb ? [...series, ...customHistograms(series)] : series) {
        let source = shardOf.get(labels.key);
        if (!source) shardOf.set(labels.key, (source = sources[next++ % shards]));
        for (const { timeMs, value, startMs } of points) {
          const sample = typeof value === 'object' ? toNative(value) : value;
          source.append(labels, timeMs, sample === 'stale' ? STALE_NAN_BITS : sample, undefined, startMs);
        }
      }
    },
    instant: async (query, timeMs) => toScript(await engine.instant(query, timeMs)),
    range: async (query, startMs, endMs, stepMs) => toScript(await engine.range(query, startMs, endMs, stepMs)),
  };
}

/** Of a label set: its metric name. */
export const nameOf = (labels: Labels): string => labels.get('__name__');
