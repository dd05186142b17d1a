// What is said between the main thread and the query worker.
import type { MessagePort } from 'node:worker_threads';
import type { QueryRequest, TsdbStatus } from '../api/index.ts';

export interface EngineSettings {
  readonly lookbackMs: number;
  readonly timeoutMs: number;
  readonly maxSamples: number;
  readonly maxConcurrency: number;
  /** Default step of subqueries: global.evaluation_interval. */
  readonly defaultStepMs: number;
  readonly features: readonly string[];
  /** Per query and for all queries together. */
  readonly queryBytesMax: number;
  readonly totalBytesMax: number;
}

export interface QueryWorkerData {
  readonly ports: readonly MessagePort[];
  readonly settings: EngineSettings;
}

/** Main thread to query worker. `after`: per shard, the groups that were acknowledged before the request came. */
export type QueryCommand =
  | { readonly type: 'query'; readonly id: number; readonly request: QueryRequest; readonly after: readonly number[] }
  | { readonly type: 'cancel'; readonly id: number }
  | {
      readonly type: 'tsdb';
      readonly id: number;
      readonly tenant: string;
      readonly limit: number;
      readonly after: readonly number[];
    }
  | { readonly type: 'settings'; readonly settings: EngineSettings }
  | { readonly type: 'stop' };

/** Query worker to main thread. */
export type QueryEvent =
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly status: number;
      readonly body: Uint8Array;
      readonly stats: QueryCost;
    }
  | { readonly type: 'tsdb'; readonly id: number; readonly status: TsdbStatus }
  | { readonly type: 'tsdbFailed'; readonly id: number; readonly error: string };

/** For metrics and the slow-query log. */
export interface QueryCost {
  readonly queueMs: number;
  readonly runMs: number;
}
