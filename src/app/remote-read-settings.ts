// What the query side knows of the endpoints of remote read, as plain data that crosses to its thread. The main thread does the HTTP:
// it has the credentials.
import type { Config, RemoteReadConfig } from '../config/index.ts';

export interface RemoteReadSettings {
  /** Place in the configuration: requests name it. */
  readonly index: number;
  /** Which configuration that place is of. */
  readonly generation: number;
  /** Name or URL without credentials, for messages. */
  readonly shown: string;
  /** Asked also for times that the local store has. */
  readonly readRecent: boolean;
  readonly requiredMatchers: Readonly<Record<string, string>>;
  /** Added to what is asked, taken off what comes; empty unless filter_external_labels. */
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly frameBytesMax: number;
}

const shownUrl = (url: string): string => url.replace(/\/\/[^/@]*@/, '//');

const settingsOf = (config: RemoteReadConfig, index: number, generation: number, external: Record<string, string>) => ({
  index,
  generation,
  shown: config.name || shownUrl(config.url),
  readRecent: config.readRecent,
  requiredMatchers: { ...config.requiredMatchers },
  externalLabels: config.filterExternalLabels ? { ...external } : {},
  frameBytesMax: config.chunkedReadLimit,
});

/** The endpoints of a configuration. */
export const remoteReadSettings = ({ remoteRead, global }: Config, generation: number): RemoteReadSettings[] =>
  remoteRead.map((config, index) => settingsOf(config, index, generation, global.externalLabels));

/** A request that the query side wants sent. */
export interface RemoteReadAsk {
  readonly id: number;
  readonly index: number;
  readonly generation: number;
  readonly body: Uint8Array;
  /** Of the answer. */
  readonly bytesMax: number;
}

/** What came of it. */
export type RemoteReadOutcome =
  | { readonly id: number; readonly contentType: string; readonly body: Uint8Array }
  | { readonly id: number; readonly error: string };
