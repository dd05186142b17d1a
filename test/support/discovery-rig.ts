// Discoverers under test: the real network and files, and a clock on which an hour passes in half a minute.
import assert from 'node:assert/strict';
import { type Logger, MetricRegistry } from '../../src/base/index.ts';
import { type HostFiles, type ScrapeConfig, hostFiles, parseConfig } from '../../src/config/index.ts';
import {
  type Clock,
  type HttpClientOptions,
  createDnsResolver,
  createHttpClient,
  createRealWorld,
} from '../../src/io/index.ts';
import { httpClientOptions } from '../../src/config/index.ts';
import {
  type Discoverer,
  type DiscoveryWorld,
  SharedDiscovery,
  type TargetGroup,
  makeDiscoverers,
} from '../../src/scrape/index.ts';

const SPEED = 100;
const WAIT_MS_MAX = 20_000;

function fastClock(): Clock {
  const { clock } = createRealWorld('/');
  const startMs = clock.nowMs();
  return {
    nowMs: () => startMs + (clock.nowMs() - startMs) * SPEED,
    monotonicMs: () => clock.monotonicMs() * SPEED,
    sleep: (ms, signal) => clock.sleep(ms / SPEED, signal),
    after: (ms, callback) => clock.after(ms / SPEED, callback),
    yield: () => clock.yield(),
    pause: (ms) => clock.pause(ms),
  };
}

export interface RigOptions {
  readonly files?: HostFiles;
  readonly environment?: Readonly<Record<string, string>>;
  readonly world?: Partial<DiscoveryWorld>;
}

/** One job's discoverers, running. */
export class DiscoveryRig {
  readonly errors: string[] = [];
  readonly metrics = new MetricRegistry();
  readonly emissions: (readonly TargetGroup[])[] = [];
  readonly job: ScrapeConfig;
  readonly #discoverers: readonly Discoverer[];
  readonly #shared: SharedDiscovery;

  /** `fields`: of a scrape configuration, as YAML in flow style. */
  constructor(fields: string, options: RigOptions = {}) {
    this.job = parseConfig(`scrape_configs: [{job_name: x, ${fields}}]`, { file: '/c/p.yml' }).scrapeConfigs[0];
    const files = options.files ?? hostFiles(createRealWorld('/').files, '/');
    const logger: Logger = {
      debug() {},
      info() {},
      warn: (_, fields) => this.errors.push(String(fields?.error)),
      error: (_, fields) => this.errors.push(String(fields?.error)),
    };
    const world: DiscoveryWorld = {
      clock: fastClock(),
      files,
      logger,
      metrics: this.metrics,
      dns: createDnsResolver(),
      environment: options.environment ?? {},
      userAgent: 'Tidemark/test',
      jobName: 'x',
      httpClient: (config, extra) => {
        const made = httpClientOptions(config, (path) => files.readFile(path)).then((configured: HttpClientOptions) =>
          createHttpClient({ ...configured, ...extra }),
        );
        return {
          request: async (request) => (await made).request(request),
          close: async () => (await made.catch(() => null))?.close(),
        };
      },
      ...options.world,
    };
    this.#shared = new SharedDiscovery(world.clock);
    this.#discoverers = makeDiscoverers(this.job, world, this.#shared);
    assert.equal(this.#discoverers.length, 1);
  }

  start(): this {
    for (const discoverer of this.#discoverers) discoverer.start((groups) => this.emissions.push(groups));
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#discoverers.map((discoverer) => discoverer.stop()));
    await this.#shared.stop();
  }

  get groups(): readonly TargetGroup[] {
    return this.emissions.at(-1) ?? [];
  }

  /** Waits until the newest emission is as wanted. */
  async until(isDone: (groups: readonly TargetGroup[]) => boolean, what = 'targets as wanted'): Promise<void> {
    await until(
      () => this.emissions.length > 0 && isDone(this.groups),
      () => `${what}; got ${JSON.stringify(this.addresses)} ${this.errors.join('; ')}`,
    );
  }

  /** Runs until something is emitted, stops, and gives the targets: by address (with `#n` if taken), all labels but it. */
  async once(): Promise<Record<string, Record<string, string>>> {
    this.start();
    try {
      await this.until(() => true, 'an emission');
    } finally {
      await this.stop();
    }
    return targetsOf(this.groups);
  }

  get addresses(): string[] {
    return this.groups.flatMap(({ targets }) => targets.map((target) => target.get('__address__'))).sort();
  }
}

export function targetsOf(groups: readonly TargetGroup[]): Record<string, Record<string, string>> {
  const out: Record<string, Record<string, string>> = {};
  for (const { labels, targets } of groups) {
    for (const target of targets) {
      const { __address__: address, ...rest } = { ...labels.toObject(), ...target.toObject() };
      let key = address;
      for (let n = 2; key in out; n++) key = `${address}#${n}`;
      out[key] = rest;
    }
  }
  return out;
}

/** Waits until a condition holds; fails loudly if it never does. */
export async function until(isDone: () => boolean, what: () => string): Promise<void> {
  for (const endMs = Date.now() + WAIT_MS_MAX; !isDone(); ) {
    if (Date.now() > endMs) assert.fail(`waited for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Drops a prefix from the names of labels that have it; the others stay. */
export const shortened = (labels: Record<string, string>, prefix: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name.startsWith(prefix) ? name.slice(prefix.length) : name, value]),
  );
