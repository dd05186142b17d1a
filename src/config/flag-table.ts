// The command line's flags: Prometheus' names, defaults and meanings. `ignored` flags are known to Prometheus and change nothing
// here; the text says why. A flag of ours is prefixed by the part it belongs to.
import { TidemarkError } from '../base/index.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { formatSize, parseSize } from './size.ts';

export interface Flag<T> {
  readonly help: string;
  readonly absent: T;
  /** Throws Error with the fact. */
  readonly parse: (text: string) => T;
  /** As /api/v1/status/flags shows it. */
  readonly print: (value: T) => string;
  /** Takes no value: `--flag` and `--no-flag`. */
  readonly isSwitch?: boolean;
  /** Each occurrence adds to the list. */
  readonly isList?: boolean;
  /** Why it has no effect. */
  readonly ignored?: string;
  /** Left out of --help. */
  readonly hidden?: boolean;
}

const bad = (text: string) => new TidemarkError('bad_flag', text);

const text = (absent: string, help: string): Flag<string> => ({ help, absent, parse: (value) => value, print: String });

const texts = (absent: string[], help: string): Flag<string[]> => ({
  help,
  absent,
  parse: (value) => [value],
  print: (values) => values.join(','),
  isList: true,
});

function parseSwitch(value: string): boolean {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw bad(`strconv.ParseBool: parsing "${value}": invalid syntax`);
}

const bool = (absent: boolean, help: string): Flag<boolean> => ({
  help,
  absent,
  parse: parseSwitch,
  print: String,
  isSwitch: true,
});

const number = (absent: number, help: string, { fraction = false } = {}): Flag<number> => ({
  help,
  absent,
  parse: (value) => {
    const parsed = /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/.test(value) ? Number(value) : Number.NaN;
    if (fraction ? Number.isFinite(parsed) : Number.isSafeInteger(parsed)) return parsed;
    throw bad(`strconv.${fraction ? 'ParseFloat' : 'ParseInt'}: parsing "${value}": invalid syntax`);
  },
  print: String,
});

const duration = (absent: string, help: string): Flag<number> => ({
  help,
  absent: parseDuration(absent),
  parse: parseDuration,
  print: formatDuration,
});

const optionalDuration = (help: string): Flag<number | null> => ({
  help,
  absent: null,
  parse: parseDuration,
  print: (value) => (value === null ? '0s' : formatDuration(value)),
});

const optionalSize = (help: string): Flag<number | null> => ({
  help,
  absent: null,
  parse: parseSize,
  print: (value) => (value === null ? '0B' : formatSize(value)),
});

const size = (absent: string, help: string): Flag<number> => ({
  help,
  absent: parseSize(absent),
  parse: parseSize,
  print: formatSize,
});

const choice = <const V extends string>(values: readonly V[], absent: V, help: string): Flag<V> => ({
  help,
  absent,
  parse: (value) => {
    if ((values as readonly string[]).includes(value)) return value as V;
    throw bad(`enum value must be one of ${values.join(',')}, got '${value}'`);
  },
  print: String,
});

/** Any of the values; absent: all. */
const choices = (values: readonly string[], help: string): Flag<string[]> => ({
  ...texts([...values], help),
  parse: (value) => {
    if (values.includes(value)) return [value];
    throw bad(`enum value must be one of ${values.join(',')}, got '${value}'`);
  },
});

const ignored = <T>(why: string, flag: Flag<T>): Flag<T> => ({ ...flag, ignored: why });
const hidden = <T>(flag: Flag<T>): Flag<T> => ({ ...flag, hidden: true });

const NO_GO = 'there is no Go runtime here';
const OWN_FORMAT = 'the store has a format of its own';
const NO_CONSOLES = 'console templates are not served';
const NOT_YET = 'it is not supported yet';

