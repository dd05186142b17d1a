// What the HTTP door needs from the rest of the process, as interfaces. app/ implements them. All that crosses here is plain
// data, so that queries can go to a worker thread and come back as bytes: nothing is parsed, executed or encoded on the
// thread that accepts writes.
import type { MetricLabels } from '../base/index.ts';
import type { Matcher, NameScheme, RelabelConfig } from '../model/index.ts';
import type { NameEscaping, ReadRequestMessage } from '../wire/index.ts';
import type { Coding } from './compress.ts';
import type { SearchRequest } from './search-answer.ts';

/** `stats` of a query: none, totals, or totals and per-step counts. */
export type StatsLevel = 'none' | 'basic' | 'all';

/** What instant and range queries share. */
export interface ExpressionRequest {
  readonly tenant: string;
  readonly query: string;
  /** Null: the server's own (flag --query.timeout). */
  readonly timeoutMs: number | null;
  /** Series in the answer at most; 0: no limit. */
  readonly limit: number;
  /** Null: the server's own (flag --query.lookback-delta). */
  readonly lookbackMs: number | null;
  readonly stats: StatsLevel;
  /** The plan with what it costs in the answer; only: in place of the result, nothing is evaluated. */
  readonly explain: 'none' | 'run' | 'only';
  /** Bypass every result cache. */
  readonly noCache: boolean;
}

/** An expression at one time. */
export interface InstantRequest extends ExpressionRequest {
  readonly kind: 'instant';
  readonly timeMs: number;
}

