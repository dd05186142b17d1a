// Tokens to syntax tree, by precedence climbing, with the grammar and the precedence of Prometheus:
//
//   or  <  and unless  <  == != < <= > >= </ >/  <  + -  <  * / % atan2, unary + -  <  ^ (right)  <  [ ] offset @ ...
//
// The editor grammar @prometheus-io/lezer-promql is no base for this: it is made for highlighting and gives trees of
// another shape (`a + b offset 5m` is there an offset of the sum, `-1 ^ 2` the square of -1).
import { goQuote } from '../../model/index.ts';
import type {
  Aggregate,
  AggregateOperator,
  BinaryOperator,
  DurationValue,
  Expr,
  NumberLiteral,
  Span,
  VectorMatching,
} from '../ast.ts';
import { BINOP_FILL_MODIFIERS, EXPERIMENTAL_FUNCTIONS, FUNCTIONS } from './functions.ts';
import { applyAt, applyExtended, applyOffset } from './modifiers.ts';
import { isNumber, bracketDuration, offsetDuration, signedNumber, tokenNumber } from './parse-number.ts';
import { unquote } from './quote.ts';
import { selector } from './selector.ts';
import type { TokenStream } from './token-stream.ts';
import { type Token, isGroupingLabel, isMetricName } from './token.ts';

/**
 * Bounds the depth of the tree, and with it the stack of every stage: a bracket, call or sign costs 2, an operator in a
 * chain 1. Beyond any query a person or a tool writes.
 */
export const NESTING_MAX = 1000;
const BRACKET_COST = 2;

const PRECEDENCE: Record<string, number> = {
  or: 1,
  ...{ and: 2, unless: 2 },
  ...{ '==': 3, '!=': 3, '<': 3, '<=': 3, '>': 3, '>=': 3, '</': 3, '>/': 3 },
  ...{ '+': 4, '-': 4 },
  ...{ '*': 5, '/': 5, '%': 5, atan2: 5 },
  '^': 6,
};
const POWER = 6;
const PARAMETER_AGGREGATORS = new Set(['topk', 'bottomk', 'count_values', 'quantile', 'limitk', 'limit_ratio']);
const EXPERIMENTAL_AGGREGATORS = new Set(['limitk', 'limit_ratio']);

export class Parser {
  readonly #tokens: TokenStream;
  readonly #features: ReadonlySet<string>;
  #depth = 0;

  constructor(tokens: TokenStream, features: ReadonlySet<string>) {
    this.#tokens = tokens;
    this.#features = features;
  }

  /** The whole query. */
  parse(): Expr {
    const tokens = this.#tokens;
    if (tokens.at('end of input')) tokens.fail({ start: 0, end: 0 }, 'no expression found in input');
    const expr = this.#expr(1);
    if (!tokens.at('end of input')) tokens.unexpected();
    return expr;
  }

  #enter(cost: number): void {
    this.#depth += cost;
    if (this.#depth <= NESTING_MAX) return;
    const tokens = this.#tokens;
    tokens.fail(tokens.span(tokens.current), 'expression is nested too deeply');
  }

