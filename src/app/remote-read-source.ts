// Remote endpoints as a part of what queries read. A selector that reaches an endpoint is not pushed down to the shards: the raw
// samples of both sides are gathered here, merged series by series, and the leaf runs over them in this thread:
//
//   leaf plan ─┬─ no endpoint is asked ──► the shards, as ever
//              └─ raw samples of all shards ─┐
//                 raw samples of endpoints ──┴─► merged by series and time ─► LocalLeafExecutor
//
// Shards are disjoint, so the first leaf answers for all of them, and the others answer with nothing. Where both sides have a sample
// at one time, the local one counts. An endpoint that fails leaves its samples out, and a warning in the answer, as in Prometheus.
import { TidemarkError, errorText } from '../base/index.ts';
import type { ExecKernel } from '../kernel/index.ts';
import {
  type Labels,
  type Matcher,
  type NativeHistogram,
  type SeriesSet,
  type SeriesSource,
  STALE_NAN_BITS,
} from '../model/index.ts';
import {
  type LeafClient,
  type LeafControl,
  type LeafEstimate,
  type LeafPlan,
  type LeafResult,
  LocalLeafExecutor,
  MemorySource,
  leafRange,
} from '../promql/index.ts';
import {
  type RemoteReadSeries,
  TOO_MANY_REMOTE_SAMPLES,
  decodeReadFrames,
  decodeReadResponse,
  encodeReadRequest,
  histogramWeight,
  isChunkedAnswer,
} from '../wire/index.ts';
import { bulkSeries } from './bulk-samples.ts';
import type { RemoteReadOutcome, RemoteReadSettings } from './remote-read-settings.ts';

/** Bytes that a gathered sample takes until its leaf is done, about. */
const SAMPLE_BYTES = 64;
/** Of an answer: it and what is made of it must fit. */
const ANSWER_SHARE = 0.25;

/** Sends a request to an endpoint; an aborted signal breaks it off. Never rejects for what the endpoint does. */
export type AskRemote = (
  settings: RemoteReadSettings,
  body: Uint8Array,
  bytesMax: number,
  signal: AbortSignal,
) => Promise<RemoteReadOutcome>;

export interface RemoteReadParts {
  readonly endpoints: readonly RemoteReadSettings[];
  readonly ask: AskRemote;
  /** From here on the local store has everything that endpoints without read_recent could have. */
  readonly localFromMs: number;
  readonly kernel: ExecKernel;
}

/** The endpoints as one query sees them. */
export class RemoteReads {
  readonly #parts: RemoteReadParts;
  readonly #warnings = new Set<string>();

  constructor(parts: RemoteReadParts) {
    this.#parts = parts;
  }

