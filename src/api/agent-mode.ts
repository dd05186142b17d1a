// Agent mode at the HTTP door: there is nothing to be queried, and no rules. Paths of these answer as Prometheus' agent does.
import { TidemarkError } from '../base/index.ts';
import { plainError, type Route } from './exchange.ts';

const API = '/api/v1/';
const UNAVAILABLE = new Set(
  [
    'query query_range query_exemplars format_query parse_query series labels label/:name/values rules alerts alertmanagers',
    'status/tsdb status/tsdb/blocks admin/tsdb/delete_series admin/tsdb/clean_tombstones admin/tsdb/snapshot',
    'admin/tsdb/flush search/metric_names search/label_names search/label_values',
  ].flatMap((line) => line.split(' ').map((path) => API + path)),
);
/** Remote read and federation answer plain text. */
const UNSUPPORTED: ReadonlySet<string> = new Set([`${API}read`, '/federate']);
/** Pages of the web page that show what an agent has not. */
const PAGE_PATHS: ReadonlySet<string> = new Set(
  '/query /graph /alerts /rules /tsdb-status /alertmanager-discovery'.split(' '),
);
const FIRST_PAGE = '/targets';

const unavailable = (): never => {
  throw new TidemarkError('execution', 'unavailable with Prometheus Agent');
};

/** The routes of an agent: of those that need a store only the refusal is left. */
export const agentRoutes = (routes: readonly Route[], routePrefix: string): Route[] =>
  routes.flatMap((route): Route[] => {
    const { path } = route;
    if (UNAVAILABLE.has(path) || path.startsWith(`${API}query/`)) return [{ ...route, handle: unavailable }];
    if (UNSUPPORTED.has(path))
      return [{ ...route, handle: () => plainError(500, 'unsupported operation with WAL-only storage') }];
    if (route.isPage && PAGE_PATHS.has(path)) return [];
    const headers = { location: `${routePrefix}${FIRST_PAGE}` };
    if (route.isPage && path === '/')
      return [{ ...route, handle: () => ({ status: 302, contentType: '', body: null, headers }) }];
    return [route];
  });
