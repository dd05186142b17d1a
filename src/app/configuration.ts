// The configuration file of a running process: loading, what is used without one, and reload (all or nothing).
import { createHash } from 'node:crypto';
import { type Logger, TidemarkError, errorText } from '../base/index.ts';
import {
  type Config,
  EXEMPLAR_FEATURE,
  type Feature,
  type HostFiles,
  globFiles,
  loadConfig,
  unsupported,
} from '../config/index.ts';
import { hasCode } from '../io/index.ts';
import { discoveryKinds } from '../scrape/index.ts';

/** Used when no file is named and there is none of the default name: this program and the machine it runs on. */
export const builtInConfig = (port: number): string => `global:
  scrape_interval: 5s
  evaluation_interval: 15s
scrape_configs:
  - job_name: tidemark
    static_configs:
      - targets: ['localhost:${port}']
  - job_name: node
    metrics_path: /metrics/host
    static_configs:
      - targets: ['localhost:${port}']
`;

/** Sections besides scraping that this program runs. */
const RUNS: ReadonlySet<Feature> = new Set(['alerting', 'rule_files', 'remote_write', 'otlp', ...discoveryKinds()]);

export interface ConfigurationOptions {
  readonly file: string;
  /** Whether --config.file was given: then the file must be there. */
  readonly isNamed: boolean;
  readonly port: number;
  readonly files: HostFiles;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Reads and checks the file. Throws TidemarkError with file, line and column. */
export async function readConfiguration(options: ConfigurationOptions): Promise<Config> {
  const { file, isNamed, port, files, env } = options;
  const load = (text: string, name: string) =>
    loadConfig(text, { file: name, env, readFile: files.readFile, list: files.list });
  let bytes: Uint8Array;
  try {
    bytes = await files.readFile(file);
  } catch (error) {
    if (!isNamed && hasCode(error, 'not_found')) return load(builtInConfig(port), 'built-in configuration');
    throw new TidemarkError('bad_config', `cannot read configuration: ${errorText(error)}`, { cause: error });
  }
  return load(configText(bytes, file), file);
}

/** Differs when the file does, or one that it names: rules, jobs. For --config.auto-reload. */
export async function configurationStamp({ file, files }: ConfigurationOptions, config: Config): Promise<string> {
  const digest = createHash('sha256');
  const patterns = [...config.scrapeConfigFiles, ...config.ruleFiles];
  const named = await Promise.all(patterns.map((pattern) => globFiles(pattern, files.list).catch(() => [])));
  for (const path of [file, ...named.flat()]) {
    const bytes = await files.readFile(path).catch(() => new Uint8Array(0)); // a load says what is wrong with it
    digest.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return digest.digest('base64');
}

/** The file's text; throws with line and column of the first byte that is none. */
function configText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const good = wellFormedPart(bytes);
    const lines = good.split('\n');
    const place = `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
    throw new TidemarkError('bad_config', `cannot read ${file}: ${place}: bytes are not valid UTF-8`, { cause });
  }
}

/** The text before the first bytes that are not valid UTF-8. */
function wellFormedPart(bytes: Uint8Array): string {
  const [text] = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).split('\ufffd', 1);
  return text;
}

/** Says, one line each, what the file asks for and this program does not do. */
export function warnOfUnsupported(config: Config, features: readonly string[], logger: Logger): void {
  const runs = features.includes(EXEMPLAR_FEATURE) ? new Set([...RUNS, 'exemplars' as const]) : RUNS;
  for (const { path, text } of unsupported(config, runs))
    logger.warn('configuration asks for what is not supported yet', { path, text });
}
