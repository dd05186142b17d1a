// Own metrics that are read off the store when they are asked for. What the rules, the notifier, discovery and remote
// write say of themselves has Prometheus' names, so that dashboards for those keep working.
import type { MetricRegistry } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import type { SegmentLog } from '../tsdb/index.ts';
import type { Database } from './database.ts';
import type { ShardClient } from './shard-client.ts';
import type { ShardReport } from './shard-protocol.ts';
import { threadMemory } from './thread-memory.ts';

/** All that is known of one shard. */
interface ShardState {
  readonly stats: ShardReport;
  /** Bytes of its part of the intake's dictionary. */
  readonly dictionaryBytes: number;
  readonly log: SegmentLog;
  readonly client: ShardClient;
  readonly nowMs: number;
}

type Row = readonly [kind: 'counter' | 'gauge', name: string, help: string, value: (shard: ShardState) => number];

const ROWS: readonly Row[] = [
  ['gauge', 'head_series', 'Series in the head.', ({ stats }) => stats.series],
  ['gauge', 'head_bytes', 'Bytes of the head in memory.', ({ stats }) => stats.stateBytes],
  ['gauge', 'head_columns', 'Sealed columns in the head.', ({ stats }) => stats.columns],
  ['gauge', 'head_fullness_ratio', 'How full the shard is, of what it can take.', ({ client }) => client.fullness],
  ['counter', 'head_samples_appended_total', 'Samples since the directory was made.', ({ stats }) => stats.samples],
  ['counter', 'head_samples_out_of_order_total', 'Samples that came late.', ({ stats }) => stats.outOfOrder],
  ['counter', 'head_samples_duplicate_total', 'Samples that were there already.', ({ stats }) => stats.duplicates],
  [
    'counter',
    'head_samples_conflicting_total',
    'Samples that lost to another value at their time.',
    ({ stats }) => stats.conflicts,
  ],
  ['counter', 'head_images_written_total', 'Images written since the start.', ({ stats }) => stats.imageCount],
  ['gauge', 'head_image_bytes', 'Bytes of the newest image.', ({ stats }) => stats.imageBytes],
  ['counter', 'head_series_left_total', 'Series that left the head.', ({ stats }) => stats.lifeCycle.seriesLeft],
  ['gauge', 'blocks', 'Block files.', ({ stats }) => stats.blockCount],
  ['gauge', 'block_bytes', 'Bytes of block files.', ({ stats }) => stats.blockBytes],
  ['gauge', 'block_samples', 'Samples in block files.', ({ stats }) => stats.blockSamples],
  ['gauge', 'block_series', 'Series in block files, once per block.', ({ stats }) => stats.blockSeries],
  ['gauge', 'blocks_bad', 'Block files that are damaged and set aside.', ({ stats }) => stats.badBlocks.length],
  ['gauge', 'tombstones', 'Deletes that blocks have not applied.', ({ stats }) => stats.tombstones],
  ['counter', 'cuts_total', 'Cuts of the head into blocks.', ({ stats }) => stats.lifeCycle.cuts],
  ['counter', 'cut_seconds_total', 'Time that cuts took to write.', ({ stats }) => stats.lifeCycle.cutMs / 1000],
  [
    'counter',
    'cut_failures_total',
    'Cuts that could not be written, and are tried again.',
    ({ stats }) => stats.lifeCycle.cutFailures,
  ],
  ['counter', 'compactions_total', 'Compactions.', ({ stats }) => stats.lifeCycle.compactions],
  [
    'counter',
    'compaction_seconds_total',
    'Time that compactions took.',
    ({ stats }) => stats.lifeCycle.compactionMs / 1000,
  ],
  [
    'counter',
    'compaction_failures_total',
    'Compactions that failed.',
    ({ stats }) => stats.lifeCycle.compactionFailures,
  ],
  [
    'counter',
    'blocks_expired_total',
    'Blocks that were removed for their age or size.',
    ({ stats }) => stats.lifeCycle.blocksExpired,
  ],
  ['gauge', 'block_cache_bytes', 'Bytes of blocks that are kept in memory.', ({ stats }) => stats.cache.bytes],
  ['counter', 'block_cache_hits_total', 'Looks that found what they wanted.', ({ stats }) => stats.cache.hits],
  ['counter', 'block_cache_misses_total', 'Looks that found nothing.', ({ stats }) => stats.cache.misses],
  ['gauge', 'result_cache_bytes', 'Bytes of leaf results kept for later queries.', ({ stats }) => stats.results.bytes],
  ['gauge', 'result_cache_entries', 'Leaf results kept for later queries.', ({ stats }) => stats.results.entries],
  [
    'counter',
    'result_cache_hits_total',
    'Leaves of range queries that found some of their steps.',
    ({ stats }) => stats.results.hits,
  ],
  [
    'counter',
    'result_cache_misses_total',
    'Leaves of range queries that found none of their steps.',
    ({ stats }) => stats.results.misses,
  ],
  [
    'counter',
    'result_cache_steps_reused_total',
    'Steps that were found and not worked out again.',
    ({ stats }) => stats.results.stepsReused,
  ],
  [
    'gauge',
    'log_replayed_records',
    'Log records that the start replayed behind the image.',
    ({ stats }) => stats.replayedRecords,
  ],
  [
    'gauge',
    'log_damaged_segments',
    'Log segments that were found damaged at the start.',
    ({ stats }) => stats.damage.length,
  ],
  ['counter', 'log_syncs_total', 'Group commits of the log.', ({ log }) => log.syncCount],
  ['counter', 'log_bytes_total', 'Bytes made durable in the log.', ({ log }) => log.bytesSynced],
  ['counter', 'log_failures_total', 'Group commits that failed.', ({ log }) => log.failureCount],
  ['gauge', 'log_segments', 'Segment files of the log.', ({ log }) => log.segmentCount],
  [
    'gauge',
    'log_pending_bytes',
    'Bytes that wait for the log or the shard.',
    ({ log, client }) => log.pendingBytes + client.pendingBytes,
  ],
  [
    'gauge',
    'shard_pending_bytes',
    'Durable bytes that the shard has not applied.',
    ({ client }) => client.pendingBytes,
  ],
  [
    'gauge',
    'shard_apply_lag_seconds',
    'How long the oldest durable group waits to be applied.',
    ({ client, nowMs }) => (client.oldestPendingMs === null ? 0 : (nowMs - client.oldestPendingMs) / 1000),
  ],
  [
    'gauge',
    'intake_dictionary_bytes',
    'Bytes of the dictionary of the open log segment.',
    ({ dictionaryBytes }) => dictionaryBytes,
  ],
  ['gauge', 'exemplars', 'Exemplars kept.', ({ stats }) => stats.exemplars],
  ['gauge', 'exemplar_series', 'Series that have exemplars.', ({ stats }) => stats.exemplarSeries],
  ['gauge', 'exemplar_bytes', 'Bytes of exemplars in the head.', ({ stats }) => stats.exemplarBytes],
  ['counter', 'exemplars_appended_total', 'Since the directory was made.', ({ stats }) => stats.exemplarsAppended],
  [
    'counter',
    'exemplars_duplicate_total',
    'Exemplars that were there already.',
    ({ stats }) => stats.exemplarsDuplicate,
  ],
  [
    'counter',
    'exemplars_out_of_order_total',
    'Exemplars older than the newest of their series.',
    ({ stats }) => stats.exemplarsOutOfOrder,
  ],
  [
    'counter',
    'exemplars_unknown_series_total',
    'Exemplars of series that the head does not have.',
    ({ stats }) => stats.exemplarsUnknown,
  ],
  [
    'counter',
    'exemplars_dropped_total',
    'Exemplars that made room for newer ones.',
    ({ stats }) => stats.exemplarsDropped,
  ],
  [
    'gauge',
    'exemplars_oldest_timestamp_seconds',
    'Time of the exemplar that goes next.',
    ({ stats }) => stats.oldestExemplarMs / 1000,
  ],
];

