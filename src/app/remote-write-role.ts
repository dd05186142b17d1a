// Remote write as the main thread sees it: the worker exists while the configuration names a destination; requests of the worker
// go out here, where the credentials are.
import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type Logger, type MetricRegistry, errorText } from '../base/index.ts';
import type { Config, HostFiles, RemoteWriteConfig } from '../config/index.ts';
import { type Clock, type HttpClient, type HttpResponse, type LogPosition, compareLogPositions } from '../io/index.ts';
import { METRIC_TYPE_NUMBERS, type WireMetadata } from '../wire/index.ts';
import type { TargetMetadata } from '../api/index.ts';
import { remoteWriteClient } from './cloud-client.ts';
import { relayLog } from './port-logger.ts';
import { type RemoteMetricsTable, registerRemoteMetrics } from './remote-write-metrics.ts';
import {
  type DestinationMetrics,
  type RemoteWriteCommand,
  type RemoteWriteEvent,
  type RemoteWriteWorkerData,
  type SendOutcome,
  configuredDestinations,
} from './remote-write-settings.ts';
import { VERSION } from './version.ts';

/** Of an answer: its beginning goes into the log. */
const ANSWER_BYTES_MAX = 1 << 16;
const ANSWER_TEXT_MAX = 256;
const METADATA_MS = 15_000;
/** On top of the flush deadline, before the worker is ended. */
const STOP_SLACK_MS = 5000;

export interface RemoteWriteRoleParts {
  readonly directory: string;
  /** Per shard, the end of its log. */
  readonly logEnds: () => readonly LogPosition[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  readonly files: HostFiles;
  /** --storage.remote.flush-deadline. */
  readonly flushDeadlineMs: number;
  readonly metadata: () => Iterable<TargetMetadata>;
  readonly onDeath: (error: Error) => void;
  readonly isAgent: boolean;
}

interface Destination {
  readonly config: RemoteWriteConfig;
  readonly client: HttpClient;
}

export class RemoteWriteRole {
  readonly #parts: RemoteWriteRoleParts;
  readonly #destinations = new Map<string, Destination>();
  readonly #metrics: RemoteMetricsTable;
  #wanted: ReadonlySet<string> = new Set();
  /** Per destination and shard, where all before is done; as the worker told last. */
  #done: ReadonlyMap<string, readonly LogPosition[]> = new Map();
  #worker: Worker | null = null;
  #stopped = Promise.withResolvers<void>();
  #isStopping = false;
  #cancelMetadata: (() => void) | null = null;

  constructor(parts: RemoteWriteRoleParts) {
    this.#parts = parts;
    this.#metrics = registerRemoteMetrics(parts.metrics);
  }

  /** Goes over to the destinations of a configuration; those that stay the same are left alone. */
  apply(config: Config): void {
    const wanted = configuredDestinations(config);
    if (!this.#worker && wanted.length === 0) return;
    this.#worker ??= this.#start();
    const before = new Map(this.#destinations);
    for (const { settings, config: one } of wanted) {
      before.delete(settings.key);
      this.#reach(settings.key, one);
    }
    const destinations = wanted.map(({ settings }) => settings);
    this.#wanted = new Set(destinations.map(({ key }) => key));
    this.#post({ type: 'apply', destinations, ends: this.#parts.logEnds() });
    this.#metrics.configure(destinations);
    // The worker still flushes what it has for those that go.
    for (const [key, { client }] of before) {
      this.#parts.clock.after(this.#parts.flushDeadlineMs + STOP_SLACK_MS, () => {
        if (this.#wanted.has(key) || this.#destinations.get(key)?.client !== client) return; // it has come back
        this.#destinations.delete(key);
        void client.close();
      });
    }
  }

  /** Gives a destination its client, another one if what the key leaves out has changed: secrets above all. */
  #reach(key: string, config: RemoteWriteConfig): void {
    const { files, clock } = this.#parts;
    const known = this.#destinations.get(key);
    if (known && isDeepStrictEqual(known.config, config)) return;
    this.#destinations.set(key, { config, client: remoteWriteClient(config, { files, clock }) });
    // Requests under way end with the client they began with.
    if (known) clock.after(known.config.remoteTimeoutMs + STOP_SLACK_MS, () => void known.client.close());
  }

  #start(): Worker {
    const { directory, flushDeadlineMs, logger, onDeath, isAgent } = this.#parts;
    const worker = new Worker(new URL('./remote-write-worker.ts', import.meta.url), {
      workerData: { directory, flushDeadlineMs, isAgent } satisfies RemoteWriteWorkerData,
      name: 'remote-write',
    });
    worker.on('message', (event: RemoteWriteEvent) => {
      if (!relayLog(event, logger)) this.#receive(event);
    });
    worker.on('error', (error: unknown) => onDeath(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', (code) => {
      this.#stopped.resolve();
      if (!this.#isStopping) onDeath(new Error(`remote write worker ended with code ${code}`));
    });
    this.#metadataLater();
    return worker;
  }