  /** What the answer lacks. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** Leaves in place of those of the shards. */
  leaves(shards: readonly LeafClient[]): readonly LeafClient[] {
    if (this.#parts.endpoints.length === 0) return shards;
    return shards.map((_, i) => new ReadingLeaf(shards, i, this));
  }

  /** The endpoints that a selection reaches, and up to when each is asked. */
  reached(
    matchers: readonly Matcher[],
    minMs: number,
    maxMs: number,
  ): { settings: RemoteReadSettings; endMs: number }[] {
    const { endpoints, localFromMs } = this.#parts;
    return endpoints
      .filter((settings) => hasRequired(settings, matchers))
      .map((settings) => ({ settings, endMs: settings.readRecent ? maxMs : Math.min(maxMs, localFromMs) }))
      .filter(({ endMs }) => endMs >= minMs);
  }

  /** The leaf over the samples of both sides. */
  executor(shards: readonly LeafClient[], bytesMax: number, control: LeafControl): LocalLeafExecutor {
    const source = new GatheringSource(shards, this, bytesMax, control);
    return new LocalLeafExecutor({ source, kernel: this.#parts.kernel });
  }

  /** The samples of the endpoints that are reached; what fails leaves a warning. */
  async read(
    matchers: readonly Matcher[],
    minMs: number,
    maxMs: number,
    bytesMax: number,
    signal: AbortSignal,
  ): Promise<RemoteReadSeries[]> {
    const reached = this.reached(matchers, minMs, maxMs);
    const share = Math.floor((bytesMax * ANSWER_SHARE) / Math.max(1, reached.length));
    const all = await Promise.all(
      reached.map(({ settings, endMs }) => this.#readOne(settings, { matchers, startMs: minMs, endMs }, share, signal)),
    );
    return all.flat();
  }

  async #readOne(
    settings: RemoteReadSettings,
    query: { readonly matchers: readonly Matcher[]; readonly startMs: number; readonly endMs: number },
    bytesMax: number,
    signal: AbortSignal,
  ): Promise<RemoteReadSeries[]> {
    const added = Object.entries(settings.externalLabels).filter(
      ([name]) => !query.matchers.some((matcher) => matcher.name === name),
    );
    const external = added.map(([name, value]): Matcher => ({ name, op: '=', value }));
    const body = encodeReadRequest({ ...query, matchers: [...query.matchers, ...external] });
    const samplesMax = Math.floor(bytesMax / ANSWER_SHARE / SAMPLE_BYTES);
    const outcome = await this.#parts.ask(settings, body, bytesMax, signal);
    signal.throwIfAborted();
    try {
      if ('error' in outcome) throw new TidemarkError('unavailable', outcome.error);
      const series = isChunkedAnswer(outcome.contentType)
        ? decodeReadFrames(outcome.body, settings.frameBytesMax, samplesMax)
        : decodeReadResponse(outcome.body, bytesMax, samplesMax);
      return series.map((one) => ({ ...one, labels: withoutNames(one.labels, added) }));
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      if (error.code === TOO_MANY_REMOTE_SAMPLES) throw overBudget();
      this.#warnings.add(`remote_read: ${settings.shown}: ${errorText(error)}`);
      return [];
    }
  }
}

const overBudget = (): TidemarkError =>
  new TidemarkError('execution', 'remote read needs more memory than a query may have');

/** Whether the selection asks for all that an endpoint wants to be asked for. */
const hasRequired = ({ requiredMatchers }: RemoteReadSettings, matchers: readonly Matcher[]): boolean =>
  Object.entries(requiredMatchers).every(([name, value]) =>
    matchers.some((matcher) => matcher.op === '=' && matcher.name === name && matcher.value === value),
  );

function withoutNames(labels: Labels, added: readonly (readonly [name: string, value: string])[]): Labels {
  return added.length === 0 ? labels : labels.without(new Set(added.map(([name]) => name)));
}

/** A shard's leaf, or a part of the one that reads endpoints. */
class ReadingLeaf implements LeafClient {
  readonly #shards: readonly LeafClient[];
  readonly #index: number;
  readonly #reads: RemoteReads;

  constructor(shards: readonly LeafClient[], index: number, reads: RemoteReads) {
    this.#shards = shards;
    this.#index = index;
    this.#reads = reads;
  }

  execute(plan: LeafPlan, control: LeafControl): Promise<LeafResult> {
    const { minMs, maxMs } = leafRange(plan);
    const isReached = this.#reads.reached(plan.matchers, minMs, maxMs).length > 0;
    if (!isReached) return this.#shards[this.#index].execute(plan, control);
    const shards = this.#index === 0 ? this.#shards : []; // the first one reads for all
    return this.#reads.executor(shards, plan.bytesMax, control).execute(plan, control);
  }

  estimate(plan: LeafPlan, control: LeafControl): Promise<LeafEstimate> {
    const shard = this.#shards[this.#index];
    return shard.estimate?.(plan, control) ?? Promise.resolve({ series: 0, samples: 0, bytes: 0 });
  }
}

/** Reads from both sides when it is asked for series. */
class GatheringSource implements SeriesSource {
  readonly #shards: readonly LeafClient[];
  readonly #reads: RemoteReads;
  readonly #bytesMax: number;
  readonly #control: LeafControl;

  constructor(shards: readonly LeafClient[], reads: RemoteReads, bytesMax: number, control: LeafControl) {
    this.#shards = shards;
    this.#reads = reads;
    this.#bytesMax = bytesMax;
    this.#control = control;
  }

  async select(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): Promise<SeriesSet> {
    const { signal } = this.#control;
    const selection = { tenant, matchers, startMs: minMs, endMs: maxMs, raw: 'all' as const };
    const samplesMax = Math.floor(this.#bytesMax / SAMPLE_BYTES);
    if (this.#shards.length === 0) return new MemorySource().select(tenant, matchers, minMs, maxMs);
    const [local, remote] = await Promise.all([
      bulkSeries(this.#shards, { ...selection, samplesMax, bytesMax: this.#bytesMax }, signal),
      this.#reads.read(matchers, minMs, maxMs, this.#bytesMax, signal),
    ]);
    const merge = new SeriesMerge(samplesMax);
    for (const { labels, ts, words, from, to, histograms } of local) {
      const into = merge.series(labels);
      for (let i = from; i < to; i++) into.push([ts[i], histograms.get(i) ?? bitsAt(words, i)]);
    }
    for (const { labels, floats, histograms } of remote) {
      const into = merge.series(labels);
      for (let i = 0; i < floats.count; i++) into.push([floats.ts[i], bitsAt(floats.vsWords, i)]);
      for (const { timeMs, histogram } of histograms) into.push([timeMs, histogram ?? STALE_NAN_BITS]);
    }
    const merged = await merge.finish(minMs, maxMs, tenant, this.#control);
    return merged.select(tenant, [], minMs, maxMs);
  }

  /** Leaves ask for series only. */
  labelNames(): never {
    throw new TidemarkError('internal', 'cannot list labels over remote endpoints');
  }

  labelValues(): never {
    throw new TidemarkError('internal', 'cannot list labels over remote endpoints');
  }
}

type Sample = readonly [timeMs: number, value: bigint | NativeHistogram];

const bitsAt = (words: Uint32Array, i: number): bigint => (BigInt(words[2 * i + 1]) << 32n) | BigInt(words[2 * i]);

/** Samples of both sides by series. */
class SeriesMerge {
  readonly #samplesMax: number;
  readonly #series = new Map<string, { readonly labels: Labels; readonly samples: Sample[] }>();

  constructor(samplesMax: number) {
    this.#samplesMax = samplesMax;
  }

  series(labels: Labels): Sample[] {
    const found = this.#series.get(labels.key);
    if (found) return found.samples;
    const samples: Sample[] = [];
    this.#series.set(labels.key, { labels, samples });
    return samples;
  }

  /** In order of time; of two samples at one time the one that was added first. Gives up the samples series by series. */
  async finish(minMs: number, maxMs: number, tenant: string, control: LeafControl): Promise<MemorySource> {
    const out = new MemorySource();
    let left = this.#samplesMax;
    for (const [key, { labels, samples }] of this.#series) {
      this.#series.delete(key);
      for (const [, value] of samples) left -= typeof value === 'bigint' ? 1 : histogramWeight(value);
      if (left < 0) throw overBudget();
      samples.sort(([a], [b]) => a - b); // stable
      let lastMs = -Infinity;
      for (const [timeMs, value] of samples) {
        if (timeMs === lastMs || timeMs < minMs || timeMs > maxMs) continue;
        out.append(labels, timeMs, value, tenant);
        lastMs = timeMs;
      }
      if (control.shouldYield()) await control.yield();
      if (control.signal.aborted) throw control.signal.reason;
    }
    return out;
  }
}
