// What the server says about itself and its surroundings: version, features, path prefix, size of the disk.
import { dirname, resolve } from 'node:path';
import type { BuildInfo } from '../api/index.ts';
import { type FlagValues, enabledFeatures } from '../config/index.ts';
import { filesystemSpace } from '../io/index.ts';
import { FUNCTIONS } from '../promql/index.ts';
import { discoveryKinds } from '../scrape/index.ts';
import { VERSION } from './version.ts';

const words = (text: string, isOn = true): Record<string, boolean> =>
  Object.fromEntries(text.split(/\s+/).map((word) => [word, isOn]));

/** `consulSdConfigs` -> `consul`. */
const providerOf = (kind: string): string => kind.replace(/SdConfigs$/, '');

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
    service_discovery_providers: words(['file http static', ...discoveryKinds().map(providerOf)].join(' ')),
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
