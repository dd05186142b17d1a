// A small client for tests of the real program: nothing is normalised on the way, paths and bodies arrive as they are given.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { compressSnappy, encodeRemoteWriteV1, encodeRemoteWriteV2, type WireSeries } from '../src/wire/index.ts';
import type { Program } from '../test/support/program.ts';

export interface Request {
  readonly method?: string;
  readonly path: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: Uint8Array | string;
}

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly elapsedMs: number;
}

const REPLY_MS_MAX = 30_000;
const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });

/** Sends a request. Rejects when the connection breaks before the answer is complete. */
export function send(program: Pick<Program, 'port'>, request: Request): Promise<Reply> {
  const startMs = performance.now();
  const { method = request.body === undefined ? 'GET' : 'POST', path, headers = {}, body } = request;
  return new Promise((resolve, reject) => {
    const lengths = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const options = { agent, host: '127.0.0.1', port: program.port, method, path, timeout: REPLY_MS_MAX };
    const outgoing = http.request({ ...options, headers: { ...lengths, ...headers } }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const elapsedMs = performance.now() - startMs;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, elapsedMs });
      });
    });
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path.slice(0, 200)}`)));
    outgoing.end(body);
  });
}

export type Version = 1 | 2;
const PROTO = { 1: 'prometheus.WriteRequest', 2: 'io.prometheus.write.v2.Request' } as const;

export const writeHeaders = (version: Version, tenant?: string): http.OutgoingHttpHeaders => ({
  'content-type': `application/x-protobuf;proto=${PROTO[version]}`,
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': version === 1 ? '0.1.0' : '2.0.0',
  ...(tenant === undefined ? {} : { 'x-scope-orgid': tenant }),
});

/** A message, not yet compressed. */
export const encodeMessage = (version: Version, series: readonly WireSeries[]): Uint8Array =>
  version === 1 ? encodeRemoteWriteV1(series) : encodeRemoteWriteV2(series);

/** Remote write of a message as it is. */
export const writeMessage = (
  program: Program,
  version: Version,
  message: Uint8Array,
  tenant?: string,
): Promise<Reply> =>
  send(program, { path: '/api/v1/write', headers: writeHeaders(version, tenant), body: compressSnappy(message) });

/** Remote write of series. */
export const write = (program: Program, version: Version, series: readonly WireSeries[], tenant?: string) =>
  writeMessage(program, version, encodeMessage(version, series), tenant);

/** A series with labels given as `a=b` pairs: `oneSeries('up', { job: 'x' }, [[t, v]])`. */
export function oneSeries(
  name: string,
  labels: Readonly<Record<string, string>>,
  samples: readonly (readonly [timestampMs: number, value: number])[],
): WireSeries {
  const all = Object.entries({ __name__: name, ...labels }).sort(([a], [b]) => (a < b ? -1 : 1));
  return { labels: all, samples: samples.map(([timestampMs, value]) => ({ timestampMs, value })) };
}

/** One series of an answer. */
export interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

/** The result of an instant query that must succeed. */
export async function query(program: Program, expression: string, timeMs: number, tenant?: string): Promise<Found[]> {
  const parameters = new URLSearchParams({ query: expression, time: String(timeMs / 1000) });
  const headers = tenant === undefined ? {} : { 'x-scope-orgid': tenant };
  const reply = await send(program, { path: `/api/v1/query?${parameters}`, headers });
  assert.equal(reply.status, 200, reply.text);
  return (JSON.parse(reply.text) as { data: { result: Found[] } }).data.result;
}

/** The number that an instant query gives; NaN if it gives none. */
export async function queryNumber(
  program: Program,
  expression: string,
  timeMs: number,
  tenant?: string,
): Promise<number> {
  return Number((await query(program, expression, timeMs, tenant))[0]?.value?.[1] ?? Number.NaN);
}

/** Sends bytes over a plain connection and resolves with all that came back until its end, or until `msMax` passed in silence. */
export function exchangeBytes(port: number, parts: readonly (Uint8Array | string)[], msMax = 1500): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1');
    const end = (): void => {
      socket.destroy();
      resolve(received);
    };
    socket.setTimeout(msMax, end);
    socket.on('data', (chunk) => (received += chunk.toString('latin1')));
    socket.on('error', end); // the other side hung up in the middle of our sending
    socket.on('close', end);
    for (const part of parts) socket.write(part);
  });
}
