// Shapes of the API's answers, as JSON Schema (2020-12, which OpenAPI 3.1 and 3.2 use), in a few words each.

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

export const text: Schema = { type: 'string' };
export const integer: Schema = { type: 'integer' };
export const number: Schema = { type: 'number' };
export const bool: Schema = { type: 'boolean' };
const time: Schema = { type: 'string', format: 'date-time' };

export const list = (items: Schema): Schema => ({ type: 'array', items });
const map = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
export const named = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const oneOf = (...values: string[]): Schema => ({ type: 'string', enum: values });
const pair = (first: Schema, second: Schema): Schema => ({
  type: 'array',
  prefixItems: [first, second],
  items: false,
  minItems: 2,
});

/** An object; names that end with `?` may be absent. */
function object(properties: Readonly<Record<string, Schema>>): Schema {
  const names = Object.keys(properties);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name.replace(/\?$/, ''), properties[name]])),
    required: names.filter((name) => !name.endsWith('?')),
  };
}

const success = (data: Schema): Schema =>
  object({ status: oneOf('success'), data, 'warnings?': list(text), 'infos?': list(text) });

const sample = pair(number, text);
const histogramSample = pair(number, named('Histogram'));
const nameCounts = list(object({ name: text, value: integer }));
const metadata = { type: text, help: text, unit: text };

const rule = {
  name: text,
  query: text,
  'labels?': named('Labels'),
  health: oneOf('ok', 'err', 'unknown'),
  'lastError?': text,
  evaluationTime: number,
  lastEvaluation: time,
};

const result = (type: string, items: Schema): Schema =>
  object({ resultType: oneOf(type), result: items, 'stats?': { type: 'object' }, 'explain?': { type: 'object' } });

/** By name. What ends with `Answer` is a whole body. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: object({
    status: oneOf('error'),
    errorType: oneOf(
      'bad_data',
      'not_found',
      'not_acceptable',
      'execution',
      'canceled',
      'timeout',
      'internal',
      'unavailable',
    ),
    error: text,
    'data?': {},
    'warnings?': list(text),
    'infos?': list(text),
  }),
  Labels: map(text),
  Histogram: object({
    count: text,
    sum: text,
    'buckets?': list({ type: 'array', prefixItems: [integer, text, text, text], items: false, minItems: 4 }),
  }),
  QueryData: {
    oneOf: [
      result(
        'matrix',
        list(object({ metric: named('Labels'), 'values?': list(sample), 'histograms?': list(histogramSample) })),
      ),
      result('vector', list(object({ metric: named('Labels'), 'value?': sample, 'histogram?': histogramSample }))),
      result('scalar', sample),
      result('string', sample),
      { ...object({ explain: { type: 'object' } }), additionalProperties: false },
    ],
  },
  QueryAnswer: success(named('QueryData')),
  TextAnswer: success(text),
  TextsAnswer: success(list(text)),
  SyntaxTreeAnswer: success({ type: 'object' }),
  SeriesAnswer: success(list(named('Labels'))),
  ExemplarsAnswer: success(
    list(
      object({
        seriesLabels: named('Labels'),
        exemplars: list(object({ labels: named('Labels'), value: text, timestamp: number })),
      }),
    ),
  ),
  ActiveQueriesAnswer: success(
    list(
      object({
        id: integer,
        tenant: text,
        kind: text,
        query: text,
        started: time,
        seconds: number,
        state: oneOf('waiting', 'running', 'sending'),
        samplesRead: integer,
        seriesRead: integer,
        bytes: integer,
        peakBytes: integer,
      }),
    ),
  ),
  MetadataAnswer: success(map(list(object(metadata)))),
  TargetMetadataAnswer: success(list(object({ target: named('Labels'), 'metric?': text, ...metadata }))),
  ScrapePoolsAnswer: success(object({ scrapePools: list(text) })),
  YamlAnswer: success(object({ yaml: text })),
  TargetsAnswer: success(
    object({
      activeTargets: list(
        object({
          discoveredLabels: named('Labels'),
          labels: named('Labels'),
          scrapePool: text,
          scrapeUrl: text,
          globalUrl: text,
          lastError: text,
          lastScrape: time,
          lastScrapeDuration: number,
          health: oneOf('up', 'down', 'unknown'),
          scrapeInterval: text,
          scrapeTimeout: text,
        }),
      ),
      droppedTargets: list(object({ discoveredLabels: named('Labels'), scrapePool: text })),
      droppedTargetCounts: map(integer),
    }),
  ),
  RelabelStepsAnswer: success(
    object({ steps: list(object({ rule: { type: 'object' }, output: named('Labels'), keep: bool })) }),
  ),
  Alert: object({
    labels: named('Labels'),
    annotations: named('Labels'),
    state: oneOf('pending', 'firing', 'inactive'),
    activeAt: time,
    'keepFiringSince?': time,
    value: text,
  }),
  Rule: {
    oneOf: [
      object({ ...rule, type: oneOf('recording') }),
      object({
        ...rule,
        type: oneOf('alerting'),
        state: oneOf('inactive', 'pending', 'firing', 'unknown'),
        duration: number,
        keepFiringFor: number,
        annotations: named('Labels'),
        alerts: list(named('Alert')),
      }),
    ],
  },
  RulesAnswer: success(
    object({
      groups: list(
        object({
          name: text,
          file: text,
          rules: list(named('Rule')),
          interval: number,
          limit: integer,
          evaluationTime: number,
          lastEvaluation: time,
        }),
      ),
      'groupNextToken?': text,
    }),
  ),
  AlertsAnswer: success(object({ alerts: list(named('Alert')) })),
  AlertmanagersAnswer: success(
    object({ activeAlertmanagers: list(object({ url: text })), droppedAlertmanagers: list(object({ url: text })) }),
  ),
  RuntimeInfoAnswer: success(
    object({
      startTime: time,
      CWD: text,
      hostname: text,
      serverTime: time,
      reloadConfigSuccess: bool,
      lastConfigTime: time,
      corruptionCount: integer,
      goroutineCount: integer,
      GOMAXPROCS: integer,
      GOMEMLIMIT: integer,
      GOGC: text,
      GODEBUG: text,
      storageRetention: text,
    }),
  ),
  BuildInfo: object({
    version: text,
    revision: text,
    branch: text,
    buildUser: text,
    buildDate: text,
    goVersion: text,
  }),
  BuildInfoAnswer: success(named('BuildInfo')),
  FlagsAnswer: success(map(text)),
  TsdbAnswer: success(
    object({
      headStats: object({
        numSeries: integer,
        numLabelPairs: integer,
        chunkCount: integer,
        minTime: integer,
        maxTime: integer,
      }),
      seriesCountByMetricName: nameCounts,
      labelValueCountByLabelName: nameCounts,
      memoryInBytesByLabelName: nameCounts,
      seriesCountByLabelValuePair: nameCounts,
    }),
  ),
  BlocksAnswer: success(object({ blocks: list({ type: 'object' }) })),
  ReplayAnswer: success(object({ min: integer, max: integer, current: integer })),
  SelfMetricsAnswer: success(
    list(object({ name: text, 'help?': text, 'type?': text, metric: list({ type: 'object' }) })),
  ),
  SnapshotAnswer: success(object({ name: text })),
  Notification: object({ text, date: time, active: bool }),
  NotificationsAnswer: success(list(named('Notification'))),
  FeaturesAnswer: success(map(map(bool))),
};
