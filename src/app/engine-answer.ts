// From the engine's columns to what the API encodes.
import type { EngineAnswer, ResultValue, StatsLevel } from '../api/index.ts';
import { type NativeHistogram, bucketRows } from '../model/index.ts';
import { type QueryResult, type ResultData, matrixTimes } from '../promql/index.ts';

const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);

/** A native histogram as the API shows it; its buckets are worked out when they are written. */
const shown = (h: NativeHistogram | null) =>
  h && {
    count: h.count,
    sum: h.sum,
    get buckets() {
      return bucketRows(h);
    },
  };

function resultValue(data: ResultData): ResultValue {
  switch (data.type) {
    case 'scalar':
    case 'string':
      return data;
    case 'vector': {
      const { labels, vs, timeMs, histograms: hs } = data;
      const series = labels.map((set, i) => {
        const histograms = hs?.[i] ? [shown(hs[i])] : null;
        return { labels: set, vs: vs.subarray(i, i + 1), present: histograms ? TWO : ONE, histograms };
      });
      return { type: 'vector', timeMs, series };
    }
    case 'matrix': {
      const { labels, ends, vs, histograms: hs } = data;
      const series = labels.map((set, i) => {
        const from = i === 0 ? 0 : ends[i - 1];
        const [length, to] = [ends[i] - from, ends[i]];
        const histograms = hs?.slice(from, to).some((h) => h !== null) ? hs.slice(from, to).map(shown) : null;
        return { labels: set, length, ts: matrixTimes(data, i), vs: vs.subarray(from, to), histograms };
      });
      return { type: 'matrix', series };
    }
  }
}

/** Statistics in the API's form; times in seconds. */
function apiStats({ stats }: QueryResult): object {
  const { parseMs, planMs, execMs } = stats.timings;
  return {
    timings: {
      evalTotalTime: (planMs + execMs) / 1000,
      resultSortTime: 0,
      queryPreparationTime: planMs / 1000,
      innerEvalTime: execMs / 1000,
      execQueueTime: 0,
      execTotalTime: (parseMs + planMs + execMs) / 1000,
    },
    samples: {
      totalQueryableSamples: stats.samplesRead,
      samplesRead: stats.samplesRead,
      peakSamples: stats.peakSamples,
    },
  };
}

/** Smaller ones are left to the garbage collector. */
const FREED_BYTES_MIN = 65_536;

/** Of a range: it is the columns' only owner. */
function freeColumns(data: ResultData): void {
  if (data.type !== 'matrix') return;
  for (const { buffer } of [data.ts, data.vs]) {
    if (buffer.byteLength >= FREED_BYTES_MIN && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
  }
}

export function engineAnswer(result: QueryResult, level: StatsLevel): EngineAnswer {
  const { data, warnings, infos, explain } = result;
  const stats = level === 'none' ? null : apiStats(result);
  return { explain, value: resultValue(data), warnings, infos, stats, release: () => freeColumns(data) };
}
