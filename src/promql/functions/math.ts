// Functions of one float, over whole columns. Names as in PromQL.

const LN2 = Math.LN2;

/** Go's math.Log2: exact for powers of two. */
export function goLog2(x: number): number {
  if (!(x > 0) || x === Infinity) return Math.log2(x);
  let exponent = 0;
  let fraction = x;
  if (fraction < 2 ** -1022) {
    fraction *= 2 ** 52;
    exponent = -52;
  }
  bits.setFloat64(0, fraction);
  const high = bits.getUint32(0);
  exponent += ((high >>> 20) & 0x7ff) - 1022;
  bits.setUint32(0, (high & 0x800fffff) | 0x3fe00000);
  fraction = bits.getFloat64(0); // In [0.5, 1).
  if (fraction === 0.5) return exponent - 1;
  return Math.log(fraction) * (1 / LN2) + exponent;
}

const bits = new DataView(new ArrayBuffer(8));

/** Go's math.Exp2: exact for whole numbers. */
export function goExp2(x: number): number {
  if (Number.isNaN(x) || x >= 1024 || x < -1075) return 2 ** x;
  // x = k + t with |t| <= 1/2; 2 ** t by the rational approximation of e ** r, r in two parts.
  const k = x > 0 ? Math.trunc(x + 0.5) : Math.trunc(x - 0.5);
  const t = x - k;
  const high = t * 0.6931471803691238;
  const low = -t * 1.9082149292705877e-10;
  const r = high - low;
  const r2 = r * r;
  const c = r - r2 * EXP_TERMS.reduceRight((sum, term) => term + r2 * sum);
  const half = Math.trunc(k / 2);
  return (1 - (low - (r * c) / (2 - c) - high)) * 2 ** half * 2 ** (k - half);
}

/** Coefficients of the approximation in goExp2 (Remez, by powers of r squared). */
const EXP_TERMS = [
  0.16666666666666666, -0.0027777777777015593, 6.613756321437934e-5, -1.6533902205465252e-6, 4.1381367970572385e-8,
];

const goLog10 = (x: number): number => goLog2(x) * (LN2 / Math.LN10);

/** math.Max of Go: an infinity that wins is stronger than NaN. */
export const goMax = (a: number, b: number): number => (a === Infinity || b === Infinity ? Infinity : Math.max(a, b));
export const goMin = (a: number, b: number): number =>
  a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);

const sign = (x: number): number => (x < 0 ? -1 : x > 0 ? 1 : x);

type Unary = (x: number) => number;

/** Beyond it, Go's hyperbolic functions are half of exp(), which overflows a little earlier than they would. */
const HALF_EXP_MIN = 21;

const UNARY: Record<string, Unary> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  sqrt: Math.sqrt,
  ln: Math.log,
  log2: goLog2,
  log10: goLog10,
  sgn: sign,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: (x) => (Math.abs(x) > HALF_EXP_MIN ? Math.sign(x) * (Math.exp(Math.abs(x)) * 0.5) : Math.sinh(x)),
  cosh: (x) => (Math.abs(x) > HALF_EXP_MIN ? Math.exp(Math.abs(x)) * 0.5 : Math.cosh(x)),
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  rad: (x) => (x * Math.PI) / 180,
  deg: (x) => (x * 180) / Math.PI,
};

export const isMathFunction = (fn: string): boolean => Object.hasOwn(UNARY, fn);

/** The function applied to a column. The commonest have a loop of their own, which the engine compiles to a few instructions. */
export function mathColumn(fn: string, x: Float64Array): Float64Array {
  const out = new Float64Array(x.length);
  switch (fn) {
    case 'abs':
      for (let i = 0; i < x.length; i++) out[i] = Math.abs(x[i]);
      return out;
    case 'ceil':
      for (let i = 0; i < x.length; i++) out[i] = Math.ceil(x[i]);
      return out;
    case 'floor':
      for (let i = 0; i < x.length; i++) out[i] = Math.floor(x[i]);
      return out;
    case 'sqrt':
      for (let i = 0; i < x.length; i++) out[i] = Math.sqrt(x[i]);
      return out;
    default: {
      const f = UNARY[fn];
      for (let i = 0; i < x.length; i++) out[i] = f(x[i]);
      return out;
    }
  }
}
