// What is said between the main thread and the query worker.
import type { MessagePort } from 'node:worker_threads';
import type { ActiveQuery, Coding, QueryRequest, TsdbStatus } from '../api/index.ts';
import type { RemoteReadAsk, RemoteReadOutcome, RemoteReadSettings } from './remote-read-settings.ts';

export interface EngineSettings {
  readonly lookbackMs: number;
  readonly timeoutMs: number;
  readonly maxSamples: number;
  readonly maxConcurrency: number;
  /** Default step of subqueries: global.evaluation_interval. */
  readonly defaultStepMs: number;
  readonly features: readonly string[];
  /** Without, no exemplars are found. */
  readonly keepsExemplars: boolean;
  /** Per query and for all queries together. */
  readonly queryBytesMax: number;
  readonly totalBytesMax: number;
  /** Endpoints of remote read. */
  readonly remoteReads: readonly RemoteReadSettings[];
}

export interface QueryWorkerData {
  readonly ports: readonly MessagePort[];
  readonly settings: EngineSettings;
  /** What answers travel in: see answer-slots.ts. */
  readonly slots: SharedArrayBuffer;
  /** See cancel-flags.ts. */
  readonly cancels: SharedArrayBuffer;
  /** Of each shard: see write-activity.ts. */
  readonly pushes: readonly SharedArrayBuffer[];
}

/** Main thread to query worker. `after`: per shard, the groups that were acknowledged before the request came. */
export type QueryCommand =
  | {
      readonly type: 'query';
      readonly id: number;
      readonly request: QueryRequest;
      readonly after: readonly number[];
      /** What the client lets the answer be compressed with. */
      readonly accepted: Coding | null;
    }
  | { readonly type: 'cancel'; readonly id: number }
  /** How far the queries are. */
  | { readonly type: 'progress'; readonly id: number }
  /** Slots of an answer have been read. */
  | { readonly type: 'taken'; readonly id: number; readonly slots: readonly number[] }
  | {
      readonly type: 'tsdb';
      readonly id: number;
      readonly tenant: string;
      readonly limit: number;
      readonly after: readonly number[];
    }
  | { readonly type: 'settings'; readonly settings: EngineSettings }
  /** What came of a request to an endpoint of remote read. */
  | { readonly type: 'read'; readonly outcome: RemoteReadOutcome }
  /** From when on the local store has everything. */
  | { readonly type: 'local'; readonly fromMs: number }
  | { readonly type: 'stop' };

/** Query worker to main thread. */
export type QueryEvent =
  | { readonly type: 'ask'; readonly ask: RemoteReadAsk }
  | { readonly type: 'dropAsk'; readonly id: number }
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly status: number;
      readonly stats: QueryCost;
      readonly coding: Coding | null;
      /** All of it, or its beginning. */
      readonly body: Uint8Array | FilledSlots;
    }
  | { readonly type: 'more'; readonly id: number; readonly filled: FilledSlots }
  | { readonly type: 'tsdb'; readonly id: number; readonly status: TsdbStatus }
  | { readonly type: 'progress'; readonly id: number; readonly queries: readonly QueryProgress[] }
  | { readonly type: 'tsdbFailed'; readonly id: number; readonly error: string };

/** `length` bytes of an answer, in slots that are full up to the last one. */
export interface FilledSlots {
  readonly slots: readonly number[];
  readonly length: number;
  readonly isEnd: boolean;
}

/** For metrics and the slow-query log. */
export interface QueryCost {
  readonly queueMs: number;
  readonly runMs: number;
  readonly samplesRead: number;
  readonly seriesRead: number;
  readonly peakBytes: number;
  readonly peakSamples: number;
  /** What went wrong; '': nothing. */
  readonly error: string;
}

/** How far a query is. */
export type QueryProgress = Pick<ActiveQuery, 'id' | 'state' | 'samplesRead' | 'seriesRead' | 'bytes' | 'peakBytes'>;
