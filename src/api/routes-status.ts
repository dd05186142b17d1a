// Status, health, lifecycle and own metrics.
import { type MetricRegistry, TidemarkError, errorText } from '../base/index.ts';
import { invalidParameter } from './envelope.ts';
import {
  type Answer,
  type Exchange,
  NO_CONTENT,
  plainError,
  type Route,
  successAnswer,
  textAnswer,
} from './exchange.ts';
import { type Parameters, parameter } from './parameters.ts';
import { selfMetrics } from './self-metrics.ts';
import type { ApiServices } from './services.ts';

/** What decides about lifecycle endpoints. */
export interface StatusOptions {
  readonly metrics: MetricRegistry;
  /** --web.enable-lifecycle */
  readonly isLifecycleEnabled: boolean;
  /** For texts: `Tidemark Server is Ready.` */
  readonly productName: string;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';
const TSDB_LIMIT = 10;
const TSDB_LIMIT_MAX = 10_000;

type Handle = (parameters: Parameters, exchange: Exchange) => unknown;

/** Routes below /api/v1/status, and features. `metrics`: those of the process itself. */
export function statusRoutes({ status }: ApiServices, metrics: MetricRegistry): Route[] {
  const route = (path: string, handle: Handle, always = false): Route => ({
    path: `/api/v1/${path}`,
    methods: ['GET'],
    always,
    handle: async (exchange): Promise<Answer> => successAnswer(await handle(await exchange.parameters(), exchange)),
  });
  return [
    route('status/buildinfo', () => status.buildInfo()),
    route('status/runtimeinfo', () => status.runtimeInfo()),
    route('status/config', () => ({ yaml: status.configYaml() })),
    route('status/flags', () => status.flags()),
    route('status/tsdb', (p, exchange) => status.tsdb(exchange.tenant, tsdbLimit(p.get('limit')))),
    route('status/tsdb/blocks', () => status.blocks()),
    route('status/walreplay', () => status.walReplay(), true),
    route('status/self_metrics', async (p) => {
      const exposition = await metrics.collect();
      return parameter(p, 'metric_name_pattern', (pattern) => selfMetrics(exposition, pattern));
    }),
    route('features', () => status.features()),
  ];
}

function tsdbLimit(text: string): number {
  if (text === '') return TSDB_LIMIT;
  const limit = Number(text);
  if (!/^[+-]?\d+$/.test(text) || limit < 1) {
    throw invalidParameter('limit', new TidemarkError('bad_data', 'limit must be a positive number'));
  }
  if (limit > TSDB_LIMIT_MAX) {
    throw invalidParameter('limit', new TidemarkError('bad_data', `limit must not exceed ${TSDB_LIMIT_MAX}`));
  }
  return limit;
}

/** Routes beside the API: health, lifecycle, version, metrics; and the administration of the store. */
export function lifecycleRoutes({ status, lifecycle }: ApiServices, options: StatusOptions): Route[] {
  const { metrics, productName, isLifecycleEnabled } = options;
  const guarded = (handle: () => Answer | Promise<Answer>) => (): Answer | Promise<Answer> =>
    isLifecycleEnabled ? handle() : plainError(403, 'Lifecycle API is not enabled.');
  return [
    { path: '/metrics', methods: ['GET'], always: true, handle: async () => metricsAnswer(await metrics.collect()) },
    { path: '/metrics/host', methods: ['GET'], handle: async () => hostMetrics(await lifecycle.hostMetrics()) },
    { path: '/version', methods: ['GET'], always: true, handle: () => jsonAnswer(status.buildInfo()) },
    {
      path: '/-/healthy',
      methods: ['GET', 'HEAD'],
      always: true,
      handle: () => textAnswer(200, `${productName} is Healthy.\n`),
    },
    { path: '/-/ready', methods: ['GET', 'HEAD'], handle: () => textAnswer(200, `${productName} is Ready.\n`) },
    { path: '/debug/pprof', methods: ['GET'], handle: noProfiles },
    { path: '/debug/pprof/*', methods: ['GET', 'POST'], handle: noProfiles },
    { path: '/-/reload', methods: ['POST', 'PUT'], handle: guarded(() => reload(lifecycle.reload())) },
    {
      path: '/-/quit',
      methods: ['POST', 'PUT'],
      handle: guarded(() => {
        lifecycle.quit();
        return textAnswer(200, 'Requesting termination... Goodbye!\n');
      }),
    },
    {
      path: '/api/v1/admin/tsdb/flush',
      methods: ['POST', 'PUT'],
      handle: async () => {
        await lifecycle.flush();
        return NO_CONTENT;
      },
    },
  ];
}

/** Tools for Go ask for these. */
const noProfiles = (): Answer =>
  plainError(501, 'no pprof profiles: the server is not a Go program; it can be profiled with node --cpu-prof');

const metricsAnswer = (body: string): Answer => ({ status: 200, contentType: METRICS_TYPE, body });

const jsonAnswer = (data: unknown): Answer => ({
  status: 200,
  contentType: 'application/json',
  body: JSON.stringify(data),
});

const hostMetrics = (text: string | null): Answer =>
  text === null ? plainError(404, 'metrics of this host are not available') : metricsAnswer(text);

async function reload(done: Promise<void>): Promise<Answer> {
  try {
    await done;
    return textAnswer(200, '');
  } catch (error) {
    return plainError(500, `failed to reload config: ${errorText(error)}`);
  }
}
