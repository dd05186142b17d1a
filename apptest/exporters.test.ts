// Real exporters, scraped side by side by this program and by a real Prometheus with the same configuration: what both store
// and say of their targets must be the same. In the minute that this takes, targets come and go, an exporter is killed and
// started again, and so is this program.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Program, freePort, spawnGuarded, until } from '../test/support/program.ts';

const FOLDERS = [
  process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin'),
  ...(process.env.PATH ?? '').split(path.delimiter),
];
const find = (name: string): string | undefined =>
  FOLDERS.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
const PROMETHEUS = find('prometheus');
const NODE_EXPORTER = find('prometheus-node-exporter');
const skip = PROMETHEUS && NODE_EXPORTER ? false : 'no prometheus and prometheus-node-exporter (TIDEMARK_PEERS)';
if (skip) console.log(`skipped: tests with real exporters: ${skip}`);

const TEXTFILE = String.raw`# HELP odd_values Values "quoted" and a back\\slash and a\nnew line.
# TYPE odd_values gauge
odd_values{case="nan"} NaN
odd_values{case="inf"} +Inf
odd_values{case="small"} 1.5e-300
odd_values{case="big"} 123456789012345678
odd_values{case="esc\"aped\\ and\nline"} 7
odd_values{case="ünïcode ☃"} 8
odd_values{case="empty",none=""} 9
# HELP odd_clash Labels that the scrape sets too.
# TYPE odd_clash gauge
odd_clash{instance="theirs",job="their-job"} 1
odd_clash{instance="theirs2",exported_instance="deeper",job="j2"} 2
# HELP odd_kept_total A counter.
# TYPE odd_kept_total counter
odd_kept_total{zone_a="x",zone_b="y",tmp_z="q"} 12
`;

interface Ports {
  readonly node: number;
  readonly other: number;
  readonly prometheus: number;
  readonly nobody: number;
}

const configText = (ports: Ports, sdFile: string): string => `
global: {scrape_interval: 1s, scrape_timeout: 900ms}
scrape_configs:
- job_name: node
  static_configs: [{targets: ['127.0.0.1:${ports.node}'], labels: {role: host}}]
- job_name: prometheus
  static_configs: [{targets: ['127.0.0.1:${ports.prometheus}']}]
- job_name: relabeled
  static_configs: [{targets: ['127.0.0.1:${ports.node}']}]
  relabel_configs:
  - {source_labels: [__address__], regex: '.*:(.*)', target_label: port}
  - {source_labels: [__address__], target_label: instance, regex: '([^:]+):.*', replacement: 'host-$1'}
  metric_relabel_configs:
  - {source_labels: [__name__], regex: 'go_.*|node_scrape_.*', action: drop}
  - {regex: 'zone_(.+)', action: labelmap}
  - {regex: 'tmp_.*', action: labeldrop}
  - {source_labels: [__name__, mode], regex: 'node_cpu_seconds_total;(.*)', target_label: cpu_mode, replacement: 'm_$1'}
  - {source_labels: [__name__], regex: 'node_(load.*)', target_label: __name__, replacement: 'renamed_$1'}
  - {source_labels: [cpu], modulus: 4, target_label: cpu_shard, action: hashmod}
- job_name: federate
  honor_labels: true
  metrics_path: /federate
  params: {'match[]': ['{__name__=~"prometheus_tsdb.*|up|prometheus_build_info"}']}
  static_configs: [{targets: ['127.0.0.1:${ports.prometheus}']}]
- job_name: honor
  honor_labels: true
  static_configs: [{targets: ['127.0.0.1:${ports.node}']}]
  metric_relabel_configs: [{source_labels: [__name__], regex: 'odd_.*', action: keep}]
- job_name: down
  static_configs: [{targets: ['127.0.0.1:${ports.nobody}']}]
- job_name: limited
  sample_limit: 20
  static_configs: [{targets: ['127.0.0.1:${ports.node}']}]
- job_name: limited-labels
  label_limit: 3
  static_configs: [{targets: ['127.0.0.1:${ports.node}']}]
- job_name: limited-body
  body_size_limit: 1KB
  static_configs: [{targets: ['127.0.0.1:${ports.node}']}]
- job_name: missing-page
  metrics_path: /no/such/page
  static_configs: [{targets: ['127.0.0.1:${ports.prometheus}']}]
- job_name: dropped
  static_configs: [{targets: ['127.0.0.1:${ports.node}']}]
  relabel_configs: [{action: drop, source_labels: [__address__], regex: '.*'}]
- job_name: files
  file_sd_configs: [{files: ['${sdFile}'], refresh_interval: 1s}]
`;

