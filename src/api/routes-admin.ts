// Administration of the store, as Prometheus has it: delete_series, clean_tombstones, snapshot. Off unless --web.enable-admin-api.
import { TidemarkError } from '../base/index.ts';
import { type Answer, type Exchange, NO_CONTENT, type Route, successAnswer } from './exchange.ts';
import { invalidParameter } from './envelope.ts';
import { MAX_TIME_MS, MIN_TIME_MS, type Parameters, optionalTime, parameter, parseBool } from './parameters.ts';
import type { AdminService, ApiServices } from './services.ts';

type Handle = (admin: AdminService, parameters: Parameters, exchange: Exchange) => Promise<Answer>;

/** Routes below /api/v1/admin/tsdb. */
export function adminRoutes({ lifecycle, parseSelector }: ApiServices): Route[] {
  const route = (name: string, handle: Handle): Route => ({
    path: `/api/v1/admin/tsdb/${name}`,
    methods: ['POST', 'PUT'],
    handle: async (exchange) => {
      const admin = lifecycle.admin();
      if (!admin) throw new TidemarkError('unavailable', 'admin APIs disabled');
      return handle(admin, await exchange.parameters(), exchange);
    },
  });
  return [
    route('delete_series', async (admin, parameters, { tenant }) => {
      const matches = parameters.all('match[]');
      if (matches.length === 0) throw new TidemarkError('bad_data', 'no match[] parameter provided');
      const startMs = optionalTime(parameters, 'start', MIN_TIME_MS);
      const endMs = optionalTime(parameters, 'end', MAX_TIME_MS);
      const sets = matches.map((match) => parsed('match[]', () => parseSelector(match)));
      await admin.deleteSeries(tenant, sets, startMs, endMs);
      return NO_CONTENT;
    }),
    route('clean_tombstones', async (admin) => {
      await admin.cleanTombstones();
      return NO_CONTENT;
    }),
    route('snapshot', async (admin, parameters) => {
      const isHeadSkipped = parameter(parameters, 'skip_head', (text) => text !== '' && parseBool(text));
      return successAnswer({ name: await admin.snapshot(isHeadSkipped) });
    }),
  ];
}

function parsed<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw invalidParameter(name, error);
  }
}