/** An expression at startMs, startMs + stepMs, ... up to endMs. */
export interface RangeRequest extends ExpressionRequest {
  readonly kind: 'range';
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** Series, label names or values of one label. `matches` are selectors as written. */
export interface ListingRequest {
  readonly kind: 'series' | 'labels' | 'labelValues';
  readonly tenant: string;
  readonly matches: readonly string[];
  /** MIN_TIME_MS and MAX_TIME_MS where the request names no time. */
  readonly startMs: number;
  readonly endMs: number;
  readonly limit: number;
  /** The label of `labelValues`, else ''. */
  readonly name: string;
}

/** Exemplars of the series an expression selects. */
export interface ExemplarsRequest {
  readonly kind: 'exemplars';
  readonly tenant: string;
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Pretty print (format) or the syntax tree (parse). */
export interface TextRequest {
  readonly kind: 'format' | 'parse';
  readonly query: string;
}

/** Newest samples of the series that any of the selectors chooses, in a format for scrapers. */
export interface FederateRequest {
  readonly kind: 'federate';
  readonly tenant: string;
  /** Selectors as written. */
  readonly matches: readonly string[];
  /** Samples are at most the lookback older. */
  readonly timeMs: number;
  readonly format: 'text' | 'protobuf';
  readonly escaping: NameEscaping;
  /** Added to series that lack them, sorted by name; values may be empty. */
  readonly externalLabels: readonly (readonly [name: string, value: string])[];
}

/** Remote read: raw samples of series. */
export interface ReadRequest extends ReadRequestMessage {
  readonly kind: 'read';
  readonly tenant: string;
  /** Added to series that lack them; matchers that ask for just these are left out. */
  readonly externalLabels: readonly (readonly [name: string, value: string])[];
  /** Samples in an answer of type `samples`; 0: no limit. */
  readonly samplesMax: number;
  /** Of a frame in an answer of type `chunks`, about. */
  readonly frameBytesMax: number;
}

/** An instant query of the rules: the answer is for this process only (app/rules-answer.ts). */
export interface RuleRequest {
  readonly kind: 'rule';
  readonly tenant: string;
  readonly query: string;
  readonly timeMs: number;
  /** Null: the server's own. */
  readonly lookbackMs: number | null;
}

/** Requests whose answers are no JSON; errors are plain text. */
export type BulkRequest = FederateRequest | ReadRequest;

/** Requests that are answered with the API's envelope. */
export type JsonRequest =
  | InstantRequest
  | RangeRequest
  | ListingRequest
  | ExemplarsRequest
  | TextRequest
  | SearchRequest;

/** A request to the query side: plain data, crosses threads. */
export type QueryRequest = JsonRequest | BulkRequest | RuleRequest;

/** The whole answer, envelope included. */
export interface QueryResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Long ones come in chunks. */
  readonly body: Uint8Array | BodyStream;
  /** What the body is compressed with already. */
  readonly coding?: Coding | null;
}

/**
 * A body that comes in chunks, to be read once. The iterator throws when the rest cannot come any more (its maker died, the request
 * was aborted): the connection must then be broken off, so that nobody takes the beginning for all.
 */
export interface BodyStream extends AsyncIterable<BodyChunk> {
  /** All bytes; null: not known before the end. */
  readonly length: number | null;
}

/** Bytes in memory that is used again: they may be read until release() is called, and no more come unless it is called. */
export interface BodyChunk {
  readonly parts: readonly Uint8Array[];
  release(): void;
}

/** The query side. */
export interface QueryService {
  /**
   * Never rejects for what a user did; aborting the signal cancels the query wherever it is, and the sending of its answer.
   * `accepted`: what the client lets the body be compressed with.
   */
  query(request: QueryRequest, signal: AbortSignal, accepted: Coding | null): Promise<QueryResponse>;
}

/** A query under way. */
export interface ActiveQuery {
  readonly id: number;
  readonly tenant: string;
  /** What was asked: instant, range, series, labels, ... */
  readonly kind: QueryRequest['kind'];
  /** The expression, or selectors. */
  readonly query: string;
  /** When it came. */
  readonly started: string;
  readonly seconds: number;
  /** Waiting for its turn, at work, or its answer on the way. */
  readonly state: 'waiting' | 'running' | 'sending';
  /** So far; samples and series of leaves that are done. */
  readonly samplesRead: number;
  readonly seriesRead: number;
  readonly bytes: number;
  readonly peakBytes: number;
}

/** The queries of a tenant that are under way. */
export interface ActiveQueries {
  list(tenant: string): Promise<readonly ActiveQuery[]>;
  /** false: there is none of that number. Who waits for it gets an error. */
  cancel(tenant: string, id: number): boolean;
}

/** Version of the remote write protocol. */
export type WriteVersion = 1 | 2;

/** What became of a remote write body. */
export interface WriteResult {
  /**
   * accepted: all that could be stored is durable; `rejected` may still count bad samples. malformed: nothing was stored.
   * busy: the log cannot take it now (slow or full disk). limited: the tenant is over a limit. failed: our fault.
   */
  readonly outcome: 'accepted' | 'malformed' | 'busy' | 'limited' | 'failed';
  readonly samplesWritten: number;
  readonly histogramsWritten: number;
  readonly exemplarsWritten: number;
  readonly rejected: number;
  /** The first rejection, or why nothing was stored; '' if there is nothing to say. */
  readonly reason: string;
  /** For busy and limited. */
  readonly retryAfterSeconds: number;
}

/** The write side. */
export interface WriteService {
  /** `body` is the compressed message and belongs to the callee. Resolves once the log is durable. */
  write(tenant: string, version: WriteVersion, body: Uint8Array): Promise<WriteResult>;
}

/** Encoding of an OTLP body. */
export type OtlpFormat = 'protobuf' | 'json';

/** What became of an OTLP body: of what could be translated, and of what could not. */
export interface OtlpAnswer {
  readonly result: WriteResult;
  readonly rejectedPoints: number;
  readonly reason: string;
}

/** OpenTelemetry metrics in. */
export interface OtlpService {
  /** Throws TidemarkError `bad_data` for a body that cannot be read. */
  push(tenant: string, format: OtlpFormat, body: Uint8Array): Promise<OtlpAnswer>;
}

/** Line protocol of InfluxDB in. */
export interface InfluxService {
  /** `precision`: as in the request; '' is its default. Throws TidemarkError `bad_data` for what is wrong with the request. */
  push(tenant: string, body: Uint8Array, options: InfluxOptions): Promise<InfluxAnswer>;
}

/** Parameters of a write. */
export interface InfluxOptions {
  readonly precision: string;
  /** Database or bucket; '': none. */
  readonly database: string;
}

/** What became of the lines: those that could be read are stored. */
export interface InfluxAnswer {
  readonly result: WriteResult;
  readonly badLines: number;
  /** Of the first bad line. */
  readonly reason: string;
}

/** A scraped target in the form of the API. */
export interface ActiveTarget {
  readonly discoveredLabels: MetricLabels;
  readonly labels: MetricLabels;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly globalUrl: string;
  readonly lastError: string;
  /** 0: not yet. */
  readonly lastScrapeMs: number;
  readonly lastScrapeDurationSeconds: number;
  readonly health: 'up' | 'down' | 'unknown';
  /** As durations are written in the configuration: `15s`. */
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
}

/** A target that relabelling dropped. */
export interface DroppedTarget {
  readonly discoveredLabels: MetricLabels;
  readonly scrapePool: string;
}

/** What a target says about a metric. */
export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** One target's metadata of one metric. */
export interface TargetMetadata extends MetricMetadata {
  readonly target: MetricLabels;
  readonly metric: string;
}

/** What is scraped. */
export interface TargetsService {
  active(): readonly ActiveTarget[];
  dropped(): readonly DroppedTarget[];
  /** How many targets each pool dropped, also those that are no longer kept. */
  droppedCounts(): Readonly<Record<string, number>>;
  scrapePools(): readonly string[];
  /** All targets' metadata, target by target. */
  metadata(): Iterable<TargetMetadata>;
  /** The settings of a scrape pool; null: there is none of that name. */
  pool(name: string): ScrapePoolView | null;
}

/** What can be looked at of a scrape pool's settings. */
export interface ScrapePoolView {
  /** The job as a configuration file would have it, secrets hidden. */
  yaml(): string;
  readonly relabelConfigs: readonly RelabelConfig[];
  readonly nameScheme: NameScheme;
}

/** Something that whoever looks after the server should know. */
export interface Notification {
  readonly text: string;
  readonly date: string;
  readonly active: boolean;
}

/** Somebody who wants to hear of notifications. */
export interface NotificationListener {
  readonly next: (notification: Notification) => void;
  /** No more will come. */
  readonly end: () => void;
}

/** Notifications that are so now, and their changes. */
export interface NotificationsService {
  list(): readonly Notification[];
  /** Tells the listener what is so, then what changes. Returns a function that ends it; null: there are too many listeners. */
  subscribe(listener: NotificationListener): (() => void) | null;
}

/** Of status/buildinfo and /version. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildUser: string;
  readonly buildDate: string;
  /** Clients expect the key; ours is the runtime's version. */
  readonly goVersion: string;
}

