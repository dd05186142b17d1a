// Sends alerts to all Alertmanagers of the configuration: every one gets every alert, and they agree among themselves who notifies.
//
//   alert + external labels ─► alert_relabel_configs ─► per entry of `alertmanagers`: its own ─► a queue per Alertmanager
import { isDeepStrictEqual } from 'node:util';
import { type Counter, type Logger, type MetricRegistry, TidemarkError, errorText } from '../base/index.ts';
import type { AlertmanagerConfig, Config } from '../config/index.ts';
import type { Clock, HttpClient } from '../io/index.ts';
import { type Labels, LabelsBuilder, type NameScheme, compileRelabel, compileRelabelRules } from '../model/index.ts';
import type { Alert } from './alert.ts';
import { type AlertMessage, AlertSender } from './alert-sender.ts';
import { type AlertmanagerGroup, alertmanagerUrls } from './alertmanagers.ts';
import { tableLink } from './template/prometheus-functions.ts';

/** Finds Alertmanagers: scrape/'s discoverers are such. */
export interface AlertmanagerDiscoverer {
  start(emit: (groups: readonly AlertmanagerGroup[]) => void): void;
  stop(): Promise<void>;
}

/** What alerts are sent with, and how much may wait. */
export interface NotifierOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** A client with an entry's credentials and TLS. */
  readonly httpClient: (config: AlertmanagerConfig) => HttpClient;
  /** An entry's discoverers, not started. */
  readonly discoverers: (config: AlertmanagerConfig) => readonly AlertmanagerDiscoverer[];
  readonly externalUrl: string;
  readonly queueCapacity: number;
  readonly batchSize: number;
  readonly drainOnStop: boolean;
  readonly userAgent: string;
}

/** One entry of `alertmanagers`: where its Alertmanagers are and their queues. */
class AlertmanagerSet {
  readonly config: AlertmanagerConfig;
  readonly #options: NotifierOptions;
  readonly #client: HttpClient;
  readonly #scheme: NameScheme;
  readonly #relabel: (labels: Labels) => Labels | null;
  readonly #discoverers: readonly AlertmanagerDiscoverer[];
  readonly #groups: (readonly AlertmanagerGroup[])[];
  readonly #senders = new Map<string, AlertSender>();
  readonly #ending = new Set<Promise<void>>();
  dropped: readonly string[] = [];

  constructor(config: AlertmanagerConfig, scheme: NameScheme, options: NotifierOptions) {
    this.config = config;
    this.#options = options;
    this.#scheme = scheme;
    this.#client = options.httpClient(config);
    this.#relabel = compileRelabel(config.alertRelabelConfigs, scheme);
    this.#discoverers = options.discoverers(config);
    this.#groups = this.#discoverers.map(() => []);
  }

