// All groups of the configuration in force. A reload reads all rule files first and refuses the whole if one of them is wrong;
// groups that did not change go on undisturbed, changed ones hand their state over, series of removed ones are ended.
import { isDeepStrictEqual } from 'node:util';
import { type MetricRegistry, TidemarkError, errorText, utf8Text } from '../base/index.ts';
import { type Config, type HostFiles, globFiles } from '../config/index.ts';
import { AlertingRule, type Rule } from './alerting-rule.ts';
import { type GroupWorld, RuleGroup, groupKey } from './group.ts';
import { RecordingRule } from './recording-rule.ts';
import { type GroupSpec, parseRuleFile } from './rule-file.ts';
import { createRuleMetrics } from './rule-metrics.ts';
import { Slots } from './slots.ts';

/** What rules are evaluated with. */
export interface RuleManagerOptions extends Omit<GroupWorld, 'metrics' | 'concurrency'> {
  readonly metrics: MetricRegistry;
  readonly files: HostFiles;
  /** Names of --enable-feature that are on. */
  readonly features: ReadonlySet<string>;
  /** Rules of one group that may be evaluated at the same time, with --enable-feature=concurrent-rule-eval. */
  readonly concurrentEvaluations: number;
}

/** A group as its file and the configuration have it. */
interface PreparedGroup {
  readonly file: string;
  readonly spec: GroupSpec;
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly externalLabels: Readonly<Record<string, string>>;
}

/** Rule files that were read and are good. */
export interface PreparedRules {
  readonly groups: readonly PreparedGroup[];
}

/** Errors that a message lists. */
const ERRORS_SHOWN_MAX = 20;

/** See the top of the file. */
export class RuleManager {
  readonly #options: RuleManagerOptions;
  readonly #world: GroupWorld;
  readonly #groups = new Map<string, { readonly prepared: PreparedGroup; readonly group: RuleGroup }>();
  readonly #ending = new Set<Promise<void>>();
  readonly #shutdown = new AbortController();
  #isFirst = true;

  constructor(options: RuleManagerOptions) {
    this.#options = options;
    const isConcurrent = options.features.has('concurrent-rule-eval');
    this.#world = {
      ...options,
      metrics: createRuleMetrics(options.metrics),
      concurrency: isConcurrent ? new Slots(options.concurrentEvaluations) : null,
    };
  }

  /** Reads the rule files of a configuration. Throws TidemarkError `bad_rules` with all that is wrong with them. */
  async load(config: Config): Promise<PreparedRules> {
    const { global } = config;
    const errors: string[] = [];
    const groups: PreparedGroup[] = [];
    for (const file of await this.#filesOf(config)) {
      const parsed = await this.#read(file, config);
      errors.push(...parsed.errors.map((text) => `${file}: ${text}`));
      for (const spec of parsed.groups) {
        groups.push({
          file,
          spec,
          intervalMs: spec.intervalMs || global.evaluationIntervalMs,
          queryOffsetMs: spec.queryOffsetMs ?? global.ruleQueryOffsetMs,
          externalLabels: { ...global.externalLabels },
        });
      }
    }
    if (errors.length === 0) return { groups };
    const more = errors.length > ERRORS_SHOWN_MAX ? `; and ${errors.length - ERRORS_SHOWN_MAX} more` : '';
    throw new TidemarkError('bad_rules', `cannot load rules: ${errors.slice(0, ERRORS_SHOWN_MAX).join('; ')}${more}`);
  }

  async #filesOf({ ruleFiles }: Config): Promise<string[]> {
    const { files } = this.#options;
    const found = new Set<string>();
    for (const pattern of ruleFiles) {
      for (const file of await globFiles(pattern, (directory) => files.list(directory))) {
        if (await files.stat(file)) found.add(file);
      }
    }
    return [...found];
  }

  async #read(file: string, config: Config): Promise<ReturnType<typeof parseRuleFile>> {
    const { files, features } = this.#options;
    let text: string;
    try {
      text = utf8Text(await files.readFile(file));
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      return { groups: [], errors: [errorText(error)] };
    }
    return parseRuleFile(text, { features, nameScheme: config.global.metricNameValidationScheme });
  }

  /** Goes over to these groups; evaluations under way are awaited. */
  async apply({ groups }: PreparedRules): Promise<void> {
    if (this.#shutdown.signal.aborted) return;
    const wanted = new Map(groups.map((prepared) => [groupKey(prepared.file, prepared.spec.name), prepared]));
    await Promise.all([...wanted].map(([key, prepared]) => this.#place(key, prepared)));
    for (const [key, { group }] of this.#groups) {
      if (wanted.has(key)) continue;
      this.#groups.delete(key);
      const ended = group
        .stop('finish')
        .then(() => group.endSeries(this.#shutdown.signal))
        .finally(() => this.#ending.delete(ended));
      this.#ending.add(ended);
    }
    this.#isFirst = false;
  }

  async #place(key: string, prepared: PreparedGroup): Promise<void> {
    const before = this.#groups.get(key);
    if (before && isDeepStrictEqual(before.prepared, prepared)) return;
    const group = this.#make(prepared);
    this.#groups.set(key, { prepared, group });
    if (before) {
      await before.group.stop('finish');
      group.copyState(before.group);
    }
    group.start();
  }

  #make({ file, spec, intervalMs, queryOffsetMs, externalLabels }: PreparedGroup): RuleGroup {
    const { features } = this.#options;
    // Only a start has a state before it to look up.
    const isRestored = !this.#isFirst;
    const rules = spec.rules.map(
      (rule): Rule =>
        rule.alert === ''
          ? new RecordingRule(rule, spec, features)
          : new AlertingRule(rule, spec, { features, isRestored }),
    );
    const { name, limit } = spec;
    const options = { file, name, intervalMs, queryOffsetMs, limit, rules, externalLabels, shouldRestore: !isRestored };
    return new RuleGroup(options, this.#world);
  }

  /** By file, then name. */
  groups(): RuleGroup[] {
    const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
    return [...this.#groups.values()]
      .map(({ group }) => group)
      .sort((a, b) => order(a.options.file, b.options.file) || order(a.options.name, b.options.name));
  }

  /** Ends all; queries are broken off and nothing is written afterwards. Series are not ended: the program comes back. */
  async stop(): Promise<void> {
    this.#shutdown.abort();
    await Promise.all([...this.#groups.values()].map(({ group }) => group.stop('abort')));
    await Promise.all(this.#ending);
  }
}
