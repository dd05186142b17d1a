// x ** y as Go computes it: by squaring on a fraction and a binary exponent. The C library and JavaScript round otherwise, and
// a last bit is much where sin() or a comparison follows.

const bits = new DataView(new ArrayBuffer(8));
let fraction = 0;
let exponent = 0;

/** Splits a finite number other than 0 into `fraction` (its absolute value in [0.5, 1)) and `exponent`. */
function split(x: number): void {
  let scaled = x;
  exponent = 0;
  if (Math.abs(x) < 2 ** -1022) {
    scaled = x * 2 ** 52;
    exponent = -52;
  }
  bits.setFloat64(0, scaled);
  const high = bits.getUint32(0);
  exponent += ((high >>> 20) & 0x7ff) - 1022;
  bits.setUint32(0, (high & 0x800fffff) | 0x3fe00000);
  fraction = bits.getFloat64(0);
}

/** x * 2 ** by, rounded once. */
function scale(x: number, by: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  split(x);
  const total = exponent + by;
  if (total > 1024) return x < 0 ? -Infinity : Infinity;
  if (total < -1075) return x < 0 ? -0 : 0;
  // A subnormal result is rounded by the last multiplication; all before it are exact.
  if (total >= -1021) return fraction * 2 * 2 ** (total - 1);
  return fraction * 2 ** (total + 1022 + 52) * 2 ** -1074;
}

const isOdd = (y: number): boolean => Math.abs(y) < 2 ** 53 && Math.abs(y % 2) === 1;

/** Zeros and infinities as base; NaN where there is nothing special. */
function powSpecial(x: number, y: number): number {
  const negative = (x < 0 || Object.is(x, -0)) && isOdd(y);
  const grows = (x === 0) === y < 0;
  if (grows) return negative ? -Infinity : Infinity;
  return negative ? -0 : 0;
}

/** Go's math.Pow. */
export function goPow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (y === 1) return x;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const endless = !Number.isFinite(y);
  if (x === 0 || (!Number.isFinite(x) && !endless)) return powSpecial(x, y);
  if (endless) return x === -1 ? 1 : Math.abs(x) < 1 === y > 0 ? 0 : Infinity;
  if (y === 0.5) return Math.sqrt(x);
  if (y === -0.5) return 1 / Math.sqrt(x);
  let whole = Math.trunc(Math.abs(y));
  let rest = Math.abs(y) - whole;
  if (rest !== 0 && x < 0) return NaN;
  if (whole >= 2 ** 63) return x === -1 ? 1 : Math.abs(x) < 1 === y > 0 ? 0 : Infinity;
  let answer = 1;
  let answerExponent = 0;
  if (rest !== 0) {
    if (rest > 0.5) {
      rest--;
      whole++;
    }
    answer = Math.exp(rest * Math.log(x));
  }
  split(x);
  for (let [base, baseExponent] = [fraction, exponent]; whole !== 0; whole = Math.floor(whole / 2)) {
    if (Math.abs(baseExponent) > 4096) {
      answerExponent += baseExponent;
      break;
    }
    if (whole % 2 === 1) {
      answer *= base;
      answerExponent += baseExponent;
    }
    base *= base;
    baseExponent *= 2;
    if (base < 0.5) {
      base += base;
      baseExponent--;
    }
  }
  return y < 0 ? scale(1 / answer, -answerExponent) : scale(answer, answerExponent);
}
