// Numbers as Prometheus writes them: the shortest decimal that reads back as the same float64; positional unless |x| < 1e-6
// or |x| >= 1e21, then with an exponent of at least two digits (1e-07, 1.5e+21); NaN, +Inf, -Inf. JavaScript's own text has
// the same digits and thresholds, so only its exponent differs. Cheap paths go before it: integers, and values with up to
// three or nine decimals and fifteen digits (an integer / 1000 that gives the value back is its shortest decimal, because
// decimals of up to fifteen digits never share a float64).

const DIGIT_0 = 48;
const MINUS = 45;
const POINT = 46;

/** The longest text of a float64 or of a time. */
export const NUMBER_BYTES_MAX = 32;

/** Writes `text` of one-byte characters at `at`; returns the end. */
export function writeAscii(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** The digits of 00 to 99. */
const PAIRS = new Uint8Array(200);
for (let n = 0; n < 100; n++) {
  PAIRS[2 * n] = DIGIT_0 + Math.floor(n / 10);
  PAIRS[2 * n + 1] = DIGIT_0 + (n % 10);
}

function digitCount(value: number): number {
  if (value < 1e4) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  return value < 1e6 ? (value < 1e5 ? 5 : 6) : value < 1e8 ? (value < 1e7 ? 7 : 8) : 9;
}

/** Writes an integer below 1e9 as exactly `width` digits, zeros in front; returns the end. */
function writeWidth(bytes: Uint8Array, at: number, value: number, width: number): number {
  const end = at + width;
  let i = end;
  let rest = value | 0;
  while (i > at + 1) {
    const high = (rest / 100) | 0;
    const pair = (rest - high * 100) << 1;
    bytes[i - 1] = PAIRS[pair + 1];
    bytes[i - 2] = PAIRS[pair];
    i -= 2;
    rest = high;
  }
  if (i > at) bytes[at] = DIGIT_0 + rest;
  return end;
}

/** Writes a non-negative integer below 2^53; returns the end. */
function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  if (value < 1e9) return writeWidth(bytes, at, value, digitCount(value));
  const high = Math.floor(value / 1e9);
  return writeWidth(bytes, writeWidth(bytes, at, high, digitCount(high)), value - high * 1e9, 9);
}

function writeThousandths(bytes: Uint8Array, at: number, thousandths: number): number {
  const whole = Math.floor(thousandths / 1000);
  at = writeInteger(bytes, at, whole);
  bytes[at] = POINT;
  at = writeWidth(bytes, at + 1, thousandths - whole * 1000, 3);
  while (bytes[at - 1] === DIGIT_0) at--;
  return at;
}

/** Writes `whole` and a fraction in billionths, which is not 0. */
function writeBillionths(bytes: Uint8Array, at: number, whole: number, billionths: number): number {
  at = writeInteger(bytes, at, whole);
  bytes[at] = POINT;
  at = writeWidth(bytes, at + 1, billionths, 9);
  while (bytes[at - 1] === DIGIT_0) at--;
  return at;
}

/** The text of a float64 as a string; numberText(x) and writeNumber(x) are the same characters. */
export function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const e = text.indexOf('e');
  return e >= 0 && text.length === e + 3 ? `${text.slice(0, e + 2)}0${text[e + 2]}` : text;
}

/** Writes the text of a float64 at `at`; returns the end. There must be room for NUMBER_BYTES_MAX. */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  const size = Math.abs(value);
  if (!(size < 1e12)) return writeLargeNumber(bytes, at, value);
  if (value === 0) return writeAscii(bytes, at, Object.is(value, -0) ? '-0' : '0');
  const whole = Math.floor(size);
  const thousandths = Math.round(size * 1000);
  if (whole !== size && thousandths / 1000 !== size) return writeFine(bytes, at, value, whole);
  if (value < 0) bytes[at++] = MINUS;
  return whole === size ? writeInteger(bytes, at, whole) : writeThousandths(bytes, at, thousandths);
}

/** With more than three decimals. Below 1e-6 there is an exponent. */
function writeFine(bytes: Uint8Array, at: number, value: number, whole: number): number {
  const size = Math.abs(value);
  const billionths = Math.round(size * 1e9);
  if (size < 1e-6) return writeAscii(bytes, at, numberText(value));
  if (size >= 1e6 || billionths / 1e9 !== size) return writeAscii(bytes, at, String(value));
  if (value < 0) bytes[at++] = MINUS;
  return writeBillionths(bytes, at, whole, billionths - whole * 1e9);
}

function writeLargeNumber(bytes: Uint8Array, at: number, value: number): number {
  if (!Number.isSafeInteger(value)) return writeAscii(bytes, at, numberText(value));
  if (value < 0) bytes[at++] = MINUS;
  return writeInteger(bytes, at, Math.abs(value));
}

/** Writes milliseconds as seconds: no decimals, or three. Returns the end. */
export function writeTime(bytes: Uint8Array, at: number, timeMs: number): number {
  if (timeMs < 0) {
    bytes[at++] = MINUS;
    timeMs = -timeMs;
  }
  let seconds = Math.floor(timeMs / 1000);
  let rest = timeMs - seconds * 1000;
  // From 2^43 seconds on, the quotient may have been rounded up.
  if (rest < 0) {
    seconds--;
    rest += 1000;
  }
  at = writeInteger(bytes, at, seconds);
  if (rest === 0) return at;
  bytes[at] = POINT;
  return writeWidth(bytes, at + 1, rest, 3);
}
