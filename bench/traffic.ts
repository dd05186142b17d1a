// Exporter-like series of our own making, and their way into a running program. A host has 500 series of 50 metrics: counters
// that move, counters that rest, gauges that jitter, gauges that never change, histogram buckets.
import { loadavg } from 'node:os';
import { encodeMessage, queryNumber, send, writeHeaders } from '../apptest/client.ts';
import { compressSnappy, type WireSeries } from '../src/wire/index.ts';
import type { Program } from '../test/support/program.ts';

export const INTERVAL_MS = 15_000;
/** Samples per request, as Prometheus sends by default. */
const PER_REQUEST = 2000;
const SERIES_PER_HOST = 500;
const SERIES_PER_METRIC = 10;

type Labels = readonly (readonly [string, string])[];

/** Labels of series number `k`, in order. */
export function labelsOf(k: number): Labels {
  const host = Math.floor(k / SERIES_PER_HOST);
  const metric = Math.floor((k % SERIES_PER_HOST) / SERIES_PER_METRIC);
  const part = k % SERIES_PER_METRIC;
  return [
    ['__name__', metricName(metric)],
    ['cluster', `production-${host % 3}`],
    ['collector', `collector-${metric}`], // so that rate() over several metrics makes no duplicates
    ['device', `nvme${part}n1`],
    ['instance', `10.${host >> 8}.${host & 255}.7:9100`],
    ['job', 'node-exporter'],
    ['mode', ['idle', 'user', 'system', 'iowait', 'steal'][part % 5]],
    ['region', `region-${host % 5}`],
  ];
}

const KINDS = ['operations_total', 'errors_total', 'usage_ratio', 'limit_bytes', 'duration_seconds_bucket'];
const metricName = (metric: number): string =>
  `node_part${Math.floor(metric / KINDS.length)}_${KINDS[metric % KINDS.length]}`;

/** The value of a series at its tick number `tick`. */
export function sampleValue(k: number, tick: number): number {
  switch (Math.floor((k % SERIES_PER_HOST) / SERIES_PER_METRIC) % KINDS.length) {
    case 0:
      return k * 1000 + tick * (100 + (k % 37)) + ((k * 7919 + tick * 104_729) % 53);
    case 1:
      return k % 11;
    case 2:
      return ((k * 31 + tick * 17_389) % 1000) / 1000;
    case 3:
      return 2 ** 30 + k;
    default:
      return Math.floor((tick * (1 + (k % 10))) / 3);
  }
}

/** Series [from, to) with the ticks [fromTick, toTick). */
function seriesOf(from: number, to: number, fromTick: number, toTick: number, startMs: number): WireSeries[] {
  const series: WireSeries[] = [];
  for (let k = from; k < to; k++) {
    const samples = [];
    for (let tick = fromTick; tick < toTick; tick++) {
      samples.push({ timestampMs: startMs + tick * INTERVAL_MS + (k % INTERVAL_MS), value: sampleValue(k, tick) });
    }
    series.push({ labels: labelsOf(k), samples });
  }
  return series;
}

/** A request body and how many samples it holds. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly samples: number;
}

/** Request bodies for these series and ticks, made ahead, so that sending costs the client little. */
export function bodiesOf(seriesCount: number, fromTick: number, toTick: number, startMs: number): Body[] {
  const perRequest = Math.max(1, Math.floor(PER_REQUEST / (toTick - fromTick)));
  const bodies: Body[] = [];
  for (let from = 0; from < seriesCount; from += perRequest) {
    const to = Math.min(from + perRequest, seriesCount);
    const bytes = compressSnappy(encodeMessage(1, seriesOf(from, to, fromTick, toTick, startMs)));
    bodies.push({ bytes, samples: (to - from) * (toTick - fromTick) });
  }
  return bodies;
}

/** Sends bodies over so many connections; resolves with the milliseconds each took. */
export async function sendBodies(program: Program, bodies: readonly Body[], connections = 2): Promise<number[]> {
  const elapsedMs: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < bodies.length; at = next++) {
      const request = { path: '/api/v1/write', headers: writeHeaders(1), body: bodies[at].bytes };
      let reply = await send(program, request);
      for (; reply.status === 503; reply = await send(program, request)) await new Promise((go) => setTimeout(go, 100));
      if (reply.status !== 204) throw new Error(`cannot write: ${reply.status} ${reply.text}`);
      elapsedMs.push(reply.elapsedMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return elapsedMs;
}

/** Loads so many ticks of so many series, many ticks per request; resolves with the number of samples. */
export async function load(program: Program, seriesCount: number, ticks: number, startMs: number): Promise<number> {
  const TICKS_PER_REQUEST = 120;
  for (let tick = 0; tick < ticks; tick += TICKS_PER_REQUEST) {
    await sendBodies(program, bodiesOf(seriesCount, tick, Math.min(tick + TICKS_PER_REQUEST, ticks), startMs));
  }
  return seriesCount * ticks;
}

/** How many series a query sees at a time. */
export const seriesSeen = async (program: Program, timeMs: number): Promise<number> =>
  (await queryNumber(program, 'count({job="node-exporter"})', timeMs)) || 0;

/** The value below which a share of the numbers lies. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Milliseconds as p50 and p99. */
export const spread = (elapsedMs: readonly number[]): string =>
  `p50 ${quantile(elapsedMs, 0.5).toFixed(1)} ms, p99 ${quantile(elapsedMs, 0.99).toFixed(1)} ms`;

/** Own metrics, summed over their label sets. */
export async function ownMetrics(program: Program): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (const line of (await send(program, { path: '/metrics' })).text.split('\n')) {
    const match = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line);
    if (match) sums.set(match[1], (sums.get(match[1]) ?? 0) + Number(match[2]));
  }
  return sums;
}

/** How busy the machine was, for the reader of the figures. */
export const machineLoad = (): string => `load average ${loadavg()[0].toFixed(1)}`;

/** A count with thousands separated. */
export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** A bench: gives its lines one by one. `scale` multiplies how much it does; `options` are its own flags, without dashes. */
export type Bench = (scale: number, say: (line: string) => void, options: ReadonlyMap<string, string>) => Promise<void>;
