// InfluxDB's line protocol in: each number field is a series named <measurement>_<field> with the line's tags as labels. Characters
// that names of Prometheus cannot have become underscores, so that they can be written in queries; a database becomes the label
// `db`, unless the line has a tag of that name.
import type { InfluxAnswer, InfluxOptions, InfluxService, WriteService } from '../api/index.ts';
import { TidemarkError, errorText, isCorrupt, utf8Text } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import { compareUtf8 } from '../model/index.ts';
import { type InfluxPoint, type WireSeries, readInfluxLines } from '../wire/index.ts';
import { pushSeries } from './push-service.ts';

/** Nanoseconds of a unit of time; both versions of the API. */
const PRECISIONS: Readonly<Record<string, bigint>> = {
  '': 1n,
  n: 1n,
  ns: 1n,
  u: 1000n,
  us: 1000n,
  µ: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const NS_PER_MS = 1_000_000n;

const metricName = (text: string): string => text.replace(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d)/, '_');
const labelName = (text: string): string => text.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_');

function seriesOf(point: InfluxPoint, database: string, unitNs: bigint, nowMs: number): WireSeries {
  const labels = new Map<string, string>();
  if (database !== '') labels.set('db', database);
  for (const [name, value] of point.tags) labels.set(labelName(name), value);
  labels.set('__name__', metricName(`${point.measurement}_${point.field}`));
  const timestampMs = point.time === null ? nowMs : Number((point.time * unitNs) / NS_PER_MS);
  const sorted = [...labels].filter(([, value]) => value !== '').sort(([a], [b]) => compareUtf8(a, b));
  return { labels: sorted, samples: [{ timestampMs, value: point.value }] };
}

function textOf(body: Uint8Array): string {
  try {
    return utf8Text(body);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw new TidemarkError('bad_data', errorText(error), { cause: error });
  }
}

export function createInfluxService(write: WriteService, clock: Clock): InfluxService {
  return {
    async push(tenant: string, body: Uint8Array, { precision, database }: InfluxOptions): Promise<InfluxAnswer> {
      if (!Object.hasOwn(PRECISIONS, precision)) {
        throw new TidemarkError(
          'bad_data',
          `cannot read precision: it is none of ns, u, ms, s, m, h; got ${precision}`,
        );
      }
      const { points, badLines, reason } = readInfluxLines(textOf(body));
      const nowMs = clock.nowMs();
      const series = points.map((point) => seriesOf(point, database, PRECISIONS[precision], nowMs));
      return { result: await pushSeries(write, tenant, series), badLines, reason };
    },
  };
}
