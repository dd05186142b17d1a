// What a query's leaves get from the shards. Leaves go out to all shards at once, so many leaves at a time; equal ones are asked once; the
// shards' answers are merged into one vector. Results are counted from when they come until they are merged.
import { TidemarkError } from '../../base/index.ts';
import { abortError, executionError } from '../errors.ts';
import { type Remark, Remarks } from '../annotations.ts';
import { type LeafClient, type LeafPlan, type LeafResult, freeLeafResult, leafArrays } from '../leaf.ts';
import { childrenOf } from '../plan/children.ts';
import type { LeafNode, LeafTemplate, PlanNode, SamplesNode } from '../plan/plan.ts';
import { foldAggregate } from './aggregate.ts';
import { asSeries, mergeGroups, mergeSeries } from './leaf-merge.ts';
import type { QueryRun, Work } from './query-run.ts';
import { leafKey } from './trace.ts';
import type { Vector } from './vector.ts';

/** Leaves of a query that are in the shards at once. */
const LEAVES_OUT_MAX = 2;

/** What the shards said to one leaf. */
export interface LeafAnswer {
  readonly vector: Vector;
  readonly names: readonly (readonly [string, string])[];
  /** Some series had a sample, if no value. */
  readonly hasSamples: boolean;
  /** Annotations about the samples, and about folding them. */
  readonly remarks: readonly Remark[];
  readonly foldRemarks: readonly Remark[];
}

const TEXT_BYTES = 48;

/** Of what the shards sent. */
export const resultBytes = (results: readonly LeafResult[]): number =>
  results.reduce(
    (sum, result) =>
      leafArrays(result).reduce((own, { byteLength }) => own + byteLength, sum) +
      result.labels.strings.length * TEXT_BYTES,
    0,
  );

const QUERY_CODES: ReadonlySet<string> = new Set(['bad_data', 'execution', 'timeout', 'canceled', 'internal']);

export class LeafAnswers {
  readonly #run: QueryRun;
  /** Leaves under way or done, by key. */
  readonly #answers = new Map<string, Promise<LeafAnswer>>();
  /** How many of the query's leaves have each key. */
  readonly #users = new Map<string, number>();
  #leavesOut = 0;
  readonly #turns: (() => void)[] = [];

  constructor(run: QueryRun) {
    this.#run = run;
  }

  /** The query has this leaf. */
  expect(node: LeafNode | SamplesNode): void {
    if ('key' in node && node.key !== null) this.#users.set(node.key, (this.#users.get(node.key) ?? 0) + 1);
  }

