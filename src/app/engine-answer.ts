// From the engine's columns to what the API encodes.
import type { EngineAnswer, ResultValue, StatsLevel } from '../api/index.ts';
import type { QueryResult, ResultData } from '../promql/index.ts';

const ONE = Uint8Array.of(1);

function resultValue(data: ResultData): ResultValue {
  switch (data.type) {
    case 'scalar':
    case 'string':
      return data;
    case 'vector': {
      const { labels, vs, timeMs } = data;
      const series = labels.map((set, i) => ({ labels: set, vs: vs.subarray(i, i + 1), present: ONE }));
      return { type: 'vector', timeMs, series };
    }
    case 'matrix': {
      const { labels, ends, ts, vs } = data;
      const series = labels.map((set, i) => {
        const from = i === 0 ? 0 : ends[i - 1];
        return { labels: set, length: ends[i] - from, ts: ts.subarray(from, ends[i]), vs: vs.subarray(from, ends[i]) };
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

export function engineAnswer(result: QueryResult, level: StatsLevel): EngineAnswer {
  const { data, warnings, infos } = result;
  return { value: resultValue(data), warnings, infos, stats: level === 'none' ? null : apiStats(result) };
}
