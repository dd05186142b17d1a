// A plan: the query as operators over known evaluation steps, every data access a leaf. Plain data, made by build.ts.
//
// Nodes of type vector or scalar give one value per step of their `at`. `spread` evaluates its child at one step and
// repeats the value: what does not change from step to step (literals aside) is computed once.
import type { RangeFunction, Steps } from '../../kernel/index.ts';
import type { Labels, Matcher } from '../../model/index.ts';
import type { AggregateOperator, BinaryOperator, Span, VectorMatching } from '../ast.ts';
import type { LeafPlan } from '../leaf.ts';

/** Evaluation steps; the query's, or a subquery's. */
export type { Steps } from '../../kernel/index.ts';

/** A leaf without what is known only when it runs: limits and arguments that are themselves evaluated. */
export type LeafTemplate = Omit<LeafPlan, 'parameters' | 'samplesMax' | 'bytesMax'>;

/** What to do with the metric names that a rate saw. */
export interface CounterCheck {
  readonly pos: Span;
}

export interface NumberNode {
  readonly kind: 'number';
  readonly at: Steps;
  readonly value: number;
}

export interface TextNode {
  readonly kind: 'string';
  readonly value: string;
}

/** Data from the shards: a selector, a range function over one, or an aggregation over either. */
export interface LeafNode {
  readonly kind: 'leaf';
  readonly at: Steps;
  readonly leaf: LeafTemplate;
  /** Scalar arguments of the range function. */
  readonly parameters: readonly PlanNode[];
  /** Same key, same data: evaluated once. null where arguments are evaluated too. */
  readonly key: string | null;
  /** The function takes the metric name away. */
  readonly dropsName: boolean;
  /** Two series may become the same by losing their names. */
  readonly namesMayCollide: boolean;
  readonly counterCheck: CounterCheck | null;
  /** quantile_over_time: warns about its parameter where there is data. */
  readonly quantileCheck: Span | null;
  /** Where annotations about the samples point to. */
  readonly remarkPos: Span;
  /** Likewise about what is folded. */
  readonly foldPos: Span;
}

/** Raw samples: a matrix selector as the whole query. */
export interface SamplesNode {
  readonly kind: 'samples';
  readonly at: Steps;
  readonly leaf: LeafTemplate;
}

/** A subquery as the whole query: its inner steps as samples. */
export interface SubqueryNode {
  readonly kind: 'subquery';
  readonly at: Steps;
  readonly innerAt: Steps;
  readonly expr: PlanNode;
}

/** A range function over a subquery's steps. */
export interface SubqueryCallNode {
  readonly kind: 'subqueryCall';
  readonly at: Steps;
  readonly fn: RangeFunction;
  readonly inner: PlanNode;
  readonly innerAt: Steps;
  /** Window ends, by step. */
  readonly windows: Steps;
  readonly rangeMs: number;
  readonly evalOffsetMs: number;
  readonly evalOffsetStepMs: number;
  readonly parameters: readonly PlanNode[];
  readonly dropsName: boolean;
  readonly counterCheck: CounterCheck | null;
  readonly quantileCheck: Span | null;
  readonly remarkPos: Span;
}

export interface SpreadNode {
  readonly kind: 'spread';
  readonly at: Steps;
  readonly child: PlanNode;
}

export interface CallNode {
  readonly kind: 'call';
  readonly at: Steps;
  readonly fn: string;
  readonly args: readonly PlanNode[];
  readonly argPos: readonly Span[];
  readonly pos: Span;
}

/** absent() and absent_over_time(): 1 where the child has nothing. */
export interface AbsentNode {
  readonly kind: 'absent';
  readonly at: Steps;
  readonly child: PlanNode;
  readonly labels: Labels;
}

export interface AggregateNode {
  readonly kind: 'aggregate';
  readonly at: Steps;
  readonly op: AggregateOperator;
  readonly child: PlanNode;
  readonly param: PlanNode | null;
  readonly paramPos: Span | null;
  readonly pos: Span;
  /** Of what is aggregated. */
  readonly childPos: Span;
  readonly without: boolean;
  readonly grouping: readonly string[];
}

export interface BinaryNode {
  readonly kind: 'binary';
  readonly at: Steps;
  readonly op: BinaryOperator;
  readonly left: PlanNode;
  readonly right: PlanNode;
  readonly bool: boolean;
  readonly matching: VectorMatching | null;
  readonly pos: Span;
}

/** info(): `info` reads the times of the info series' samples. */
export interface InfoNode {
  readonly kind: 'info';
  readonly at: Steps;
  readonly base: PlanNode;
  readonly info: PlanNode;
  /** Matchers of the second argument; null: there is none. */
  readonly selector: readonly Matcher[] | null;
}

export interface NegateNode {
  readonly kind: 'negate';
  readonly at: Steps;
  readonly child: PlanNode;
}

export type PlanNode =
  | NumberNode
  | TextNode
  | LeafNode
  | SamplesNode
  | SubqueryNode
  | SubqueryCallNode
  | SpreadNode
  | CallNode
  | AbsentNode
  | AggregateNode
  | BinaryNode
  | InfoNode
  | NegateNode;
