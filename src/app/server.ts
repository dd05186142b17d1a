// The one-process server: wires store, queries, scraping and HTTP, and stops them in reverse order.
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  AccessTable,
  type ApiServer,
  type ApiServices,
  type WriteService,
  WebProtection,
  createApiServer,
  parseListenAddress,
} from '../api/index.ts';
import { type Logger, MetricRegistry, TidemarkError, errorText } from '../base/index.ts';
import {
  type Config,
  type FlagValues,
  configChanges,
  exemplarsMax,
  effectiveRetention,
  enabledFeatures,
  flagTexts,
  hostFiles,
  printConfig,
} from '../config/index.ts';
import { type Clock, createRealWorld, filesystemSpace, freshFiles } from '../io/index.ts';
import { parseSelector } from '../promql/index.ts';
import type { Retention } from '../tsdb/index.ts';
import { createAdminService } from './admin-service.ts';
import { AgentStore } from './agent-store.ts';
import {
  type ConfigurationOptions,
  configurationStamp,
  readConfiguration,
  warnOfUnsupported,
} from './configuration.ts';
import { refuseInAgent } from './check-config.ts';
import { Database, type ReplayProgress } from './database.ts';
import { FailureLogs } from './failure-logs.ts';
import { HostExporter } from './host-exporter.ts';
import { createInfluxService } from './influx-service.ts';
import { Limits } from './limits.ts';
import { blocksStatus } from './blocks-status.ts';
import { DeltaStreams } from './otlp-cumulative.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { createOtlpService } from './otlp-service.ts';
import { registerOwnMetrics } from './own-metrics.ts';
import { engineSettings, openQueries } from './open-queries.ts';
import type { QueryClient } from './query-client.ts';
import { QueryLog } from './query-log.ts';
import { RemoteReadRole } from './remote-read-role.ts';
import { RemoteWriteRole } from './remote-write-role.ts';
import { Notifications } from './notifications.ts';
import { RulesRole } from './rules-role.ts';
import { ScrapeRole } from './scrape-role.ts';
import {
  agentRetention,
  buildInfo,
  diskBytes,
  featuresOf,
  observeServer,
  routePrefix,
  runtimeInfo,
  sendsExemplars,
  sortedLabels,
} from './server-facts.ts';
import { countWritten, createWriteService } from './write-service.ts';

export interface ServerOptions {
  readonly flags: FlagValues;
  readonly isConfigNamed: boolean;
  readonly logger: Logger;
  /** The process shall end: by request, or because it cannot go on. */
  readonly onQuit: (error: Error | null) => void;
}

/** Prometheus' words where it has any. */
const RELOAD_FAILED = 'Configuration reload has failed.';
const STARTING = 'Tidemark is starting and reading its log.';
const STOPPING = 'Tidemark is shutting down and gracefully stopping all operations.';

