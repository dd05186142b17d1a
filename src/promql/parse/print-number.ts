// Numbers as Go formats them with %v-like verbs in printed expressions.
import type { AtModifier, DurationExpr, DurationValue } from '../ast.ts';
import { formatDuration } from './duration.ts';

/** Go's FormatFloat(value, 'f', -1): shortest digits, never an exponent. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign, whole, fraction = '', exponent] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

/** Go's %v of a float: shortest digits, with an exponent below 1e-4 and from 1e21. */
export function formatNumberShort(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || value === 0 || (size >= 1e-4 && size < 1e21)) return formatNumber(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

const MILLISECONDS_PER_SECOND = 1000;

/** A number literal written as a duration: in seconds, printed to the millisecond. */
export function formatDurationNumber(seconds: number): string {
  return formatDuration(Math.trunc(Math.round(seconds * 1e9) / 1e6));
}

export function formatAt(at: AtModifier | null): string {
  if (at === null) return '';
  return at.kind === 'ms' ? ` @ ${(at.ms / MILLISECONDS_PER_SECOND).toFixed(3)}` : ` @ ${at.kind}()`;
}

export function formatDurationValue(value: DurationValue): string {
  return value.kind === 'ms' ? formatDuration(value.ms) : formatDurationExpr(value.expr);
}

export function formatOffset(offset: DurationValue | null): string {
  return offset === null ? '' : ` offset ${formatDurationValue(offset)}`;
}

function formatDurationExpr(expr: DurationExpr): string {
  switch (expr.kind) {
    case 'number':
      return expr.duration ? formatDurationNumber(expr.seconds) : formatNumber(expr.seconds);
    case 'step':
    case 'range':
      return `${expr.kind}()`;
    case 'paren':
      return `(${formatDurationExpr(expr.arg)})`;
    case 'unary':
      return expr.op === '-' ? `-${formatDurationExpr(expr.arg)}` : formatDurationExpr(expr.arg);
    case 'binary': {
      const left = formatDurationExpr(expr.left);
      const right = formatDurationExpr(expr.right);
      if (expr.op === 'min_of' || expr.op === 'max_of') return `${expr.op}(${left}, ${right})`;
      return `${left} ${expr.op} ${right}`;
    }
  }
}
