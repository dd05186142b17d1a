// The syntax tree of a query in the form of /api/v1/parse_query: Prometheus' names for nodes and fields, durations and times in
// milliseconds.
import type {
  AtModifier,
  Binary,
  Call,
  DurationValue,
  Expr,
  FunctionSignature,
  VectorSelector,
} from '../promql/index.ts';

type Node = Record<string, unknown>;
/** By name. */
export type FunctionTable = ReadonlyMap<string, FunctionSignature>;

/** A duration that is arithmetic is not known before it is evaluated. */
const durationMs = (duration: DurationValue | null): number => (duration?.kind === 'ms' ? duration.ms : 0);

const atFields = (at: AtModifier | null): Node => ({
  timestamp: at?.kind === 'ms' ? at.ms : null,
  startOrEnd: at && at.kind !== 'ms' ? at.kind : null,
});

const selectorFields = (selector: VectorSelector): Node => ({
  name: selector.name,
  offset: durationMs(selector.offset),
  matchers: selector.matchers.map(({ name, op, value }) => ({ name, value, type: op })),
  ...atFields(selector.at),
  anchored: selector.anchored,
  smoothed: selector.smoothed,
});

function matchingFields({ matching }: Binary): Node | null {
  if (!matching) return null;
  return {
    card: matching.card,
    labels: matching.labels,
    on: matching.on,
    include: matching.include,
    fillValues: { lhs: matching.fillLeft, rhs: matching.fillRight },
  };
}

function callNode({ fn, args }: Call, functions: FunctionTable): Node {
  const signature = functions.get(fn);
  return {
    type: 'call',
    func: {
      name: fn,
      argTypes: signature?.args ?? [],
      variadic: signature?.variadic ?? 0,
      returnType: signature?.returns ?? 'vector',
    },
    args: args.map((arg) => syntaxTree(arg, functions)),
  };
}

/** Go's shortest form without an exponent. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const [digits, exponent] = String(value).split('e');
  if (exponent === undefined) return digits;
  const sign = digits.startsWith('-') ? '-' : '';
  const [whole, fraction = ''] = digits.replace('-', '').split('.');
  const point = whole.length + Number(exponent);
  const all = whole + fraction;
  return sign + (point <= 0 ? `0.${'0'.repeat(-point)}${all}` : all.padEnd(point, '0'));
}

/** The node of an expression. */
export function syntaxTree(expr: Expr, functions: FunctionTable): Node {
  const node = (child: Expr): Node => syntaxTree(child, functions);
  switch (expr.type) {
    case 'number':
      return { type: 'numberLiteral', val: numberText(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'vectorSelector':
      return { type: 'vectorSelector', ...selectorFields(expr) };
    case 'matrixSelector':
      return { type: 'matrixSelector', ...selectorFields(expr.vector), range: durationMs(expr.range) };
    case 'subquery':
      return {
        type: 'subquery',
        expr: node(expr.expr),
        range: durationMs(expr.range),
        offset: durationMs(expr.offset),
        step: durationMs(expr.step),
        ...atFields(expr.at),
      };
    case 'call':
      return callNode(expr, functions);
    case 'aggregate':
      return {
        type: 'aggregation',
        op: expr.op,
        expr: node(expr.expr),
        param: expr.param && node(expr.param),
        grouping: expr.grouping,
        without: expr.without,
      };
    case 'binary':
      return {
        type: 'binaryExpr',
        op: expr.op,
        lhs: node(expr.left),
        rhs: node(expr.right),
        matching: matchingFields(expr),
        bool: expr.bool,
      };
    case 'unary':
      return { type: 'unaryExpr', op: expr.op, expr: node(expr.expr) };
    case 'paren':
      return { type: 'parenExpr', expr: node(expr.expr) };
  }
}