type LabelSet = Readonly<Record<string, string>>;

/** Newer versions tell a target's wishes for histograms by labels. */
const withoutNewer = (labels: LabelSet): LabelSet =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !/^__.*_histograms(_to_nhcb)?__$/.test(name)));

interface Target {
  readonly scrapePool: string;
  readonly labels: LabelSet;
  readonly discoveredLabels: LabelSet;
  readonly scrapeUrl: string;
  readonly health: string;
  readonly lastError: string;
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
}
type Samples = readonly (readonly [seconds: number, value: string])[];

/** One of the two programs that scrape. */
class Scraper {
  readonly url: () => string;
  constructor(url: () => string) {
    this.url = url;
  }

  async get<T>(pathAndQuery: string): Promise<T> {
    const answer = await fetch(`${this.url()}/api/v1/${pathAndQuery}`, { signal: AbortSignal.timeout(20_000) });
    const text = await answer.text();
    assert.equal(answer.status, 200, text.slice(0, 500));
    return (JSON.parse(text) as { data: T }).data;
  }

  /** Samples of the `seconds` up to a time, by labels. */
  async samples(selector: string, timeMs: number, seconds: number): Promise<Map<string, Samples>> {
    const query = new URLSearchParams({ query: `${selector}[${seconds}s]`, time: String(timeMs / 1000) });
    const { result } = await this.get<{ result: { metric: LabelSet; values: Samples }[] }>(`query?${query}`);
    return new Map(result.map(({ metric, values }) => [key(metric), values]));
  }

  /** Whether something matches the selector at a time. */
  async has(selector: string, timeMs: number): Promise<boolean> {
    const query = new URLSearchParams({ query: selector, time: String(timeMs / 1000) });
    return (await this.get<{ result: unknown[] }>(`query?${query}`)).result.length > 0;
  }

  async targets(): Promise<Map<string, Target>> {
    const { activeTargets } = await this.get<{ activeTargets: Target[] }>('targets');
    return new Map(activeTargets.map((target) => [`${target.scrapePool} ${key(target.labels)}`, target]));
  }
}

const key = (labels: LabelSet): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let home = '';
let program: Program;
let ours: Scraper;
let theirs: Scraper;
let ports: Ports;
const both = (): [string, Scraper][] => [
  ['tidemark', ours],
  ['prometheus', theirs],
];
/** When what happened. */
const at = { steady: 0, filesChanged: 0, exporterKilled: 0, exporterStarted: 0, killed: 0, started: 0, end: 0 };
let targetsWhileDown: Map<string, Target>[] = [];

const run = (file: string | undefined, args: readonly string[]) => spawnGuarded(file as string, args);
const runExporter = (port: number) =>
  run(NODE_EXPORTER, [
    `--web.listen-address=127.0.0.1:${port}`,
    `--collector.textfile.directory=${home}`,
    '--collector.disable-defaults',
    ...['cpu', 'loadavg', 'meminfo', 'textfile'].map((name) => `--collector.${name}`),
  ]);
