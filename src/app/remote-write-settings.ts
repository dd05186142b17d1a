// What a destination of remote write needs to know, as plain data that crosses to its thread, and what crosses between the threads.
// The main thread does the HTTP (it has the credentials); the worker reads the log, relabels, encodes, and decides on retries.
import type { Config, RemoteWriteConfig } from '../config/index.ts';
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
  readonly queue: RemoteWriteConfig['queueConfig'];
  readonly metadata: RemoteWriteConfig['metadataConfig'];
}

const hash = (value: unknown): string => crc32c(utf8(JSON.stringify(value))).toString(16).padStart(8, '0');

/** A URL without user and password. */
const shownUrl = (url: string): string => url.replace(/\/\/[^/@]*@/, '//');

/** The destinations of a configuration. Two that are the same in everything are one. */
export function destinationSettings({ remoteWrite, global }: Config): DestinationSettings[] {
  const all = remoteWrite.map((config): DestinationSettings => {
    const { queueConfig, metadataConfig, writeRelabelConfigs } = config;
    const settings = {
      url: shownUrl(config.url),
      version: config.protobufMessage === 'prometheus.WriteRequest' ? (1 as const) : (2 as const),
      relabel: structuredClone(writeRelabelConfigs) as RelabelConfig[],
      scheme: global.metricNameValidationScheme as NameScheme,
      externalLabels: Object.entries(global.externalLabels),
      sendNativeHistograms: config.sendNativeHistograms,
      queue: { ...queueConfig },
      metadata: { ...metadataConfig },
    };
    const key = hash([config.name, config.url, settings, clientPart(config)]);
    return { key, name: config.name || key.slice(0, 6), ...settings };
  });
  return [...new Map(all.map((settings) => [settings.key, settings])).values()];
}

/** Where a destination's place in the log is kept: it outlives changes of its other settings. */
export const positionFile = ({ name, key, url }: DestinationSettings): string =>
  `remote-write/${hash([key.startsWith(name) ? '' : name, url])}.json`;

function clientPart(config: RemoteWriteConfig): unknown {
  const { basicAuth, authorization, oauth2, tlsConfig, headers, proxyUrl, remoteTimeoutMs } = config;
  return [basicAuth?.username, basicAuth?.usernameFile, authorization?.type, oauth2?.clientId, tlsConfig, headers, proxyUrl, remoteTimeoutMs];
}

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
  readonly metadata: number;
  readonly samplesFailed: number;
  readonly histogramsFailed: number;
  readonly metadataFailed: number;
  readonly samplesRetried: number;
  readonly metadataRetried: number;
  readonly droppedByRelabel: number;
  readonly droppedTooOld: number;
  readonly droppedUnread: number;
  readonly enqueueRetries: number;
  readonly bytes: number;
  readonly metadataBytes: number;
  readonly pending: number;
  readonly shards: number;
  readonly shardsDesired: number;
  readonly highestSeconds: number;
  readonly highestSentSeconds: number;
  /** Seconds that batches took. */
  readonly batchSeconds: { readonly counts: readonly number[]; readonly sum: number };
}

/** To the worker. */
export type RemoteWriteCommand =
  | { readonly type: 'apply'; readonly destinations: readonly DestinationSettings[] }
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
  readonly shards: number;
  readonly flushDeadlineMs: number;
}

/** A destination in a message to a person. */
export const destinationText = ({ name, url }: DestinationSettings): string => `${goQuote(name)} at ${url}`;
