// From syntax tree to plan. What happens here and nowhere else:
//
// - `offset`, `@`, durations and subquery steps become plain evaluation and window times.
// - Parts that do not depend on the step are evaluated once and spread (as Prometheus' StepInvariantExpr: it also decides
//   at which time arguments beside them are evaluated).
// - Selectors, range functions over selectors and aggregations over either become leaves, which run inside the shards.
import { FOLD_OPERATORS, type FoldOperator, type RangeFunction, isRangeFunction } from '../../kernel/index.ts';
import { METRIC_NAME, type Matcher } from '../../model/index.ts';
import type {
  Aggregate,
  AtModifier,
  Binary,
  Call,
  Expr,
  MatrixSelector,
  Span,
  Subquery,
  VectorSelector,
} from '../ast.ts';
import { executionError } from '../errors.ts';
import { scalarOperator } from '../exec/arithmetic.ts';
import { infoMatchers } from '../functions/info.ts';
import type { LeafFold } from '../leaf.ts';
import { type DurationContext, durationMs } from './durations.ts';
import { absentLabels, namesOneMetric, partsOf, unwrapParens } from './expressions.ts';
import { needsWrap } from './invariant.ts';
import { pushMatchers } from './push-matchers.ts';
import type { AggregateNode, LeafNode, LeafTemplate, PlanNode, Steps } from './plan.ts';

export interface PlanContext {
  readonly tenant: string;
  /** Of the whole query: what start() and end() mean. */
  readonly startMs: number;
  readonly endMs: number;
  /** 0 for an instant query. */
  readonly stepMs: number;
  readonly lookbackMs: number;
  /** Step of subqueries that name none. */
  readonly defaultStepMs: number;
  readonly delayedNameRemoval: boolean;
  /** Leaves are worked out anew. */
  readonly noCache: boolean;
  /** Functions of counters use the start times of samples. */
  readonly useStarts: boolean;
  /** false: aggregations run in the query process, and selectors stay as they are (for tests that compare). */
  readonly pushDown: boolean;
}

const NOWHERE: Span = { start: 0, end: 0 };
/** What native histograms are read for: their counts and sums only, or their buckets too. */
const READS_COUNTS: ReadonlySet<string> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg']);
const READS_BUCKETS: ReadonlySet<string> = new Set(['histogram_quantile', 'histogram_quantiles', 'histogram_fraction']);

/** Functions whose result keeps the metric name. */
const KEEPS_NAME: ReadonlySet<string> = new Set(['last_over_time', 'first_over_time']);
/** Functions that use start times. */
const USES_STARTS: ReadonlySet<string> = new Set(['rate', 'increase', 'irate', 'resets']);
const ANCHORED = ['changes', 'delta', 'increase', 'rate', 'resets'];
const SMOOTHED = ['delta', 'increase', 'rate'];

/** A range vector as functions see it: where its windows end, how long they are, when they are evaluated. */
interface Windows {
  readonly windows: Steps;
  readonly rangeMs: number;
  readonly evalOffsetMs: number;
  readonly evalOffsetStepMs: number;
}

/** A fixed time (null: the evaluation time), less an offset. */
interface Reference {
  readonly atMs: number | null;
  readonly offsetMs: number;
}

export function buildPlan(expr: Expr, at: Steps, context: PlanContext): PlanNode {
  return new PlanBuilder(context).wrapped(expr, at);
}

