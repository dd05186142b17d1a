// Random exposition documents, and random damage to them.
export type Rng = () => number;

/** A small generator of numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const pick = <T>(rng: Rng, from: readonly T[]): T => from[Math.floor(rng() * from.length)];
const many = (rng: Rng, max: number, make: () => string): string[] =>
  Array.from({ length: Math.floor(rng() * (max + 1)) }, make);

const NAMES = [
  'up',
  'a',
  'http_requests_total',
  'node:cpu:rate5m',
  '_x',
  'very_long_metric_name_that_fills_vectors_total',
];
const LABELS = ['le', 'quantile', 'cpu', 'mode', 'device_name_of_some_length', '_', 'x1'];
const VALUES = [
  '',
  '0',
  '+Inf',
  'a"b'.replace('"', '\\"'),
  'back\\\\slash',
  'new\\nline',
  'grüße ✓ 🚀',
  'nul\0',
  '{}=,#',
  'x'.repeat(40),
];
const NUMBERS = [
  '0', '1', '-1', '+1', '1.5', '.5', '5.', '1e3', '1E-7', '123456789012345678', '9007199254740993', '0.1', '1e22', '1e23',
  '1.7976931348623157e308', '4.9e-324', 'NaN', 'nan', '+Inf', '-inf', 'Infinity', '-0', '12345.678901234567', '1700000000.123',
]; // biome-ignore format: a table
const BAD_NUMBERS = ['', '1e400', '0x1', '1_0', '+NaN', 'true', '1e', '.', '-', '1.2.3', 'infin'];

function labelText(rng: Rng, blank: string): string {
  const name = rng() < 0.1 ? `"${pick(rng, LABELS)}.${pick(rng, VALUES)}"` : pick(rng, LABELS);
  return `${name}${blank}=${blank}"${pick(rng, VALUES)}"`;
}

function seriesText(rng: Rng, blank: string): string {
  const labels = many(rng, 4, () => labelText(rng, blank));
  const comma = rng() < 0.1 ? ',' : '';
  if (rng() < 0.1) return `{"${pick(rng, NAMES)}.${pick(rng, VALUES)}"${labels.map((label) => `,${label}`).join('')}}`;
  const braces = labels.length > 0 || rng() < 0.2;
  return braces
    ? `${pick(rng, NAMES)}{${labels.join(`,${blank}`)}${labels.length > 0 ? comma : ''}}`
    : pick(rng, NAMES);
}

const numberText = (rng: Rng): string => {
  if (rng() < 0.02) return pick(rng, BAD_NUMBERS);
  if (rng() < 0.5) return pick(rng, NUMBERS);
  return rng() < 0.5 ? String(rng() * 10 ** Math.floor(rng() * 40 - 20)) : (rng() * 1e6).toFixed(Math.floor(rng() * 6));
};

/** A document of the Prometheus text format, mostly well-formed. */
export function textDocument(rng: Rng): string {
  const blank = rng() < 0.1 ? pick(rng, [' ', '\t', '  ']) : '';
  const lines = many(rng, 30, () => {
    const roll = rng();
    if (roll < 0.1) return `# HELP ${pick(rng, NAMES)} ${pick(rng, VALUES)}`;
    if (roll < 0.2)
      return `#${pick(rng, [' ', '\t', '  '])}TYPE ${pick(rng, NAMES)} ${pick(rng, ['counter', 'gauge', 'histogram', 'summary', 'untyped'])}`;
    if (roll < 0.25) return pick(rng, ['', ' ', '#', '# a comment', '#HELP x', '# EOF', '# TYPE a info']);
    const time = rng() < 0.2 ? ` ${pick(rng, ['1700000000000', '0', '-5', '99999999999999999999', '007'])}` : '';
    return `${pick(rng, ['', '', '', ' '])}${seriesText(rng, blank)}${pick(rng, [' ', '\t', '  '])}${numberText(rng)}${time}`;
  });
  return lines.join('\n') + (rng() < 0.8 ? '\n' : '');
}

/** A document of OpenMetrics, mostly well-formed. */
export function openMetricsDocument(rng: Rng): string {
  const types = ['counter', 'gauge', 'histogram', 'summary', 'unknown', 'info', 'stateset', 'gaugehistogram'];
  const lines = many(rng, 30, () => {
    const roll = rng();
    if (roll < 0.1) return `# HELP ${pick(rng, NAMES)} ${pick(rng, VALUES)}`;
    if (roll < 0.2) return `# TYPE ${pick(rng, NAMES)} ${pick(rng, types)}`;
    if (roll < 0.25)
      return `# UNIT ${pick(rng, ['a_seconds seconds', 'a_bytes bytes', 'a ', 'a seconds', 'aseconds seconds'])}`;
    const time =
      rng() < 0.2 ? ` ${pick(rng, ['1700000000.123', '0', '-5.5', '1700000000.1234567891', 'NaN', '1e3'])}` : '';
    const exemplar =
      rng() < 0.15 ? ` # {${many(rng, 2, () => labelText(rng, '')).join(',')}} ${numberText(rng)}${time}` : '';
    return `${seriesText(rng, '')} ${numberText(rng)}${time}${exemplar}`;
  });
  return [...lines, rng() < 0.95 ? '# EOF' : ''].join('\n') + (rng() < 0.9 ? '\n' : '');
}

const JUNK = [0, 9, 10, 32, 34, 35, 44, 61, 92, 123, 125, 128, 255, 48, 101, 46, 45];

/** A copy with a few bytes changed, removed or doubled. */
export function damaged(rng: Rng, bytes: Uint8Array): Uint8Array {
  let out = [...bytes];
  for (let n = 1 + Math.floor(rng() * 3); n > 0; n--) {
    const at = Math.floor(rng() * (out.length + 1));
    const roll = rng();
    if (roll < 0.4) out[at] = pick(rng, JUNK);
    else if (roll < 0.6) out.splice(at, 1 + Math.floor(rng() * 4));
    else if (roll < 0.8) out.splice(at, 0, pick(rng, JUNK));
    else out = out.slice(0, at);
  }
  return Uint8Array.from(out, (byte) => byte ?? 0);
}
