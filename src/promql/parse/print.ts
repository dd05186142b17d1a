// A syntax tree back to text: in one canonical line, as Prometheus' String(), or broken into indented lines where that
// would be longer than 100 characters, as its format_query does.
import { METRIC_NAME, type Matcher, compareUtf8, goQuote } from '../../model/index.ts';
import { utf8 } from '../../base/index.ts';
import type { Aggregate, Binary, Expr, MatrixSelector, Subquery, VectorSelector } from '../ast.ts';
import {
  formatAt,
  formatDurationNumber,
  formatDurationValue,
  formatNumber,
  formatNumberShort,
  formatOffset,
} from './print-number.ts';

const LINE_BYTES_MAX = 100;
const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const label = (name: string): string => (LEGACY_LABEL.test(name) ? name : goQuote(name));
const labels = (names: readonly string[]): string => names.map(label).join(', ');

/** The canonical text of an expression on one line. */
export function printExpr(expr: Expr): string {
  switch (expr.type) {
    case 'number':
      return expr.duration ? formatDurationNumber(expr.value) : formatNumber(expr.value);
    case 'string':
      return goQuote(expr.value);
    case 'vectorSelector':
      return printSelector(expr);
    case 'matrixSelector':
      return printMatrix(expr);
    case 'subquery':
      return printExpr(expr.expr) + subqueryTail(expr);
    case 'call':
      return `${expr.fn}(${expr.args.map(printExpr).join(', ')})`;
    case 'aggregate':
      return `${aggregateHead(expr)}(${expr.param ? `${printExpr(expr.param)}, ` : ''}${printExpr(expr.expr)})`;
    case 'binary':
      return `${printExpr(expr.left)} ${operator(expr)} ${printExpr(expr.right)}`;
    case 'unary':
      return expr.op + printExpr(expr.expr);
    case 'paren':
      return `(${printExpr(expr.expr)})`;
  }
}

const printMatcher = (matcher: Matcher): string => `${label(matcher.name)}${matcher.op}${goQuote(matcher.value)}`;

/** Name and braces, without modifiers. */
function printSeries(selector: VectorSelector): string {
  const name = selector.nameInBraces ? '' : selector.name;
  const isName = ({ name: key, op, value }: Matcher): boolean => key === METRIC_NAME && op === '=' && value === name;
  const matchers = selector.matchers.filter((matcher) => name === '' || !isName(matcher)).map(printMatcher);
  if (matchers.length === 0) return name === '' ? '{}' : name;
  return `${name}{${matchers.sort(compareUtf8).join(',')}}`;
}

function extended(selector: VectorSelector): string {
  if (selector.anchored) return ' anchored';
  return selector.smoothed ? ' smoothed' : '';
}

function printSelector(selector: VectorSelector): string {
  return printSeries(selector) + formatAt(selector.at) + extended(selector) + formatOffset(selector.offset);
}

function printMatrix({ vector, range }: MatrixSelector): string {
  const tail = extended(vector) + formatAt(vector.at) + formatOffset(vector.offset);
  return `${printSeries(vector)}[${formatDurationValue(range)}]${tail}`;
}

function subqueryTail({ range, step, at, offset }: Subquery): string {
  const resolution = step === null ? '' : formatDurationValue(step);
  return `[${formatDurationValue(range)}:${resolution}]${formatAt(at)}${formatOffset(offset)}`;
}

function aggregateHead({ op, without, grouping }: Aggregate): string {
  if (without) return `${op} without (${labels(grouping)}) `;
  return grouping.length > 0 ? `${op} by (${labels(grouping)}) ` : op;
}

/** A binary operator with its modifiers. */
function operator({ op, bool, matching }: Binary): string {
  let out: string = op;
  if (bool) out += ' bool';
  if (matching === null) return out;
  const { card, on, include, fillLeft, fillRight } = matching;
  const grouped = card === 'many-to-one' || card === 'one-to-many';
  if (matching.labels.length > 0 || on || grouped) out += ` ${on ? 'on' : 'ignoring'} (${labels(matching.labels)})`;
  if (grouped) out += ` group_${card === 'many-to-one' ? 'left' : 'right'} (${labels(include)})`;
  if (fillLeft !== null && Object.is(fillLeft, fillRight)) return `${out} fill (${formatNumberShort(fillLeft)})`;
  if (fillLeft !== null) out += ` fill_left (${formatNumberShort(fillLeft)})`;
  if (fillRight !== null) out += ` fill_right (${formatNumberShort(fillRight)})`;
  return out;
}

const indent = (level: number): string => '  '.repeat(level);
const isLong = (line: string): boolean => utf8(line).length > LINE_BYTES_MAX;

/** The text of an expression in lines of up to 100 characters where possible. */
export function prettyPrint(expr: Expr): string {
  return pretty(expr, 0);
}

function pretty(expr: Expr, level: number): string {
  const line = printExpr(expr);
  const pad = indent(level);
  if (expr.type === 'unary') return pad + expr.op + pretty(expr.expr, level).trim();
  if (!isLong(line)) return pad + line;
  switch (expr.type) {
    case 'paren':
      return `${pad}(\n${pretty(expr.expr, level + 1)}\n${pad})`;
    case 'subquery':
      return pretty(expr.expr, level) + subqueryTail(expr);
    case 'binary':
      return `${pretty(expr.left, level + 1)}\n${pad}${operator(expr)}\n${pretty(expr.right, level + 1)}`;
    case 'call':
      return `${pad}${expr.fn}(\n${prettyList(expr.args, level + 1)}\n${pad})`;
    case 'aggregate': {
      const parts = expr.param ? [expr.param, expr.expr] : [expr.expr];
      return `${pad}${aggregateHead(expr)}(\n${prettyList(parts, level + 1)}\n${pad})`;
    }
    default:
      return pad + line;
  }
}

const prettyList = (parts: readonly Expr[], level: number): string =>
  parts.map((part) => pretty(part, level)).join(',\n');
