// The metrics of remote write, by the names that dashboards and alerts for Prometheus know.
import type { Histogram, MetricLabels, MetricRegistry } from '../base/index.ts';
import { BATCH_BOUNDS_SECONDS, type DestinationMetrics, type DestinationSettings } from './remote-write-settings.ts';

const PREFIX = 'prometheus_remote_storage_';

type Value = (metrics: DestinationMetrics) => number;
type Row = readonly [kind: 'counter' | 'gauge', name: string, help: string, value: Value, labels?: MetricLabels];

const ROWS: readonly Row[] = [
  ['counter', 'samples_total', 'Samples sent.', (m) => m.samples],
  ['counter', 'histograms_total', 'Native histograms sent.', (m) => m.histograms],
  ['counter', 'exemplars_total', 'Exemplars sent.', (m) => m.exemplars],
  ['counter', 'metadata_total', 'Metadata entries sent.', (m) => m.metadata],
  ['counter', 'samples_failed_total', 'Samples that were refused.', (m) => m.samplesFailed],
  ['counter', 'histograms_failed_total', 'Native histograms that were refused.', (m) => m.histogramsFailed],
  ['counter', 'exemplars_failed_total', 'Exemplars that were refused.', (m) => m.exemplarsFailed],
  ['counter', 'metadata_failed_total', 'Metadata entries that were refused.', (m) => m.metadataFailed],
  ['counter', 'samples_retried_total', 'Samples that had to be sent again.', (m) => m.samplesRetried],
  ['counter', 'metadata_retried_total', 'Metadata entries that had to be sent again.', (m) => m.metadataRetried],
  [
    'counter',
    'samples_dropped_total',
    'Samples that were not sent, by reason.',
    (m) => m.droppedByRelabel,
    { reason: 'dropped_series' },
  ],
  [
    'counter',
    'samples_dropped_total',
    'Samples that were not sent, by reason.',
    (m) => m.droppedTooOld,
    { reason: 'too_old' },
  ],
  ['counter', 'records_unread_total', 'Records of the log that could not be read.', (m) => m.recordsUnread],
  ['counter', 'enqueue_retries_total', 'Samples that found their queue full.', (m) => m.enqueueRetries],
  ['counter', 'bytes_total', 'Compressed bytes of samples.', (m) => m.bytes],
  ['counter', 'metadata_bytes_total', 'Compressed bytes of metadata.', (m) => m.metadataBytes],
  ['gauge', 'samples_pending', 'Samples in the queues.', (m) => m.pending],
  ['gauge', 'shards', 'Queues, each with one request under way.', (m) => m.shards],
  ['gauge', 'shards_desired', 'Queues that would keep up.', (m) => m.shardsDesired],
  ['gauge', 'queue_highest_timestamp_seconds', 'Newest time of a sample read for the queues.', (m) => m.highestSeconds],
  ['gauge', 'queue_highest_sent_timestamp_seconds', 'Newest time of a sample sent.', (m) => m.highestSentSeconds],
];

/** Keeps the metrics of all destinations. */
export interface RemoteMetricsTable {
  configure(destinations: readonly DestinationSettings[]): void;
  update(destinations: readonly DestinationMetrics[]): void;
}

export function registerRemoteMetrics(registry: MetricRegistry): RemoteMetricsTable {
  const latest = new Map<string, DestinationMetrics>();
  const batches = new Map<string, Histogram>();
  let isGlobalKnown = false;
  const configureOne = ({ key, name, url, queue }: DestinationSettings): void => {
    const labels = { remote_name: name, url };
    for (const [kind, metric, help, value, more] of ROWS) {
      const now = () => {
        const found = latest.get(key);
        return found ? value(found) : 0;
      };
      registry.observed(kind, PREFIX + metric, help, now, { ...labels, ...more });
    }
    registry.gauge(`${PREFIX}shards_max`, 'Most queues.', labels).set(queue.maxShards);
    registry.gauge(`${PREFIX}shards_min`, 'Fewest queues.', labels).set(queue.minShards);
    registry.gauge(`${PREFIX}shard_capacity`, 'Samples that a queue holds.', labels).set(queue.capacity);
    registry.gauge(`${PREFIX}max_samples_per_send`, 'Samples of a request.', labels).set(queue.maxSamplesPerSend);
    const batchSeconds = `${PREFIX}sent_batch_duration_seconds`;
    batches.set(
      key,
      registry.histogram(batchSeconds, 'Time to send a batch, repeats included.', BATCH_BOUNDS_SECONDS, labels),
    );
  };
  return {
    configure(destinations) {
      for (const destination of destinations) configureOne(destination);
      if (isGlobalKnown) return;
      isGlobalKnown = true;
      const highest = () => Math.max(0, ...Array.from(latest.values(), ({ highestSeconds }) => highestSeconds));
      registry.observed('gauge', `${PREFIX}highest_timestamp_in_seconds`, 'Newest time of a logged sample.', highest);
    },
    update(destinations) {
      for (const metrics of destinations) {
        latest.set(metrics.key, metrics);
        const histogram = batches.get(metrics.key);
        if (!histogram) continue;
        histogram.counts.set(metrics.batchSeconds.counts);
        histogram.sum = metrics.batchSeconds.sum;
      }
    },
  };
}
