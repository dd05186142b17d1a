// Floats as Go's strconv and fmt print them to a given precision: the exact decimal value is rounded half to even. (JavaScript
// rounds ties up.)
import { formatG } from '../../model/index.ts';

interface Decimal {
  /** Digits without leading zeros; '' is zero. */
  readonly digits: string;
  /** The value is 0.digits * 10^point. */
  readonly point: number;
}

const view = new DataView(new ArrayBuffer(8));

/** The exact value of a finite number's magnitude. */
function exactDecimal(value: number): Decimal {
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  const exponent = (biased === 0 ? 1 : biased) - 1075;
  if (mantissa === 0n) return { digits: '', point: 0 };
  const digits = String(exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent));
  return { digits, point: digits.length + Math.min(exponent, 0) };
}

/** Keeps `count` digits (none if negative), rounded half to even. */
function round({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: '', point };
  const [kept, rest] = [digits.slice(0, count), digits.slice(count)];
  const isTie = /^50*$/.test(rest);
  const isUp = isTie ? Number(kept.at(-1) ?? 0) % 2 === 1 : rest[0] >= '5';
  if (!isUp) return { digits: kept, point };
  const raised = String(BigInt(kept === '' ? 0 : kept) + 1n).padStart(count, '0');
  return raised.length > count ? { digits: raised, point: point + 1 } : { digits: raised, point };
}

function special(value: number): string | null {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return null;
  return value > 0 ? '+Inf' : '-Inf';
}

const signOf = (value: number): string => (value < 0 || Object.is(value, -0) ? '-' : '');

/** %.{precision}f */
export function fixedText(value: number, precision: number): string {
  const name = special(value);
  if (name !== null) return name;
  const exact = exactDecimal(value);
  const { digits, point } = round(exact, exact.point + precision);
  const whole = digits.slice(0, Math.max(point, 0)).padEnd(Math.max(point, 0), '0') || '0';
  const fraction = (point < 0 ? '0'.repeat(-point) + digits : digits.slice(point)).padEnd(precision, '0');
  return signOf(value) + whole + (precision > 0 ? `.${fraction.slice(0, precision)}` : '');
}

const exponentText = (exponent: number): string =>
  `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;

/** %.{precision}e; null: as many digits as needed. */
export function exponentialText(value: number, precision: number | null): string {
  const name = special(value);
  if (name !== null) return name;
  if (precision === null) {
    const [mantissa, exponent] = Math.abs(value).toExponential().split('e');
    return signOf(value) + mantissa + exponentText(Number(exponent));
  }
  const { digits, point } = round(exactDecimal(value), precision + 1);
  const padded = digits.padEnd(precision + 1, '0');
  const fraction = precision > 0 ? `.${padded.slice(1, precision + 1)}` : '';
  return signOf(value) + padded[0] + fraction + exponentText(digits === '' ? 0 : point - 1);
}

/** %.{precision}g; null: as many digits as needed. */
export function generalText(value: number, precision: number | null): string {
  if (precision === null) return formatG(value);
  const name = special(value);
  if (name !== null) return name;
  const count = Math.max(precision, 1);
  const { digits, point } = round(exactDecimal(value), count);
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return `${signOf(value)}0`;
  const exponent = point - 1;
  if (exponent < -4 || exponent >= count) {
    const fraction = trimmed.length > 1 ? `.${trimmed.slice(1)}` : '';
    return signOf(value) + trimmed[0] + fraction + exponentText(exponent);
  }
  const whole = trimmed.slice(0, Math.max(point, 0)).padEnd(Math.max(point, 0), '0') || '0';
  const fraction = point < 0 ? '0'.repeat(-point) + trimmed : trimmed.slice(point);
  return signOf(value) + whole + (fraction === '' ? '' : `.${fraction}`);
}
