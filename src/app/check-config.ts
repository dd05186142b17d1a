// `tidemark check config`: reads configuration files as the server would, and what they name: rule files, scrape configuration
// files, credentials, certificates, files of targets. Output and exit codes are promtool's.
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import {
  type Config,
  type FileSdConfig,
  type ScrapeConfig,
  type StaticConfig,
  type TlsConfig,
  allScrapeConfigs,
  formatDuration,
  globFiles,
  loadConfig,
  parseDuration,
} from '../config/index.ts';
import { goQuote } from '../model/index.ts';
import { TargetFactory, groupsOfFile, targetGroups } from '../scrape/index.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb } from './verb-command.ts';

const LINTS = ['all', 'duplicate-rules', 'none', 'too-long-scrape-interval'];

const bad = (text: string): TidemarkError => new TidemarkError('bad_config', text);

/** What promtool calls the settings of `--lint`. */
interface LintSettings {
  readonly rules: string;
  readonly isFatal: boolean;
  readonly isLongIntervalChecked: boolean;
  readonly lookbackMs: number;
}

function lintSettings(args: VerbArguments): LintSettings {
  const given = args.text('lint').split(',');
  for (const lint of given) {
    if (!LINTS.includes(lint)) throw new TidemarkError('bad_flag', `unknown lint option ${goQuote(lint)}`);
  }
  const isAll = given.includes('all');
  return {
    rules: isAll || given.includes('duplicate-rules') ? 'duplicate-rules' : 'none',
    isFatal: args.has('lint-fatal'),
    isLongIntervalChecked: isAll || given.includes('too-long-scrape-interval'),
    lookbackMs: parseDuration(args.text('query.lookback-delta')),
  };
}

/** Checks rule files and prints what it finds, as `check rules` does. */
export type CheckRuleFiles = (
  tool: Tool,
  files: readonly string[],
  options: { readonly lint: string; readonly isUnknownFieldIgnored: boolean },
) => Promise<{ readonly hasErrors: boolean; readonly hasLint: boolean }>;

/** Checks one file; what it names is looked at unless `isSyntaxOnly`. */
class ConfigCheck {
  readonly #tool: Tool;
  readonly #isSyntaxOnly: boolean;
  readonly #isAgent: boolean;

  constructor(tool: Tool, args: VerbArguments) {
    this.#tool = tool;
    this.#isSyntaxOnly = args.has('syntax-only');
    this.#isAgent = args.has('agent');
  }