/** An entry of a list of the largest. */
export interface NameCount {
  readonly name: string;
  readonly value: number;
}

/** Counts of the head. */
export interface TsdbStatus {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs: number;
    readonly chunkCount: number;
    readonly minTime: number;
    readonly maxTime: number;
  };
  readonly seriesCountByMetricName: readonly NameCount[];
  readonly labelValueCountByLabelName: readonly NameCount[];
  readonly memoryInBytesByLabelName: readonly NameCount[];
  readonly seriesCountByLabelValuePair: readonly NameCount[];
}

/** The process' state. */
export interface StatusService {
  buildInfo(): BuildInfo;
  /** startTime, CWD, hostname, serverTime, reloadConfigSuccess, lastConfigTime, corruptionCount, storageRetention, ... */
  runtimeInfo(): Readonly<Record<string, string | number | boolean>>;
  /** The loaded configuration with secrets hidden. */
  configYaml(): string;
  flags(): Readonly<Record<string, string>>;
  /** The `limit` largest of each list. */
  tsdb(tenant: string, limit: number): Promise<TsdbStatus>;
  /** Block files in the shape of Prometheus' block metas; those that are damaged beside them. */
  blocks(): Promise<object>;
  /** Progress of reading the log's tail at start; answered before the process is ready. */
  walReplay(): { readonly min: number; readonly max: number; readonly current: number };
  readonly notifications: NotificationsService;
  /** By category, then name. */
  features(): Readonly<Record<string, Readonly<Record<string, boolean>>>>;
}

