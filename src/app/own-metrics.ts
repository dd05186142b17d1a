// Own metrics that are read off the store when they are asked for. What the rules, the notifier, discovery and remote
// write say of themselves has Prometheus' names, so that dashboards for those keep working.
import type { MetricRegistry } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import type { SegmentLog, ShardStats } from '../tsdb/index.ts';
import type { Database } from './database.ts';
import type { ShardClient } from './shard-client.ts';

/** All that is known of one shard. */
interface ShardState {
  readonly stats: ShardStats;
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
  metrics.beforeRender(async () => {
    exemplarsMax.set(database.exemplarsMax);
    const nowMs = clock.monotonicMs();
    for (const [shard, stats] of (await database.stats()).entries()) {
      const state = { stats, log: database.intake.logs[shard], client: database.shards[shard], nowMs };
      for (const [i, [, , , value]] of ROWS.entries()) made[shard][i].value = value(state);
    }
  });
}
