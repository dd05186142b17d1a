// One scrape job, and what it takes over from `global`.
import { type NameScheme, goQuote } from '../model/index.ts';
import type { GlobalConfig } from './global-config.ts';
import { checkHttpClient, httpClientFields } from './http-client.ts';
import { checkRelabelRules, relabelRules } from './relabel-config.ts';
import { bool, duration, float, path, scalarName, size, text, uint } from './scalars.ts';
import {
  type Place,
  type Source,
  type StructValue,
  type Type,
  kept,
  list,
  mapOf,
  optional,
  struct,
  withDefault,
} from './schema.ts';
import { otherSdFields } from './sd-other.ts';
import { basicSdFields, checkStaticTargets } from './service-discovery.ts';

/** Exposition formats that can be asked for, and the media type of each. */
export const SCRAPE_PROTOCOLS = {
  PrometheusProto: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  'PrometheusText0.0.4': 'text/plain;version=0.0.4',
  'PrometheusText1.0.0': 'text/plain;version=1.0.0',
  'OpenMetricsText0.0.1': 'application/openmetrics-text;version=0.0.1',
  'OpenMetricsText1.0.0': 'application/openmetrics-text;version=1.0.0',
} as const;

/** A name in `scrape_protocols`. */
export type ScrapeProtocol = keyof typeof SCRAPE_PROTOCOLS;

const TEXT_FIRST: readonly ScrapeProtocol[] = [
  'OpenMetricsText1.0.0',
  'OpenMetricsText0.0.1',
  'PrometheusText1.0.0',
  'PrometheusText0.0.4',
];

/** The order of protocols that a job asks for if nothing is said. Native histograms travel in protobuf only. */
export const defaultScrapeProtocols = (nativeHistograms: boolean): ScrapeProtocol[] =>
  nativeHistograms ? ['PrometheusProto', ...TEXT_FIRST] : [...TEXT_FIRST];

export const NAME_SCHEMES = ['utf8', 'legacy'] as const;
export const ESCAPING_SCHEMES = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
/** How names beyond the legacy alphabet are escaped when a target is asked for them. */
export type EscapingScheme = (typeof ESCAPING_SCHEMES)[number];

const protocolName = scalarName<ScrapeProtocol>('a scrape protocol');

/** A list of protocols; checked by protocolsProblem. Null = not given. */
export const protocolList: Type<ScrapeProtocol[] | null> = optional(list(protocolName));
export const nameScheme: Type<NameScheme | ''> = {
  ...scalarName<NameScheme | ''>('utf8 or legacy'),
  decode(node, at) {
    const value = scalarName<NameScheme | ''>('utf8 or legacy').decode(node, at);
    if (value !== '' && !NAME_SCHEMES.includes(value)) at.fail(`unrecognized ValidationScheme: ${goQuote(value)}`);
    return value;
  },
};
export const escapingScheme: Type<EscapingScheme | ''> = scalarName('an escaping scheme');

/** Limits that `global` gives defaults for; 0 = none. */
export const limitFields = {
  bodySizeLimitBytes: size,
  sampleLimit: uint,
  targetLimit: uint,
  labelLimit: uint,
  labelNameLengthLimit: uint,
  labelValueLengthLimit: uint,
};

const fields = {
  jobName: kept(text),
  honorLabels: bool,
  honorTimestamps: kept(bool, true),
  trackTimestampsStaleness: kept(bool),
  params: mapOf(list(text)),
  scrapeIntervalMs: duration,
  scrapeTimeoutMs: duration,
  scrapeProtocols: protocolList,
  fallbackScrapeProtocol: scalarName<ScrapeProtocol | ''>('a scrape protocol'),
  scrapeNativeHistograms: optional(bool),
  alwaysScrapeClassicHistograms: optional(bool),
  convertClassicHistogramsToNhcb: optional(bool),
  scrapeFailureLogFile: path,
  metricsPath: withDefault(text, '/metrics'),
  scheme: withDefault(text, 'http'),
  enableCompression: kept(bool, true),
  ...limitFields,
  nativeHistogramBucketLimit: uint,
  nativeHistogramMinBucketFactor: float,
  keepDroppedTargets: uint,
  metricNameValidationScheme: nameScheme,
  metricNameEscapingScheme: escapingScheme,
  extraScrapeMetrics: optional(bool),
  ...httpClientFields,
  relabelConfigs: relabelRules('target relabeling rule in scrape config'),
  metricRelabelConfigs: relabelRules('metric relabeling rule in scrape config'),
  ...basicSdFields,
  ...otherSdFields,
};

export const scrapeConfig = struct(fields, (job, at) => {
  if (job.jobName === '') at.at('job_name').fail('job_name is empty');
  checkHttpClient(job, at);
  if (job.relabelConfigs.length === 0) checkStaticTargets(job.staticConfigs, at);
});

type DecodedScrapeConfig = StructValue<typeof fields>;

/** A job with all defaults filled in. Limits of 0 mean none. */
export interface ScrapeConfig extends DecodedScrapeConfig {
  scrapeProtocols: ScrapeProtocol[];
  scrapeNativeHistograms: boolean;
  alwaysScrapeClassicHistograms: boolean;
  convertClassicHistogramsToNhcb: boolean;
  extraScrapeMetrics: boolean;
  metricNameValidationScheme: NameScheme;
  metricNameEscapingScheme: EscapingScheme;
}