export const FLAGS = {
  'config.file': text('prometheus.yml', 'Configuration file path.'),
  'config.auto-reload-interval': duration('30s', 'How often to look for changes of the configuration file.'),
  'config.auto-reload': bool(false, 'Reload the configuration when its file changes.'),
  'web.listen-address': texts(['0.0.0.0:9090'], 'Address to listen on for UI, API and own metrics. Can be repeated.'),
  'auto-gomaxprocs': ignored(NO_GO, bool(true, 'Set GOMAXPROCS from the container quota.')),
  'auto-gomemlimit': ignored(NO_GO, bool(true, 'Set GOMEMLIMIT from the container limit.')),
  'auto-gomemlimit.ratio': ignored(NO_GO, number(0.9, 'Share of memory for GOMEMLIMIT.', { fraction: true })),
  'web.config.file': text('', 'File that configures TLS and authentication of the server.'),
  'web.read-timeout': duration('5m', 'Longest time to read a request, and after which idle connections close.'),
  'web.max-connections': number(512, 'Most simultaneous connections across all listeners.'),
  'web.max-notifications-subscribers': number(16, 'Most simultaneous subscribers to live notifications.'),
  'web.search.max-limit': number(10_000, 'Largest limit of a search request; 0: any.'),
  'web.external-url': text('', 'URL under which the server is reached from outside. Its path prefixes all endpoints.'),
  'web.route-prefix': text('', 'Prefix of the internal routes. Defaults to the path of --web.external-url.'),
  'web.user-assets': ignored(NOT_YET, text('', 'Directory of static files, served at /user.')),
  'web.enable-lifecycle': bool(false, 'Enable shutdown and reload by HTTP request.'),
  'web.enable-admin-api': bool(false, 'Enable API endpoints for admin control actions.'),
  'web.enable-remote-write-receiver': bool(true, 'Accept remote write requests. On unless switched off.'),
  'web.remote-write-receiver.accepted-protobuf-messages': choices(
    ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'],
    'Remote write messages to accept: prometheus.WriteRequest, io.prometheus.write.v2.Request. Can be repeated.',
  ),
  'web.enable-otlp-receiver': bool(false, 'Enable the API endpoint that accepts OTLP metrics.'),
  'web.console.templates': ignored(NO_CONSOLES, text('consoles', 'Directory of console templates.')),
  'web.console.libraries': ignored(NO_CONSOLES, text('console_libraries', 'Directory of console libraries.')),
  'web.page-title': ignored(NOT_YET, text('Tidemark', 'Document title of the web pages.')),
  'web.cors.origin': text('.*', "Regex for CORS origin, fully anchored. Example: 'https?://(domain1|domain2)\\.com'"),
  'storage.tsdb.path': text('data/', 'Base path of the store.'),
  'storage.tsdb.min-block-duration': hidden(ignored(OWN_FORMAT, duration('2h', 'Shortest block.'))),
  'storage.tsdb.max-block-duration': hidden(ignored(OWN_FORMAT, optionalDuration('Longest block.'))),
  'storage.tsdb.max-block-chunk-segment-size': hidden(ignored(OWN_FORMAT, optionalSize('Largest chunk segment.'))),
  'storage.tsdb.wal-segment-size': hidden(ignored(OWN_FORMAT, optionalSize('Size of WAL segments.'))),
  'storage.tsdb.retention.time': optionalDuration(
    'How long to keep samples. 15d if neither this nor storage.tsdb.retention.size is set. Units: y, w, d, h, m, s, ms.',
  ),
  'storage.tsdb.retention.size': optionalSize(
    'Most bytes of blocks to keep. Units: B, KB, MB, GB, TB, PB, EB, in powers of 1024. Example: "512MB".',
  ),
  'storage.tsdb.no-lockfile': bool(false, 'Do not create a lock file in the data directory.'),
  'storage.tsdb.allow-overlapping-blocks': hidden(ignored(OWN_FORMAT, bool(true, 'Allow overlapping blocks.'))),
  'storage.tsdb.wal-compression': hidden(ignored(OWN_FORMAT, bool(true, 'Compress the WAL.'))),
  'storage.tsdb.wal-compression-type': hidden(
    ignored(OWN_FORMAT, choice(['snappy', 'zstd'], 'snappy', 'Compression of the WAL.')),
  ),
  'storage.tsdb.head-chunks-write-queue-size': ignored(OWN_FORMAT, number(0, 'Queue of head chunks to be mapped.')),
  'storage.tsdb.samples-per-chunk': hidden(ignored(OWN_FORMAT, number(120, 'Target number of samples per chunk.'))),
  'storage.tsdb.block-reload-interval': hidden(ignored(OWN_FORMAT, duration('1m', 'How often to reload blocks.'))),
  'storage.tsdb.delayed-compaction.max-percent': hidden(ignored(OWN_FORMAT, number(10, 'Delay of compaction.'))),
  'storage.tsdb.delay-compact-file.path': hidden(ignored(OWN_FORMAT, text('', 'File that delays compaction.'))),
  'storage.agent.path': text('data-agent/', 'Base path in agent mode.'),
  'storage.agent.wal-segment-size': hidden(ignored(OWN_FORMAT, optionalSize('Size of WAL segments.'))),
  'storage.agent.wal-compression': ignored(OWN_FORMAT, bool(true, 'Compress the WAL in agent mode.')),
  'storage.agent.wal-compression-type': hidden(
    ignored(OWN_FORMAT, choice(['snappy', 'zstd'], 'snappy', 'Compression of the WAL.')),
  ),
  'storage.agent.wal-truncate-frequency': hidden(duration('5m', 'How often to remove what was sent, in agent mode.')),
  'storage.agent.retention.min-time': duration('5m', 'How long samples stay at least in agent mode.'),
  'storage.agent.retention.max-time': duration('4h', 'How long unsent samples stay at most in agent mode.'),
  'storage.agent.no-lockfile': bool(false, 'Do not create a lock file in agent mode.'),
  'storage.remote.flush-deadline': duration('1m', 'How long to flush samples at shutdown or reload.'),
  'storage.remote.read-sample-limit': number(50_000_000, 'Most samples of a remote read query.'),
  'storage.remote.read-concurrent-limit': number(10, 'Most concurrent remote read calls.'),
  'storage.remote.read-max-bytes-in-frame': number(1_048_576, 'Most bytes of a remote read frame.'),
  'rules.alert.for-outage-tolerance': duration(
    '1h',
    'Longest outage after which the "for" state of alerts is restored.',
  ),
  'rules.alert.for-grace-period': duration('10m', 'Shortest time between an alert and its restored "for" state.'),
  'rules.alert.resend-delay': duration('1m', 'Shortest time before an alert is sent again.'),
  'rules.max-concurrent-evals': number(4, 'Most independent rules that are evaluated at once.'),
  'alertmanager.notification-queue-capacity': number(10_000, 'Capacity of the queue of notifications.'),
  'alertmanager.notification-batch-size': number(256, 'Most notifications per request to an Alertmanager.'),
  'alertmanager.drain-notification-queue-on-shutdown': bool(true, 'Send outstanding notifications when shutting down.'),
  'scrape.adjust-timestamps': hidden(ignored(NOT_YET, bool(true, 'Align scrape timestamps that are nearly regular.'))),
  'scrape.timestamp-tolerance': hidden(
    ignored(NOT_YET, duration('2ms', 'How far a scrape timestamp is adjusted at most.')),
  ),
  'scrape.discovery-reload-interval': hidden(
    ignored(NOT_YET, duration('5s', 'How often discovered targets are taken over.')),
  ),
  'scrape.name-escaping-scheme': ignored(
    'the configuration file says it: metric_name_escaping_scheme',
    choice(['values', 'underscores', 'dots'], 'values', 'How to escape names that are no legacy names.'),
  ),
  'query.lookback-delta': duration('5m', 'Longest lookback to the last sample of a series during evaluation.'),
  'query.timeout': duration('2m', 'Longest time a query may take before it is aborted.'),
  'query.max-concurrency': number(20, 'Most queries executed at once.'),
  'query.max-samples': number(50_000_000, 'Most samples a query may load into memory.'),
  'query.max-bytes': size('1GB', 'Most memory a query may hold.'),
  'query.max-total-bytes': size('4GB', 'Most memory all queries together may hold.'),
  'query.result-cache-bytes': size(
    '64MB',
    'Most memory for results of range queries that are kept for later ones; 0: none are.',
  ),
  'query.slow-log-threshold': duration('10s', 'Queries that take longer are logged; 0: none.'),
  'query.refuse-after-crash': duration(
    '1h',
    'How long a query is refused that was running when the process died; 0: not.',
  ),
  agent: bool(false, 'Run in agent mode: scrape, receive and send on; no queries, rules and alerts.'),
  'enable-feature': texts([], 'Feature names to enable, separated by commas. Can be repeated.'),
  'log.level': choice(['debug', 'info', 'warn', 'error'], 'info', 'Only log messages of this severity or above.'),
  'log.format': choice(['logfmt', 'json'], 'logfmt', 'Output format of log messages.'),
};

/** A flag without its dashes. */
export type FlagName = keyof typeof FLAGS;
/** The value of every flag. */
export type FlagValues = { -readonly [K in FlagName]: (typeof FLAGS)[K] extends Flag<infer T> ? T : never };
