// Evaluates a plan. Leaves go out to the shards at once (the tree is walked before anything is awaited); operators then run
// bottom-up over whole columns. What a value holds is counted while it lives.
import { invariant } from '../../base/index.ts';
import { FOLD_OPERATORS, type FoldOperator } from '../../kernel/index.ts';
import { type NativeHistogram, multiply } from '../../model/index.ts';
import type { Span } from '../ast.ts';
import { Remarks } from '../annotations.ts';
import { DUPLICATE_LABELSET, executionError, tooManySamples } from '../errors.ts';
import { evaluateCall } from '../functions/call.ts';
import { checkQuantiles } from '../functions/histogram.ts';
import { enrich } from '../functions/info.ts';
import type {
  AbsentNode,
  AggregateNode,
  BinaryNode,
  CounterCheck,
  LeafNode,
  LeafTemplate,
  PlanNode,
  SamplesNode,
  SpreadNode,
  SubqueryCallNode,
  SubqueryNode,
} from '../plan/plan.ts';
import { childrenOf } from '../plan/children.ts';
import { limitAggregate, rankAggregate, ratioAggregate } from './aggregate-k.ts';
import { countValues, foldAggregate, quantileAggregate } from './aggregate.ts';
import { mergeSamples } from './leaf-merge.ts';
import type { QueryRun, Work } from './query-run.ts';
import { scalarScalar, vectorScalar } from './scalar-binary.ts';
import { setBinary } from './set-binary.ts';
import { asVector, checkSmoothing, isConstant, spread, whereAnyPresent } from './shape.ts';
import { leafKey } from './trace.ts';
import { LeafAnswers, resultBytes } from './leaf-answers.ts';
import { TwinPlans, type Twins } from './twin-plans.ts';
import { subqueryCall, withoutResetHint } from './subquery.ts';
import {
  type Matrix,
  type Scalar,
  type Text,
  type Value,
  type Vector,
  constantScalar,
  dropNames,
  emptyVector,
  hasSameLabelset,
  mergeSameLabelsets,
  newVector,
  pointCount,
  valueBytes,
  withoutReserved,
} from './vector.ts';
import { vectorBinary } from './vector-binary.ts';

export class Evaluator {
  readonly #run: QueryRun;
  readonly #leaves: LeafAnswers;
  readonly #order = new Map<PlanNode, number>();
  #twins: TwinPlans | null = null;
  /** Parts under way. */
  #active = 0;
  #isAbandoned = false;
  /** Values that so many more operators will let go of. */
  readonly #sharedBy = new Map<Value, number>();

  constructor(run: QueryRun) {
    this.#run = run;
    this.#leaves = new LeafAnswers(run);
  }

