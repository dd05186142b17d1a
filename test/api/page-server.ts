// A server with made-up series behind the real HTTP door, to look at the page with and to test it against.
import { readdir, readFile } from 'node:fs/promises';
import { TidemarkError } from '../../src/base/index.ts';
import {
  type ActiveTarget,
  type ApiServer,
  type ApiServices,
  createQueryHandler,
  type EngineAnswer,
  type HandlerListings,
  type InstantRequest,
  type RangeRequest,
  type SeriesResult,
  type VectorSeriesResult,
  type JsonRequest,
} from '../../src/api/index.ts';
import type { Files } from '../../src/io/index.ts';
import { Labels, type Matcher } from '../../src/model/index.ts';
import { encoded, fakeServer, fakeServices, fixedClock } from './fake-services.ts';

const wave = (seed: number, seconds: number): number =>
  0.5 +
  0.3 * Math.sin(seconds / (400 + 90 * seed) + seed * 2) +
  0.08 * Math.sin(seconds / 31 + seed * 7) +
  0.05 * Math.sin(seconds * (seed + 1));

const MODES = ['user', 'system', 'iowait', 'softirq', 'steal', 'nice', 'irq'];
const SCALES = [1.6, 0.7, 0.3, 0.08, 0.05, 0.02, 0.01];
const INSTANCES = ['db-1', 'db-2', 'web-1', 'web-2', 'web-3'].map((name) => `${name}.fra.example:9100`);
const LABEL_VALUES: Readonly<Record<string, readonly string[]>> = {
  __name__: ['node_cpu_seconds_total', 'node_load1', 'node_memory_MemAvailable_bytes', 'up'],
  mode: MODES,
  instance: INSTANCES,
  job: ['node', 'tidemark'],
};

type Shape = readonly [labels: Record<string, string>, at: (seconds: number) => number | null];

function shapesOf(query: string): Shape[] {
  if (query.includes('node_cpu_seconds_total')) {
    return MODES.map((mode, i): Shape => [{ mode }, (seconds) => SCALES[i] * wave(i, seconds)]);
  }
  if (query.includes('many')) {
    return Array.from({ length: 120 }, (_, i): Shape => {
      const labels = { __name__: 'many', instance: `host-${i}.fra.example:9100`, device: `nvme${i % 4}n1` };
      return [labels, (seconds) => 1e6 * (1 + (i % 9)) * wave(i, seconds)];
    });
  }
  if (!query.includes('up')) return [];
  return INSTANCES.map((instance, i): Shape => {
    const value = (seconds: number): number | null => {
      if (i === 3 && Math.floor(seconds / 300) % 5 === 2) return null;
      return i === 1 && Math.floor(seconds / 240) % 7 === 3 ? 0 : 1;
    };
    return [{ __name__: 'up', job: 'node', instance }, value];
  });
}

function vectorOf(query: string, timeMs: number): VectorSeriesResult[] {
  return shapesOf(query).flatMap(([labels, at]) => {
    const value = at(timeMs / 1000);
    if (value === null) return [];
    return [{ labels: Labels.from(labels), vs: Float64Array.of(value), present: Uint8Array.of(1) }];
  });
}

function matrixOf(query: string, { startMs, endMs, stepMs }: RangeRequest): SeriesResult[] {
  const steps = Math.floor((endMs - startMs) / stepMs) + 1;
  const times = Array.from({ length: steps }, (_, i) => startMs + i * stepMs);
  return shapesOf(query).map(([labels, at]) => {
    const points = times.map((ms) => [ms, at(ms / 1000)] as const).filter(([, value]) => value !== null);
    const ts = Float64Array.from(points, ([ms]) => ms);
    const vs = Float64Array.from(points, ([, value]) => value ?? NaN);
    return { labels: Labels.from(labels), length: points.length, ts, vs };
  });
}

function check(query: string): void {
  const at = query.indexOf('))');
  if (query.includes('bad(')) throw new TidemarkError('bad_data', `1:${at + 2}: parse error: unexpected ")"`);
}

function answer(request: InstantRequest | RangeRequest): Promise<EngineAnswer> {
  const { query } = request;
  check(query);
  const infos = query.startsWith('rate(up')
    ? ['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "up" (1:6)']
    : [];
  const warnings = query.includes('quantile')
    ? ['PromQL warning: quantile value should be between 0 and 1, got 7 (1:10)']
    : [];
  if (request.kind === 'instant') {
    const { timeMs } = request;
    if (query === '7') return Promise.resolve({ value: { type: 'scalar', timeMs, value: 7 }, warnings, infos });
    return Promise.resolve({ value: { type: 'vector', timeMs, series: vectorOf(query, timeMs) }, warnings, infos });
  }
  return Promise.resolve({ value: { type: 'matrix', series: matrixOf(query, request) }, warnings, infos });
}

const parseSelector = (text: string): readonly Matcher[] => [{ name: '__name__', op: '=', value: text || 'up' }];