/** Readiness, reload, stop and maintenance. */
export interface LifecycleService {
  ready(): boolean;
  stopping(): boolean;
  /** Loads the configuration again. Rejects with the reason if it is refused. */
  reload(): Promise<void>;
  /** Begins an orderly stop. */
  quit(): void;
  /** Moves the whole head into blocks and compacts. */
  flush(): Promise<void>;
  /** Null unless --web.enable-admin-api. */
  admin(): AdminService | null;
  /** Text format of this machine's metrics; null where there is no host exporter. */
  hostMetrics(): Promise<string> | string | null;
}

/** Changes to what is stored. */
export interface AdminService {
  /** Deletes what the series that match any of the sets have from startMs to endMs, both included. */
  deleteSeries(
    tenant: string,
    matcherSets: readonly (readonly Matcher[])[],
    startMs: number,
    endMs: number,
  ): Promise<void>;
  /** Frees the disk of what was deleted. */
  cleanTombstones(): Promise<void>;
  /** Copies the store to snapshots/<name> of the data directory; returns the name. */
  snapshot(isHeadSkipped: boolean): Promise<string>;
}

/** What federation and remote read add and bound, by the current configuration. */
export interface BulkService {
  /** global.external_labels, sorted by name. */
  externalLabels(): readonly (readonly [name: string, value: string])[];
  /** --storage.remote.read-sample-limit; 0: none. */
  readonly readSamplesMax: number;
  /** --storage.remote.read-concurrent-limit; 0: none. */
  readonly readConcurrencyMax: number;
  /** --storage.remote.read-max-bytes-in-frame. */
  readonly readFrameBytesMax: number;
}

/** Rules and alerts in the API's JSON form. */
export interface RulesService {
  /** Throws TidemarkError `bad_data` for a token that leads nowhere. */
  groups(filter: RulesFilter): RulesPage;
  alerts(tenant: string): readonly object[];
  alertmanagers(): { readonly active: readonly string[]; readonly dropped: readonly string[] };
}

/** Which rules are asked for; empty lists and texts: all. */
export interface RulesFilter {
  readonly tenant: string;
  readonly type: '' | 'alert' | 'record';
  readonly ruleNames: readonly string[];
  readonly ruleGroups: readonly string[];
  readonly files: readonly string[];
  readonly excludeAlerts: boolean;
  /** A rule must match one of the sets. */
  readonly matcherSets: readonly (readonly Matcher[])[];
  /** Groups in the answer at most; 0: all. */
  readonly groupLimit: number;
  /** Where the page before ended. */
  readonly groupNextToken: string;
}

/** Groups, and the token of the next page; '': there is none. */
export interface RulesPage {
  readonly groups: readonly object[];
  readonly groupNextToken: string;
}

/** The bundle. A service that is absent makes its endpoints answer as an idle server would. */
export interface ApiServices {
  readonly query: QueryService;
  readonly active: ActiveQueries;
  /** Null: remote write is switched off. */
  readonly write: WriteService | null;
  /** Null: --web.enable-otlp-receiver is not given. */
  readonly otlp: OtlpService | null;
  /** Null: there is no writing. */
  readonly influx: InfluxService | null;
  /** Null: no federation and no remote read. */
  readonly bulk: BulkService | null;
  /** Null: feature search-api is not enabled. `limitMax`: --web.search.max-limit, 0 is none. */
  readonly search: { readonly limitMax: number } | null;
  readonly targets: TargetsService;
  readonly status: StatusService;
  readonly lifecycle: LifecycleService;
  readonly rules: RulesService | null;
  /** Parses a selector such as `{job="x"}`; throws TidemarkError `bad_data`. */
  readonly parseSelector: (text: string) => readonly Matcher[];
}
