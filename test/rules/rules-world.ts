// Rules in virtual time over samples in memory, with the rule files and the configuration that a test sets.
import { MetricRegistry, TidemarkError, silentLogger, utf8 } from '../../src/base/index.ts';
import { type HostFiles, parseConfig } from '../../src/config/index.ts';
import { type Clock, type SimHttpRequest, createSimWorld } from '../../src/io/index.ts';
import { createExecTwin } from '../../src/kernel/index.ts';
import { Labels, STALE_NAN_BITS } from '../../src/model/index.ts';
import { LocalLeafExecutor, MemorySource, createEngine } from '../../src/promql/index.ts';
import {
  Notifier,
  RuleManager,
  type RuleQuery,
  type RuleSink,
  type RuleWrite,
  ruleSamples,
} from '../../src/rules/index.ts';

export interface AlertBody {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

export class RulesWorld {
  readonly source = new MemorySource();
  readonly metrics = new MetricRegistry();
  /** Texts of rule files by path. */
  readonly files = new Map<string, string>();
  /** Everything that was written. */
  readonly written: RuleWrite[] = [];
  readonly queries: { readonly text: string; readonly timeMs: number }[] = [];
  /** Bodies that the Alertmanager at am:9093 got. */
  readonly posted: AlertBody[][] = [];
  readonly requests: SimHttpRequest[] = [];
  /** What it answers. */
  amStatus = 200;
  /** How long a query takes. */
  queryMs = 0;
  /** Why nothing can be written; null: it can. */
  sinkError: string | null = null;
  readonly clock: Clock;
  manager!: RuleManager;
  notifier!: Notifier;
  readonly #sim: ReturnType<typeof createSimWorld>;

  constructor(sim: ReturnType<typeof createSimWorld>) {
    this.#sim = sim;
    this.clock = sim.world.clock;
    sim.world.serve('http://am:9093', (request) => {
      this.requests.push(request);
      this.posted.push(JSON.parse(Buffer.from(request.body).toString()) as AlertBody[]);
      return { status: this.amStatus };
    });
    this.restart();
  }

  /** A manager and a notifier that know nothing. */
  restart(): void {
    const { clock, metrics } = this;
    const common = { clock, metrics, logger: silentLogger, externalUrl: 'http://x.org' };
    this.notifier = new Notifier({
      ...common,
      httpClient: () => this.#sim.world.makeHttpClient(),
      discoverers: ({ staticConfigs }) => [
        {
          start: (emit) =>
            emit(
              staticConfigs.map(({ targets, labels }) => ({
                targets: targets.map((address) => Labels.from({ __address__: address })),
                labels: Labels.from(labels),
              })),
            ),
          stop: async () => {},
        },
      ],
      queueCapacity: 5,
      batchSize: 2,
      drainOnStop: true,
      userAgent: 'Tidemark/test',
    });
    this.manager = new RuleManager({
      ...common,
      query: this.#query(),
      sink: this.#sink(),
      notify: (query, alerts) => this.notifier.notify(query, alerts),
      files: this.#hostFiles(),
      features: new Set(),
      concurrentEvaluations: 2,
      resendDelayMs: 60_000,
      graceMs: 600_000,
      outageToleranceMs: 3_600_000,
    });
  }

  #query(): RuleQuery {
    const engine = createEngine({
      leaves: [new LocalLeafExecutor({ source: this.source, kernel: createExecTwin() })],
      clock: this.clock,
    });
    return async (text, timeMs, options) => {
      this.queries.push({ text, timeMs });
      const { signal } = options ?? {};
      if (this.queryMs > 0) {
        await this.clock.sleep(this.queryMs, signal).catch((error: unknown) => {
          throw signal?.aborted ? signal.reason : error;
        });
      }
      return ruleSamples((await engine.instant(text, timeMs, options)).data);
    };
  }

  #sink(): RuleSink {
    return {
      append: async (samples) => {
        if (this.sinkError !== null) throw new TidemarkError('busy', this.sinkError);
        for (const sample of samples) {
          this.written.push(sample);
          const { labels, timeMs, value, isStale } = sample;
          this.source.append(labels, timeMs, isStale ? STALE_NAN_BITS : value);
        }
        return '';
      },
    };
  }

  #hostFiles(): HostFiles {
    return {
      readFile: async (path) => utf8(this.files.get(path) ?? ''),
      list: async (directory) =>
        [...this.files.keys()]
          .filter((path) => path.startsWith(`${directory}/`))
          .map((path) => path.slice(directory.length + 1)),
      stat: async (path) => (this.files.has(path) ? { sizeBytes: 1, modifiedMs: 0, isDirectory: false } : undefined),
    };
  }

  /** Goes over to a configuration. */
  async reload(yaml = 'rule_files: [/r/*.yml]\n'): Promise<void> {
    const config = parseConfig(yaml, { file: '/c/p.yml' });
    const rules = await this.manager.load(config);
    this.notifier.apply(config);
    await this.manager.apply(rules);
  }

  sample(name: string, value: number, labels: Record<string, string> = {}): void {
    this.source.append(Labels.from({ __name__: name, ...labels }), this.clock.nowMs(), value);
  }

  /** Texts of what was written: `name{labels} value` or `... stale`. */
  writes(name: string): string[] {
    return this.written
      .filter(({ labels }) => labels.get('__name__') === name)
      .map(({ labels, value, isStale }) => `${labels.without(new Set(['__name__']))} ${isStale ? 'stale' : value}`);
  }

  async stop(): Promise<void> {
    await this.manager.stop();
    await this.notifier.stop();
  }
}

/** Runs a test; `rules` is the text of /r/a.yml. */
export async function withRules(rules: string, test: (world: RulesWorld) => Promise<void>): Promise<void> {
  const sim = createSimWorld(7);
  sim.network.delay.msMin = 1;
  sim.network.delay.msMax = 1;
  await sim.run(async () => {
    const world = new RulesWorld(sim);
    world.files.set('/r/a.yml', rules);
    await test(world);
    await world.stop();
  });
}