export class Server {
  readonly #options: ServerOptions;
  readonly #metrics = new MetricRegistry();
  readonly #clock: Clock;
  #configuration: ConfigurationOptions;
  readonly #startedMs: number;
  #config!: Config;
  #configLoadedMs = 0;
  /** Of the file system that the data is on. */
  #diskBytes = 0;
  #isReloadGood = true;
  #reloading: Promise<void> = Promise.resolve();
  #isStopping = false;
  #database: Database | null = null;
  #agent: AgentStore | null = null;
  #queries: QueryClient | null = null;
  #scrape: ScrapeRole | null = null;
  #rules: RulesRole | null = null;
  #remoteWrite: RemoteWriteRole | null = null;
  #access: AccessTable | null = null;
  #limits!: Limits;
  #servers: ApiServer[] = [];
  #replay: ReplayProgress = { min: 0, max: 0, current: 0 };
  readonly #hostExporter: HostExporter;
  readonly #notifications: Notifications;
  readonly #queryLog: QueryLog;
  readonly #failureLogs: FailureLogs;
  readonly #remoteReads: RemoteReadRole;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { clock, files } = createRealWorld('/');
    this.#clock = clock;
    this.#hostExporter = new HostExporter({ files, clock, logger: options.logger, filesystemSpace });
    this.#queryLog = new QueryLog({ files, clock, logger: options.logger });
    this.#failureLogs = new FailureLogs({ files, clock, logger: options.logger });
    this.#startedMs = clock.nowMs();
    const readFiles = hostFiles(files, process.cwd());
    this.#remoteReads = new RemoteReadRole({ clock, logger: options.logger, metrics: this.#metrics, files: readFiles });
    this.#notifications = new Notifications(clock, options.flags['web.max-notifications-subscribers']);
    const [address] = options.flags['web.listen-address'];
    this.#configuration = {
      file: options.flags['config.file'],
      isNamed: options.isConfigNamed,
      port: parseListenAddress(address).port,
      files: readFiles,
      env: process.env,
    };
  }

  /** Starts everything; resolves with the addresses once queries are answered. */
  async start(): Promise<string[]> {
    const { flags, logger } = this.#options;
    this.#config = await readConfiguration(this.#configuration);
    this.#access = await AccessTable.load(this.#config.tidemark.access, this.#configuration.files.readFile);
    this.#configLoadedMs = this.#clock.nowMs();
    this.#limits = new Limits({ clock: this.#clock, metrics: this.#metrics, config: this.#config.tidemark });
    const features = enabledFeatures(flags);
    warnOfUnsupported(this.#config, features, logger);
    await this.#queryLog.configure(this.#config.global.queryLogFile);
    if (flags.agent) refuseInAgent(this.#config);
    else this.#rules = this.#rulesRole();
    const rules = await this.#rules?.load(this.#config);
    this.#notifications.begin(STARTING);
    const urls = await this.#listen();
    if (this.#configuration.port === 0) await this.#usePort(Number(new URL(urls[0]).port));
    const directory = flags[flags.agent ? 'storage.agent.path' : 'storage.tsdb.path'];
    const onDeath = (error: Error) => this.#options.onQuit(error);
    if (flags.agent) this.#agent = await this.#openAgent(directory);
    else await this.#openDatabase(directory, onDeath);
    this.#remoteWrite = new RemoteWriteRole({
      directory,
      logEnds: () => this.#store.intake.logs.map(({ end }) => end),
      isAgent: flags.agent,
      clock: this.#clock,
      logger,
      metrics: this.#metrics,
      files: this.#configuration.files,
      flushDeadlineMs: flags['storage.remote.flush-deadline'],
      metadata: () => this.#scrape?.metadata() ?? [],
      onDeath,
    });
    this.#remoteWrite.apply(this.#config);
    this.#scrape = new ScrapeRole({
      intake: this.#store.intake,
      kernel: this.#store.kernel,
      limits: this.#limits,
      clock: this.#clock,
      logger,
      metrics: this.#metrics,
      offsetSeed: hostname(),
      files: this.#configuration.files,
      starts: { stored: features.includes('st-storage'), zeros: features.includes('created-timestamp-zero-ingestion') },
      failureLogs: this.#failureLogs,
    });
    await this.#scrape.apply(this.#config);
    if (rules) await this.#rules?.apply(this.#config, rules);
    registerProcessMetrics(this.#metrics, this.#configuration.files, this.#startedMs);
    observeServer(this.#metrics, () => ({
      isReloadGood: this.#isReloadGood,
      loadedMs: this.#configLoadedMs,
      subscribers: this.#notifications.subscriberCount,
      queries: this.#queries?.running ?? 0,
    }));
    this.#notifications.end(STARTING);
    this.#limits.observe(this.#store.kernel);
    if (flags['config.auto-reload']) this.#reloadOnChange();
    return urls;
  }

  /** The port that was found where the flag says 0: the built-in configuration scrapes it. */
  async #usePort(port: number): Promise<void> {
    this.#configuration = { ...this.#configuration, port };
    this.#config = await readConfiguration(this.#configuration);
  }

  async #openAgent(directory: string): Promise<AgentStore> {
    const { flags, logger } = this.#options;
    const agent = await AgentStore.open({
      world: createRealWorld(directory),
      logger,
      metrics: this.#metrics,
      isLocked: !flags['storage.agent.no-lockfile'],
      retention: agentRetention(flags),
      donePositions: () => this.#remoteWrite?.donePositions() ?? null,
    });
    agent.takeExemplars(sendsExemplars(this.#config));
    return agent;
  }

  async #openDatabase(directory: string, onDeath: (error: Error) => void): Promise<void> {
    const { flags, logger } = this.#options;
    const isLocked = !flags['storage.tsdb.no-lockfile'];
    const world = createRealWorld(directory);
    this.#diskBytes = await diskBytes(directory);
    const retention = effectiveRetention(flags, this.#config, this.#diskBytes);
    const resultCacheBytes = flags['query.result-cache-bytes'];
    const options = { world, directory, logger, isLocked, retention, resultCacheBytes, onDeath };
    this.#database = await Database.open(options, (replay) => {
      this.#replay = replay;
    });
    this.#database.keepExemplars(exemplarsMax(this.#config.storage, enabledFeatures(flags)));
    this.#remoteReads.apply(this.#config);
    this.#queries = await openQueries({
      flags,
      config: this.#config,
      database: this.#database,
      world,
      logger,
      metrics: this.#metrics,
      queryLog: this.#queryLog,
      remoteReads: this.#remoteReads,
      onDeath,
    });
    registerOwnMetrics(this.#metrics, this.#database, this.#clock);
  }

  /** Where samples go. */
  get #store(): Pick<Database, 'intake' | 'kernel'> {
    return (this.#agent ?? this.#database) as Pick<Database, 'intake' | 'kernel'>;
  }

  /** Stops in reverse order: no more requests, no more scrapes, then the store. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#notifications.begin(STOPPING);
    await this.#rules?.stop();
    await this.#scrape?.stop();
    this.#notifications.close();
    await Promise.all(this.#servers.map((server) => server.stop()));
    await this.#remoteWrite?.stop();
    await this.#queries?.stop();
    await this.#remoteReads.stop();
    await this.#database?.close();
    await this.#agent?.close();
    await Promise.all([this.#queryLog.close(), this.#failureLogs.close()]);
  }

  /** Loads the configuration again, one time after the other; if it is refused, the one before stays. */
  reload(): Promise<void> {
    const done = this.#reloading.then(() => this.#reload());
    this.#reloading = done.catch(() => {}); // who asked hears of it
    return done;
  }

  async #reload(): Promise<void> {
    try {
      const config = await readConfiguration(this.#configuration);
      if (this.#options.flags.agent) refuseInAgent(config);
      const access = await AccessTable.load(config.tidemark.access, this.#configuration.files.readFile);
      const rules = await this.#rules?.load(config);
      const changes = configChanges(this.#config, config);
      await Promise.all([this.#queryLog.configure(config.global.queryLogFile), this.#failureLogs.reopen()]);
      await this.#scrape?.apply(config);
      this.#access = access;
      this.#remoteWrite?.apply(config);
      if (this.#limits.apply(config.tidemark)) this.#store.intake.beginSegments();
      this.#config = config;
      this.#database?.retain(this.#retention);
      this.#database?.keepExemplars(exemplarsMax(config.storage, enabledFeatures(this.#options.flags)));
      this.#agent?.takeExemplars(sendsExemplars(config));
      this.#write = undefined; // it knows the retention
      this.#configLoadedMs = this.#clock.nowMs();
      this.#isReloadGood = true;
      this.#notifications.end(RELOAD_FAILED);
      warnOfUnsupported(config, enabledFeatures(this.#options.flags), this.#options.logger);
      this.#remoteReads.apply(config);
      this.#queries?.configure(engineSettings(this.#options.flags, config, this.#remoteReads));
      if (rules) await this.#rules?.apply(config, rules);
      this.#options.logger.info('configuration loaded', {
        file: this.#configuration.file,
        changes: changes.join(', '),
      });
    } catch (error) {
      this.#isReloadGood = false;
      this.#notifications.begin(RELOAD_FAILED);
      this.#options.logger.error('configuration not loaded', { error: errorText(error) });
      throw error;
    }
  }

  /** Looks at the configuration's files now and then (--config.auto-reload) and loads them when their contents changed. */
  #reloadOnChange(): void {
    let before: string | null = null;
    const look = async () => {
      const now = await configurationStamp(this.#configuration, this.#config);
      if (before !== null && now !== before) await this.reload().catch(() => {}); // it has been logged
      before = now;
      if (!this.#isStopping) this.#clock.after(this.#options.flags['config.auto-reload-interval'], () => void look());
    };
    void look();
  }

  async #listen(): Promise<string[]> {
    const { flags, logger } = this.#options;
    const services = this.#services();
    const urls: string[] = [];
    const clock = this.#clock;
    const file = flags['web.config.file'];
    const protection = file === '' ? undefined : new WebProtection({ file, files: freshFiles, clock, logger });
    for (const address of flags['web.listen-address']) {
      const { host, port } = parseListenAddress(address);
      const server = await createApiServer({
        services,
        clock,
        protection,
        access: () => this.#access,
        writeMessages: flags['web.remote-write-receiver.accepted-protobuf-messages'],
        logger,
        metrics: this.#metrics,
        pageFiles: createRealWorld(fileURLToPath(new URL('../../build/ui', import.meta.url))).files,
        corsOrigin: flags['web.cors.origin'],
        routePrefix: routePrefix(flags),
        isAgent: flags.agent,
        isLifecycleEnabled: flags['web.enable-lifecycle'],
        readTimeoutMs: flags['web.read-timeout'],
        connectionsMax: flags['web.max-connections'],
      });
      let bound: string;
      try {
        bound = new URL(await server.start(host, port)).port || String(port); // of port 0, the one that was found
      } catch (error) {
        const fact = (error as { code?: string }).code === 'EADDRINUSE' ? 'the port is taken' : errorText(error);
        throw new TidemarkError('listen_failed', `cannot listen on ${address}: ${fact}`, { cause: error });
      }
      this.#servers.push(server);
      urls.push(
        `${protection?.serverOptions ? 'https' : 'http'}://${host === '0.0.0.0' || host === '::' ? 'localhost' : host}:${bound}${routePrefix(flags)}/`,
      );
    }
    return urls;
  }

  get #retention(): Retention {
    return effectiveRetention(this.#options.flags, this.#config, this.#diskBytes);
  }

  /** Older samples are refused. */
  get #acceptedAgeMs(): number {
    return (this.#agent ? 0 : this.#retention.timeMs) || Number.MAX_SAFE_INTEGER / 2;
  }

  get #isReady(): boolean {
    return (this.#queries ?? this.#agent) !== null && !this.#isStopping;
  }

  #services(): ApiServices {
    const { flags, logger } = this.#options;
    const onResult = countWritten(this.#metrics);
    const write: WriteService = {
      write: (tenant, version, body) => {
        const service = (this.#write ??= createWriteService({
          intake: this.#store.intake,
          clock: this.#clock,
          logger,
          retentionMs: this.#acceptedAgeMs,
          limits: this.#limits,
          onResult,
        }));
        return service.write(tenant, version, body);
      },
    };
    return {
      query: {
        query: (request, signal, accepted) => (this.#queries as QueryClient).query(request, signal, accepted),
      },
      active: {
        list: (tenant) => (this.#queries as QueryClient).list(tenant),
        cancel: (tenant, id) => (this.#queries as QueryClient).cancel(tenant, id),
      },
      write: flags['web.enable-remote-write-receiver'] ? write : null,
      otlp: flags['web.enable-otlp-receiver']
        ? createOtlpService({
            write,
            deltas: enabledFeatures(flags).includes('otlp-deltatocumulative') ? new DeltaStreams(this.#clock) : null,
            settings: () => ({
              config: this.#config.otlp,
              acceptsDeltas: enabledFeatures(flags).includes('otlp-native-delta-ingestion'),
              storesStarts: enabledFeatures(flags).includes('st-storage'),
              lookbackMs: flags['query.lookback-delta'],
            }),
            rejectedPoints: this.#metrics.counter(
              'tidemark_otlp_points_rejected_total',
              'Data points of OTLP that have no form here.',
            ),
          })
        : null,
      influx: createInfluxService(write, this.#clock),
      bulk: {
        externalLabels: () => sortedLabels(this.#config.global.externalLabels),
        readSamplesMax: flags['storage.remote.read-sample-limit'],
        readConcurrencyMax: flags['storage.remote.read-concurrent-limit'],
        readFrameBytesMax: flags['storage.remote.read-max-bytes-in-frame'],
      },
      search: enabledFeatures(flags).includes('search-api') ? { limitMax: flags['web.search.max-limit'] } : null,
      targets: {
        active: () => this.#scrape?.active() ?? [],
        dropped: () => this.#scrape?.dropped() ?? [],
        droppedCounts: () => this.#scrape?.droppedCounts() ?? {},
        scrapePools: () => this.#scrape?.scrapePools() ?? [],
        metadata: () => this.#scrape?.metadata() ?? [],
        pool: (name) => this.#scrape?.pool(name) ?? null,
      },
      status: {
        buildInfo,
        runtimeInfo: () => this.#runtimeInfo(),
        configYaml: () => printConfig(this.#config),
        flags: () => flagTexts(flags),
        tsdb: (tenant, limit) => (this.#queries as QueryClient).tsdb(tenant, limit),
        blocks: async () => blocksStatus(await (this.#database as Database).stats()),
        walReplay: () => this.#replay,
        notifications: this.#notifications,
        features: () => featuresOf(flags),
      },
      lifecycle: {
        ready: () => this.#isReady,
        stopping: () => this.#isStopping,
        reload: () => this.reload(),
        quit: () => this.#options.onQuit(null),
        flush: () => (this.#database as Database).flush(),
        admin: () =>
          flags['web.enable-admin-api'] ? createAdminService(this.#database as Database, createRealWorld('.')) : null,
        hostMetrics: () => this.#hostExporter.render(),
      },
      rules: {
        groups: (filter) => this.#rules?.groups(filter) ?? { groups: [], groupNextToken: '' },
        alerts: (tenant) => this.#rules?.alerts(tenant) ?? [],
        alertmanagers: () => this.#rules?.alertmanagers() ?? { active: [], dropped: [] },
      },
      parseSelector,
    };
  }

  #write: ReturnType<typeof createWriteService> | undefined;

  #rulesRole(): RulesRole {
    const written = this.#metrics.counter('tidemark_rule_samples_written_total', 'Samples that rules have written.');
    return new RulesRole({
      queries: { query: (...request) => (this.#queries as QueryClient).query(...request) },
      write: {
        write: (tenant, version, body) =>
          createWriteService({
            intake: (this.#database as Database).intake,
            clock: this.#clock,
            logger: this.#options.logger,
            retentionMs: this.#acceptedAgeMs,
            limits: this.#limits,
            onResult: (counters) => written.add(counters.samples),
          }).write(tenant, version, body),
      },
      clock: this.#clock,
      logger: this.#options.logger,
      metrics: this.#metrics,
      files: this.#configuration.files,
      flags: this.#options.flags,
      port: this.#configuration.port,
    });
  }

  #runtimeInfo(): Record<string, string | number | boolean> {
    return runtimeInfo({
      startedMs: this.#startedMs,
      nowMs: this.#clock.nowMs(),
      isReloadGood: this.#isReloadGood,
      configLoadedMs: this.#configLoadedMs,
      damageCount: this.#database?.shards.reduce((sum, { damageCount }) => sum + damageCount, 0) ?? 0,
      threads: this.#database?.shards.length ?? 0,
      retention: this.#retention,
    });
  }
}
