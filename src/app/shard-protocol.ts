// What is said between the main thread, the shard workers and the query worker. All plain data.
import { TidemarkError, errorText } from '../base/index.ts';
import type { DurableGroup } from '../io/index.ts';
import type { Matcher } from '../model/index.ts';
import type { LeafCacheStats, LeafEstimate, LeafPlan, LeafResult, PackedLabels } from '../promql/index.ts';
import type { Retention, SeriesExemplars, ShardStats } from '../tsdb/index.ts';
import type { ThreadMemory } from './thread-memory.ts';
import type { MessagePort } from 'node:worker_threads';

/** What a shard worker starts with. */
export interface ShardWorkerData {
  readonly directory: string;
  readonly shard: number;
  readonly headModule: WebAssembly.Module;
  readonly blockModule: WebAssembly.Module;
  readonly execModule: WebAssembly.Module;
  readonly retention: Retention;
  readonly cacheBytesMax: number;
  /** Bytes of leaf results to keep in memory. */
  readonly resultCacheBytesMax: number;
}

/** What the main thread asks a shard worker, which answers with its stats when it is done. */
export type ShardAsk =
  | { readonly type: 'stats' }
  | { readonly type: 'image' }
  /** Answered once the groups pushed before are applied. */
  | { readonly type: 'settle'; readonly after: number }
  /** Copies the blocks into a directory. */
  | { readonly type: 'snapshot'; readonly directory: string };

/**
 * A durable group on its way to the shard. Its buffer comes along once and is named by its place from then on: each message that
 * carries shared memory makes an object that counts as all of that memory, and main would collect garbage all the time.
 */
export interface PushedGroup extends Omit<DurableGroup, 'buffer'> {
  readonly place: number;
  /** What is in the place from now on. */
  readonly buffer: SharedArrayBuffer | null;
}

/** Main thread to shard worker. */
export type ShardCommand =
  | (ShardAsk & { readonly id: number })
  | { readonly type: 'push'; readonly groups: readonly PushedGroup[] }
  | { readonly type: 'port'; readonly port: MessagePort }
  /** In force from the next look at the blocks. */
  | { readonly type: 'retain'; readonly retention: Retention }
  | { readonly type: 'stop' };

/** What a shard worker says of its shard, of the results that it keeps, and of itself. */
export interface ShardReport extends ShardStats {
  readonly results: LeafCacheStats;
  readonly thread: ThreadMemory;
}

/** Shard worker to main thread. */
export type ShardEvent =
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'ready'; readonly stats: ShardReport }
  /** So many groups, in the order in which they were pushed. */
  | { readonly type: 'applied'; readonly groups: number; readonly fullness: number }
  | { readonly type: 'reply'; readonly id: number; readonly stats: ShardReport }
  | { readonly type: 'refused'; readonly id: number; readonly error: WireError }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly error: string };

/** What a listing selects: alternatives of matchers (none = everything) and a time range. */
export interface ShardSelection {
  readonly tenant: string;
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly startMs: number;
  readonly endMs: number;
  readonly limit: number;
}

/** Query worker to shard worker. `after`: groups that must be applied before the answer (acknowledged means visible). */
export type ShardQuery =
  | { readonly id: number; readonly type: 'leaf'; readonly after: number; readonly plan: LeafPlan }
  | { readonly id: number; readonly type: 'estimate'; readonly after: number; readonly plan: LeafPlan }
  | { readonly id: number; readonly type: 'series'; readonly after: number; readonly selection: ShardSelection }
  | { readonly id: number; readonly type: 'labelNames'; readonly after: number; readonly selection: ShardSelection }
  | {
      readonly id: number;
      readonly type: 'labelValues';
      readonly after: number;
      readonly name: string;
      readonly selection: ShardSelection;
    }
  | { readonly id: number; readonly type: 'exemplars'; readonly after: number; readonly selection: ShardSelection }
  | { readonly id: number; readonly type: 'cardinality'; readonly after: number; readonly tenant: string }
  | { readonly id: number; readonly type: 'cancel' };

/** Counts for status/tsdb, by name. */
export interface ShardCardinality {
  readonly series: number;
  readonly labelPairs: number;
  readonly chunks: number;
  readonly minMs: number | null;
  readonly maxMs: number | null;
  readonly seriesByMetric: readonly (readonly [string, number])[];
  readonly valuesByLabel: readonly (readonly [string, readonly string[]])[];
  readonly seriesByPair: readonly (readonly [string, number])[];
}

/** Exemplars by series, in no order of these. */
export interface ShardExemplars {
  readonly series: readonly SeriesExemplars[];
}

export type ShardQueryValue =
  | LeafResult
  | LeafEstimate
  | PackedLabels
  | readonly string[]
  | ShardExemplars
  | ShardCardinality;

export interface WireError {
  readonly code: string;
  readonly text: string;
}

/** Shard worker to query worker. */
export type ShardAnswer =
  | { readonly id: number; readonly value: ShardQueryValue }
  | { readonly id: number; readonly error: WireError };

/** An error as plain data. */
export const toWireError = (error: unknown): WireError => ({
  code: error instanceof TidemarkError ? error.code : 'internal',
  text: errorText(error),
});

export const fromWireError = ({ code, text }: WireError): TidemarkError => new TidemarkError(code, text);