class PlanBuilder {
  readonly #context: PlanContext;
  readonly #durations: DurationContext;
  /** Only counts and sums of native histograms are asked for here. */
  #countsOnly = false;
  /** Something here needs their buckets. */
  #needsBuckets = false;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#durations = { stepMs: context.stepMs, rangeMs: context.endMs - context.startMs };
  }

  /** The plan of an expression, evaluated once if it is the same at every step. */
  wrapped(expr: Expr, at: Steps): PlanNode {
    if (at.steps <= 1 || !needsWrap(expr)) return this.build(expr, at);
    const child = this.build(expr, { ...at, steps: 1 });
    return child.kind === 'number' ? { ...child, at } : { kind: 'spread', at, child };
  }

  build(expr: Expr, at: Steps): PlanNode {
    switch (expr.type) {
      case 'number':
        return { kind: 'number', at, value: expr.value };
      case 'string':
        return { kind: 'string', value: expr.value };
      case 'paren':
        return this.build(expr.expr, at);
      case 'vectorSelector':
        return this.#selector(expr, at, 'value');
      case 'matrixSelector':
        return this.#samples(expr, at);
      case 'subquery': {
        const { inner, innerAt } = this.#subquery(expr, at);
        return { kind: 'subquery', at, innerAt, expr: inner };
      }
      case 'call':
        return this.#call(expr, at);
      case 'aggregate':
        return this.#aggregate(expr, at);
      case 'unary': {
        const child = this.wrapped(expr.expr, at);
        if (expr.op !== '-') return child;
        return child.kind === 'number' ? { ...child, value: -child.value } : { kind: 'negate', at, child };
      }
      case 'binary':
        return this.#binary(expr, at);
    }
  }

  #binary(expr: Binary, at: Steps): PlanNode {
    const { op, bool, matching, pos } = expr;
    const needsBuckets = op === '</' || op === '>/';
    let [left, right] = this.#reading({ needsBuckets }, () => [
      this.wrapped(expr.left, at),
      this.wrapped(expr.right, at),
    ]);
    if (left.kind === 'number' && right.kind === 'number' && !needsBuckets) {
      return { kind: 'number', at, value: scalarOperator(op, left.value, right.value) };
    }
    if (matching && this.#context.pushDown) {
      const withMatchers = (node: LeafNode, matchers: readonly Matcher[]): LeafNode => {
        const changed = { ...node, leaf: { ...node.leaf, matchers } };
        return { ...changed, key: leafKey(changed) };
      };
      [left, right] = pushMatchers(op, matching, left, right, withMatchers);
    }
    return { kind: 'binary', at, op, left, right, bool, matching, pos };
  }

  /** Builds what reads native histograms in some way. */
  #reading<T>(how: { countsOnly?: boolean; needsBuckets?: boolean }, build: () => T): T {
    const [countsOnly, needsBuckets] = [this.#countsOnly, this.#needsBuckets];
    this.#countsOnly ||= how.countsOnly ?? false;
    this.#needsBuckets ||= how.needsBuckets ?? false;
    const out = build();
    [this.#countsOnly, this.#needsBuckets] = [countsOnly, needsBuckets];
    return out;
  }

  /** The time of an `@`; null if there is none. */
  #atMs(modifier: AtModifier | null): number | null {
    if (modifier === null) return null;
    if (modifier.kind === 'ms') return modifier.ms;
    return modifier.kind === 'start' ? this.#context.startMs : this.#context.endMs;
  }

  #windows(selector: VectorSelector | Subquery, rangeMs: number, at: Steps): Windows {
    const offsetMs = selector.offset ? durationMs(selector.offset, this.#durations, true) : 0;
    const atMs = this.#atMs(selector.at);
    if (atMs === null) {
      const windows = { ...at, startMs: at.startMs - offsetMs };
      return { windows, rangeMs, evalOffsetMs: offsetMs, evalOffsetStepMs: 0 };
    }
    const endMs = atMs - offsetMs;
    return {
      windows: { startMs: endMs, stepMs: 0, steps: at.steps },
      rangeMs,
      evalOffsetMs: at.startMs - endMs,
      evalOffsetStepMs: at.steps > 1 ? at.stepMs : 0,
    };
  }

  #template(
    selector: Pick<VectorSelector, 'matchers' | 'anchored' | 'smoothed'>,
    w: Windows,
    kind: LeafTemplate['kind'],
  ): LeafTemplate {
    return {
      tenant: this.#context.tenant,
      matchers: selector.matchers.map(({ name, op, value }) => ({ name, op, value })),
      kind,
      startMs: w.windows.startMs,
      stepMs: w.windows.stepMs,
      steps: w.windows.steps,
      windowMs: w.rangeMs,
      fn: null,
      evalOffsetMs: w.evalOffsetMs,
      evalOffsetStepMs: w.evalOffsetStepMs,
      timestamps: false,
      extension: selector.anchored ? 'anchored' : selector.smoothed ? 'smoothed' : null,
      lookbackMs: this.#context.lookbackMs,
      fold: null,
      wantNames: false,
      findResets: this.#countsOnly && !this.#needsBuckets,
      ...(this.#context.noCache ? { noCache: true } : {}),
    };
  }

  #leaf(at: Steps, leaf: LeafTemplate, more: Partial<LeafNode> = {}): LeafNode {
    const node: LeafNode = {
      kind: 'leaf',
      at,
      leaf,
      parameters: [],
      key: null,
      dropsName: false,
      namesMayCollide: !namesOneMetric(leaf.matchers),
      counterCheck: null,
      quantileCheck: null,
      remarkPos: NOWHERE,
      foldPos: NOWHERE,
      ...more,
    };
    return node.parameters.every(({ kind }) => kind === 'number') ? { ...node, key: leafKey(node) } : node;
  }

  #selector(selector: VectorSelector, at: Steps, of: 'value' | 'time' | 'start'): LeafNode {
    const timestamps = of === 'time';
    const w = this.#windows(selector, this.#context.lookbackMs, at);
    // Only at one step does `@` get here (what has it is wrapped), so its window times are those of a single step.
    const leaf = { ...this.#template(selector, w, 'instant'), timestamps, starts: of === 'start', stepMs: at.stepMs };
    const more = { dropsName: of !== 'value', remarkPos: selector.pos };
    return this.#leaf(at, { ...leaf, evalOffsetMs: 0, evalOffsetStepMs: 0 }, more);
  }

  #samples(selector: MatrixSelector, at: Steps): PlanNode {
    const w = this.#windows(selector.vector, durationMs(selector.range, this.#durations, false), at);
    return { kind: 'samples', at, leaf: this.#template(selector.vector, w, 'samples') };
  }

  #subquery(subquery: Subquery, at: Steps): Windows & { inner: PlanNode; innerAt: Steps } {
    const rangeMs = durationMs(subquery.range, this.#durations, false);
    const w = this.#windows(subquery, rangeMs, at);
    const stepMs = subquery.step ? durationMs(subquery.step, this.#durations, false) : this.#context.defaultStepMs;
    const lastMs = w.windows.startMs + (w.windows.steps - 1) * w.windows.stepMs;
    // The first multiple of the step within the first window, which is open on the left.
    const edgeMs = w.windows.startMs - rangeMs;
    let startMs = Math.trunc(edgeMs / stepMs) * stepMs;
    if (startMs <= edgeMs) startMs += stepMs;
    const steps = lastMs < startMs ? 0 : Math.floor((lastMs - startMs) / stepMs) + 1;
    const innerAt = { startMs, stepMs, steps };
    const inner = this.#reading({ needsBuckets: true }, () => this.wrapped(subquery.expr, innerAt));
    return { ...w, inner, innerAt };
  }

  #call(call: Call, at: Steps): PlanNode {
    const args = call.args.map(unwrapParens);
    const constant = this.#constantCall(call, at);
    if (constant) return constant;
    if ((call.fn === 'timestamp' || call.fn === 'start_timestamp') && args[0].type === 'vectorSelector') {
      return this.#timestamps(args[0], at, call.fn === 'timestamp' ? 'time' : 'start');
    }
    if (call.fn === 'info') return this.#info(args, at);
    const range = args.find(({ type }) => type === 'matrixSelector' || type === 'subquery');
    if (range) return this.#rangeCall(call, args, range as MatrixSelector | Subquery, at);
    if (call.fn === 'absent') {
      return { kind: 'absent', at, child: this.#presence(args[0], at), labels: absentLabels(args[0]) };
    }
    const reading = { countsOnly: READS_COUNTS.has(call.fn), needsBuckets: READS_BUCKETS.has(call.fn) };
    return {
      kind: 'call',
      at,
      fn: call.fn,
      args: this.#reading(reading, () => args.map((arg) => this.wrapped(arg, at))),
      argPos: call.args.map(({ pos }, i) => args[i].pos ?? pos),
      pos: call.pos,
    };
  }

  /**
   * timestamp() and start_timestamp() of a selector: the samples' own times. With `@`, Prometheus reads the samples that the offset asks for but
   * looks at them from the time of the `@`: of the lookback remains what both see.
   */
  #timestamps(selector: VectorSelector, at: Steps, of: 'time' | 'start'): PlanNode {
    if (selector.at === null) return this.#selector(selector, at, of);
    const once = { ...at, steps: 1 };
    const node = this.#selector(selector, once, of);
    const offsetMs = selector.offset ? durationMs(selector.offset, this.#durations, true) : 0;
    const windowMs = Math.max(0, node.leaf.windowMs - Math.abs(offsetMs));
    const leaf = { ...node.leaf, startMs: node.leaf.startMs + Math.min(0, offsetMs), windowMs };
    const child = this.#leaf(once, leaf, { dropsName: true });
    return at.steps === 1 ? child : { kind: 'spread', at, child };
  }

  /** As of when an expression's first selector reads: where info() looks for info series. */
  #reference(expr: Expr, outer: Reference): Reference | null {
    if (expr.type === 'vectorSelector' || expr.type === 'subquery') {
      const offsetMs = expr.offset ? durationMs(expr.offset, this.#durations, true) : 0;
      const atMs = this.#atMs(expr.at);
      const here = atMs === null ? { ...outer, offsetMs: outer.offsetMs + offsetMs } : { atMs, offsetMs };
      return expr.type === 'subquery' ? this.#reference(expr.expr, here) : here;
    }
    for (const part of partsOf(expr)) {
      const found = this.#reference(part, outer);
      if (found) return found;
    }
    return null;
  }

  #info([base, selector]: readonly Expr[], at: Steps): PlanNode {
    const matchers = selector?.type === 'vectorSelector' ? selector.matchers : null;
    const { atMs, offsetMs } = this.#reference(base, { atMs: null, offsetMs: 0 }) ?? { atMs: null, offsetMs: 0 };
    const windows =
      atMs === null
        ? { ...at, startMs: at.startMs - offsetMs }
        : { startMs: atMs - offsetMs, stepMs: 0, steps: at.steps };
    const window = { windows, rangeMs: this.#context.lookbackMs, evalOffsetMs: 0, evalOffsetStepMs: 0 };
    const plain = { matchers: infoMatchers(matchers ?? []), anchored: false, smoothed: false };
    const leaf = { ...this.#template(plain, window, 'instant'), timestamps: true, refuseHistograms: true };
    return { kind: 'info', at, base: this.wrapped(base, at), info: this.#leaf(at, leaf), selector: matchers };
  }

  /** start(), end(), step() and range(): numbers of the query itself. */
  #constantCall(call: Call, at: Steps): PlanNode | null {
    if (call.args.length > 0) return null;
    const { startMs, endMs, stepMs } = this.#context;
    const values: Record<string, number> = { start: startMs, end: endMs, step: stepMs, range: endMs - startMs };
    return Object.hasOwn(values, call.fn) ? { kind: 'number', at, value: values[call.fn] / 1000 } : null;
  }

  /** A vector that has something wherever the expression has: all that absent() needs. */
  #presence(expr: Expr, at: Steps): PlanNode {
    const child = this.wrapped(expr, at);
    return this.#folded(child, { op: 'group', mode: 'by', names: [] }) ?? child;
  }

  #rangeCall(call: Call, args: readonly Expr[], range: MatrixSelector | Subquery, at: Steps): PlanNode {
    const { fn } = call;
    if (fn === 'absent_over_time') {
      const node = this.#rangeFunction('present_over_time', range, [], at, null);
      // Series that differ in their names alone are no trouble: they only have to be there.
      const present = 'dropsName' in node ? { ...node, dropsName: false } : node;
      const child = this.#folded(node, { op: 'group', mode: 'by', names: [] }, true) ?? present;
      return { kind: 'absent', at, child, labels: absentLabels(range) };
    }
    if (!isRangeFunction(fn)) throw executionError(`cannot evaluate ${fn}(): it is not implemented`);
    const others = args.filter((arg) => arg !== range);
    const parameters = others.map((arg) => this.wrapped(arg, at));
    return this.#rangeFunction(fn, range, parameters, at, others[0]?.pos ?? null);
  }

  #rangeFunction(
    fn: RangeFunction,
    range: MatrixSelector | Subquery,
    parameters: readonly PlanNode[],
    at: Steps,
    parameterPos: Span | null,
  ): PlanNode {
    const isRate = fn === 'rate' || fn === 'increase';
    const checks = {
      dropsName: !KEEPS_NAME.has(fn),
      quantileCheck: fn === 'quantile_over_time' ? parameterPos : null,
    };
    if (range.type === 'subquery') {
      // Prometheus replaces the subquery by a selector without a position before it annotates.
      const counterCheck = isRate ? { pos: NOWHERE } : null;
      const places = { counterCheck, remarkPos: fn === 'quantile_over_time' ? (parameterPos ?? NOWHERE) : NOWHERE };
      return { kind: 'subqueryCall', at, fn, ...this.#subquery(range, at), parameters, ...checks, ...places };
    }
    const { vector } = range;
    checkExtension(vector, fn);
    const w = this.#windows(vector, durationMs(range.range, this.#durations, false), at);
    const starts = this.#context.useStarts && USES_STARTS.has(fn) && !vector.anchored && !vector.smoothed;
    const template = { ...this.#template(vector, w, 'range'), fn, wantNames: isRate, starts };
    const counterCheck = isRate ? { pos: range.pos } : null;
    // Prometheus points to the first argument, which is not always the range.
    const remarkPos = fn === 'quantile_over_time' ? (parameterPos ?? range.pos) : range.pos;
    return this.#leaf(at, template, { parameters, ...checks, counterCheck, remarkPos });
  }

  /** The node with an aggregation folded into its leaf; null where that cannot be. */
  #folded(node: PlanNode, fold: LeafFold, mayCollide = false, foldPos = NOWHERE): LeafNode | null {
    if (node.kind !== 'leaf' || node.leaf.fold !== null || !this.#context.pushDown) return null;
    const losesNames = node.dropsName && !this.#context.delayedNameRemoval;
    // Series that would become the same are an error, which only the query process sees.
    if (losesNames && node.namesMayCollide && !mayCollide) return null;
    let { names } = fold;
    if (losesNames) {
      const reserved = [METRIC_NAME, '__type__', '__unit__'];
      names = fold.mode === 'by' ? names.filter((name) => !reserved.includes(name)) : [...names, ...reserved];
    }
    const leaf = { ...node.leaf, fold: { ...fold, names: [...new Set(names)].sort() } };
    const folded = { ...node, leaf, foldPos };
    return { ...folded, key: node.key === null ? null : leafKey(folded) };
  }

  #aggregate(expr: Aggregate, at: Steps): PlanNode {
    const child = this.wrapped(unwrapParens(expr.expr), at);
    const { op, without, grouping } = expr;
    if (isFoldOperator(op)) {
      const fold: LeafFold = { op, mode: without ? 'without' : 'by', names: grouping };
      const folded = this.#folded(child, fold, false, expr.expr.pos);
      if (folded) return folded;
    }
    const param = expr.param ? unwrapParens(expr.param) : null;
    const node: AggregateNode = {
      kind: 'aggregate',
      at,
      op,
      child,
      param: param ? this.wrapped(param, at) : null,
      paramPos: param?.pos ?? null,
      pos: expr.pos,
      childPos: expr.expr.pos,
      without,
      grouping: [...grouping],
    };
    return node;
  }
}

const isFoldOperator = (op: string): op is FoldOperator => (FOLD_OPERATORS as readonly string[]).includes(op);

/** Different texts for different numbers, -0 too. */
export const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** Same key, same result. Numbers in JSON lose NaN and infinities, so parameters are spelled out. */
function leafKey({ leaf, parameters }: LeafNode): string {
  const numbers = parameters.map((parameter) => (parameter.kind === 'number' ? numberText(parameter.value) : ''));
  return `${JSON.stringify(leaf)} ${numbers.join(' ')}`;
}

function checkExtension({ anchored, smoothed }: VectorSelector, fn: string): void {
  const [name, safe] = anchored ? ['anchored', ANCHORED] : ['smoothed', SMOOTHED];
  if ((!anchored && !smoothed) || (safe as string[]).includes(fn)) return;
  const list = (safe as string[]).join(', ');
  throw executionError(`${name as string} modifier can only be used with: ${list} - not with ${fn}`);
}