  /** The leaf's node has made of the answer what it needs. Its columns go with the last node that has the same key. */
  taken({ key }: LeafNode, { vector }: LeafAnswer): void {
    const others = key === null ? 0 : (this.#users.get(key) ?? 1) - 1;
    if (key !== null) this.#users.set(key, others);
    if (others > 0) return;
    if (key !== null) this.#answers.delete(key);
    this.#run.columns.drop(vector);
  }

  /** The leaves below a node are not evaluated: the value of an equal node was taken. */
  forgo(node: PlanNode): void {
    if (node.kind === 'leaf' && node.key !== null) {
      const others = (this.#users.get(node.key) ?? 1) - 1;
      this.#users.set(node.key, others);
      if (others === 0) void this.#dropLate(node.key);
    }
    for (const child of childrenOf(node)) this.forgo(child);
  }

  async #dropLate(key: string): Promise<void> {
    const answer = this.#answers.get(key);
    this.#answers.delete(key);
    if (answer) this.#run.columns.drop((await answer).vector);
  }

  /** What each shard says to a leaf. */
  async execute(
    leaf: LeafTemplate,
    parameters: readonly Float64Array[],
    key: unknown,
    clients: readonly LeafClient[] = this.#run.leaves,
  ): Promise<LeafResult[]> {
    const run = this.#run;
    const results = await this.#inTurn(() => {
      run.check();
      const { samplesLeft: samplesMax, bytesMax, held } = run;
      return this.#fromAll(clients, { ...leaf, parameters, samplesMax, bytesMax, held });
    });
    run.trace?.answered(
      key,
      results.map(({ stats }) => stats),
    );
    let peakBytes = 0;
    for (const { stats } of results) {
      run.samplesRead += stats.samples;
      run.seriesRead += stats.series;
      run.leafTimeMs += stats.timeMs;
      peakBytes += stats.peakBytes;
    }
    run.leavesRun++;
    run.noteBytes(peakBytes);
    return results;
  }

  /** All shards' answers, held from when they come until they are merged. When one fails, what has come is given back at once. */
  async #fromAll(clients: readonly LeafClient[], plan: LeafPlan): Promise<LeafResult[]> {
    const run = this.#run;
    const came: LeafResult[] = [];
    let hasFailed = false;
    const one = async (client: LeafClient): Promise<LeafResult> => {
      const result = await client.execute(plan, run);
      if (hasFailed || run.signal.aborted) freeLeafResult(result);
      if (run.signal.aborted) throw abortError(run.signal);
      came.push(result);
      run.hold(resultBytes([result]));
      return result;
    };
    try {
      return await Promise.all(clients.map(one));
    } catch (error) {
      hasFailed = true;
      for (const result of came) freeLeafResult(result);
      throw run.signal.aborted ? abortError(run.signal) : this.#failureOf(error);
    }
  }

  /** Errors of storage are told apart from those of the query. */
  #failureOf(error: unknown): unknown {
    const isOfQuery = error instanceof TidemarkError && QUERY_CODES.has(error.code);
    const isStorage = error instanceof TidemarkError && !isOfQuery;
    this.#run.failure = isStorage ? executionError(`expanding series: ${error.message}`, error) : error;
    return this.#run.failure;
  }

  /** So many leaves at once: all of them share what the query has left. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#leavesOut < LEAVES_OUT_MAX) this.#leavesOut++;
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#turns.shift();
      if (next) next();
      else this.#leavesOut--;
    }
  }

  /** The same for all nodes with one key. */
  answer(node: LeafNode, parameters: readonly Float64Array[]): Promise<LeafAnswer> {
    const known = node.key === null ? undefined : this.#answers.get(node.key);
    if (known) return known;
    const ask = async (): Promise<LeafAnswer> => {
      const results = await this.#unfoldedIfMixed(
        node,
        parameters,
        await this.execute(node.leaf, parameters, leafKey(node)),
      );
      const facts = {
        names: results.flatMap(({ facts: { names } }) => names),
        hasSamples: results.some(({ stats }) => stats.samples > 0),
        remarks: results.flatMap(({ facts: { remarks } }) => remarks),
      };
      const foldRemarks = new Remarks();
      const vector = await this.#run.finish(this.#merged(node.leaf, results, foldRemarks));
      this.#run.columns.take(vector);
      return { ...facts, vector, foldRemarks: foldRemarks.list() };
    };
    const answer = ask();
    if (node.key !== null) this.#answers.set(node.key, answer);
    return answer;
  }

  /** The shards' answers as one vector; they are not held any more. */
  *#merged({ fold, steps }: LeafTemplate, results: readonly LeafResult[], foldRemarks: Remarks): Work<Vector> {
    const run = this.#run;
    const bytes = resultBytes(results);
    const isFolded = fold !== null && !results.some(({ kind }) => kind === 'series');
    if (!isFolded) run.expect(bytes);
    const vector = yield* isFolded ? mergeGroups(results, fold, steps, run) : mergeSeries(results, steps, run);
    run.release(bytes);
    if (fold === null || isFolded) return vector;
    return yield* foldAggregate(fold.op, vector, fold.mode === 'without', fold.names, run, foldRemarks);
  }

  /** Shards that have native histograms do not fold: then the others are asked for their series, too. */
  async #unfoldedIfMixed(
    node: LeafNode,
    parameters: readonly Float64Array[],
    results: readonly LeafResult[],
  ): Promise<readonly LeafResult[]> {
    const { leaf } = node;
    if (leaf.fold === null || !results.some(({ kind }) => kind === 'series')) return results;
    const folded = this.#run.leaves.filter((_, i) => results[i].kind === 'groups');
    const again = await this.execute({ ...leaf, fold: null }, parameters, leafKey(node), folded);
    this.#run.release(resultBytes(results.filter(({ kind }) => kind === 'groups')));
    return [...results.filter(({ kind }) => kind !== 'groups').map(asSeries), ...again];
  }
}