const runPrometheus = (port: number, config: string, data: string) =>
  run(PROMETHEUS, [
    `--config.file=${path.join(home, config)}`,
    `--storage.tsdb.path=${path.join(home, data)}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
const answers = (url: string) => () =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

const children: ReturnType<typeof run>[] = [];

async function changeFile(ports: readonly number[]): Promise<void> {
  const groups = [{ targets: ports.map((port) => `127.0.0.1:${port}`), labels: { origin: 'file' } }];
  const file = path.join(home, 'targets.json');
  await fs.writeFile(`${file}.new`, JSON.stringify(groups));
  await fs.rename(`${file}.new`, file);
}

before(async () => {
  if (skip) return;
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'tidemark-exporters-'));
  const free = await Promise.all(Array.from({ length: 5 }, freePort));
  ports = { node: free[0], other: free[1], prometheus: free[2], nobody: free[3] };
  const config = configText(ports, path.join(home, 'targets.json'));
  await fs.writeFile(path.join(home, 'odd.prom'), TEXTFILE);
  await fs.writeFile(path.join(home, 'both.yml'), config);
  const own = `scrape_configs: [{job_name: own, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:${ports.prometheus}']}]}]`;
  await fs.writeFile(path.join(home, 'scraped.yml'), own);
  await changeFile([ports.node, ports.prometheus]);

  let exporter = runExporter(ports.node);
  children.push(exporter, runExporter(ports.other), runPrometheus(ports.prometheus, 'scraped.yml', 'scraped'));
  await until('the exporter answers', 20_000, answers(`http://127.0.0.1:${ports.node}/metrics`));
  await until('the scraped one answers', 20_000, answers(`http://127.0.0.1:${ports.prometheus}/-/ready`));
  children.push(runPrometheus(free[4], 'both.yml', 'reference'));
  await until('the reference answers', 20_000, answers(`http://127.0.0.1:${free[4]}/-/ready`));
  program = await Program.start(null, { config });
  ours = new Scraper(() => program.url);
  theirs = new Scraper(() => `http://127.0.0.1:${free[4]}`);

  at.steady = Date.now() + 4000; // all targets scraped more than once
  await sleep(14_000);
  at.filesChanged = Date.now();
  await changeFile([ports.prometheus, ports.other]);
  await sleep(7000);
  at.exporterKilled = Date.now();
  exporter.child.kill('SIGKILL');
  await exporter.ended;
  await sleep(3500);
  targetsWhileDown = await Promise.all(both().map(([, scraper]) => scraper.targets()));
  at.exporterStarted = Date.now();
  exporter = runExporter(ports.node);
  children.push(exporter);
  await sleep(4000);
  at.killed = Date.now();
  await program.kill();
  await program.start();
  at.started = Date.now();
  await sleep(8000);
  at.end = Date.now() - 1000;
});

after(async () => {
  if (program) await program.dispose();
  for (const { child } of children) child.kill('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  if (home) await fs.rm(home, { recursive: true, force: true });
});

// Handlers of the scraped Prometheus are counted from their first call on; the runs see that at different times.
const SELECTOR = '{__name__!="",handler=""}';

test('both store the same series, as many samples of each, and the same values', { skip }, async () => {
  for (const [when, endMs, seconds] of [
    ['before anything happens', at.filesChanged, 9],
    ['at the end', at.end, 6],
  ] as const) {
    const own = await ours.samples(SELECTOR, endMs, seconds);
    const want = await theirs.samples(SELECTOR, endMs, seconds);
    assert.ok(want.size > 500, `${want.size} series`);
    assert.deepEqual([...own.keys()].sort(), [...want.keys()].sort(), when);
    for (const [labels, values] of want) {
      const count = own.get(labels)?.length ?? 0;
      assert.ok(Math.abs(count - values.length) <= 2, `${when}: ${labels}: ${count} samples, not ${values.length}`);
    }
  }
});

test('what did not change while both looked has the same value', { skip }, async () => {
  // Counters do not change and change back; the inner window lies within what the outer one saw.
  const selector = '{__name__=~".*_total|.*_count|.*_bucket|.*_info|odd_.*|scrape_samples_.*|up|.*MemTotal_bytes"}';
  const own = await ours.samples(selector, at.filesChanged - 2000, 5);
  const want = await theirs.samples(selector, at.filesChanged, 9);
  let compared = 0;
  for (const [labels, values] of want) {
    if (new Set(values.map(([, value]) => value)).size > 1 || values.length < 8) continue;
    const inner = new Set(own.get(labels)?.map(([, value]) => value));
    assert.deepEqual([...inner], [values[0][1]], labels);
    compared++;
  }
  assert.ok(compared > 200, `${compared} series compared`);
});

test('labels, their values and metadata are the same', { skip }, async () => {
  // Up to the end: the head of Prometheus tells label values of later series too.
  const range = `start=${at.steady / 1000}&end=${at.end / 1000}`;
  const names = await theirs.get<string[]>(`labels?${range}`);
  assert.deepEqual(await ours.get(`labels?${range}`), names);
  for (const name of [
    '__name__',
    'job',
    'instance',
    'case',
    'cpu_mode',
    'cpu_shard',
    'exported_instance',
    'port',
    'a',
  ]) {
    assert.deepEqual(
      await ours.get(`label/${name}/values?${range}`),
      await theirs.get(`label/${name}/values?${range}`),
    );
  }
  type Metadata = Record<string, LabelSet[]>;
  const sorted = (all: Metadata) => Object.entries(all).map(([name, list]) => [name, list.map(key).sort()]);
  const [own, want] = [await ours.get<Metadata>('metadata'), await theirs.get<Metadata>('metadata')];
  assert.deepEqual(new Map(sorted(own) as []), new Map(sorted(want) as []));
});

test('targets have the same labels, health and errors', { skip }, async () => {
  const now = await Promise.all(both().map(([, scraper]) => scraper.targets()));
  for (const [own, want] of [now, targetsWhileDown]) {
    assert.deepEqual([...own.keys()].sort(), [...want.keys()].sort());
    for (const [name, target] of want) {
      const found = own.get(name) as Target;
      for (const field of [
        'discoveredLabels',
        'scrapeUrl',
        'health',
        'lastError',
        'scrapeInterval',
        'scrapeTimeout',
      ] as const) {
        const value = field === 'discoveredLabels' ? withoutNewer(found[field]) : found[field];
        assert.deepEqual(value, target[field], `${field} of ${name}`);
      }
    }
  }
  const isOfNode = (name: string): boolean => name.startsWith('node ');
  assert.deepEqual(
    [...targetsWhileDown[0]].filter(([name]) => isOfNode(name)).map(([, { health }]) => health),
    ['down'],
  );
});

test('targets that come and go by file, and an exporter that is killed, begin and end in both', { skip }, async () => {
  const file = (port: number): string => `{job="files",instance="127.0.0.1:${port}"}`;
  for (const [name, scraper] of both()) {
    const says = async (selector: string, timeMs: number, want: boolean) =>
      assert.equal(await scraper.has(selector, timeMs), want, `${name}: ${selector} at ${timeMs - at.filesChanged} ms`);
    await says(file(ports.node), at.filesChanged - 1000, true);
    await says(file(ports.node), at.filesChanged + 6000, false);
    await says(file(ports.other), at.filesChanged - 1000, false);
    await says(file(ports.other), at.filesChanged + 6000, true);
    await says('node_load1{job="node"}', at.exporterKilled - 100, true);
    await says('node_load1{job="node"}', at.exporterKilled + 3000, false);
    await says('up{job="node"} == 0', at.exporterKilled + 3000, true);
    await says('node_load1{job="node"}', at.exporterStarted + 3500, true);
  }
});

test('a kill leaves a gap no longer than the restart took', { skip }, async () => {
  const samples = await ours.samples('up', at.end, Math.round((at.end - at.exporterStarted) / 1000));
  const longestMs = at.started - at.killed + 2100;
  for (const [labels, values] of samples) {
    values.slice(1).forEach(([seconds], i) => {
      const gapMs = (seconds - values[i][0]) * 1000;
      assert.ok(gapMs <= longestMs, `${labels}: ${gapMs} ms, the restart took ${at.started - at.killed} ms`);
    });
  }
  assert.doesNotMatch(program.log, /level=(WARN|ERROR)/);
});