  /** The value of a plan, with names dropped where that was put off. */
  async result(plan: PlanNode): Promise<Value> {
    this.#number(plan);
    this.#twins = new TwinPlans(plan);
    const value = await this.evaluate(plan);
    if (value.type !== 'vector' || !this.#run.delayedNameRemoval) return value;
    const labels = value.labels.map((each, row) => (value.dropName[row] === 0 ? each : withoutReserved(each)));
    return mergeSameLabelsets({ ...value, labels });
  }

  /** Numbers the nodes in the order Prometheus evaluates them: parts before the whole, left before right. */
  #number(node: PlanNode): void {
    // A subquery can have more steps than memory has room for, whatever they hold.
    if (node.kind !== 'string' && node.at.steps > this.#run.samplesMax) throw tooManySamples();
    if (node.kind === 'leaf' || node.kind === 'samples') this.#leaves.expect(node);
    for (const child of childrenOf(node)) this.#number(child);
    this.#order.set(node, this.#order.size);
  }

  async evaluate(node: PlanNode): Promise<Value> {
    this.#active++;
    try {
      return await this.#evaluate(node);
    } finally {
      this.#active--;
      this.#freeIfAbandoned();
    }
  }

  /** The query has failed: what its parts hold goes when the last of them has noticed. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#freeIfAbandoned();
  }

  #freeIfAbandoned(): void {
    if (this.#isAbandoned && this.#active === 0) this.#run.columns.dropAll();
  }

  async #evaluate(node: PlanNode): Promise<Value> {
    const twins = this.#twins?.of(node);
    if (!twins) return this.#evaluateOne(node);
    if (node === twins.first) return this.#evaluateFirst(twins);
    const value = await twins.value.promise;
    // What it said of one place it has to say of the other.
    if (!this.#hasAnnotated(twins.first)) {
      this.#run.trace?.shared(node);
      this.#leaves.forgo(node);
      return value;
    }
    this.#release(value);
    return this.#evaluateOne(node);
  }

  /** Its value is held once, until the last of those who share it has let it go. */
  async #evaluateFirst({ first, others, value }: Twins): Promise<Value> {
    value.promise.catch(() => {}); // Nobody may wait for it: the query has failed elsewhere.
    try {
      const own = { ...(await this.#evaluateOne(first)) };
      this.#sharedBy.set(own, others);
      value.resolve(own);
      return own;
    } catch (error) {
      value.reject(error);
      throw error;
    }
  }

  /** Operators are numbered with their parts before them, so all of a part's numbers lie together. */
  #hasAnnotated(node: PlanNode): boolean {
    let first = node;
    for (let parts = childrenOf(first); parts.length > 0; parts = childrenOf(first)) first = parts[0];
    return this.#run.annotations.isFrom(this.#order.get(first) ?? 0, this.#order.get(node) ?? 0);
  }

  async #evaluateOne(node: PlanNode): Promise<Value> {
    switch (node.kind) {
      case 'number':
        return this.#held(constantScalar(node.value, node.at.steps));
      case 'string':
        return this.#held({ type: 'string', value: node.value });
      case 'leaf':
        return this.#leaf(node);
      case 'samples':
        return this.#samples(node);
      case 'subquery':
        return this.#subqueryResult(node);
      case 'subqueryCall': {
        const [inner, ...parameters] = await this.#all([node.inner, ...node.parameters]);
        const operator = () => this.#subqueryCall(node, inner as Vector, parameters as Scalar[]);
        return this.#finish(node, [inner, ...parameters], operator);
      }
      case 'spread':
        return this.#spread(node);
      case 'call': {
        const args = await this.#all(node.args);
        return this.#finish(node, args, () => evaluateCall(node, args, this.#run));
      }
      case 'absent':
        return this.#absent(node);
      case 'aggregate':
        return this.#aggregate(node);
      case 'binary':
        return this.#binary(node);
      case 'info': {
        const [base, info] = await this.#all([node.base, node.info]);
        return this.#finish(node, [base, info], () => enrich(base as Vector, info as Vector, node.selector, this.#run));
      }
      case 'negate':
        return this.#negate(node, await this.evaluate(node.child));
    }
  }

