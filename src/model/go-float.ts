// Floats as text, as Go prints them: what users see in annotations, label values and histograms.

/** A float as C's %g prints it: shortest that reads back, or with a number of significant digits. */
export function formatG(value: number, digits?: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponentText] = value.toExponential(digits === undefined ? undefined : digits - 1).split('e');
  const exponent = Number(exponentText);
  const shortest = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  if (exponent < -4 || exponent >= (digits ?? 6)) {
    const sign = exponent < 0 ? '-' : '+';
    return `${shortest}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return digits === undefined ? plainDecimal(value) : plainDecimal(Number(`${mantissa}e${exponent}`));
}

/** Shortest decimal digits that read back, never with an exponent. */
export function plainDecimal(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign, first, rest = '', exponentText] = match;
  const exponent = Number(exponentText);
  const digits = first + rest;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, '0');
}
