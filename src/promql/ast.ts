// The syntax tree of a PromQL expression, and what plan/ and exec/ read. Plain data: it crosses threads. Positions are
// half-open byte ranges [start, end) in the UTF-8 text of the query, as Prometheus' PositionRange.
import type { Matcher } from '../model/index.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

/** A duration as written: a plain number of milliseconds, or (experimental) arithmetic that is resolved with the step known. */
export type DurationValue =
  | { readonly kind: 'ms'; readonly ms: number }
  | { readonly kind: 'expr'; readonly expr: DurationExpr; readonly pos: Span };

export type DurationExpr =
  | { readonly kind: 'number'; readonly seconds: number /** Written as a duration. */; readonly duration?: boolean }
  | { readonly kind: 'step' | 'range' }
  | { readonly kind: 'unary'; readonly op: '+' | '-'; readonly arg: DurationExpr }
  | { readonly kind: 'paren'; readonly arg: DurationExpr }
  | {
      readonly kind: 'binary';
      readonly op: '+' | '-' | '*' | '/' | '%' | '^' | 'min_of' | 'max_of';
      readonly left: DurationExpr;
      readonly right: DurationExpr;
    };

/** `@` of a selector or subquery. */
export type AtModifier = { readonly kind: 'ms'; readonly ms: number } | { readonly kind: 'start' | 'end' };

export interface NumberLiteral {
  readonly type: 'number';
  readonly pos: Span;
  readonly value: number;
  /** Written as a duration, such as 5m: printed as one. */
  readonly duration: boolean;
}

export interface StringLiteral {
  readonly type: 'string';
  readonly pos: Span;
  readonly value: string;
}

export interface VectorSelector {
  readonly type: 'vectorSelector';
  readonly pos: Span;
  /** Metric name in front of the braces or quoted within them, or ''. Also in `matchers` as __name__. */
  readonly name: string;
  /** The name was quoted within the braces: `{"a.b"}`. Absent = false. */
  readonly nameInBraces?: boolean;
  readonly matchers: readonly Matcher[];
  readonly offset: DurationValue | null;
  readonly at: AtModifier | null;
  /** Experimental range selectors. */
  readonly anchored: boolean;
  readonly smoothed: boolean;
}

export interface MatrixSelector {
  readonly type: 'matrixSelector';
  readonly pos: Span;
  readonly vector: VectorSelector;
  readonly range: DurationValue;
}

export interface Subquery {
  readonly type: 'subquery';
  readonly pos: Span;
  readonly expr: Expr;
  readonly range: DurationValue;
  /** null: the default evaluation interval. */
  readonly step: DurationValue | null;
  readonly offset: DurationValue | null;
  readonly at: AtModifier | null;
}

export interface Call {
  readonly type: 'call';
  readonly pos: Span;
  readonly fn: string;
  readonly args: readonly Expr[];
}

export type AggregateOperator =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'count_values'
  | 'quantile'
  | 'limitk'
  | 'limit_ratio';

export interface Aggregate {
  readonly type: 'aggregate';
  readonly pos: Span;
  readonly op: AggregateOperator;
  readonly expr: Expr;
  readonly param: Expr | null;
  readonly without: boolean;
  readonly grouping: readonly string[];
}

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | 'atan2'
  | '=='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | '</'
  | '>/'
  | 'and'
  | 'or'
  | 'unless';

export interface VectorMatching {
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** on (true) or ignoring (false). */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels of group_left / group_right. */
  readonly include: readonly string[];
  /** Experimental fill(): values for series without a partner; null = none. */
  readonly fillLeft: number | null;
  readonly fillRight: number | null;
}

export interface Binary {
  readonly type: 'binary';
  readonly pos: Span;
  readonly op: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly bool: boolean;
  /** null where a side is a scalar. */
  readonly matching: VectorMatching | null;
}

export interface Unary {
  readonly type: 'unary';
  readonly pos: Span;
  readonly op: '+' | '-';
  readonly expr: Expr;
}

export interface Paren {
  readonly type: 'paren';
  readonly pos: Span;
  readonly expr: Expr;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregate
  | Binary
  | Unary
  | Paren;
