// The `global` section: defaults of all jobs, and the labels of this server.
import { isValidLabelName, type NameScheme, goQuote } from '../model/index.ts';
import {
  type EscapingScheme,
  escapingProblem,
  escapingScheme,
  limitFields,
  nameScheme,
  protocolList,
  protocolsProblem,
} from './scrape-config.ts';
import { bool, duration, path, text, uint } from './scalars.ts';
import { type Place, type StructValue, mapOf, optional, struct } from './schema.ts';

export const DEFAULT_SCRAPE_INTERVAL_MS = 60_000;
export const DEFAULT_SCRAPE_TIMEOUT_MS = 10_000;
export const DEFAULT_EVALUATION_INTERVAL_MS = 60_000;

const fields = {
  scrapeIntervalMs: duration,
  scrapeTimeoutMs: duration,
  scrapeProtocols: protocolList,
  evaluationIntervalMs: duration,
  ruleQueryOffsetMs: duration,
  queryLogFile: path,
  scrapeFailureLogFile: path,
  externalLabels: mapOf(text),
  ...limitFields,
  keepDroppedTargets: uint,
  metricNameValidationScheme: nameScheme,
  metricNameEscapingScheme: escapingScheme,
  scrapeNativeHistograms: optional(bool),
  convertClassicHistogramsToNhcb: bool,
  alwaysScrapeClassicHistograms: bool,
  extraScrapeMetrics: bool,
};

export const globalConfig = struct(fields, finishGlobal);

type DecodedGlobalConfig = StructValue<typeof fields>;

/** The `global` section with its defaults filled in; durations in ms. */
export interface GlobalConfig extends DecodedGlobalConfig {
  metricNameValidationScheme: NameScheme;
  metricNameEscapingScheme: EscapingScheme | '';
}

function checkExternalLabels(global: DecodedGlobalConfig, at: Place): void {
  for (const [name, value] of Object.entries(global.externalLabels)) {
    if (!isValidLabelName(name, global.metricNameValidationScheme || 'utf8'))
      at.at('external_labels')
        .at(name)
        .fail(`${goQuote(name)} is not a valid label name`);
    if (!value.isWellFormed())
      at.at('external_labels')
        .at(name)
        .fail(`${goQuote(value)} is not a valid label value`);
  }
}

/** Fills in the defaults and checks the whole. */
export function finishGlobal(global: DecodedGlobalConfig, at: Place): void {
  global.metricNameValidationScheme ||= 'utf8';
  checkExternalLabels(global, at);
  global.scrapeIntervalMs ||= DEFAULT_SCRAPE_INTERVAL_MS;
  if (global.scrapeTimeoutMs > global.scrapeIntervalMs)
    at.at('scrape_timeout').fail('global scrape timeout greater than scrape interval');
  global.scrapeTimeoutMs ||= Math.min(DEFAULT_SCRAPE_TIMEOUT_MS, global.scrapeIntervalMs);
  global.evaluationIntervalMs ||= DEFAULT_EVALUATION_INTERVAL_MS;
  global.scrapeNativeHistograms ??= false;
  const problem = global.scrapeProtocols && protocolsProblem(global.scrapeProtocols);
  if (problem) at.at('scrape_protocols').fail(`${problem} for global config`);
  const escaping = escapingProblem(global.metricNameEscapingScheme, 'global');
  if (escaping) at.at('metric_name_escaping_scheme').fail(escaping);
}
