// What can be asked of the API: for each path its methods, what it is for, its parameters and its answer.
import { bool, integer, list, oneOf, type Schema, text } from './openapi-schemas.ts';
import { FUZZ_ALGORITHMS } from './search-match.ts';

/** A parameter of the query string or form. */
export interface DescribedParameter {
  readonly schema: Schema;
  readonly about: string;
}

/** A name that ends with `!` must be given. */
type Parameters = Readonly<Record<string, DescribedParameter>>;

/** What a path answers with: a schema's name (JSON), or a media type and what is in it. */
export type DescribedAnswer =
  | string
  | { readonly mediaType: string; readonly about: string; readonly item?: string }
  | null;

export interface Operation {
  /** Below /api/v1; parameters in braces. */
  readonly path: string;
  readonly methods: readonly ('get' | 'post' | 'put' | 'delete')[];
  readonly tag: string;
  readonly about: string;
  readonly parameters?: Parameters;
  /** Null: 204, without a body. */
  readonly answer: DescribedAnswer;
  /** Media types of the body, where it is no form. */
  readonly bodies?: readonly string[];
  /** Can only be said in OpenAPI 3.2. */
  readonly isNewer?: boolean;
}

const timeSchema: Schema = { oneOf: [{ type: 'string' }, { type: 'number' }] };
const time = (about: string): DescribedParameter => ({ schema: timeSchema, about: `${about}: RFC 3339 or seconds.` });
const duration = (about: string): DescribedParameter => ({ schema: timeSchema, about: `${about}: seconds or 1h30m.` });
const string = (about: string): DescribedParameter => ({ schema: text, about });
const strings = (about: string): DescribedParameter => ({ schema: list(text), about });
const count = (about: string, minimum = 0): DescribedParameter => ({ schema: { ...integer, minimum }, about });
const yes = (about: string): DescribedParameter => ({ schema: bool, about });
const choice = (about: string, ...values: string[]): DescribedParameter => ({ schema: oneOf(...values), about });

const LIMIT = { limit: count('Most items of the answer; 0: all. What is cut off is said in a warning.') };
const SPAN = { start: time('Beginning of the time range'), end: time('End of the time range') };
const MATCH = { 'match[]': strings('Selectors; an item belongs to a series that one of them chooses.') };
const EXPRESSION = {
  'query!': string('PromQL expression.'),
  ...LIMIT,
  timeout: duration('Longest evaluation'),
  lookback_delta: duration('Lookback of instant selectors'),
  stats: choice('Costs in the answer.', 'true', 'all'),
  explain: choice('The plan with its costs in the answer; only: instead of a result.', 'true', 'false', 'only'),
  nocache: choice('1: no cached result is used.', '1'),
};
const SEARCH = {
  ...MATCH,
  'search[]': strings('Terms; a name fits one of them. At most 32.'),
  fuzz_threshold: { schema: { ...integer, minimum: 0, maximum: 100 }, about: 'Least score in percent.' },
  fuzz_alg: choice('How names are compared with terms.', ...FUZZ_ALGORITHMS),
  case_sensitive: yes('Whether case matters; it does unless this is false.'),
  sort_by: choice('Order of the names.', 'alpha', 'score'),
  sort_dir: choice('Direction of sort_by=alpha.', 'asc', 'dsc'),
  include_score: yes('Whether each name comes with its score.'),
  start: time('Beginning of the time range; an hour ago unless given'),
  end: time('End of the time range'),
  limit: count('Most names: 100 unless given.', 1),
  batch_size: count('Names per line.', 1),
};
const LINES = {
  mediaType: 'application/x-ndjson',
  about: 'A batch of names per line; the last line says whether there are more.',
};
const SKIP_HEAD = { skip_head: yes('Leave out what no block has yet.') };

