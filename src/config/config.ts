// prometheus.yml: the whole file. Reading it is pure; files it names are read through what the caller passes in.
import { dirname } from 'node:path';
import { errorText, TidemarkError, utf8Text } from '../base/index.ts';
import { type NameScheme, goQuote } from '../model/index.ts';
import { alerting, checkAlerting } from './alerting-config.ts';
import { type GlobalConfig, finishGlobal, globalConfig } from './global-config.ts';
import { type ListDirectory, globFiles } from './glob.ts';
import { type HttpClientConfig, checkHttpClient, httpClientFields } from './http-client.ts';
import { checkRelabelRules } from './relabel-config.ts';
import { tidemark } from './limits.ts';
import { remoteReads, remoteWrites } from './remote-config.ts';
import { joinDirectory, scalarName } from './scalars.ts';
import {
  type Place,
  Source,
  type StructValue,
  type Type,
  decodeNode,
  isNull,
  kept,
  list,
  struct,
  withDefault,
} from './schema.ts';
import { type ScrapeConfig, finishScrapeConfig, scrapeConfig } from './scrape-config.ts';
import { type StaticConfig, staticConfig } from './service-discovery.ts';
import { DEFAULT_OTLP, GOGC_DEFAULT, otlp, runtime, storage, tracing } from './server-config.ts';

const RULE_PATH = /^[^*]*(?:\*[^/]*)?$/;

/** Paths that may have a pattern in their last name. */
const patternPaths = (what: string): Type<string[]> => {
  const pattern = {
    ...scalarName<string>('a path'),
    decode: (node, at) => {
      const path = scalarName<string>('a path').decode(node, at);
      if (!RULE_PATH.test(path)) at.fail(`invalid ${what} file path ${goQuote(path)}`);
      return joinDirectory(at.source.directory, path);
    },
  } satisfies Type<string>;
  return list(pattern);
};

const scrapeConfigs = list(scrapeConfig, 'empty or null scrape config section');

const fields = {
  global: kept(globalConfig),
  runtime: withDefault(runtime, { gogc: GOGC_DEFAULT }),
  alerting,
  ruleFiles: patternPaths('rule'),
  scrapeConfigFiles: patternPaths('scrape config'),
  scrapeConfigs,
  storage,
  tracing,
  remoteWrite: remoteWrites,
  remoteRead: remoteReads,
  otlp: withDefault(otlp, DEFAULT_OTLP),
  tidemark,
};

/** The file's type; printConfig prints with it. */
export const configFile = struct(fields);
const scrapeFile = struct({ scrapeConfigs });

type DecodedConfig = StructValue<typeof fields>;

/** A configuration with all defaults filled in. */
export interface Config extends DecodedConfig {
  global: GlobalConfig;
  /** The jobs of the main file. */
  scrapeConfigs: ScrapeConfig[];
  /** The jobs of `scrape_config_files`. */
  fileScrapeConfigs: ScrapeConfig[];
}

/** All jobs, wherever they are written. */
export const allScrapeConfigs = (config: Config): ScrapeConfig[] => [
  ...config.scrapeConfigs,
  ...config.fileScrapeConfigs,
];

