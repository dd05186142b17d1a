// The type check: what the grammar lets through and PromQL does not mean. Order and texts are Prometheus', whose first
// complaint is the one a user sees. Gives the tree back with what only the types tell: `matching` is null where a side
// is a scalar, and many-to-many for set operators.
import { METRIC_NAME, matchesEmpty, goQuote } from '../../model/index.ts';
import { invariant } from '../../base/index.ts';
import type { Aggregate, Binary, Call, Expr, Span, Subquery, Unary, ValueType, VectorSelector } from '../ast.ts';
import { FUNCTIONS, type FunctionSignature } from './functions.ts';
import { ParseError } from './parse-error.ts';

const COMPARISONS = new Set(['==', '!=', '<', '>', '<=', '>=']);
const SET_OPERATORS = new Set(['and', 'or', 'unless']);
const TYPE_NAMES: Record<ValueType, string> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

/** The type of what an expression evaluates to. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.type) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vectorSelector':
    case 'aggregate':
      return 'vector';
    case 'matrixSelector':
    case 'subquery':
      return 'matrix';
    case 'call':
      return signatureOf(expr).returns;
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
    case 'unary':
    case 'paren':
      return typeOf(expr.expr);
  }
}

function signatureOf(call: Call): FunctionSignature {
  const signature = FUNCTIONS.get(call.fn);
  invariant(signature, 'the tree has a call of an unknown function', call.fn);
  return signature;
}

interface Typed {
  readonly expr: Expr;
  readonly type: ValueType;
}

/** Checks the expression of `query`; throws ParseError. */
export function checkTypes(query: string, expr: Expr): Expr {
  return new Checker(query).check(expr).expr;
}

class Checker {
  readonly #query: string;
  constructor(query: string) {
    this.#query = query;
  }

  #fail(span: Span, text: string): never {
    throw new ParseError(this.#query, span, text);
  }

  check(expr: Expr): Typed {
    switch (expr.type) {
      case 'number':
        return { expr, type: 'scalar' };
      case 'string':
        return { expr, type: 'string' };
      case 'vectorSelector':
        this.#selector(expr);
        return { expr, type: 'vector' };
      case 'matrixSelector':
        this.#selector(expr.vector);
        return { expr, type: 'matrix' };
      case 'paren': {
        const inner = this.check(expr.expr);
        return { expr: { ...expr, expr: inner.expr }, type: inner.type };
      }
      case 'unary':
        return this.#unary(expr);
      case 'subquery':
        return this.#subquery(expr);
      case 'aggregate':
        return this.#aggregate(expr);
      case 'binary':
        return this.#binary(expr);
      case 'call':
        return this.#call(expr);
    }
  }

