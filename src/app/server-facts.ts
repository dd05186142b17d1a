// What the server says about itself and its surroundings: version, features, path prefix, size of the disk.
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { BuildInfo, Notification } from '../api/index.ts';
import type { MetricRegistry } from '../base/index.ts';
import { type FlagValues, enabledFeatures } from '../config/index.ts';
import { filesystemSpace } from '../io/index.ts';
import { compareUtf8 } from '../model/index.ts';
import { FUNCTIONS } from '../promql/index.ts';
import type { Retention } from '../tsdb/index.ts';
import type { AgentRetention } from './agent-store.ts';
import { VERSION } from './version.ts';

const words = (text: string, isOn = true): Record<string, boolean> =>
  Object.fromEntries(text.split(/\s+/).map((word) => [word, isOn]));

/** By category and name, as /api/v1/features gives them; the names are Prometheus'. */
export function featuresOf(flags: FlagValues): Record<string, Record<string, boolean>> {
  const enabled = new Set(enabledFeatures(flags));
  const functions = [...FUNCTIONS.values()].map(({ name, features }): [string, boolean] => [
    name,
    features.every((feature) => enabled.has(feature)),
  ]);
  return {
    api: {
      ...words('exclude_alerts label_values_match query_stats query_warnings time_range_labels time_range_series'),
      admin: flags['web.enable-admin-api'],
      lifecycle: flags['web.enable-lifecycle'],
      otlp_write_receiver: flags['web.enable-otlp-receiver'],
      remote_write_receiver: flags['web.enable-remote-write-receiver'],
    },
    promql: {
      ...words('at_modifier bool by duration_expr group_left group_right ignoring negative_offset offset on'),
      ...words('per_query_lookback_delta subqueries without'),
      anchored: enabled.has('promql-extended-range-selectors'),
      smoothed: enabled.has('promql-extended-range-selectors'),
      fill: enabled.has('promql-binop-fill-modifiers'),
      delayed_name_removal: enabled.has('promql-delayed-name-removal'),
      per_step_stats: enabled.has('promql-per-step-stats'),
      type_and_unit_labels: enabled.has('type-and-unit-labels'),
    },
    promql_functions: Object.fromEntries(functions.sort(([a], [b]) => (a < b ? -1 : 1))),
    promql_operators: {
      ...words('!= !~ % * + - / < <= == =~ > >= @ ^ and atan2 or unless'),
      ...words('avg bottomk count count_values group max min quantile stddev stdvar sum topk'),
      ...words('limitk limit_ratio', enabled.has('promql-experimental-functions')),
    },
    scrape: words('extra_scrape_metrics'),
    service_discovery_providers: words('file http static'),
  };
}

/** Bytes of the file system of a directory that need not be there yet; 0 where they cannot be known. */
export async function diskBytes(directory: string): Promise<number> {
  for (let path = resolve(directory); ; path = dirname(path)) {
    const space = await filesystemSpace(path).catch(() => null); // then the one above it
    if (space) return space.sizeBytes;
    if (dirname(path) === path) return 0;
  }
}

/** --web.route-prefix, or the path of --web.external-url; without a slash at its end. */
export function routePrefix(flags: FlagValues): string {
  const given =
    flags['web.route-prefix'] || (flags['web.external-url'] ? new URL(flags['web.external-url']).pathname : '');
  const trimmed = given.replace(/\/+$/, '');
  return trimmed === '' || trimmed.startsWith('/') ? trimmed : `/${trimmed}`;
}

/** Of status/buildinfo. */
export const buildInfo = (): BuildInfo => ({
  version: VERSION,
  revision: '',
  branch: '',
  buildUser: '',
  buildDate: '',
  goVersion: `node ${process.versions.node}`,
});

/** Of --storage.agent.*. */
export const agentRetention = (flags: FlagValues): AgentRetention => ({
  truncateMs: flags['storage.agent.wal-truncate-frequency'],
  minMs: flags['storage.agent.retention.min-time'],
  maxMs: flags['storage.agent.retention.max-time'],
});

/** The state that notifications tell of; times in milliseconds since the epoch. */
export interface NotifiedState {
  /** Null: the last reload was good. */
  readonly reloadFailedMs: number | null;
  readonly isStopping: boolean;
  readonly isReady: boolean;
  readonly startedMs: number;
  readonly nowMs: number;
}

/** What Prometheus tells of, in its words. */
export function notifications({
  reloadFailedMs,
  isStopping,
  isReady,
  startedMs,
  nowMs,
}: NotifiedState): Notification[] {
  const notification = (text: string, ms: number) => ({ text, date: new Date(ms).toISOString(), active: true });
  const out: Notification[] = [];
  if (reloadFailedMs !== null) out.push(notification('Configuration reload has failed.', reloadFailedMs));
  if (isStopping) out.push(notification('Tidemark is shutting down and gracefully stopping all operations.', nowMs));
  else if (!isReady) out.push(notification('Tidemark is starting and reading its log.', startedMs));
  return out;
}

/** What status/runtimeinfo is made of; times in milliseconds since the epoch. */
export interface RuntimeState {
  readonly startedMs: number;
  readonly nowMs: number;
  readonly isReloadGood: boolean;
  readonly configLoadedMs: number;
  readonly damageCount: number;
  readonly threads: number;
  readonly retention: Retention;
}

/** Of status/runtimeinfo. */
export function runtimeInfo(state: RuntimeState): Record<string, string | number | boolean> {
  const { timeMs, sizeBytes } = state.retention;
  const retention = [timeMs > 0 ? `${Math.round(timeMs / 86_400_000)}d` : '', sizeBytes > 0 ? `${sizeBytes}B` : ''];
  return {
    startTime: new Date(state.startedMs).toISOString(),
    CWD: process.cwd(),
    hostname: hostname(),
    serverTime: new Date(state.nowMs).toISOString(),
    reloadConfigSuccess: state.isReloadGood,
    lastConfigTime: new Date(state.configLoadedMs).toISOString(),
    corruptionCount: state.damageCount,
    goroutineCount: 0,
    GOMAXPROCS: state.threads,
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: retention.filter((text) => text !== '').join(' or '),
  };
}

/** By name. */
export const sortedLabels = (labels: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(labels).sort(([a], [b]) => compareUtf8(a, b));

/** Metrics of reloads by Prometheus' names, which alerts are written for. */
export function observeReloads(
  metrics: MetricRegistry,
  state: () => { readonly isGood: boolean; readonly loadedMs: number },
): void {
  const observe = (name: string, help: string, value: () => number) => metrics.observed('gauge', name, help, value);
  observe(
    'prometheus_config_last_reload_successful',
    'Whether the last configuration reload attempt was successful.',
    () => Number(state().isGood),
  );
  observe(
    'prometheus_config_last_reload_success_timestamp_seconds',
    'Timestamp of the last successful configuration reload.',
    () => state().loadedMs / 1000,
  );
}