/** What the text of a configuration is read with. */
export interface ParseOptions {
  /** Name for messages; relative paths start at its directory. */
  readonly file: string;
  /** Variables for `${NAME}` in external labels. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What a configuration on disk is read with: files that it names are read too. */
export interface LoadOptions extends ParseOptions {
  /** Contents of a file; rejects if there is none. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Names in a directory; empty if there is none. */
  readonly list: ListDirectory;
}

/** `$NAME`, `${NAME}`, `$$` in a text; unknown names are empty. */
export function expandEnv(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$(?:\{([^}]*)\}|([a-zA-Z_][a-zA-Z0-9_]*|[0-9*#$@!?-])|\{)/g, (_, braced, plain) => {
    const name = braced ?? plain ?? '';
    return name === '$' ? '$' : (env[name] ?? '');
  });
}

function decodeFile<T>(type: Type<T>, text: string, file: string): { value: T; source: Source } {
  const source = new Source(text, file, dirname(file));
  if (source.document.contents !== null && !isNull(source.document.contents))
    return { value: decodeNode(type, source.root), source };
  return { value: decodeNode(type, new Source('{}', file, dirname(file)).root), source };
}

function uniqueNames(items: readonly { name: string }[], what: string, source: Source): void {
  const seen = new Set<string>();
  for (const item of items) {
    if (item.name === '') continue;
    if (seen.has(item.name)) {
      source
        .placeOf(item)
        .at('name')
        .fail(`found multiple ${what} configs with job name ${goQuote(item.name)}`);
    }
    seen.add(item.name);
  }
}

function checkOtlp(config: DecodedConfig, at: Place): void {
  const strategy = config.otlp.translationStrategy;
  const keepsUtf8 = strategy === 'NoTranslation' || strategy === 'NoUTF8EscapingWithSuffixes';
  if (!keepsUtf8 || config.global.metricNameValidationScheme !== 'legacy') return;
  at.at('otlp')
    .at('translation_strategy')
    .fail(`OTLP translation strategy ${goQuote(strategy)} is not allowed when UTF8 is disabled`);
}

function finishJobs(config: DecodedConfig, source: Source): void {
  const names = new Set<string>();
  for (const job of config.scrapeConfigs) {
    finishScrapeConfig(job, config.global as GlobalConfig, source);
    if (names.has(job.jobName)) {
      const fact = `found multiple scrape configs with job name ${goQuote(job.jobName)}`;
      source.placeOf(job).at('job_name').fail(fact);
    }
    names.add(job.jobName);
  }
}

/** Reads a configuration without the files of `scrape_config_files`. Throws TidemarkError `bad_config`. */
export function parseConfig(text: string, options: ParseOptions): Config {
  const { value, source } = decodeFile(configFile, text, options.file);
  const { global } = value;
  if (global.scrapeIntervalMs === 0) finishGlobal(global, source.root);
  if (value.runtime.gogc === 0) value.runtime.gogc = GOGC_DEFAULT;
  finishJobs(value, source);
  const scheme = global.metricNameValidationScheme as NameScheme;
  checkAlerting(value.alerting, scheme, source);
  uniqueNames(value.remoteWrite, 'remote write', source);
  for (const write of value.remoteWrite) checkRelabelRules(write.writeRelabelConfigs, scheme, source);
  uniqueNames(value.remoteRead, 'remote read', source);
  checkOtlp(value, source.root);
  for (const [name, label] of Object.entries(global.externalLabels))
    global.externalLabels[name] = expandEnv(label, options.env ?? {});
  return Object.assign(value as Config, { fileScrapeConfigs: [] });
}

async function readText(path: string, options: LoadOptions): Promise<string> {
  try {
    return utf8Text(await options.readFile(path));
  } catch (cause) {
    throw new TidemarkError('bad_config', `cannot read ${path}: ${errorText(cause)}`, { cause });
  }
}

/** The jobs of one of `scrape_config_files`. `jobFiles`: which file each job name was first seen in. */
function addScrapeFile(config: Config, text: string, file: string, jobFiles: Map<string, string>): void {
  const { value, source } = decodeFile(scrapeFile, text, file);
  for (const decoded of value.scrapeConfigs) {
    const job = finishScrapeConfig(decoded, config.global, source);
    const first = jobFiles.get(job.jobName);
    if (first !== undefined) {
      const fact = `found multiple scrape configs with job name ${goQuote(job.jobName)}, first found in ${first}`;
      source.placeOf(job).at('job_name').fail(fact);
    }
    jobFiles.set(job.jobName, goQuote(file));
    config.fileScrapeConfigs.push(job);
  }
}

/** Reads a configuration and the scrape configuration files it names. Throws TidemarkError `bad_config`. */
export async function loadConfig(text: string, options: LoadOptions): Promise<Config> {
  const config = parseConfig(text, options);
  const jobFiles = new Map(config.scrapeConfigs.map((job) => [job.jobName, 'main config file']));
  for (const pattern of config.scrapeConfigFiles) {
    for (const file of await globFiles(pattern, options.list))
      addScrapeFile(config, await readText(file, options), file, jobFiles);
  }
  return config;
}

const clientFile = struct(httpClientFields, checkHttpClient);

/** The options of an HTTP client that stand in a file of their own (--http.config.file). Throws TidemarkError `bad_config`. */
export const parseHttpClientConfig = (text: string, file: string): HttpClientConfig =>
  decodeFile(clientFile, text, file).value;

const targetFile = list(staticConfig, 'nil target group item found');

/** The target groups of a YAML file for file discovery. Throws TidemarkError `bad_config`. */
export function parseTargetGroups(text: string, file: string): StaticConfig[] {
  const source = new Source(text, file, dirname(file));
  return isNull(source.document.contents) ? [] : decodeNode(targetFile, source.root);
}
