// Services of an idle server for tests of the door: each test replaces what it is about.
import { MetricRegistry, silentLogger, TidemarkError } from '../../src/base/index.ts';
import {
  type ApiServer,
  type ApiServerOptions,
  type ApiServices,
  createApiServer,
  encodeAnswer,
  type HandlerAnswer,
  type QueryRequest,
  type WriteResult,
} from '../../src/api/index.ts';
import type { Clock } from '../../src/io/index.ts';

export const NOW_MS = 1_700_000_000_123;

export const fixedClock: Clock = {
  nowMs: () => NOW_MS,
  monotonicMs: () => 0,
  sleep: () => Promise.resolve(),
  after: () => () => undefined,
  yield: () => Promise.resolve(),
  pause: () => {},
};

export const accepted: WriteResult = {
  outcome: 'accepted',
  samplesWritten: 3,
  histogramsWritten: 0,
  exemplarsWritten: 0,
  rejected: 0,
  reason: '',
  retryAfterSeconds: 0,
};

/** The whole of a handler's answer. */
export async function encoded(answer: HandlerAnswer): Promise<{ status: number; body: Buffer }> {
  const parts: Buffer[] = [];
  await encodeAnswer(answer, null, ({ bytes }) => Promise.resolve(void parts.push(Buffer.from(bytes))));
  return { status: answer.status, body: Buffer.concat(parts) };
}

/** All services, and the query requests that came. */
export function fakeServices(parts: Partial<ApiServices> = {}): ApiServices & { readonly requests: QueryRequest[] } {
  const requests: QueryRequest[] = [];
  return {
    requests,
    query: {
      query: (request) => {
        requests.push(request);
        const body = Buffer.from('{"status":"success","data":[]}');
        return Promise.resolve({ status: 200, body });
      },
    },
    active: { list: () => Promise.resolve([]), cancel: () => false },
    write: { write: () => Promise.resolve(accepted) },
    otlp: null,
    influx: null,
    bulk: {
      externalLabels: () => [['region', 'eu']],
      readSamplesMax: 50_000_000,
      readConcurrencyMax: 10,
      readFrameBytesMax: 1 << 20,
    },
    search: { limitMax: 1000 },
    targets: {
      active: () => [],
      dropped: () => [],
      droppedCounts: () => ({}),
      scrapePools: () => [],
      metadata: () => [],
      pool: () => null,
    },
    status: {
      buildInfo: () => ({
        version: '3.14.0',
        revision: 'r',
        branch: 'b',
        buildUser: 'u',
        buildDate: 'd',
        goVersion: 'node',
      }),
      runtimeInfo: () => ({ CWD: '/', serverTime: '2023-11-14T22:13:20Z' }),
      configYaml: () => 'global: {}\n',
      flags: () => ({ 'web.listen-address': ':9090' }),
      tsdb: (_tenant, limit) =>
        Promise.resolve({
          headStats: { numSeries: limit, numLabelPairs: 0, chunkCount: 0, minTime: 0, maxTime: 0 },
          seriesCountByMetricName: [],
          labelValueCountByLabelName: [],
          memoryInBytesByLabelName: [],
          seriesCountByLabelValuePair: [],
        }),
      blocks: () => Promise.resolve({ blocks: [] }),
      walReplay: () => ({ min: 0, max: 1, current: 1 }),
      notifications: { list: () => [], subscribe: () => null },
      features: () => ({ api: { query_stats: true } }),
    },
    lifecycle: {
      ready: () => true,
      stopping: () => false,
      reload: () => Promise.resolve(),
      quit: () => undefined,
      flush: () => Promise.resolve(),
      admin: () => null,
      hostMetrics: () => null,
    },
    rules: null,
    parseSelector: (text) => {
      const match = /^\{(\w+)="(\w+)"\}$/.exec(text);
      if (!match) throw new TidemarkError('bad_data', '1:1: parse error: no selector');
      return [{ name: match[1], op: '=', value: match[2] }];
    },
    ...parts,
  };
}

/** A server around them, not listening. */
export function fakeServer(services: ApiServices, options: Partial<ApiServerOptions> = {}): Promise<ApiServer> {
  return createApiServer({
    services,
    clock: fixedClock,
    logger: silentLogger,
    metrics: new MetricRegistry(),
    pageFiles: null,
    corsOrigin: '.*',
    routePrefix: '',
    isLifecycleEnabled: false,
    readTimeoutMs: 300_000,
    connectionsMax: 512,
    ...options,
  });
}
