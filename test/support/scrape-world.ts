// A scrape manager in virtual time with pages that the test sets.
import { allScrapeConfigs, parseConfig } from '../../src/config/index.ts';
import { createSimWorld } from '../../src/io/index.ts';
import { ScrapeManager, StaticDiscovery } from '../../src/scrape/index.ts';
import type { SimHttpAnswer, SimHttpRequest } from '../../src/io/index.ts';
import { type TestSink, kernelSink, twinSink } from './scrape-sinks.ts';

/** Both sinks; every scrape test runs with each. */
export const SINKS: readonly [string, () => Promise<TestSink>][] = [
  ['kernel', kernelSink],
  ['twin', async () => twinSink()],
];

export interface ScrapeWorld {
  readonly sink: TestSink;
  readonly manager: ScrapeManager;
  /** The page of http://a:1/metrics; a number is a status. */
  page: string | number | SimHttpAnswer;
  readonly requests: SimHttpRequest[];
  /** What failure logs were told. */
  readonly failures: { path: string; job: string; target: string; error: string }[];
  /** Milliseconds since the simulation began. */
  now(): number;
  sleep(ms: number): Promise<void>;
  reload(yaml: string): Promise<void>;
}

const jobs = (yaml: string) => allScrapeConfigs(parseConfig(yaml, { file: 'test.yml' }));

/** A configuration with one job that scrapes a:1 every 10 s; `extra` lines go into the job. */
export const oneJob = (extra = '', targets = '[a:1]'): string => `
scrape_configs:
- job_name: j
  scrape_interval: 10s
  scrape_timeout: 5s
  static_configs: [{targets: ${targets}}]
${extra
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}
`;

/** Runs a test with a manager that scrapes by `yaml`. */
export async function withScraping(
  openSink: () => Promise<TestSink>,
  yaml: string,
  test: (world: ScrapeWorld) => Promise<void>,
): Promise<void> {
  const sim = createSimWorld(7);
  sim.network.delay.msMin = 1;
  sim.network.delay.msMax = 1;
  const sink = await openSink();
  await sim.run(async () => {
    const { clock } = sim.world;
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const failures: ScrapeWorld['failures'] = [];
    const manager = new ScrapeManager({
      sink,
      clock,
      logger,
      version: '0.1.0',
      offsetSeed: 'x',
      httpClient: () => sim.world.makeHttpClient(),
      failureLog: (path) => ({ failed: (job, target, error) => failures.push({ path, job, target, error }) }),
      discoverers: (config) => [new StaticDiscovery(config.staticConfigs)],
    });
    const begin = clock.nowMs();
    const world: ScrapeWorld = {
      sink,
      manager,
      page: 'm 1\n',
      requests: [],
      failures,
      now: () => clock.nowMs() - begin,
      sleep: (ms) => clock.sleep(ms),
      reload: (text) => manager.applyConfig(jobs(text)),
    };
    const serve = (request: SimHttpRequest): SimHttpAnswer => {
      world.requests.push(request);
      const { page } = world;
      if (typeof page === 'number') return { status: page };
      if (typeof page !== 'string') return page;
      return { headers: { 'content-type': 'text/plain; version=0.0.4' }, body: page };
    };
    for (const host of ['a:1', 'b:1']) sim.world.serve(`http://${host}`, serve);
    await manager.start(jobs(yaml));
    await test(world);
    await manager.stop();
  });
}