/** Registers metrics of the store, refreshed whenever the metrics are read. */
export function registerOwnMetrics(metrics: MetricRegistry, database: Database, clock: Clock): void {
  const made = database.shards.map((_, shard) => {
    const labels = { shard: String(shard) };
    const log = database.intake.logs[shard];
    metrics.attach('tidemark_log_sync_seconds', 'Time to write and sync a group of the log.', log.syncSeconds, labels);
    return ROWS.map(([kind, name, help]) => metrics[kind](`tidemark_${name}`, help, labels));
  });
  const exemplarsMax = metrics.gauge('tidemark_exemplars_max', 'Exemplars that all shards keep together.');
  const intakeMemory = metrics.gauge('tidemark_intake_memory_bytes', 'Bytes of memory that the intake has taken.');
  const setThreads = threadGauges(metrics, database.shards.length);
  metrics.beforeRender(async () => {
    exemplarsMax.set(database.exemplarsMax);
    intakeMemory.set(database.kernel.memoryBytes());
    const nowMs = clock.monotonicMs();
    const all = await database.stats();
    setThreads(all);
    for (const [shard, stats] of all.entries()) {
      const dictionaryBytes = database.kernel.dictionaryBytes(shard);
      const state = { stats, dictionaryBytes, log: database.intake.logs[shard], client: database.shards[shard], nowMs };
      for (const [i, [, , , value]] of ROWS.entries()) made[shard][i].value = value(state);
    }
  });
}

/** Memory of the main thread and of those of the shards; returns what sets the gauges. */
function threadGauges(metrics: MetricRegistry, shards: number): (all: readonly ShardReport[]) => void {
  const names = ['main', ...Array.from({ length: shards }, (_, shard) => `shard ${shard}`)];
  const perThread = (name: string, help: string) => names.map((thread) => metrics.gauge(name, help, { thread }));
  const heaps = perThread('tidemark_thread_heap_bytes', 'Bytes of the JavaScript heap of a thread.');
  const externals = perThread('tidemark_thread_external_bytes', 'Bytes of buffers of a thread outside of its heap.');
  return (all) => {
    for (const [i, { heapBytes, externalBytes }] of [threadMemory(), ...all.map(({ thread }) => thread)].entries()) {
      heaps[i].set(heapBytes);
      externals[i].set(externalBytes);
    }
  };
}