const found = <T>(items: readonly T[]) => Promise.resolve({ items, warnings: [] });
const listings: HandlerListings = {
  series: () => found(INSTANCES.map((instance) => Labels.from({ __name__: 'up', job: 'node', instance }))),
  labelNames: () => found(Object.keys(LABEL_VALUES)),
  labelValues: (name) => found(LABEL_VALUES[name] ?? []),
  exemplars: () => Promise.resolve([]),
};

function targetsAt(nowMs: number): ActiveTarget[] {
  return [...INSTANCES, 'localhost:9090'].map((address, i) => {
    const isDown = i === 1;
    const labels = { instance: address, job: i === 5 ? 'tidemark' : 'node' };
    return {
      discoveredLabels: { __address__: address },
      labels: i === 5 ? labels : { ...labels, region: 'fra', tier: i < 2 ? 'storage' : 'edge' },
      scrapePool: labels.job,
      scrapeUrl: `http://${address}/metrics`,
      globalUrl: `http://${address}/metrics`,
      lastError: isDown ? 'cannot scrape target: connect ECONNREFUSED 10.1.0.12:9100' : '',
      lastScrapeMs: nowMs - 1000 * (i + 2),
      lastScrapeDurationSeconds: isDown ? 0.0021 : 0.011 * (i + 1),
      health: isDown ? 'down' : 'up',
      scrapeInterval: '15s',
      scrapeTimeout: '10s',
    };
  });
}

const counts = (names: readonly string[], most: number) =>
  names.map((name, i) => ({ name, value: Math.round(most / (i + 1) ** 1.3) }));

function pageServices(nowMs: () => number): ApiServices {
  const engine = {
    instant: answer,
    range: answer,
    parseSelector,
    selectors: () => [],
    format: (query: string) => query.trim().replace(/\s+/g, ' '),
    parse: null,
  };
  const handle = createQueryHandler({ engine, listings });
  const services = fakeServices();
  return {
    ...services,
    active: { list: () => Promise.resolve([]), cancel: () => false },
    query: { query: async (request, signal) => encoded(await handle(request as JsonRequest, signal)) },
    parseSelector,
    targets: {
      active: () => targetsAt(nowMs()),
      dropped: () => [],
      droppedCounts: () => ({ node: 3, tidemark: 0 }),
      scrapePools: () => ['node', 'tidemark'],
      pool: () => null,
      metadata: () => [
        { target: {}, metric: 'node_load1', type: 'gauge', help: '1 minute load average.', unit: '' },
        { target: {}, metric: 'node_cpu_seconds_total', type: 'counter', help: 'Seconds by mode.', unit: '' },
      ],
    },
    status: {
      ...services.status,
      runtimeInfo: () => ({
        startTime: '2026-03-01T08:00:00Z',
        CWD: '/srv/tidemark',
        hostname: 'monitor-1',
        serverTime: '2026-03-01T12:34:56Z',
        reloadConfigSuccess: true,
        lastConfigTime: '2026-03-01T08:00:00Z',
        corruptionCount: 0,
        storageRetention: '90d',
      }),
      flags: () => ({
        'config.file': 'prometheus.yml',
        'query.timeout': '2m',
        'storage.tsdb.path': 'data',
        'web.listen-address': '0.0.0.0:9090',
      }),
      configYaml: () =>
        'global:\n  scrape_interval: 15s\nscrape_configs:\n  - job_name: node\n    static_configs: []\n',
      tsdb: (_tenant, limit) =>
        Promise.resolve({
          headStats: {
            numSeries: 104_233,
            numLabelPairs: 9120,
            chunkCount: 104_233,
            minTime: nowMs() - 7_200_000,
            maxTime: nowMs(),
          },
          seriesCountByMetricName: counts(
            [
              'apiserver_request_duration_seconds_bucket',
              'container_cpu_usage_seconds_total',
              'node_cpu_seconds_total',
            ],
            42_000,
          ).slice(0, limit),
          labelValueCountByLabelName: counts(['instance', '__name__', 'pod', 'le'], 4100).slice(0, limit),
          memoryInBytesByLabelName: counts(['__name__', 'pod', 'instance'], 180_000).slice(0, limit),
          seriesCountByLabelValuePair: counts(['job=node', 'job=kubelet', 'region=fra'], 90_000).slice(0, limit),
        }),
    },
  };
}

/** Files of a directory, for reading whole. */
function directory(root: string): Files {
  const parts: Pick<Files, 'list' | 'readFile'> = {
    list: async (path) => (await readdir(`${root}/${path}`)).sort(),
    readFile: (path) => readFile(`${root}/${path}`),
  };
  return parts as Files;
}

/** The server, not listening yet. `pageRoot` is build/ui. */
export function pageServer(pageRoot: string, nowMs: () => number): Promise<ApiServer> {
  const clock = { ...fixedClock, nowMs };
  return fakeServer(pageServices(nowMs), { pageFiles: directory(pageRoot), clock });
}
