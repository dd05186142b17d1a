// A conversation between a discoverer and an API that the test writes: requests by method and URL, answers in turn.
import assert from 'node:assert/strict';
import { type Logger, MetricRegistry, TidemarkError, utf8 } from '../../src/base/index.ts';
import { parseConfig } from '../../src/config/index.ts';
import type { Clock, DnsResolver, HttpClient, HttpRequest } from '../../src/io/index.ts';
import { type Discoverer, type DiscoveryWorld, type TargetGroup, makeDiscoverers } from '../../src/scrape/index.ts';

/** What an API answers: JSON (or a text as it is), 200 and no headers unless it says so. A function sees the request. */
export type Answer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | ((request: HttpRequest) => Answer);

/** By `METHOD url`, or by URL for GET. Of a list the last one is given again and again. */
export type Talk = Readonly<Record<string, Answer | readonly Answer[]>>;

class ManualClock implements Clock {
  #nowMs: number;
  #timers: { atMs: number; callback: () => void }[] = [];
  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }
  nowMs = () => this.#nowMs;
  monotonicMs = () => this.#nowMs;
  sleep = async () => {};
  yield = async () => {};
  pause = () => {};
  after = (ms: number, callback: () => void) => {
    const timer = { atMs: this.#nowMs + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  };
  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter((t) => t.atMs <= this.#nowMs);
    this.#timers = this.#timers.filter((t) => t.atMs > this.#nowMs);
    for (const timer of due) timer.callback();
  }
}

export interface Rig {
  /** Every request as `METHOD url`. */
  readonly requests: readonly string[];
  readonly sent: readonly HttpRequest[];
  /** Each full list that was emitted. */
  readonly emitted: (readonly TargetGroup[])[];
  readonly errors: string[];
  readonly warnings: string[];
  readonly metrics: MetricRegistry;
  talk: Talk;
  /** Waits until the refresh under way has ended. */
  settle(): Promise<void>;
  /** The next refresh, so much later. */
  again(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly environment?: Record<string, string>;
  readonly files?: Record<string, string>;
  readonly nowMs?: number;
}

/** Providers are asked over HTTP only. */
const NO_DNS = new Proxy({}, { get: () => assert.fail('the discoverer asked for a name') }) as DnsResolver;

const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Starts the only discoverer of a configuration, such as `hetzner`, `{role: robot}`. */
export async function rigOf(mechanism: string, fields: string, talk: Talk, options: RigOptions = {}): Promise<Rig> {
  const yaml = `scrape_configs: [{job_name: j, ${mechanism}_sd_configs: [${fields}]}]`;
  const [job] = parseConfig(yaml, { file: '/c/p.yml' }).scrapeConfigs;
  const clock = new ManualClock(options.nowMs ?? START_MS);
  const sent: HttpRequest[] = [];
  const used = new Map<string, number>();
  const errors: string[] = [];
  const warnings: string[] = [];
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (text, more) => warnings.push(`${text} ${JSON.stringify(more)}`),
    error: (_, more) => errors.push(String(more?.error)),
  };
  const rig: Rig = {
    talk,
    sent,
    errors,
    warnings,
    emitted: [],
    metrics: new MetricRegistry(),
    get requests() {
      return sent.map(({ method, url }) => `${method} ${url}`);
    },
    async settle() {
      for (let quiet = 0; quiet < 5; quiet = openCount === 0 ? quiet + 1 : 0) await new Promise(setImmediate);
    },
    async again(ms) {
      clock.advance(ms);
      await rig.settle();
    },
    stop: () => discoverer.stop(),
  };
  let openCount = 0;
  const http: HttpClient = {
    async request(request) {
      sent.push(request);
      openCount++;
      await new Promise((resolve) => setImmediate(resolve));
      openCount--;
      const key = request.method === 'GET' ? request.url : `${request.method} ${request.url}`;
      const found = rig.talk[key];
      assert.ok(found, `the discoverer asked for ${key}`);
      const turns = Array.isArray(found) ? (found as readonly Answer[]) : [found as Answer];
      const turn = used.get(key) ?? 0;
      used.set(key, turn + 1);
      return respond(turns[Math.min(turn, turns.length - 1)], request);
    },
    async close() {},
  };
  const world: DiscoveryWorld = {
    clock,
    dns: NO_DNS,
    logger,
    metrics: rig.metrics,
    jobName: 'j',
    userAgent: 'Tidemark/test',
    environment: options.environment ?? {},
    httpClient: () => http,
    files: {
      async readFile(path) {
        const text = options.files?.[path];
        if (text === undefined) throw new TidemarkError('not_found', `no such file: ${path}`);
        return utf8(text);
      },
      list: async () => [],
      stat: async () => undefined,
    },
  };
  const discoverers = makeDiscoverers(job, world);
  assert.equal(discoverers.length, 1, `${mechanism} has a discoverer`);
  const discoverer: Discoverer = discoverers[0];
  discoverer.start((groups) => rig.emitted.push(groups));
  await rig.settle();
  return rig;
}

function respond(answer: Answer, request: HttpRequest): ReturnType<typeof built> {
  return typeof answer === 'function' ? respond(answer(request), request) : built(answer);
}

const built = ({ status = 200, headers = {}, body = '' }: Exclude<Answer, (request: HttpRequest) => Answer>) => ({
  status,
  headers,
  body: utf8(typeof body === 'string' ? body : JSON.stringify(body)),
});

/** Groups as plain data. */
export const plain = (groups: readonly TargetGroup[]) =>
  groups.map(({ source, labels, targets }) => ({
    source,
    labels: labels.toObject(),
    targets: targets.map((target) => target.toObject()),
  }));

/** The targets of the only group of the last emission, as plain data. */
export function targetsOf(rig: Rig): Record<string, string>[] {
  const groups = plain(rig.emitted.at(-1) ?? []);
  assert.deepEqual(rig.errors, []);
  assert.equal(groups.length, 1);
  assert.deepEqual(groups[0].labels, {});
  return groups[0].targets;
}

/** Answers everything with a status. */
export const allFail = (status: number): Talk =>
  new Proxy({}, { get: () => ({ status, body: 'a page about what went wrong: s3cret' }) });

/** Checks that an API in trouble leaves the last good targets in force, is counted, and is asked again. */
export async function keepsLast(rig: Rig, mechanism: string, intervalMs = 60_000): Promise<void> {
  const before = rig.emitted.length;
  const { talk } = rig;
  const last = plain(rig.emitted.at(-1) ?? []);
  rig.talk = allFail(503);
  await rig.again(intervalMs);
  assert.equal(rig.emitted.length, before);
  assert.equal(rig.errors.length, 1);
  assert.match(rig.errors[0], /HTTP status 503/);
  assert.doesNotMatch(rig.errors[0], /s3cret/);
  const counter = `prometheus_sd_refresh_failures_total{config="j",mechanism="${mechanism}"} 1`;
  assert.ok(rig.metrics.render().includes(counter), counter);
  rig.talk = talk;
  await rig.again(intervalMs);
  assert.equal(rig.emitted.length, before + 1);
  assert.deepEqual(plain(rig.emitted[before]), last);
  await rig.stop();
}
