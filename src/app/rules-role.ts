// The rules role: rule groups over the query side and the intake, and the notifier with its Alertmanagers.
import { hostname } from 'node:os';
import type { QueryService, RulesFilter, RulesPage, RulesService, WriteService } from '../api/index.ts';
import type { Logger, MetricRegistry } from '../base/index.ts';
import { type Config, type FlagValues, type HostFiles, enabledFeatures } from '../config/index.ts';
import type { Clock } from '../io/index.ts';
import { DEFAULT_TENANT } from '../model/index.ts';
import { Notifier, type PreparedRules, RuleManager, activeAlertsJson, ruleGroupsPage } from '../rules/index.ts';
import { alertmanagerClient } from './cloud-client.ts';
import { JobDiscovery } from './job-discoverers.ts';
import { createRuleQuery } from './rules-query.ts';
import { createRuleSink } from './rules-sink.ts';
import { VERSION } from './version.ts';

export interface RulesRoleParts {
  readonly queries: Pick<QueryService, 'query'>;
  readonly write: WriteService;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  readonly files: HostFiles;
  readonly flags: FlagValues;
  /** Of the first address that is listened on. */
  readonly port: number;
}

/** --web.external-url without a slash at its end, or what this machine is called. */
export function externalUrlOf(flags: FlagValues, port: number): string {
  const given = flags['web.external-url'];
  return (given === '' ? `http://${hostname()}:${port}` : given).replace(/\/+$/, '');
}

export class RulesRole implements RulesService {
  readonly #manager: RuleManager;
  readonly #notifier: Notifier;
  readonly #discovery: JobDiscovery;

  constructor(parts: RulesRoleParts) {
    const { queries, write, clock, logger, metrics, files, flags, port } = parts;
    const externalUrl = externalUrlOf(flags, port);
    const world = { clock, logger, metrics, files };
    this.#discovery = new JobDiscovery(world);
    this.#notifier = new Notifier({
      ...world,
      httpClient: (config) => alertmanagerClient(config, world),
      discoverers: (config) => this.#discovery.of(config, 'alertmanagers'),
      externalUrl,
      queueCapacity: flags['alertmanager.notification-queue-capacity'],
      batchSize: flags['alertmanager.notification-batch-size'],
      drainOnStop: flags['alertmanager.drain-notification-queue-on-shutdown'],
      userAgent: `Tidemark/${VERSION}`,
    });
    this.#manager = new RuleManager({
      ...world,
      query: createRuleQuery(queries),
      sink: createRuleSink(write),
      notify: (query, alerts) => this.#notifier.notify(query, alerts),
      externalUrl,
      resendDelayMs: flags['rules.alert.resend-delay'],
      graceMs: flags['rules.alert.for-grace-period'],
      outageToleranceMs: flags['rules.alert.for-outage-tolerance'],
      features: new Set(enabledFeatures(flags)),
      concurrentEvaluations: flags['rules.max-concurrent-evals'],
    });
  }

  /** Reads the rule files of a configuration. Throws TidemarkError with all that is wrong with them. */
  load(config: Config): Promise<PreparedRules> {
    return this.#manager.load(config);
  }

  /** Goes over to a configuration whose rules were loaded. */
  async apply(config: Config, rules: PreparedRules): Promise<void> {
    this.#notifier.apply(config);
    await this.#manager.apply(rules);
  }

  /** No more evaluations; what waits to be sent is sent. */
  async stop(): Promise<void> {
    await this.#manager.stop();
    await this.#notifier.stop();
    await this.#discovery.stop();
  }

  groups(filter: RulesFilter): RulesPage {
    // Rules are those of the configuration: of the default tenant.
    if (filter.tenant !== DEFAULT_TENANT) return { groups: [], groupNextToken: '' };
    return ruleGroupsPage(this.#manager.groups(), filter);
  }

  alerts(tenant: string): readonly object[] {
    return tenant === DEFAULT_TENANT ? activeAlertsJson(this.#manager.groups()) : [];
  }

  alertmanagers(): { readonly active: readonly string[]; readonly dropped: readonly string[] } {
    return this.#notifier.alertmanagers();
  }
}