  #post(command: RemoteWriteCommand): void {
    this.#worker?.postMessage(command);
  }

  #receive(event: RemoteWriteEvent): void {
    if (event.type === 'stopped') this.#stopped.resolve();
    else if (event.type === 'metrics') this.#note(event.destinations);
    else void this.#send(event).then((outcome) => this.#post({ type: 'sent', id: event.id, outcome }));
  }

  #note(destinations: readonly DestinationMetrics[]): void {
    this.#metrics.update(destinations);
    this.#done = new Map(destinations.map(({ key, done }) => [key, done]));
  }

  /** Per shard, the place in the log before which every destination has all; null: one has not told yet. */
  donePositions(): LogPosition[] | null {
    const ends = this.#parts.logEnds();
    const positions = [...ends];
    for (const key of this.#wanted) {
      const done = this.#done.get(key);
      if (done?.length !== ends.length) return null;
      for (const [shard, position] of done.entries())
        if (compareLogPositions(position, positions[shard]) < 0) positions[shard] = position;
    }
    return positions;
  }

  async #send({ key, version, body, attempt }: Extract<RemoteWriteEvent, { type: 'send' }>): Promise<SendOutcome> {
    const destination = this.#destinations.get(key);
    if (!destination) return { kind: 'refused', text: 'the destination is not configured any more' };
    const { config, client } = destination;
    try {
      const answer = await client.request({
        method: 'POST',
        url: config.url,
        headers: requestHeaders(config, version, attempt),
        body,
        timeoutMs: config.remoteTimeoutMs,
        bodyBytesMax: ANSWER_BYTES_MAX,
        followRedirects: config.followRedirects,
      });
      return outcomeOf(answer, config, this.#parts.clock.nowMs());
    } catch (error) {
      return { kind: 'retry', afterMs: 0, text: errorText(error) };
    }
  }

  #metadataLater(): void {
    this.#cancelMetadata = this.#parts.clock.after(METADATA_MS, () => {
      this.#post({ type: 'metadata', metadata: wireMetadata(this.#parts.metadata()) });
      this.#metadataLater();
    });
  }

  /** Sends what is logged, within the flush deadline. Nothing may be logged any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelMetadata?.();
    if (this.#worker) {
      const { clock, flushDeadlineMs } = this.#parts;
      const cancel = clock.after(flushDeadlineMs + STOP_SLACK_MS, () => this.#stopped.resolve());
      this.#post({ type: 'stop' });
      await this.#stopped.promise;
      cancel();
      await this.#worker.terminate();
    }
    await Promise.all(Array.from(this.#destinations.values(), ({ client }) => client.close()));
  }
}

function requestHeaders(config: RemoteWriteConfig, version: 1 | 2, attempt: number): Record<string, string> {
  return {
    ...config.headers,
    'content-encoding': 'snappy',
    'content-type':
      version === 1 ? 'application/x-protobuf' : 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'user-agent': `Tidemark/${VERSION}`,
    'x-prometheus-remote-write-version': version === 1 ? '0.1.0' : '2.0.0',
    ...(attempt > 0 && { 'retry-attempt': String(attempt) }),
  };
}

/** As Prometheus: 5xx is tried again, 429 if so configured, everything else that is no success is not. */
export function outcomeOf(
  { status, headers, body }: HttpResponse,
  { queueConfig }: RemoteWriteConfig,
  nowMs: number,
): SendOutcome {
  if (status >= 200 && status < 300) return { kind: 'ok' };
  const [line] = Buffer.from(body).toString().slice(0, ANSWER_TEXT_MAX).split('\n');
  const text = `server returned HTTP status ${status}: ${line}`;
  const isWorthIt = status >= 500 || (status === 429 && queueConfig.retryOnHttp429);
  return isWorthIt
    ? { kind: 'retry', afterMs: retryAfterMs(headers['retry-after'] ?? '', nowMs), text }
    : { kind: 'refused', text };
}

/** Of seconds or a date; 0: it says nothing. */
function retryAfterMs(header: string, nowMs: number): number {
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs);
}

/** What targets say of each metric: the first of those that say something. */
function wireMetadata(metadata: Iterable<TargetMetadata>): WireMetadata[] {
  const byName = new Map<string, WireMetadata>();
  for (const { metric, type, help, unit } of metadata) {
    if (!byName.has(metric)) byName.set(metric, { name: metric, type: METRIC_TYPE_NUMBERS[type] ?? 0, help, unit });
  }
  return [...byName.values()];
}
