// The queue of one Alertmanager. Alerts are posted in batches, one request at a time. What an Alertmanager does not take is
// dropped and counted: alerts that still fire are sent again by their rule, so that a queue never holds old news for long.
import {
  type Counter,
  type Histogram,
  LATENCY_BOUNDS_SECONDS,
  type Logger,
  type MetricRegistry,
  TidemarkError,
  errorText,
} from '../base/index.ts';
import type { Clock, HttpClient } from '../io/index.ts';

/** An alert as Alertmanager's API v2 takes it. */
export interface AlertMessage {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

export interface AlertSenderOptions {
  readonly url: string;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  readonly timeoutMs: number;
  readonly followRedirects: boolean;
  readonly queueCapacity: number;
  readonly batchSize: number;
  readonly userAgent: string;
}

/** Answers say little; more is no Alertmanager. */
const ANSWER_BYTES_MAX = 1 << 20;

export class AlertSender {
  readonly #options: AlertSenderOptions;
  readonly #sent: Counter;
  readonly #errors: Counter;
  readonly #dropped: Counter;
  readonly #latency: Histogram;
  #queue: AlertMessage[] = [];
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: AlertSenderOptions) {
    this.#options = options;
    const { metrics, url } = options;
    const labels = { alertmanager: url };
    const counter = (name: string, help: string) => metrics.counter(`prometheus_notifications_${name}`, help, labels);
    this.#sent = counter('sent_total', 'Total number of alerts sent.');
    this.#errors = counter('errors_total', 'Total number of sent alerts affected by errors.');
    this.#dropped = counter(
      'dropped_total',
      'Total number of alerts dropped due to errors when sending to Alertmanager.',
    );
    this.#latency = metrics.histogram(
      'prometheus_notifications_latency_histogram_seconds',
      'Latency histogram for sending alert notifications.',
      LATENCY_BOUNDS_SECONDS,
      labels,
    );
    metrics.observed(
      'gauge',
      'prometheus_notifications_queue_length',
      'The number of alert notifications in the queue.',
      () => this.#queue.length,
      labels,
    );
  }

  /** Queues alerts; the oldest give way where the queue is full. */
  add(alerts: readonly AlertMessage[]): void {
    if (this.#isStopped) return;
    const { queueCapacity, logger, url } = this.#options;
    this.#queue.push(...alerts);
    const surplus = this.#queue.length - queueCapacity;
    if (surplus > 0) {
      this.#queue = this.#queue.slice(surplus);
      this.#dropped.add(surplus);
      logger.warn('alert notification queue full, dropping alerts', { alertmanager: url, count: surplus });
    }
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#sendBatch();
    } finally {
      this.#running = null;
    }
  }

  async #sendBatch(): Promise<void> {
    const { batchSize, clock, logger, url } = this.#options;
    const batch = this.#queue.splice(0, batchSize);
    const startedMs = clock.monotonicMs();
    try {
      await this.#post(batch);
      this.#latency.observe((clock.monotonicMs() - startedMs) / 1000);
      this.#sent.add(batch.length);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      this.#errors.add(batch.length);
      this.#dropped.add(batch.length);
      logger.error('cannot send alerts', { alertmanager: url, count: batch.length, error: errorText(error) });
    }
  }

  async #post(batch: readonly AlertMessage[]): Promise<void> {
    const { client, url, timeoutMs, userAgent, followRedirects } = this.#options;
    const { status } = await client.request({
      method: 'POST',
      url,
      headers: { 'Content-Type': 'application/json', 'User-Agent': userAgent },
      body: JSON.stringify(batch),
      timeoutMs,
      bodyBytesMax: ANSWER_BYTES_MAX,
      followRedirects,
    });
    if (status < 200 || status > 299) throw new TidemarkError('bad_answer', `bad response status ${status}`);
  }

  /** Takes no more alerts. `drain`: sends what is queued; else that is dropped. */
  async stop(drain: boolean): Promise<void> {
    this.#isStopped = true;
    if (!drain) {
      this.#dropped.add(this.#queue.length);
      this.#queue = [];
    }
    await this.#running;
  }
}
