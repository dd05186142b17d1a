import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Logger, MetricRegistry, TidemarkError, utf8 } from '../../../src/base/index.ts';
import { type HostFiles, parseConfig } from '../../../src/config/index.ts';
import type { Clock, HttpClient, HttpRequest, HttpResponse } from '../../../src/io/index.ts';
import {
  FileDiscovery,
  HttpDiscovery,
  StaticDiscovery,
  type TargetGroup,
} from '../../../src/scrape/discovery/index.ts';

/** Virtual time: advance() runs what is due and lets it settle. */
class FakeClock implements Clock {
  #nowMs = 0;
  #timers: { atMs: number; callback: () => void }[] = [];
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
  get timerCount(): number {
    return this.#timers.length;
  }
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#timers.filter((t) => t.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((t) => t !== next);
      this.#nowMs = next.atMs;
      next.callback();
    }
    this.#nowMs = endMs;
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function collectingLogger(): Logger & { errors: string[] } {
  const errors: string[] = [];
  return { errors, debug() {}, info() {}, warn() {}, error: (_, fields) => errors.push(String(fields?.error)) };
}

/** Groups as text: `source{labels}: {target} {target}`. */
const shown = (groups: readonly TargetGroup[]): string[] =>
  groups.map((g) => `${g.source}${g.labels}: ${g.targets.map((t) => t.get('__address__')).join(' ')}`);

class FakeFiles implements HostFiles {
  readonly contents = new Map<string, { text: string; modifiedMs: number }>();
  readCount = 0;
  broken = false;
  put(path: string, text: string, modifiedMs: number): void {
    this.contents.set(path, { text, modifiedMs });
  }
  async readFile(path: string): Promise<Uint8Array> {
    this.readCount++;
    if (this.broken) throw new TidemarkError('io_error', 'disk on fire');
    const file = this.contents.get(path);
    if (!file) throw new TidemarkError('not_found', 'no such file');
    return utf8(file.text);
  }
  async list(path: string): Promise<string[]> {
    const inside = [...this.contents.keys()].filter((name) => name.startsWith(`${path}/`));
    return inside.map((name) => name.slice(path.length + 1));
  }
  async stat(path: string) {
    const file = this.contents.get(path);
    return file && { sizeBytes: file.text.length, modifiedMs: file.modifiedMs, isDirectory: false };
  }
}

const jobOf = (fields: string) =>
  parseConfig(`scrape_configs: [{job_name: x, ${fields}}]`, { file: '/c/p.yml' }).scrapeConfigs[0];

test('static discovery emits its groups once', async () => {
  const { staticConfigs } = jobOf('static_configs: [{targets: ["a:1", "b:2"], labels: {x: y}}, {targets: []}]');
  const emitted: string[][] = [];
  const discovery = new StaticDiscovery(staticConfigs);
  discovery.start((groups) => emitted.push(shown(groups)));
  await discovery.stop();
  assert.deepEqual(emitted, [['0{x="y"}: a:1 b:2', '1{}: ']]);
});

function fileRig(pattern = '/t/*.json') {
  const clock = new FakeClock();
  const files = new FakeFiles();
  const logger = collectingLogger();
  const metrics = new MetricRegistry();
  const [config] = jobOf(
    `file_sd_configs: [{files: ["${pattern}", /t/extra.yml], refresh_interval: 1m}]`,
  ).fileSdConfigs;
  const discovery = new FileDiscovery(config, { clock, files, logger, metrics });
  const emitted: string[][] = [];
  const start = async () => {
    discovery.start((groups) => emitted.push(shown(groups)));
    await clock.advance(0);
  };
  return { clock, files, logger, metrics, discovery, emitted, start };
}

test('file discovery reads JSON and YAML files and names their path', async () => {
  const { files, emitted, start, discovery } = fileRig();
  files.put('/t/a.json', '[{"targets": ["a:1"], "labels": {"x": "y"}}, {"targets": ["b:1"]}]', 1);
  files.put('/t/extra.yml', '- targets: [c:1]\n', 1);
  files.put('/t/other.txt', 'no', 1);
  await start();
  await discovery.stop();
  assert.deepEqual(emitted, [
    [
      '/t/a.json:0{__meta_filepath="/t/a.json", x="y"}: a:1',
      '/t/a.json:1{__meta_filepath="/t/a.json"}: b:1',
      '/t/extra.yml:0{__meta_filepath="/t/extra.yml"}: c:1',
    ],
  ]);
});

test('file discovery reads a file again when it has changed, and emits only then', async () => {
  const { clock, files, emitted, start, discovery } = fileRig();
  files.put('/t/a.json', '[{"targets": ["a:1"]}]', 1);
  await start();
  await clock.advance(30_000);
  assert.equal(files.readCount, 1);
  files.put('/t/a.json', '[{"targets": ["a:2"]}]', 2);
  await clock.advance(5000);
  files.put('/t/b.json', '[{"targets": ["b:1"]}]', 3);
  await clock.advance(5000);
  files.contents.delete('/t/a.json');
  await clock.advance(5000);
  await discovery.stop();
  assert.deepEqual(
    emitted.map((groups) => groups.map((g) => g.replace(/.*: /, ''))),
    [['a:1'], ['a:2'], ['a:2', 'b:1'], ['b:1']],
  );
});

test('file discovery reads everything at the refresh interval even if nothing seems changed', async () => {
  const { clock, files, start, discovery } = fileRig();
  files.put('/t/a.json', '[]', 1);
  await start();
  await clock.advance(120_000);
  await discovery.stop();
  assert.equal(files.readCount, 3);
});