  #expect(expr: Expr, want: ValueType, context: string): Expr {
    const { expr: checked, type } = this.check(expr);
    if (type !== want) {
      this.#fail(expr.pos, `expected type ${TYPE_NAMES[want]} in ${context}, got ${TYPE_NAMES[type]}`);
    }
    return checked;
  }

  #selector(expr: VectorSelector): void {
    if (expr.name !== '' && !expr.nameInBraces) {
      const twice = expr.matchers.slice(0, -1).find((matcher) => matcher.name === METRIC_NAME);
      if (twice) {
        this.#fail(expr.pos, `metric name must not be set twice: ${goQuote(expr.name)} or ${goQuote(twice.value)}`);
      }
      return;
    }
    if (expr.matchers.every(matchesEmpty)) {
      this.#fail(expr.pos, 'vector selector must contain at least one non-empty matcher');
    }
  }

  #unary(expr: Unary): Typed {
    const inner = this.check(expr.expr);
    if (inner.type !== 'scalar' && inner.type !== 'vector') {
      const text = 'unary expression only allowed on expressions of type scalar or instant vector';
      this.#fail(expr.pos, `${text}, got ${goQuote(TYPE_NAMES[inner.type])}`);
    }
    return { expr: { ...expr, expr: inner.expr }, type: inner.type };
  }

  #subquery(expr: Subquery): Typed {
    const inner = this.check(expr.expr);
    if (inner.type !== 'vector') {
      this.#fail(expr.pos, `subquery is only allowed on instant vector, got ${inner.type} instead`);
    }
    return { expr: { ...expr, expr: inner.expr }, type: 'matrix' };
  }

  #aggregate(expr: Aggregate): Typed {
    const inner = this.#expect(expr.expr, 'vector', 'aggregation expression');
    let { param } = expr;
    if (param) param = this.#expect(param, expr.op === 'count_values' ? 'string' : 'scalar', 'aggregation parameter');
    return { expr: { ...expr, expr: inner, param }, type: 'vector' };
  }

  /** Where the operator and its modifiers stand: from the first non-blank behind the left side. */
  #operatorSpan(expr: Binary): Span {
    const bytes = new TextEncoder().encode(this.#query);
    let { end: start } = expr.left.pos;
    while (start < bytes.length && ' \t\n\r'.includes(String.fromCharCode(bytes[start]))) start++;
    return { start, end: expr.right.pos.start };
  }

  #binary(expr: Binary): Typed {
    const left = this.check(expr.left);
    const right = this.check(expr.right);
    const { op, bool, matching } = expr;
    const isSet = SET_OPERATORS.has(op);
    if (bool && !COMPARISONS.has(op)) {
      this.#fail(this.#operatorSpan(expr), 'bool modifier can only be used on comparison operators');
    }
    const scalars = left.type === 'scalar' && right.type === 'scalar';
    if (COMPARISONS.has(op) && !bool && scalars) {
      this.#fail(this.#operatorSpan(expr), 'comparisons between scalars must use BOOL modifier');
    }
    const twice = matching?.on ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
    if (twice !== undefined) {
      this.#fail(this.#operatorSpan(expr), `label ${goQuote(twice)} must not occur in ON and GROUP clause at once`);
    }
    for (const side of [left, right]) {
      if (side.type === 'scalar' || side.type === 'vector') continue;
      this.#fail(side.expr.pos, 'binary expression must contain only scalar and instant vector types');
    }
    const vectors = left.type === 'vector' && right.type === 'vector';
    this.#matching(expr, vectors, isSet);
    const checked: Binary = {
      ...expr,
      left: left.expr,
      right: right.expr,
      matching: vectors && matching ? { ...matching, card: isSet ? 'many-to-many' : matching.card } : null,
    };
    return { expr: checked, type: scalars ? 'scalar' : 'vector' };
  }

  #matching(expr: Binary, vectors: boolean, isSet: boolean): void {
    const { matching, op, pos } = expr;
    const filled = matching !== null && (matching.fillLeft !== null || matching.fillRight !== null);
    if (!vectors) {
      if (matching && matching.labels.length > 0) {
        this.#fail(pos, 'vector matching only allowed between instant vectors');
      }
      if (filled) this.#fail(pos, 'filling in missing series only allowed between instant vectors');
      if (isSet) this.#fail(pos, `set operator ${goQuote(op)} not allowed in binary scalar expression`);
    } else if (isSet) {
      const grouped = matching?.card === 'one-to-many' || matching?.card === 'many-to-one';
      if (grouped) this.#fail(pos, `no grouping allowed for ${goQuote(op)} operation`);
      if (filled) this.#fail(pos, 'filling in missing series not allowed for set operators');
    }
  }

  #call(expr: Call): Typed {
    const signature = signatureOf(expr);
    this.#arity(expr, signature);
    if (expr.fn === 'info' && expr.args.length > 1) this.#infoSelector(expr);
    const context = `call to function ${goQuote(expr.fn)}`;
    const args = expr.args.map((arg, i) => {
      if (expr.fn === 'info' && i === 1) return arg;
      return this.#expect(arg, signature.args[Math.min(i, signature.args.length - 1)], context);
    });
    return { expr: { ...expr, args }, type: signature.returns };
  }

  #arity(expr: Call, { args, variadic }: FunctionSignature): void {
    const count = expr.args.length;
    const tail = `argument(s) in call to ${goQuote(expr.fn)}, got ${count}`;
    if (variadic === 0) {
      if (count !== args.length) this.#fail(expr.pos, `expected ${args.length} ${tail}`);
      return;
    }
    const least = args.length - 1;
    if (count < least) this.#fail(expr.pos, `expected at least ${least} ${tail}`);
    if (variadic > 0 && count > least + variadic) {
      this.#fail(expr.pos, `expected at most ${least + variadic} ${tail}`);
    }
  }

  /** The second argument of info() names labels only, and may match everything. */
  #infoSelector(expr: Call): void {
    const arg = expr.args[1];
    const type = typeOf(arg);
    if (type !== 'vector') {
      const text = `expected type instant vector in call to function "info", got ${TYPE_NAMES[type]}`;
      this.#fail(expr.pos, text);
    }
    if (arg.type !== 'vectorSelector') this.#fail(arg.pos, 'expected label selectors only');
    if (arg.name !== '' && !arg.nameInBraces) {
      this.#fail(arg.pos, 'expected label selectors only, got vector selector instead');
    }
  }
}