  /** Throws TidemarkError with what is wrong. */
  async check(file: string): Promise<{ ruleFiles: string[]; jobs: ScrapeConfig[] }> {
    const config = await this.#load(file);
    if (this.#isAgent) refuseInAgent(config);
    const ruleFiles = this.#isSyntaxOnly ? [] : await this.#ruleFiles(config);
    const jobs = allScrapeConfigs(config);
    for (const job of jobs) await this.#job(job);
    for (const manager of config.alerting.alertmanagers) {
      await this.#tls(manager.tlsConfig);
      for (const sd of manager.fileSdConfigs) await this.#targetFiles(sd, 'alertmanager config', () => {});
    }
    return { ruleFiles, jobs };
  }

  async #load(file: string): Promise<Config> {
    let text: string;
    try {
      text = utf8Text(await this.#tool.files.readFile(file));
    } catch (cause) {
      throw new TidemarkError('bad_config', `cannot read ${file}: ${errorText(cause)}`, { cause });
    }
    const { list } = this.#tool.files;
    return loadConfig(text, { file, env: process.env, list, readFile: (path) => this.#read(path) });
  }

  /** Files of scrape configurations are configuration, too. For the syntax alone they need not be there. */
  async #read(path: string): Promise<Uint8Array> {
    const isMissing = this.#isSyntaxOnly && !(await this.#tool.files.stat(path));
    return isMissing ? new Uint8Array(0) : this.#tool.files.readFile(path);
  }

  async #ruleFiles({ ruleFiles }: Config): Promise<string[]> {
    const out: string[] = [];
    for (const pattern of ruleFiles) {
      const found = await this.#existing(pattern);
      if (found.length === 0 && !pattern.includes('*'))
        throw bad(`${goQuote(pattern)} does not point to an existing file`);
      out.push(...found);
    }
    return out;
  }

  async #existing(pattern: string): Promise<string[]> {
    const found: string[] = [];
    for (const path of await globFiles(pattern, this.#tool.files.list))
      if (await this.#tool.files.stat(path)) found.push(path);
    return found;
  }

  async #mustExist(what: string, path: string): Promise<void> {
    if (path === '' || (await this.#tool.files.stat(path))) return;
    throw bad(`error checking ${what} ${goQuote(path)}: stat ${path}: no such file or directory`);
  }

  async #tls(tls: TlsConfig): Promise<void> {
    if (this.#isSyntaxOnly) return;
    await this.#mustExist('client cert file', tls.certFile);
    await this.#mustExist('client key file', tls.keyFile);
  }

  async #job(job: ScrapeConfig): Promise<void> {
    if (!this.#isSyntaxOnly)
      await this.#mustExist('authorization credentials or bearer token file', job.authorization?.credentialsFile ?? '');
    await this.#tls(job.tlsConfig);
    for (const sd of [...job.kubernetesSdConfigs, ...job.httpSdConfigs]) await this.#tls(sd.tlsConfig);
    const factory = new TargetFactory(job);
    const targets = (groups: readonly StaticConfig[], name: string) => {
      const [error] = factory.fromGroups(targetGroups(groups, name)).errors;
      if (error !== undefined) throw bad(error);
    };
    if (!this.#isSyntaxOnly) {
      for (const sd of job.fileSdConfigs) await this.#targetFiles(sd, `scrape job ${goQuote(job.jobName)}`, targets);
    }
    targets(job.staticConfigs, '');
  }

  async #targetFiles(
    sd: FileSdConfig,
    holder: string,
    take: (groups: readonly StaticConfig[], name: string) => void,
  ): Promise<void> {
    if (this.#isSyntaxOnly) return;
    for (const pattern of sd.files) {
      const files = await this.#existing(pattern);
      if (files.length === 0)
        this.#tool.print(`  WARNING: file ${goQuote(pattern)} for file_sd in ${holder} does not exist\n`);
      for (const file of files) take(await this.#groups(pattern, file), file);
    }
  }

  async #groups(pattern: string, file: string): Promise<StaticConfig[]> {
    try {
      return groupsOfFile(utf8Text(await this.#tool.files.readFile(file)), file);
    } catch (cause) {
      throw new TidemarkError('bad_config', `checking SD file ${goQuote(pattern)}: ${errorText(cause)}`, { cause });
    }
  }
}

/** Sections that an agent has no use for. */
/** Throws what agent mode does not allow. */
export function refuseInAgent(config: Config): void {
  const { alerting, ruleFiles, remoteRead, remoteWrite } = config;
  if (remoteWrite.length === 0) throw bad('at least one remote_write target must be specified in agent mode');
  if (alerting.alertmanagers.length > 0 || alerting.alertRelabelConfigs.length > 0)
    throw bad('field alerting is not allowed in agent mode');
  if (ruleFiles.length > 0) throw bad('field rule_files is not allowed in agent mode');
  if (remoteRead.length > 0) throw bad('field remote_read is not allowed in agent mode');
}

/** Intervals as long as the lookback leave gaps in every graph. Whether there are any. */
function lintIntervals(tool: Tool, jobs: readonly ScrapeConfig[], settings: LintSettings): boolean {
  if (!settings.isLongIntervalChecked) return false;
  const long = jobs.filter(({ scrapeIntervalMs }) => scrapeIntervalMs >= settings.lookbackMs);
  for (const { jobName, scrapeIntervalMs } of long) {
    const interval = formatDuration(scrapeIntervalMs);
    tool.say(
      `  FAILED: too long scrape interval found, data point will be marked as stale - job: ${jobName}, interval: ${interval}`,
    );
  }
  return long.length > 0;
}

async function run(checkRuleFiles: CheckRuleFiles, tool: Tool, args: VerbArguments): Promise<number> {
  const settings = lintSettings(args);
  const check = new ConfigCheck(tool, args);
  let hasErrors = false;
  let hasLint = false;
  for (const file of args.positional) {
    tool.print(`Checking ${file}\n`);
    let checked: Awaited<ReturnType<ConfigCheck['check']>>;
    try {
      checked = await check.check(file);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      tool.say(`  FAILED: ${errorText(error)}`);
      tool.print('\n');
      hasErrors = true;
      continue;
    }
    if (checked.ruleFiles.length > 0) tool.print(`  SUCCESS: ${checked.ruleFiles.length} rule files found\n`);
    tool.print(` SUCCESS: ${file} is valid prometheus config file syntax\n\n`);
    if (args.has('syntax-only')) continue;
    if (lintIntervals(tool, checked.jobs, settings)) hasLint = true;
    if (checked.ruleFiles.length === 0) continue;
    const rules = await checkRuleFiles(tool, checked.ruleFiles, {
      lint: settings.rules,
      isUnknownFieldIgnored: args.has('ignore-unknown-fields'),
    });
    hasErrors ||= rules.hasErrors;
    hasLint ||= rules.hasLint;
  }
  if (hasErrors) return EXIT_CODES.failed;
  return hasLint && settings.isFatal ? EXIT_CODES.lint : EXIT_CODES.good;
}

/** `check config`; rule files that a configuration names are checked by the function. */
export const checkConfigVerb = (checkRuleFiles: CheckRuleFiles): ToolVerb => ({
  verb: 'check config',
  help: 'Check if the config files are valid or not.',
  args: ['config-files...'],
  flags: {
    'syntax-only': { kind: 'switch', help: 'Only check the syntax, not the files that are named in it.' },
    lint: { kind: 'text', absent: 'duplicate-rules', help: `Checks to apply: ${LINTS.join(', ')}.` },
    'lint-fatal': { kind: 'switch', help: 'Exit with 3 on lint errors.' },
    'ignore-unknown-fields': { kind: 'switch', help: 'Ignore unknown fields in the rule groups of the rule files.' },
    agent: { kind: 'switch', help: 'Check a file for Prometheus in agent mode.' },
    'query.lookback-delta': {
      kind: 'text',
      absent: '5m',
      help: "The server's lookback, for too-long-scrape-interval.",
    },
  },
  run: (tool, args) => run(checkRuleFiles, tool, args),
});