  get active(): string[] {
    return [...this.#senders.keys()];
  }

  start(): void {
    this.#discoverers.forEach((discoverer, i) => {
      discoverer.start((groups) => {
        this.#groups[i] = groups;
        this.#sync();
      });
    });
  }

  #sync(): void {
    const { logger } = this.#options;
    const { active, dropped, errors } = alertmanagerUrls(this.config, this.#groups.flat(), this.#scheme);
    for (const error of errors) logger.error('cannot use alertmanager', { error });
    this.dropped = dropped;
    for (const [url, sender] of this.#senders) {
      if (active.includes(url)) continue;
      this.#senders.delete(url);
      const ended = sender.stop(false).finally(() => this.#ending.delete(ended));
      this.#ending.add(ended);
    }
    for (const url of active) if (!this.#senders.has(url)) this.#senders.set(url, this.#sender(url));
  }

  #sender(url: string): AlertSender {
    const { clock, logger, metrics, queueCapacity, batchSize, userAgent } = this.#options;
    const { timeoutMs, followRedirects } = this.config;
    const common = { clock, logger, metrics, queueCapacity, batchSize, userAgent };
    return new AlertSender({ ...common, url, client: this.#client, timeoutMs, followRedirects });
  }

  send(alerts: readonly (readonly [labels: Labels, message: AlertMessage])[]): void {
    const messages = alerts.flatMap(([labels, message]) => {
      const relabelled = this.#relabel(labels);
      return relabelled === null ? [] : [{ ...message, labels: relabelled.toObject() }];
    });
    if (messages.length === 0) return;
    for (const sender of this.#senders.values()) sender.add(messages);
  }

  async stop(drain: boolean): Promise<void> {
    await Promise.all(this.#discoverers.map((discoverer) => discoverer.stop()));
    await Promise.all([...this.#senders.values()].map((sender) => sender.stop(drain)));
    await Promise.all(this.#ending);
    await this.#client.close();
  }
}

/** See the top of the file. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #relabelDropped: Counter;
  #sets: AlertmanagerSet[] = [];
  readonly #ending = new Set<Promise<void>>();
  #externalLabels: readonly (readonly [string, string])[] = [];
  #relabel: (builder: LabelsBuilder) => boolean = () => true;

  constructor(options: NotifierOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#relabelDropped = metrics.counter(
      'tidemark_alerts_dropped_by_relabelling_total',
      'Alerts that alert_relabel_configs dropped.',
    );
    metrics
      .gauge('prometheus_notifications_queue_capacity', 'The capacity of the alert notifications queue.')
      .set(options.queueCapacity);
    metrics.observed(
      'gauge',
      'prometheus_notifications_alertmanagers_discovered',
      'The number of alertmanagers discovered and active.',
      () => this.alertmanagers().active.length,
    );
  }

  /** Goes over to a configuration; entries that did not change keep their queues. */
  apply({ alerting, global }: Config): void {
    const scheme = global.metricNameValidationScheme;
    this.#externalLabels = Object.entries(global.externalLabels);
    this.#relabel = compileRelabelRules(alerting.alertRelabelConfigs, scheme);
    const before = [...this.#sets];
    this.#sets = alerting.alertmanagers.map((config) => {
      const index = before.findIndex((set) => isDeepStrictEqual(set.config, config));
      if (index >= 0) return before.splice(index, 1)[0];
      const added = new AlertmanagerSet(config, scheme, this.#options);
      added.start();
      return added;
    });
    for (const set of before) {
      const ended = set.stop(this.#options.drainOnStop).finally(() => this.#ending.delete(ended));
      this.#ending.add(ended);
    }
  }

  /** Queues alerts of a rule with this expression for all Alertmanagers. */
  notify(query: string, alerts: readonly Alert[]): void {
    const generatorURL = this.#options.externalUrl + tableLink(query);
    const messages: (readonly [Labels, AlertMessage])[] = [];
    for (const alert of alerts) {
      const labels = this.#labelsOf(alert);
      if (labels === null) this.#relabelDropped.inc();
      else messages.push([labels, messageOf(alert, generatorURL)]);
    }
    if (messages.length > 0) for (const set of this.#sets) set.send(messages);
  }

  #labelsOf({ labels }: Alert): Labels | null {
    const builder = new LabelsBuilder(labels);
    for (const [name, value] of this.#externalLabels) if (builder.get(name) === '') builder.set(name, value);
    return this.#relabel(builder) ? builder.labels() : null;
  }

  /** URLs that alerts go to, and those that relabelling dropped. */
  alertmanagers(): { readonly active: string[]; readonly dropped: string[] } {
    return {
      active: this.#sets.flatMap((set) => set.active),
      dropped: this.#sets.flatMap((set) => set.dropped),
    };
  }

  /** Ends all. What is queued is sent, unless the flag says otherwise. */
  async stop(): Promise<void> {
    const { drainOnStop, logger } = this.#options;
    try {
      await Promise.all([...this.#sets.map((set) => set.stop(drainOnStop)), ...this.#ending]);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      logger.warn('cannot stop notifications cleanly', { error: errorText(error) });
    }
  }
}

function messageOf(alert: Alert, generatorURL: string): AlertMessage {
  return {
    labels: alert.labels.toObject(),
    annotations: Object.fromEntries(alert.annotations),
    startsAt: new Date(alert.firedAtMs ?? alert.activeAtMs).toISOString(),
    endsAt: new Date(alert.resolvedAtMs ?? alert.validUntilMs).toISOString(),
    generatorURL,
  };
}
