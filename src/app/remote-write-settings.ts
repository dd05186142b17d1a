// What a destination of remote write needs to know, as plain data that crosses to its thread, and what crosses between the threads.
// The main thread does the HTTP (it has the credentials); the worker reads the log, relabels, encodes, and decides on retries.
import type { Config, RemoteWriteConfig } from '../config/index.ts';
import type { LogPosition } from '../io/index.ts';
import { type NameScheme, type RelabelConfig, goQuote } from '../model/index.ts';
import type { WireMetadata } from '../wire/index.ts';
import { crc32c } from '../kernel/index.ts';
import { utf8 } from '../base/index.ts';

export interface DestinationSettings {
  /** Of all its settings: the same key, the same destination. */
  readonly key: string;
  readonly name: string;
  /** Without credentials. */
  readonly url: string;
  readonly version: 1 | 2;
  readonly relabel: readonly RelabelConfig[];
  readonly scheme: NameScheme;
  readonly externalLabels: readonly (readonly [name: string, value: string])[];
  readonly sendNativeHistograms: boolean;
  readonly sendExemplars: boolean;
  readonly queue: RemoteWriteConfig['queueConfig'];
  readonly metadata: RemoteWriteConfig['metadataConfig'];
}

const hash = (value: unknown): string =>
  crc32c(utf8(JSON.stringify(value)))
    .toString(16)
    .padStart(8, '0');

/** A URL without user and password. */
const shownUrl = (url: string): string => url.replace(/\/\/[^/@]*@/, '//');

/** A destination, and the configuration that its requests are made by. */
export interface ConfiguredDestination {
  readonly settings: DestinationSettings;
  readonly config: RemoteWriteConfig;
}

/** The destinations of a configuration. Two that are the same in everything are one. */
export function configuredDestinations({ remoteWrite, global }: Config): ConfiguredDestination[] {
  const all = remoteWrite.map((config): ConfiguredDestination => {
    const { queueConfig, metadataConfig, writeRelabelConfigs } = config;
    const settings = {
      url: shownUrl(config.url),
      version: config.protobufMessage === 'prometheus.WriteRequest' ? (1 as const) : (2 as const),
      relabel: structuredClone(writeRelabelConfigs) as RelabelConfig[],
      scheme: global.metricNameValidationScheme as NameScheme,
      externalLabels: Object.entries(global.externalLabels),
      sendNativeHistograms: config.sendNativeHistograms,
      sendExemplars: config.sendExemplars,
      queue: { ...queueConfig },
      metadata: { ...metadataConfig },
    };
    const key = hash([config.name, config.url, settings, clientPart(config)]);
    return { config, settings: { key, name: config.name || key.slice(0, 6), ...settings } };
  });
  return [...new Map(all.map((one) => [one.settings.key, one])).values()];
}

/** Where a destination's place in the log is kept: it outlives changes of its other settings. */
export const positionFile = ({ name, key, url }: DestinationSettings): string =>
  `remote-write/${hash([key.startsWith(name) ? '' : name, url])}.json`;

/** Without secrets: one that changes leaves the destination what it is and gives it another client. */
function clientPart(config: RemoteWriteConfig): unknown {
  const { basicAuth, authorization, oauth2, tlsConfig, headers, proxyUrl, remoteTimeoutMs, roundRobinDns, sigv4 } =
    config;
  return [
    ...(roundRobinDns ? ['round robin'] : []),
    ...(sigv4 ? [{ ...sigv4, secretKey: '' }] : []),
    basicAuth?.username,
    basicAuth?.usernameFile,
    authorization?.type,
    oauth2?.clientId,
    tlsConfig,
    headers,
    proxyUrl,
    remoteTimeoutMs,
  ];
}

/** Bounds of the times that batches take. */
export const BATCH_BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300];

/** What became of a request. */
export type SendOutcome =
  | { readonly kind: 'ok' }
  /** Worth another try; `afterMs`: not sooner. */
  | { readonly kind: 'retry'; readonly afterMs: number; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string };

/** Of one destination, since it was started. Names follow prometheus_remote_storage_*. */
export interface DestinationMetrics {
  readonly key: string;
  readonly name: string;
  readonly url: string;
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  readonly metadata: number;
  readonly samplesFailed: number;
  readonly histogramsFailed: number;
  readonly exemplarsFailed: number;
  readonly metadataFailed: number;
  readonly samplesRetried: number;
  readonly metadataRetried: number;
  readonly droppedByRelabel: number;
  readonly droppedTooOld: number;
  readonly recordsUnread: number;
  readonly enqueueRetries: number;
  readonly bytes: number;
  readonly metadataBytes: number;
  readonly pending: number;
  readonly shards: number;
  readonly shardsDesired: number;
  readonly highestSeconds: number;
  readonly highestSentSeconds: number;
  /** Per shard, the place in the log before which all is done. */
  readonly done: readonly LogPosition[];
  /** Seconds that batches took. */
  readonly batchSeconds: { readonly counts: readonly number[]; readonly sum: number };
}

/** To the worker. */
export type RemoteWriteCommand =
  | {
      readonly type: 'apply';
      readonly destinations: readonly DestinationSettings[];
      /** Per shard, where those begin that have no place in the log yet. */
      readonly ends: readonly LogPosition[];
    }
  | { readonly type: 'sent'; readonly id: number; readonly outcome: SendOutcome }
  | { readonly type: 'metadata'; readonly metadata: readonly WireMetadata[] }
  | { readonly type: 'stop' };

/** From the worker. */
export type RemoteWriteEvent =
  | {
      readonly type: 'send';
      readonly id: number;
      readonly key: string;
      readonly version: 1 | 2;
      readonly attempt: number;
      readonly body: Uint8Array;
    }
  | { readonly type: 'metrics'; readonly destinations: readonly DestinationMetrics[] }
  | { readonly type: 'stopped' };

/** What the worker starts with. */
export interface RemoteWriteWorkerData {
  readonly directory: string;
  readonly flushDeadlineMs: number;
  /** Nothing else reads the log: segments that are removed are given up, and many may wait. */
  readonly isAgent: boolean;
}

/** A destination in a message to a person. */
export const destinationText = ({ name, url }: DestinationSettings): string => `${goQuote(name)} at ${url}`;
