// Block files as /api/v1/status/tsdb/blocks shows them: Prometheus' block metas, with our file names where it has ULIDs.
import type { ShardStats } from '../tsdb/index.ts';

const VERSION = 1;

export function blocksStatus(shards: readonly ShardStats[]): object {
  const blocks = shards.flatMap(({ blocks: list }) =>
    list.map(({ name, meta }) => ({
      ulid: name,
      minTime: meta.minMs,
      // Prometheus' end of a block is not part of it.
      maxTime: meta.maxMs + 1,
      stats: { numSamples: meta.samples, numSeries: meta.series, numChunks: meta.series },
      compaction: { level: meta.level + 1, sources: meta.sources },
      version: VERSION,
    })),
  );
  const bad = shards.flatMap(({ badBlocks }) => badBlocks);
  return bad.length === 0 ? { blocks } : { blocks, badBlocks: bad };
}