  /** Operators of at least this precedence. */
  #expr(precedence: number): Expr {
    const depth = this.#depth;
    this.#enter(BRACKET_COST);
    let left = this.#unary();
    for (;;) {
      const op = this.#tokens.current;
      const level = op.kind === 'operator' ? PRECEDENCE[op.id] : undefined;
      if (level === undefined || level < precedence) break;
      this.#tokens.take();
      left = this.#binary(left, op, level);
      // Each operator of a chain makes the tree one deeper on its left side.
      this.#enter(1);
    }
    this.#depth = depth;
    return left;
  }

  #unary(): Expr {
    const tokens = this.#tokens;
    if (!tokens.at('-') && !tokens.at('+')) return this.#postfix(this.#primary());
    const op = tokens.take();
    const start = tokens.span(op).start;
    const expr = this.#expr(POWER);
    const pos = { start, end: expr.pos.end };
    if (expr.type === 'number') return { ...expr, pos, value: op.id === '-' ? -expr.value : expr.value };
    return { type: 'unary', pos, op: op.id as '+' | '-', expr };
  }

  #binary(left: Expr, op: Token, level: number): Expr {
    const tokens = this.#tokens;
    const bool = tokens.accept('bool');
    const { matching, filled } = this.#matching();
    const right = this.#expr(op.id === '^' ? level : level + 1);
    const pos = { start: left.pos.start, end: right.pos.end };
    if (filled && !this.#features.has(BINOP_FILL_MODIFIERS)) {
      tokens.fail(pos, 'binop fill modifiers are experimental and not enabled');
    }
    return { type: 'binary', pos, op: op.id as BinaryOperator, left, right, bool, matching };
  }

  #matching(): { matching: VectorMatching; filled: boolean } {
    const tokens = this.#tokens;
    const on = tokens.at('on');
    let card: VectorMatching['card'] = 'one-to-one';
    let labels: readonly string[] = [];
    let include: readonly string[] = [];
    if (on || tokens.at('ignoring')) {
      tokens.take();
      labels = this.#groupingLabels();
      if (tokens.at('group_left') || tokens.at('group_right')) {
        card = tokens.take().id === 'group_left' ? 'many-to-one' : 'one-to-many';
        if (tokens.at('(')) include = this.#groupingLabels();
      }
    }
    const fill = this.#fill();
    return { matching: { card, on, labels, include, ...fill }, filled: (fill.fillLeft ?? fill.fillRight) !== null };
  }

  #fill(): { fillLeft: number | null; fillRight: number | null } {
    const tokens = this.#tokens;
    if (tokens.accept('fill')) {
      const value = this.#fillValue();
      return { fillLeft: value, fillRight: value };
    }
    let fillLeft: number | null = null;
    let fillRight: number | null = null;
    for (;;) {
      if (fillLeft === null && tokens.accept('fill_left')) fillLeft = this.#fillValue();
      else if (fillRight === null && tokens.accept('fill_right')) fillRight = this.#fillValue();
      else return { fillLeft, fillRight };
    }
  }

  #fillValue(): number {
    const tokens = this.#tokens;
    tokens.expect('(');
    const value = signedNumber(tokens);
    if (value === null) tokens.unexpected('fill modifier', 'number');
    tokens.expect(')');
    return value as number;
  }

  #primary(): Expr {
    const tokens = this.#tokens;
    const token = tokens.current;
    if (isNumber(token)) return this.#number();
    if (token.kind === 'string') {
      tokens.take();
      return { type: 'string', pos: tokens.span(token), value: unquote(token.text) };
    }
    if (token.id === '(') return this.#paren();
    if (token.id === '{') return selector(tokens, null);
    if (!isMetricName(token)) tokens.unexpected();
    tokens.take();
    const next = tokens.current.id;
    if (token.kind === 'aggregator' && (next === '(' || next === 'by' || next === 'without')) {
      return this.#aggregate(token);
    }
    if (next === '(' && (token.kind === 'identifier' || token.kind === 'word')) return this.#call(token);
    return selector(tokens, token);
  }

  #number(): NumberLiteral {
    const token = this.#tokens.take();
    const value = tokenNumber(this.#tokens, token);
    return { type: 'number', pos: this.#tokens.span(token), value, duration: token.kind === 'duration' };
  }

  #paren(): Expr {
    const tokens = this.#tokens;
    const start = tokens.start();
    tokens.take();
    const expr = this.#expr(1);
    tokens.expect(')');
    return { type: 'paren', pos: { start, end: tokens.takenEnd }, expr };
  }

  #call(name: Token): Expr {
    const tokens = this.#tokens;
    const args = this.#args();
    // Reserved words are found in any case, all other functions as written.
    const signature = FUNCTIONS.get(name.kind === 'word' ? name.id : name.text);
    if (!signature) return tokens.fail(tokens.span(name), `unknown function with name ${goQuote(name.text)}`);
    if (!signature.features.every((feature) => this.#features.has(feature))) {
      tokens.fail(tokens.span(name), `function ${goQuote(name.text)} is not enabled`);
    }
    return { type: 'call', pos: { start: tokens.span(name).start, end: tokens.takenEnd }, fn: signature.name, args };
  }

  #args(): Expr[] {
    const tokens = this.#tokens;
    tokens.expect('(');
    const args: Expr[] = [];
    if (tokens.accept(')')) return args;
    for (;;) {
      args.push(this.#expr(1));
      const comma = tokens.current;
      if (!tokens.accept(',')) break;
      if (tokens.at(')')) tokens.fail(tokens.span(comma), 'trailing commas not allowed in function call args');
    }
    tokens.expect(')');
    return args;
  }

  #aggregate(name: Token): Expr {
    const tokens = this.#tokens;
    tokens.aggregations++;
    let grouping = this.#grouping();
    const args = this.#args();
    let end = tokens.takenEnd;
    if (!grouping) {
      grouping = this.#grouping();
      if (grouping) end = tokens.takenEnd;
    }
    tokens.aggregations--;
    return this.#aggregateOf(name, { start: tokens.span(name).start, end }, args, grouping);
  }

  #aggregateOf(name: Token, pos: Span, args: Expr[], grouping: Grouping | null): Aggregate {
    const tokens = this.#tokens;
    const op = name.id as AggregateOperator;
    if (args.length === 0) tokens.fail(pos, 'no arguments for aggregate expression provided');
    if (EXPERIMENTAL_AGGREGATORS.has(op) && !this.#features.has(EXPERIMENTAL_FUNCTIONS)) {
      tokens.fail(pos, `${op}() is experimental and must be enabled with --enable-feature=${EXPERIMENTAL_FUNCTIONS}`);
    }
    const wanted = PARAMETER_AGGREGATORS.has(op) ? 2 : 1;
    if (args.length !== wanted) {
      const fact = `expected ${wanted}, got ${args.length}`;
      tokens.fail(pos, `wrong number of arguments for aggregate expression provided, ${fact}`);
    }
    const param = wanted === 2 ? args[0] : null;
    const { without, labels } = grouping ?? { without: false, labels: [] };
    return { type: 'aggregate', pos, op, expr: args[wanted - 1], param, without, grouping: labels };
  }

  #grouping(): Grouping | null {
    const tokens = this.#tokens;
    if (!tokens.at('by') && !tokens.at('without')) return null;
    const without = tokens.take().id === 'without';
    return { without, labels: this.#groupingLabels() };
  }

  #groupingLabels(): string[] {
    const tokens = this.#tokens;
    tokens.expect('(', 'grouping opts', '"("');
    const labels: string[] = [];
    while (!tokens.at(')')) {
      labels.push(this.#groupingLabel());
      if (tokens.accept(',')) continue;
      if (!tokens.at(')')) tokens.unexpected('grouping opts', '"," or ")"');
    }
    tokens.take();
    return labels;
  }

  #groupingLabel(): string {
    const tokens = this.#tokens;
    const token = tokens.current;
    const quoted = token.kind === 'string';
    if (!quoted && !isGroupingLabel(token)) tokens.unexpected('grouping opts', 'label');
    const label = quoted ? unquote(token.text) : token.text;
    if (label === '' || (!quoted && label.includes(':'))) {
      tokens.fail(tokens.span(token), `invalid label name for grouping: ${goQuote(label)}`);
    }
    tokens.take();
    return label;
  }

  /** Ranges, subqueries and modifiers, which bind tighter than any operator. */
  #postfix(operand: Expr): Expr {
    const tokens = this.#tokens;
    let expr = operand;
    // An end position moves with each modifier; nesting grows only with subqueries, which count.
    for (;;) {
      const { id, kind } = tokens.current;
      if (id === '[') expr = this.#range(expr);
      else if (id === '@') expr = applyAt(tokens, expr);
      else if (kind !== 'keyword') return expr;
      else if (id === 'offset') expr = this.#offset(expr);
      else if (id === 'anchored' || id === 'smoothed') expr = applyExtended(tokens, expr, id, this.#features);
      else return expr;
    }
  }

  #offset(expr: Expr): Expr {
    this.#tokens.take();
    return applyOffset(this.#tokens, expr, offsetDuration(this.#tokens));
  }

  #range(expr: Expr): Expr {
    const tokens = this.#tokens;
    const bracket = tokens.span(tokens.take());
    const range = bracketDuration(tokens);
    if (tokens.accept(':')) return this.#subquery(expr, range);
    tokens.expect(']', 'subquery or range', '":" or "]"');
    const pos = { start: expr.pos.start, end: tokens.takenEnd };
    const brackets = { start: bracket.start, end: tokens.takenEnd };
    if (expr.type !== 'vectorSelector') return tokens.fail(brackets, 'ranges only allowed for vector selectors');
    if (expr.offset) tokens.fail(brackets, 'no offset modifiers allowed before range');
    if (expr.at) tokens.fail(brackets, 'no @ modifiers allowed before range');
    return { type: 'matrixSelector', pos, vector: expr, range };
  }

  #subquery(expr: Expr, range: DurationValue): Expr {
    const tokens = this.#tokens;
    this.#enter(1);
    let step: DurationValue | null = null;
    if (!tokens.at(']')) step = this.#step();
    tokens.expect(']', 'subquery selector', '"]"');
    const pos = { start: expr.pos.start, end: tokens.takenEnd };
    return { type: 'subquery', pos, expr, range, step, offset: null, at: null };
  }

  #step(): DurationValue {
    const tokens = this.#tokens;
    const { id } = tokens.current;
    if (!isNumber(tokens.current) && !['(', '-', '+', 'step', 'range', 'min_of', 'max_of'].includes(id)) {
      tokens.unexpected('subquery selector', 'number, duration, step(), range(), or "]"');
    }
    return bracketDuration(tokens);
  }
}

interface Grouping {
  readonly without: boolean;
  readonly labels: readonly string[];
}
