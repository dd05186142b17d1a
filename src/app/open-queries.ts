// The query side as a server opens it: the worker, with its journal, logs and metrics, and the endpoints of remote read.
import { LATENCY_BOUNDS_SECONDS, type Logger, type MetricRegistry, errorText } from '../base/index.ts';
import { type Config, type FlagValues, enabledFeatures, exemplarsMax } from '../config/index.ts';
import type { World } from '../io/index.ts';
import type { Database } from './database.ts';
import { QueryClient } from './query-client.ts';
import { QueryJournal } from './query-journal.ts';
import type { QueryLog } from './query-log.ts';
import type { EngineSettings } from './query-protocol.ts';
import type { RemoteReadRole } from './remote-read-role.ts';

/** How often it is looked up from when on the local store has everything. */
const LOOK_MS = 60_000;
/** A store has everything only some time after its first sample: as Prometheus, two blocks of two hours. */
const START_MARGIN_MS = 4 * 3_600_000;

export interface OpenQueriesParts {
  readonly flags: FlagValues;
  readonly config: Config;
  readonly database: Database;
  /** Of the data directory. */
  readonly world: World;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  readonly queryLog: QueryLog;
  readonly remoteReads: RemoteReadRole;
  readonly onDeath: (error: Error) => void;
}

/** Settings of the engine by flags and configuration. */
export const engineSettings = (flags: FlagValues, config: Config, remoteReads: RemoteReadRole): EngineSettings => ({
  lookbackMs: flags['query.lookback-delta'],
  timeoutMs: flags['query.timeout'],
  maxSamples: flags['query.max-samples'],
  maxConcurrency: flags['query.max-concurrency'],
  defaultStepMs: config.global.evaluationIntervalMs,
  features: enabledFeatures(flags),
  keepsExemplars: exemplarsMax(config.storage, enabledFeatures(flags)) > 0,
  queryBytesMax: flags['query.max-bytes'],
  totalBytesMax: flags['query.max-total-bytes'],
  remoteReads: remoteReads.settings,
});

/** Opens the query side over a database. */
export async function openQueries(parts: OpenQueriesParts): Promise<QueryClient> {
  const { flags, config, database, world, logger, metrics, queryLog, remoteReads, onDeath } = parts;
  const queries = new QueryClient({
    shards: database.shards,
    settings: engineSettings(flags, config, remoteReads),
    logger,
    clock: world.clock,
    journal: await QueryJournal.open({ ...world, logger, refuseMs: flags['query.refuse-after-crash'] }),
    remoteReads,
    queryLog,
    slowMs: flags['query.slow-log-threshold'],
    queueSeconds: metrics.histogram(
      'tidemark_query_queue_seconds',
      'Time queries waited for a slot.',
      LATENCY_BOUNDS_SECONDS,
    ),
    runSeconds: metrics.histogram('tidemark_query_run_seconds', 'Time queries ran.', LATENCY_BOUNDS_SECONDS),
    countByStatus: (status) =>
      metrics.counter('tidemark_queries_total', 'Queries that ended, by status of their answer.', {
        code: String(status),
      }),
    onDeath,
  });
  const look = async (): Promise<void> => {
    if (remoteReads.isStopped) return;
    try {
      if (remoteReads.settings.length > 0) queries.setLocalFrom(await localFromMs(database));
    } catch (error) {
      logger.warn('cannot tell where the store begins', { error: errorText(error) });
    }
    world.clock.after(LOOK_MS, () => void look());
  };
  await look();
  return queries;
}

/** Times from here on are in the local store. */
async function localFromMs(database: Database): Promise<number> {
  const times = (await database.stats()).flatMap(({ minMs, blockMinMs }) => [minMs, blockMinMs]);
  const known = times.filter((ms) => ms !== null);
  return known.length === 0 ? Number.MAX_SAFE_INTEGER : Math.min(...known) + START_MARGIN_MS;
}