/** What is wrong with a list of protocols, in Prometheus' words. */
export function protocolsProblem(protocols: readonly string[]): string | null {
  if (protocols.length === 0) return 'scrape_protocols cannot be empty';
  const seen = new Set<string>();
  for (const protocol of protocols) {
    if (seen.has(protocol.toLowerCase()))
      return `duplicated protocol in scrape_protocols, got [${protocols.join(' ')}]`;
    const problem = protocolProblem(protocol);
    if (problem) return `scrape_protocols: ${problem}`;
    seen.add(protocol.toLowerCase());
  }
  return null;
}

function protocolProblem(protocol: string): string | null {
  if (Object.hasOwn(SCRAPE_PROTOCOLS, protocol)) return null;
  return `unknown scrape protocol ${protocol}, supported: [${Object.keys(SCRAPE_PROTOCOLS).sort().join(' ')}]`;
}

const INHERITED = [
  'bodySizeLimitBytes',
  'sampleLimit',
  'targetLimit',
  'labelLimit',
  'labelNameLengthLimit',
  'labelValueLengthLimit',
  'keepDroppedTargets',
] as const;

function inheritTimes(job: DecodedScrapeConfig, global: GlobalConfig, at: Place): void {
  job.scrapeIntervalMs ||= global.scrapeIntervalMs;
  if (job.scrapeTimeoutMs > job.scrapeIntervalMs) {
    const name = goQuote(job.jobName);
    at.at('scrape_timeout').fail(`scrape timeout greater than scrape interval for scrape config with job name ${name}`);
  }
  job.scrapeTimeoutMs ||= Math.min(global.scrapeTimeoutMs, job.scrapeIntervalMs);
}

function inheritProtocols(job: DecodedScrapeConfig, global: GlobalConfig, at: Place): void {
  job.scrapeProtocols ??= global.scrapeProtocols ?? defaultScrapeProtocols(job.scrapeNativeHistograms === true);
  const name = goQuote(job.jobName);
  const problem = protocolsProblem(job.scrapeProtocols);
  if (problem) at.at('scrape_protocols').fail(`${problem} for scrape config with job name ${name}`);
  const fallback = job.fallbackScrapeProtocol === '' ? null : protocolProblem(job.fallbackScrapeProtocol);
  if (fallback) {
    at.at('fallback_scrape_protocol').fail(
      `invalid fallback_scrape_protocol for scrape config with job name ${name}: ${fallback}`,
    );
  }
}

const escapingOf = (scheme: string): EscapingScheme => (scheme === 'legacy' ? 'underscores' : 'allow-utf-8');

/** What is wrong with an escaping scheme. `where`: `global` or `scrape config`. */
export function escapingProblem(scheme: string, where: string): string | null {
  if (scheme === '' || ESCAPING_SCHEMES.includes(scheme as EscapingScheme)) return null;
  const known = ESCAPING_SCHEMES.map((s) => `'${s}'`);
  const all = `${known.slice(0, -1).join(', ')}, or ${known.at(-1)}`;
  return `unknown ${where} name escaping method specified, must be one of ${all}, got ${goQuote(scheme)}`;
}

// The escaping follows the job's own validation scheme if that is given, else the global one: a job that asks for legacy
// names must not inherit the global allow-utf-8.
function inheritNames(job: DecodedScrapeConfig, global: GlobalConfig, at: Place): void {
  const own = job.metricNameValidationScheme;
  job.metricNameValidationScheme ||= global.metricNameValidationScheme;
  job.metricNameEscapingScheme ||=
    own === '' ? global.metricNameEscapingScheme || escapingOf(global.metricNameValidationScheme) : escapingOf(own);
  const problem = escapingProblem(job.metricNameEscapingScheme, 'scrape config');
  if (problem) at.at('metric_name_escaping_scheme').fail(problem);
  if (job.metricNameEscapingScheme === 'allow-utf-8' && job.metricNameValidationScheme !== 'utf8') {
    at.at('metric_name_escaping_scheme').fail('utf8 metric names requested but validation scheme is not set to UTF8');
  }
}

/** Fills in what the job takes from `global` and checks the whole. */
export function finishScrapeConfig(job: DecodedScrapeConfig, global: GlobalConfig, source: Source): ScrapeConfig {
  const at = source.placeOf(job);
  inheritTimes(job, global, at);
  for (const limit of INHERITED) job[limit] ||= global[limit];
  job.scrapeFailureLogFile ||= global.scrapeFailureLogFile;
  job.scrapeNativeHistograms ??= global.scrapeNativeHistograms ?? false;
  job.extraScrapeMetrics ??= global.extraScrapeMetrics;
  inheritProtocols(job, global, at);
  inheritNames(job, global, at);
  job.convertClassicHistogramsToNhcb ??= global.convertClassicHistogramsToNhcb;
  job.alwaysScrapeClassicHistograms ??= global.alwaysScrapeClassicHistograms;
  const scheme = job.metricNameValidationScheme as NameScheme;
  checkRelabelRules(job.relabelConfigs, scheme, source);
  checkRelabelRules(job.metricRelabelConfigs, scheme, source);
  return job as ScrapeConfig;
}