const get = (
  path: string,
  tag: string,
  about: string,
  answer: DescribedAnswer,
  parameters?: Parameters,
): Operation => ({
  path,
  methods: ['get'],
  tag,
  about,
  answer,
  ...(parameters && { parameters }),
});
type Given = [path: string, tag: string, about: string, answer: DescribedAnswer, parameters?: Parameters];
const ask = (...given: Given): Operation => ({ ...get(...given), methods: ['get', 'post'] });
const change = (...given: Given): Operation => ({ ...get(...given), methods: ['post', 'put'] });
const push = (path: string, about: string, bodies: readonly string[], answer: DescribedAnswer = null): Operation => ({
  path,
  methods: ['post'],
  tag: 'push',
  about,
  bodies,
  answer,
});

/** All of /api/v1. */
export const OPERATIONS: readonly Operation[] = [
  ask('/query', 'query', 'Evaluate an expression at one time.', 'QueryAnswer', {
    ...EXPRESSION,
    time: time('When; now unless given'),
  }),
  ask('/query_range', 'query', 'Evaluate an expression at the steps of a time range.', 'QueryAnswer', {
    ...EXPRESSION,
    'start!': SPAN.start,
    'end!': SPAN.end,
    'step!': duration('Distance of the steps'),
  }),
  ask('/query_exemplars', 'query', 'Exemplars of the series that an expression selects.', 'ExemplarsAnswer', {
    'query!': string('PromQL expression.'),
    ...SPAN,
  }),
  ask('/format_query', 'query', 'An expression, pretty printed.', 'TextAnswer', { 'query!': string('Expression.') }),
  ask('/parse_query', 'query', 'The syntax tree of an expression.', 'SyntaxTreeAnswer', {
    'query!': string('Expression.'),
  }),
  get('/query/active', 'query', 'Queries of the tenant that are under way.', 'ActiveQueriesAnswer'),
  { ...get('/query/active/{id}', 'query', 'End a query.', null), methods: ['delete'] },
  change('/query/active/{id}/cancel', 'query', 'End a query.', null),
  ask('/series', 'names', 'Series that a selector chooses.', 'SeriesAnswer', {
    'match[]!': MATCH['match[]'],
    ...SPAN,
    ...LIMIT,
  }),
  ask('/labels', 'names', 'Names of labels.', 'TextsAnswer', { ...MATCH, ...SPAN, ...LIMIT }),
  get('/label/{name}/values', 'names', 'Values of a label.', 'TextsAnswer', { ...MATCH, ...SPAN, ...LIMIT }),
  ask('/search/metric_names', 'names', 'Search names of metrics (feature search-api).', LINES, {
    ...SEARCH,
    include_metadata: yes('Whether each name comes with type, help and unit.'),
  }),
  ask('/search/label_names', 'names', 'Search names of labels (feature search-api).', LINES, SEARCH),
  ask('/search/label_values', 'names', 'Search values of a label (feature search-api).', LINES, {
    'label!': string('The label.'),
    ...SEARCH,
  }),
  get('/metadata', 'targets', 'What targets say about metrics.', 'MetadataAnswer', {
    limit: count('Most metrics.', -1),
    limit_per_metric: count('Most variants of a metric.', -1),
    metric: string('Only this one.'),
  }),
  get('/targets', 'targets', 'Targets.', 'TargetsAnswer', {
    state: choice('Which.', 'active', 'dropped', 'any'),
    scrapePool: string('Only of this pool.'),
  }),
  get('/targets/metadata', 'targets', 'What each target says about metrics.', 'TargetMetadataAnswer', {
    match_target: string('Selector of targets.'),
    metric: string('Only this one.'),
    limit: count('Most targets.', -1),
  }),
  get('/targets/relabel_steps', 'targets', 'What relabelling does to a target, rule by rule.', 'RelabelStepsAnswer', {
    'scrapePool!': string('Whose rules.'),
    'labels!': string('Labels before relabelling, as a JSON object.'),
  }),
  get('/scrape_pools', 'targets', 'Names of scrape pools.', 'ScrapePoolsAnswer'),
  get('/scrape_pools/config', 'targets', 'Configuration of a scrape pool, secrets hidden.', 'YamlAnswer', {
    'scrapePool!': string('Its name.'),
  }),
  get('/rules', 'rules', 'Rules by group.', 'RulesAnswer', {
    type: choice('Only of this type.', 'alert', 'record'),
    'rule_name[]': strings('Only rules of these names.'),
    'rule_group[]': strings('Only groups of these names.'),
    'file[]': strings('Only groups of these files.'),
    'match[]': strings('Only rules whose labels fit one of these selectors.'),
    exclude_alerts: yes('Leave out the alerts.'),
    group_limit: count('Most groups; the answer has a token for the rest.', 1),
    group_next_token: string('From the answer before this one.'),
  }),
  get('/alerts', 'rules', 'Alerts that are pending or firing.', 'AlertsAnswer'),
  get('/alertmanagers', 'rules', 'Where alerts are sent.', 'AlertmanagersAnswer'),
  get('/status/config', 'status', 'The configuration in force, secrets hidden.', 'YamlAnswer'),
  get('/status/runtimeinfo', 'status', 'The process.', 'RuntimeInfoAnswer'),
  get('/status/buildinfo', 'status', 'The version.', 'BuildInfoAnswer'),
  get('/status/flags', 'status', 'The command line.', 'FlagsAnswer'),
  get('/status/tsdb', 'status', 'What the heads hold, and of what the most.', 'TsdbAnswer', {
    limit: { schema: { ...integer, minimum: 1, maximum: 10_000 }, about: 'Entries per list.' },
  }),
  get('/status/tsdb/blocks', 'status', 'Blocks.', 'BlocksAnswer'),
  get('/status/walreplay', 'status', 'How far the start has read the log.', 'ReplayAnswer'),
  get('/status/self_metrics', 'status', 'Metrics of the server itself.', 'SelfMetricsAnswer', {
    metric_name_pattern: string('Only metrics whose names match.'),
  }),
  get('/notifications', 'status', 'What whoever looks after the server should know.', 'NotificationsAnswer'),
  {
    ...get('/notifications/live', 'status', 'The same, as it changes. 204: there are too many listeners.', {
      mediaType: 'text/event-stream',
      about: 'One notification per event.',
      item: 'Notification',
    }),
    isNewer: true,
  },
  get('/features', 'status', 'What this server can do.', 'FeaturesAnswer'),
  get(
    '/openapi.yaml',
    'status',
    'This description.',
    { mediaType: 'application/yaml', about: 'OpenAPI.' },
    {
      openapi_version: choice('Its version.', '3.1', '3.2'),
    },
  ),
  change('/admin/tsdb/delete_series', 'admin', 'Delete samples of series.', null, {
    'match[]!': MATCH['match[]'],
    ...SPAN,
  }),
  change('/admin/tsdb/clean_tombstones', 'admin', 'Free the disk of what was deleted.', null),
  change('/admin/tsdb/snapshot', 'admin', 'Copy the store.', 'SnapshotAnswer', SKIP_HEAD),
  change('/admin/tsdb/flush', 'admin', 'Move the heads into blocks.', null),
  push('/write', 'Remote write 1.0 and 2.0, compressed with snappy.', ['application/x-protobuf']),
  push('/read', 'Remote read, compressed with snappy.', ['application/x-protobuf'], {
    mediaType: 'application/x-protobuf',
    about: 'Samples, or a stream of chunks.',
  }),
  push('/otlp/v1/metrics', 'OpenTelemetry metrics.', ['application/x-protobuf', 'application/json'], {
    mediaType: 'application/x-protobuf',
    about: 'What could not be taken.',
  }),
  push('/influxdb/write', 'Line protocol of InfluxDB.', ['text/plain']),
];