test('file discovery keeps the last good targets of a bad file, counts and says why', async () => {
  const { clock, files, emitted, start, discovery, logger, metrics } = fileRig();
  files.put('/t/a.json', '[{"targets": ["a:1"]}]', 1);
  await start();
  const breakages = [
    ['{', /^cannot parse JSON: /],
    ['{}', /^want a list of target groups$/],
    ['[null]', /^nil target group item found \(index 0\)$/],
    ['[{"target": []}]', /^\[0\]: unknown field "target"$/],
    ['[{"targets": "a"}]', /^\[0\]\.targets: want a list of texts$/],
    ['[{"targets": [1]}]', /^\[0\]\.targets\[0\]: want a text; got 1$/],
    ['[{"labels": {"a": 1}}]', /^\[0\]\.labels\.a: want a text; got 1$/],
    ['[{"labels": {"": "x"}}]', /^\[0\]\.labels: "" is not a valid label name$/],
  ] as const;
  for (const [i, [text, message]] of breakages.entries()) {
    files.put('/t/a.json', text, i + 10);
    await clock.advance(5000);
    assert.match(logger.errors.at(-1) as string, message);
  }
  files.broken = true;
  await clock.advance(5000);
  assert.equal(logger.errors.at(-1), 'disk on fire');
  assert.deepEqual(emitted.length, 1);
  assert.match(metrics.render(), new RegExp(`prometheus_sd_file_read_errors_total ${breakages.length + 1}\n`));
  files.broken = false;
  files.put('/t/a.json', '[{"targets": ["a:9"]}]', 99);
  await clock.advance(5000);
  await discovery.stop();
  assert.equal(emitted.length, 2);
});

test('a bad YAML file of targets is named with line and column', async () => {
  const { files, start, discovery, logger } = fileRig();
  files.put('/t/extra.yml', '- targets: [a]\n- nonsense: 1\n', 1);
  await start();
  await discovery.stop();
  assert.deepEqual(logger.errors, ['cannot read /t/extra.yml: line 2, column 3: [1].nonsense: unknown field']);
});

test('a stopped discovery has no timer left and emits nothing', async () => {
  const { clock, files, emitted, start, discovery } = fileRig();
  await start();
  await discovery.stop();
  assert.equal(clock.timerCount, 0);
  files.put('/t/a.json', '[{"targets": ["a:1"]}]', 1);
  await clock.advance(600_000);
  assert.equal(emitted.length, 1);
});

type Answer = Partial<HttpResponse> | Error;

function httpRig(answers: Answer[]) {
  const clock = new FakeClock();
  const logger = collectingLogger();
  const metrics = new MetricRegistry();
  const requests: HttpRequest[] = [];
  const http: HttpClient = {
    async request(request) {
      requests.push(request);
      const answer = answers[Math.min(requests.length, answers.length) - 1];
      if (answer instanceof Error) throw answer;
      return { status: 200, headers: { 'content-type': 'application/json' }, body: utf8('[]'), ...answer };
    },
    async close() {},
  };
  const [config] = jobOf(
    'http_sd_configs: [{url: "http://sd/x", refresh_interval: 90s, follow_redirects: false}]',
  ).httpSdConfigs;
  const discovery = new HttpDiscovery(config, { clock, http, logger, metrics, userAgent: 'Tidemark/test' });
  const emitted: string[][] = [];
  discovery.start((groups) => emitted.push(shown(groups)));
  return { clock, logger, metrics, requests, discovery, emitted };
}

test('HTTP discovery asks at its interval and says what it is', async () => {
  const { clock, requests, discovery, emitted } = httpRig([
    { body: utf8('[{"targets": ["a:1"], "labels": {"x": "y"}}]') },
    { body: utf8('[{"targets": ["a:2"]}]'), headers: { 'content-type': 'Application/JSON; charset="UTF-8"' } },
  ]);
  await clock.advance(90_000);
  await discovery.stop();
  assert.equal(requests.length, 2);
  const [{ headers, url, timeoutMs, followRedirects }] = requests;
  assert.deepEqual([url, timeoutMs, followRedirects], ['http://sd/x', 90_000, false]);
  assert.deepEqual(headers, {
    'User-Agent': 'Tidemark/test',
    Accept: 'application/json',
    'X-Prometheus-Refresh-Interval-Seconds': '90',
  });
  assert.deepEqual(emitted, [
    ['http://sd/x:0{__meta_url="http://sd/x", x="y"}: a:1'],
    ['http://sd/x:0{__meta_url="http://sd/x"}: a:2'],
  ]);
});

test('HTTP discovery keeps the last good targets when an answer is not one', async () => {
  const cases: [Answer, RegExp][] = [
    [new TidemarkError('timeout', 'too slow'), /^too slow$/],
    [{ status: 503 }, /^server returned HTTP status 503$/],
    [{ headers: { 'content-type': 'text/html' } }, /^unsupported content type "text\/html"$/],
    [{ headers: {} }, /^unsupported content type ""$/],
    [{ body: utf8('[{]') }, /^cannot parse JSON/],
    [{ body: utf8('[null]') }, /^nil target group item found/],
    [{ body: new Uint8Array([0xff]) }, /not valid UTF-8/],
  ];
  const { clock, discovery, emitted, logger, metrics } = httpRig([
    { body: utf8('[{"targets": ["a:1"]}]') },
    ...cases.map(([a]) => a),
  ]);
  await clock.advance(90_000 * cases.length);
  await discovery.stop();
  assert.equal(emitted.length, 1);
  assert.equal(logger.errors.length, cases.length);
  for (const [i, [, message]] of cases.entries()) assert.match(logger.errors[i], message);
  assert.match(metrics.render(), new RegExp(`prometheus_sd_http_failures_total ${cases.length}\n`));
});
