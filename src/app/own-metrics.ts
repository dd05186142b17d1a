// Own metrics that are read off the store when they are asked for.
import type { MetricRegistry } from '../base/index.ts';
import type { Database } from './database.ts';
import { threadMemory } from './thread-memory.ts';

/** Registers gauges of the process and its store, refreshed whenever the metrics are read. */
export function registerOwnMetrics(metrics: MetricRegistry, database: Database): void {
  const perShard = (name: string, help: string) =>
    database.shards.map((_, shard) => metrics.gauge(name, help, { shard: String(shard) }));
  const gauges = {
    series: perShard('tidemark_head_series', 'Series in the head.'),
    samples: perShard('tidemark_head_samples_appended', 'Samples applied since the directory was made.'),
    outOfOrder: perShard('tidemark_head_samples_out_of_order', 'Samples that came late.'),
    duplicates: perShard('tidemark_head_samples_duplicate', 'Samples that were there already.'),
    conflicts: perShard('tidemark_head_samples_conflicting', 'Samples that lost to another value at their time.'),
    stateBytes: perShard('tidemark_head_bytes', 'Bytes of the head in memory.'),
    columns: perShard('tidemark_head_columns', 'Sealed columns in the head.'),
    imageCount: perShard('tidemark_head_images_written', 'Images written since the start.'),
    imageBytes: perShard('tidemark_head_image_bytes', 'Bytes of the newest image.'),
  };
  const blocks = {
    blockCount: perShard('tidemark_blocks', 'Block files.'),
    blockBytes: perShard('tidemark_block_bytes', 'Bytes of block files.'),
    blockSamples: perShard('tidemark_block_samples', 'Samples in block files.'),
    blockSeries: perShard('tidemark_block_series', 'Series in block files, once per block.'),
    tombstones: perShard('tidemark_tombstones', 'Deletes that blocks have not applied.'),
  };
  const bad = perShard('tidemark_blocks_bad', 'Block files that are damaged and set aside.');
  const lifeCycle = {
    cuts: perShard('tidemark_cuts', 'Cuts of the head into blocks since the start.'),
    cutFailures: perShard('tidemark_cut_failures', 'Cuts that could not be written, and are tried again.'),
    compactions: perShard('tidemark_compactions', 'Compactions since the start.'),
    compactionFailures: perShard('tidemark_compaction_failures', 'Compactions that failed.'),
    blocksExpired: perShard('tidemark_blocks_expired', 'Blocks that were removed for their age or size.'),
    seriesLeft: perShard('tidemark_head_series_left', 'Series that left the head since the start.'),
  };
  const cacheBytes = perShard('tidemark_block_cache_bytes', 'Bytes of blocks that are kept in memory.');
  const cacheHits = perShard('tidemark_block_cache_hits', 'Looks into the block cache that found what they wanted.');
  const cacheMisses = perShard('tidemark_block_cache_misses', 'Looks into the block cache that found nothing.');
  const results = {
    bytes: perShard('tidemark_result_cache_bytes', 'Bytes of leaf results that are kept for later queries.'),
    entries: perShard('tidemark_result_cache_entries', 'Leaf results that are kept for later queries.'),
    hits: perShard('tidemark_result_cache_hits', 'Leaves of range queries that found some of their steps.'),
    misses: perShard('tidemark_result_cache_misses', 'Leaves of range queries that found none of their steps.'),
    stepsReused: perShard('tidemark_result_cache_steps_reused', 'Steps that were found and not worked out again.'),
  };
  const replayed = perShard('tidemark_log_replayed_records', 'Log records that the start replayed behind the image.');
  const damage = perShard('tidemark_log_damaged_segments', 'Log segments that were found damaged at the start.');
  const syncs = perShard('tidemark_log_syncs', 'Group commits of the log.');
  const failures = perShard('tidemark_log_failures', 'Group commits that failed.');
  const pending = perShard('tidemark_log_pending_bytes', 'Bytes that wait for the log or the shard.');
  const dictionary = perShard('tidemark_intake_dictionary_bytes', 'Bytes of the dictionary of the open log segment.');
  const intakeMemory = metrics.gauge('tidemark_intake_memory_bytes', 'Bytes of memory that the intake has taken.');
  const perThread = (name: string, help: string) =>
    ['main', ...database.shards.map((_, shard) => `shard ${shard}`)].map((thread) =>
      metrics.gauge(name, help, { thread }),
    );
  const heaps = perThread('tidemark_thread_heap_bytes', 'Bytes of the JavaScript heap of a thread.');
  const externals = perThread('tidemark_thread_external_bytes', 'Bytes of buffers of a thread outside of its heap.');
  const resident = metrics.gauge('process_resident_memory_bytes', 'Resident memory size in bytes.');
  const cpu = metrics.gauge('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.');
  metrics.beforeRender(async () => {
    resident.set(process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    cpu.set((user + system) / 1e6);
    const stats = await database.stats();
    intakeMemory.set(database.kernel.memoryBytes());
    for (const [i, { heapBytes, externalBytes }] of [threadMemory(), ...stats.map(({ thread }) => thread)].entries()) {
      heaps[i].set(heapBytes);
      externals[i].set(externalBytes);
    }
    for (const [shard, one] of stats.entries()) {
      for (const key of Object.keys(gauges) as (keyof typeof gauges)[]) gauges[key][shard].set(one[key]);
      for (const key of Object.keys(blocks) as (keyof typeof blocks)[]) blocks[key][shard].set(one[key]);
      for (const key of Object.keys(lifeCycle) as (keyof typeof lifeCycle)[]) {
        lifeCycle[key][shard].set(one.lifeCycle[key]);
      }
      bad[shard].set(one.badBlocks.length);
      cacheBytes[shard].set(one.cache.bytes);
      cacheHits[shard].set(one.cache.hits);
      cacheMisses[shard].set(one.cache.misses);
      for (const key of Object.keys(results) as (keyof typeof results)[]) results[key][shard].set(one.results[key]);
      replayed[shard].set(one.replayedRecords);
      damage[shard].set(one.damage.length);
      dictionary[shard].set(database.kernel.dictionaryBytes(shard));
      const log = database.intake.logs[shard];
      syncs[shard].set(log.syncCount);
      failures[shard].set(log.failureCount);
      pending[shard].set(log.pendingBytes + database.shards[shard].pendingBytes);
    }
  });
}
