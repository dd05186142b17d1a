// The small sections about this server: `runtime`, `storage`, `tracing`, `otlp`.
import { goQuote } from '../model/index.ts';
import { tlsConfig } from './http-client.ts';
import { checkHeaders } from './remote-config.ts';
import { bool, duration, float, int, oneOf, size, text } from './scalars.ts';
import { type Infer, type Place, list, mapOf, optional, struct, withDefault } from './schema.ts';

export const GOGC_DEFAULT = 75;

export const runtime = struct({ gogc: int });
/** The `runtime` section: read so that files which set `gogc` load; there is no Go runtime to tune. */
export type RuntimeConfig = Infer<typeof runtime>;

const retention = struct({ timeMs: duration, sizeBytes: size, percentage: float }, (value, at) => {
  if (value.sizeBytes < 0) at.at('size').fail("'storage.tsdb.retention.size' must not be negative");
  if (value.percentage < 0 || value.percentage > 100)
    at.at('percentage').fail(
      `'storage.tsdb.retention.percentage' must be in the range [0, 100]; got ${value.percentage}`,
    );
});

const chunkEncoding = struct({
  floats: oneOf(['xor', 'xor2'], (value) => `unsupported float chunk encoding ${goQuote(value)}, want xor or xor2`),
});

const tsdb = struct(
  {
    outOfOrderTimeWindowMs: duration,
    staleSeriesCompactionThreshold: float,
    chunkEncoding: optional(chunkEncoding),
    retention: optional(retention),
  },
  (value, at) => {
    const { staleSeriesCompactionThreshold: threshold } = value;
    if (threshold < 0 || threshold > 1) {
      at.at('stale_series_compaction_threshold').fail(
        `'storage.tsdb.stale_series_compaction_threshold' must be in the range [0, 1]; got ${threshold}`,
      );
    }
  },
);

export const storage = struct({ tsdb: optional(tsdb), exemplars: optional(struct({ maxExemplars: int })) });
/** Exemplars kept where the file does not say how many. */
const EXEMPLARS_MAX_DEFAULT = 100_000;
/** The feature without which none are kept. */
export const EXEMPLAR_FEATURE = 'exemplar-storage';

/** How many exemplars are kept; 0: none. */
export const exemplarsMax = (config: StorageConfig, features: readonly string[]): number =>
  features.includes(EXEMPLAR_FEATURE) ? Math.max(0, config.exemplars?.maxExemplars ?? EXEMPLARS_MAX_DEFAULT) : 0;

/** The `storage` section: retention, the out-of-order window and exemplars. Null where not given. */
export type StorageConfig = Infer<typeof storage>;

const clientType = oneOf(
  ['http', 'grpc'],
  (value) => `expected tracing client type to be to be http or grpc, but got ${value}`,
);

export const tracing = struct(
  {
    clientType: withDefault(clientType, 'grpc'),
    endpoint: text,
    samplingFraction: float,
    insecure: bool,
    tlsConfig,
    headers: mapOf(text),
    compression: text,
    timeoutMs: duration,
  },
  (value, at) => {
    checkHeaders(value.headers, 'custom authorization header configuration is not yet supported', at);
    if (value.endpoint === '') at.fail('tracing endpoint must be set');
    if (value.compression !== '' && value.compression !== 'gzip')
      at.at('compression').fail(`invalid compression type ${value.compression} provided, valid options: gzip`);
  },
);
/** The `tracing` section, with its defaults filled in; durations in ms. */
export type TracingConfig = Infer<typeof tracing>;

export const TRANSLATION_STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;

const strategy = oneOf(TRANSLATION_STRATEGIES, (value) => `unsupported OTLP translation strategy ${goQuote(value)}`);

const fields = {
  promoteAllResourceAttributes: bool,
  promoteResourceAttributes: list(text),
  ignoreResourceAttributes: list(text),
  translationStrategy: withDefault(strategy, 'UnderscoreEscapingWithSuffixes'),
  keepIdentifyingResourceAttributes: bool,
  convertHistogramsToNhcb: bool,
  promoteScopeMetadata: bool,
  labelNameUnderscoreSanitization: withDefault(bool, true),
  labelNamePreserveMultipleUnderscores: withDefault(bool, true),
};

/** Trims the names in place; refuses empty and repeated ones. */
function cleanAttributes(names: string[], what: string, at: Place, field: string): void {
  const seen = new Set<string>();
  for (const [i, raw] of names.entries()) {
    const name = raw.trim();
    const problem = (fact: string) => at.at(field).fail(`invalid '${field}': ${fact}`);
    if (name === '') problem(`empty ${what} OTel resource attribute`);
    if (seen.has(name)) problem(`duplicated ${what} OTel resource attribute ${goQuote(name)}`);
    seen.add(name);
    names[i] = name;
  }
}

export const otlp = struct(fields, (value, at) => {
  if (value.promoteAllResourceAttributes) {
    if (value.promoteResourceAttributes.length > 0) {
      at.at('promote_resource_attributes').fail(
        "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously",
      );
    }
    cleanAttributes(value.ignoreResourceAttributes, 'ignored', at, 'ignore_resource_attributes');
    return;
  }
  if (value.ignoreResourceAttributes.length > 0) {
    at.at('ignore_resource_attributes').fail(
      "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true",
    );
  }
  cleanAttributes(value.promoteResourceAttributes, 'promoted', at, 'promote_resource_attributes');
});
/** The `otlp` section: which resource attributes become labels, and how names are translated. */
export type OtlpConfig = Infer<typeof otlp>;

/** What an absent section means. */
export const DEFAULT_OTLP: OtlpConfig = {
  promoteAllResourceAttributes: false,
  promoteResourceAttributes: [],
  ignoreResourceAttributes: [],
  translationStrategy: 'UnderscoreEscapingWithSuffixes',
  keepIdentifyingResourceAttributes: false,
  convertHistogramsToNhcb: false,
  promoteScopeMetadata: false,
  labelNameUnderscoreSanitization: true,
  labelNamePreserveMultipleUnderscores: true,
};