  /**
   * Parts that are evaluated side by side. If more than one of them fails, the first one's error counts, whichever came first; a limit
   * or a shard that fails ends the query at once.
   */
  async #all(nodes: readonly PlanNode[]): Promise<Value[]> {
    const parts = nodes.map((node) => this.evaluate(node));
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => {});
    for (const part of parts) {
      part.catch((error: unknown) => {
        if (error === this.#run.failure) failure.reject(error);
      });
    }
    const values: Value[] = [];
    for (const part of parts) values.push(await Promise.race([part, failure.promise]));
    return values;
  }

  /** Runs an operator: its result is held from now on, its inputs are not. */
  async #finish<T extends Value>(node: PlanNode, inputs: readonly Value[], operator: () => T | Work<T>): Promise<T> {
    const run = this.#run;
    run.check();
    // Few operators give more than their largest input has; those count for themselves what they allocate.
    run.expect(inputs.reduce((most, input) => Math.max(most, valueBytes(input)), 0));
    const order = this.#order.get(node) ?? 0;
    run.annotations.order = order;
    const startedMs = run.trace ? run.nowMs() : 0;
    const work = operator();
    const out = isWork(work) ? await run.finish(work, () => (run.annotations.order = order)) : work;
    this.#hold(out);
    run.trace?.finished(node, out, run.nowMs() - startedMs);
    for (const input of inputs) this.#release(input);
    if (run.shouldYield()) await run.yield();
    run.check();
    return out;
  }

  #held<T extends Value>(value: T): T {
    this.#hold(value);
    return value;
  }

  #hold(value: Value): void {
    this.#run.hold(valueBytes(value));
    this.#run.columns.take(value);
    this.#run.holdSamples(pointCount(value));
  }

  #release(value: Value): void {
    const others = this.#sharedBy.get(value) ?? 0;
    if (others > 0) {
      this.#sharedBy.set(value, others - 1);
      return;
    }
    const bytes = valueBytes(value);
    const points = pointCount(value);
    this.#run.columns.drop(value);
    this.#run.release(bytes);
    this.#run.releaseSamples(points);
  }

  async #leaf(node: LeafNode): Promise<Vector> {
    if (node.at.steps === 0) return emptyVector(0);
    const parameters = (await this.#all(node.parameters)) as Scalar[];
    const columns = parameters.map(({ vs }) => (isConstant(vs) ? vs.slice(0, 1) : vs));
    const answer = await this.#leaves.answer(node, columns);
    const { vector, names, hasSamples, remarks, foldRemarks } = answer;
    if (hasSamples && node.leaf.fn === 'double_exponential_smoothing') checkSmoothing(parameters);
    const out = await this.#finish(node, parameters, () => {
      this.#run.annotations.place(remarks, node.remarkPos);
      this.#run.annotations.place(foldRemarks, node.foldPos);
      return this.#afterRangeFunction(node, vector, names, parameters);
    });
    this.#leaves.taken(node, answer);
    return out;
  }

  /** What every range function does with its result: annotations, names, and duplicates that losing names makes. */
  #afterRangeFunction(
    node: {
      dropsName: boolean;
      counterCheck: CounterCheck | null;
      quantileCheck: Span | null;
      leaf?: LeafTemplate;
    },
    v: Vector,
    names: readonly (readonly [string, string])[],
    parameters: readonly Value[],
  ): Vector {
    if (node.counterCheck) this.#checkCounters(names, node.counterCheck.pos);
    if (node.quantileCheck && v.labels.length > 0) {
      checkQuantiles(whereAnyPresent(v, parameters[0] as Scalar), node.quantileCheck, this.#run);
    }
    if (!node.dropsName) return v;
    if (this.#run.delayedNameRemoval || node.leaf?.fold) return dropNames(v, true);
    const labels = v.labels.map(withoutReserved);
    if (hasSameLabelset(labels)) throw executionError(DUPLICATE_LABELSET);
    return { ...v, labels };
  }

  #checkCounters(names: readonly (readonly [string, string])[], pos: Span): void {
    const { annotations, typeAndUnitLabels } = this.#run;
    for (const [name, type] of names) {
      if (name === '') continue;
      if (typeAndUnitLabels) {
        if (type !== 'counter' && type !== 'histogram') annotations.possibleNonCounterType(name, type, pos);
      } else if (!/(_total|_sum|_count|_bucket)$/.test(name)) {
        annotations.possibleNonCounter(name, pos);
      }
    }
  }

  async #samples(node: SamplesNode): Promise<Matrix> {
    const results = await this.#leaves.execute(node.leaf, [], leafKey(node));
    const bytes = resultBytes(results);
    this.#run.expect(bytes);
    this.#run.release(bytes);
    return this.#finish(node, [], () => mergeSamples(results));
  }

  /** A subquery as the whole query: its steps as samples. */
  async #subqueryResult(node: SubqueryNode): Promise<Matrix> {
    const inner = (await this.evaluate(node.expr)) as Vector | Scalar;
    const innerAt = node.innerAt;
    return this.#finish(node, [inner], () => {
      const v = asVector(inner);
      const points = pointCount(v);
      const [ts, vs, ends] = [new Float64Array(points), new Float64Array(points), new Uint32Array(v.labels.length)];
      const hs = v.hs === null ? null : new Array<NativeHistogram | null>(points).fill(null);
      let at = 0;
      for (let row = 0; row < v.labels.length; row++) {
        for (let i = 0; i < v.steps; i++) {
          if (v.has[row * v.steps + i] === 0) continue;
          ts[at] = innerAt.startMs + i * innerAt.stepMs;
          if (hs) hs[at] = withoutResetHint(v.hs?.[row * v.steps + i] ?? null);
          vs[at++] = v.vs[row * v.steps + i];
        }
        ends[row] = at;
      }
      const labels = v.labels.map((each, row) => (v.dropName[row] === 0 ? each : withoutReserved(each)));
      return { type: 'matrix', labels, ends, ts, vs, hs };
    });
  }

  async #spread(node: SpreadNode): Promise<Value> {
    const { child, at } = node;
    const one = await this.evaluate(child);
    return this.#finish(node, [one], () => spread(one, at.steps, this.#run));
  }

  *#subqueryCall(node: SubqueryCallNode, inner: Vector, parameters: readonly Scalar[]): Work<Vector> {
    const columns = parameters.map(({ vs }) => vs);
    if (node.fn === 'double_exponential_smoothing' && pointCount(inner) > 0) checkSmoothing(parameters);
    const out = yield* subqueryCall(node, inner, columns, this.#run);
    this.#run.annotations.place(out.remarks, node.remarkPos);
    return this.#afterRangeFunction(node, out.vector, out.names, parameters);
  }

  async #absent(node: AbsentNode): Promise<Vector> {
    const { child, at, labels } = node;
    const value = asVector((await this.evaluate(child)) as Vector | Scalar);
    return this.#finish(node, [value], () => {
      const out = newVector([labels], at.steps);
      out.vs.fill(1);
      let any = 0;
      for (let step = 0; step < at.steps; step++) {
        let found = 0;
        for (let i = step; i < value.has.length; i += at.steps) found |= value.has[i];
        if (found === 0) any = out.has[step] = 1;
      }
      return any === 0 ? emptyVector(at.steps) : out;
    });
  }

  async #aggregate(node: AggregateNode): Promise<Vector> {
    const values = await this.#all(childrenOf(node));
    const child = values.at(-1) as Vector;
    const param = node.param ? values[0] : undefined;
    return this.#finish(node, values, () => this.#aggregated(node, child, param));
  }

  *#aggregated(node: AggregateNode, v: Vector, param: Value | undefined): Work<Vector> {
    const { op, without, grouping } = node;
    const run = this.#run;
    if (isFold(op)) {
      const remarks = new Remarks();
      const out = yield* foldAggregate(op, v, without, grouping, run, remarks);
      run.annotations.place(remarks.list(), node.childPos);
      return out;
    }
    const pos = node.paramPos as Span;
    switch (op) {
      case 'quantile':
        return yield* quantileAggregate(param as Scalar, v, without, grouping, node, run);
      case 'count_values':
        return yield* countValues((param as Text).value, v, without, grouping, run);
      case 'limitk':
        return yield* limitAggregate(param as Scalar, v, without, grouping, run);
      case 'limit_ratio':
        return yield* ratioAggregate(param as Scalar, v, pos, run);
      case 'topk':
      case 'bottomk':
        return yield* rankAggregate(op, param as Scalar, v, without, grouping, node.pos, run);
      default:
        throw executionError(`cannot evaluate aggregation ${op}: it is not implemented`);
    }
  }

  async #binary(node: BinaryNode): Promise<Value> {
    const [left, right] = await this.#all([node.left, node.right]);
    const { op, bool, pos, matching } = node;
    return this.#finish<Value>(node, [left, right], () => {
      const run = this.#run;
      if (left.type === 'scalar' && right.type === 'scalar') return scalarScalar(op, left, right);
      if (left.type === 'scalar') return vectorScalar(op, right as Vector, left, true, bool, pos, run);
      if (right.type === 'scalar') return vectorScalar(op, left as Vector, right, false, bool, pos, run);
      invariant(matching !== null, 'vectors without matching', { op });
      if (op === 'and' || op === 'or' || op === 'unless') {
        return setBinary(op, left as Vector, right as Vector, matching, run);
      }
      return vectorBinary(op, left as Vector, right as Vector, matching, bool, pos, run);
    });
  }

  #negate(node: PlanNode, value: Value): Promise<Value> {
    return this.#finish<Value>(node, [value], () => {
      if (value.type !== 'vector' && value.type !== 'scalar') return value;
      const vs = new Float64Array(value.vs.length);
      for (let i = 0; i < vs.length; i++) vs[i] = -value.vs[i];
      if (value.type === 'scalar') return { ...value, vs };
      const hs = value.hs?.map((h) => h && multiply(h, -1)) ?? null;
      return dropNames({ ...value, vs, hs }, this.#run.delayedNameRemoval);
    });
  }
}

const isWork = <T extends object>(value: T | Work<T>): value is Work<T> => 'next' in value;

const isFold = (op: string): op is FoldOperator => (FOLD_OPERATORS as readonly string[]).includes(op);
