// Seeded columns of every kind that the block codec has an encoding for, and of the kinds that it has not.

type Random = () => number;
type Shape = (random: Random, count: number) => Float64Array;

const STALE = 0x7ff0000000000002n;

const fill = (count: number, value: (i: number) => number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => value(i));

function walk(count: number, first: number, step: (i: number) => number): Float64Array {
  let value = first;
  return fill(count, (i) => (value += step(i)));
}

const spread = (random: Random): number => Math.exp(random() * 12) * (random() - 0.3);
const digits = (value: number, places: number): number => Math.round(value * 10 ** places) / 10 ** places;

/** Values by name. */
export const SHAPES: Record<string, Shape> = {
  constant: (r, n) => new Float64Array(n).fill(digits(r() * 1000, 2)),
  constantFloat: (r, n) => new Float64Array(n).fill(r()),
  line: (r, n) => walk(n, Math.floor(r() * 1e6), () => 15),
  counter: (r, n) => walk(n, Math.floor(r() * 1e12), () => Math.floor(r() * 1000)),
  counterWithResets: (r, n) => {
    let value = 0;
    return fill(n, () => (value = r() < 0.01 ? 0 : value + 100_000 + Math.floor(r() * 5)));
  },
  idleCounter: (r, n) => walk(n, 7, () => (r() < 0.05 ? Math.ceil(r() * 3) : 0)),
  rareCounter: (r, n) => walk(n, 1e9, () => (r() < 0.005 ? 1 : 0)),
  halfIdle: (r, n) => walk(n, 1e9, () => (r() < 0.5 ? Math.ceil(r() * 300) : 0)),
  gauge: (r, n) => walk(n, 1e6, () => Math.floor(spread(r))),
  heavyTail: (r, n) => fill(n, () => Math.floor(spread(r) * spread(r))),
  percent: (r, n) => fill(n, () => digits(r() * 100, 2)),
  latency: (r, n) => fill(n, () => digits(Math.exp(r() * 4 - 8), 9)),
  pages: (r, n) => walk(n, 4096 * 100_000, () => 4096 * Math.floor(spread(r))),
  oddStep: (r, n) => walk(n, 5, () => 30 * Math.floor(spread(r))),
  sumOfDecimals: (r, n) => walk(n, 0.1, () => digits(r() / 100, 9)),
  idleSum: (r, n) => walk(n, 0.1, () => (r() < 0.3 ? digits(r() / 100, 9) : 0)),
  multiplied: (r, n) => walk(n, 1000, () => Math.floor(r() * 50)).map((ms) => ms * 0.001),
  unixSeconds: (_r, n) => fill(n, (i) => (1.7e9 * 1e9 + i * 15e9 + ((i * 7919) % 100_003) * 1000) / 1e9),
  floats: (r, n) => fill(n, () => r() - 0.5),
  smoothFloats: (_r, n) => fill(n, (i) => Math.sin(i / 50)),
  idleFloats: (r, n) => {
    let value = r();
    return fill(n, () => (value = r() < 0.1 ? r() : value));
  },
  huge: (r, n) => fill(n, () => (r() - 0.5) * 1.7e308),
  beyondIntegers: (r, n) => walk(n, 2 ** 53 - 10, () => Math.floor(r() * 8) * 2),
  words: (r, n) => fill(n, () => Math.floor(r() * 2 ** 53) * (r() < 0.5 ? -1 : 1)),
  tiny: (r, n) => fill(n, () => (r() - 0.5) * 1e-310),
  fewValues: (r, n) => fill(n, () => [1, 2, -0, 0, 2.5][Math.floor(r() * 5)]),
  specials: (r, n) => fill(n, () => [Infinity, -Infinity, -0, NaN, 1, Number.MIN_VALUE][Math.floor(r() * 6)]),
  mixedMagnitudes: (r, n) => fill(n, () => (r() - 0.5) * 10 ** Math.floor(r() * 40 - 20)),
  stepsOfAnySize: (r, n) => {
    const [least, most] = [Math.floor(r() * 2 ** (r() * 40)), 2 ** Math.floor(r() * 42)];
    return walk(n, Math.floor(spread(r)), () => least + Math.floor(r() * most));
  },
  acceleration: (r, n) => {
    const most = 2 ** Math.floor(r() * 28);
    const speeds = walk(n, Math.floor((r() - 0.5) * 2 ** (r() * 34)), () => Math.floor((r() - 0.5) * most));
    return walk(n, Math.floor(spread(r)), (i) => speeds[i] * 3);
  },
  digitsOfAnySize: (r, n) => {
    const [most, places] = [2 ** (r() * 40), Math.floor(r() * 4)];
    return fill(n, () => digits((r() - 0.5) * most, places));
  },
  outliers: (r, n) => fill(n, () => (r() < 0.02 ? Math.floor(r() * 1e15) : Math.floor(r() * 16))),
};

/** Raw bits of a column of a shape; some have stale markers, NaN payloads, runs of NaN. */
export function randomValues(random: Random, shape: Shape, count: number): BigUint64Array {
  const values = new BigUint64Array(shape(random, count).buffer);
  const kind = random();
  if (count > 0 && kind < 0.2) values[count - 1] = STALE;
  else if (kind < 0.3) for (let i = 0; i < count; i++) if (random() < 0.03) values[i] = STALE;
  if (kind > 0.9) values.fill(0x7ff8000000000001n, Math.floor(random() * count), Math.floor(random() * count * 2));
  if (kind > 0.97) for (let i = 0; i < count; i += 50) values[i] = 0x7ff8000000abc000n | BigInt(i);
  return values;
}

/** Times of a column: regular, with jitter, with gaps, or any. */
export function randomTimes(random: Random, count: number): Float64Array {
  const intervalMs = [1, 1000, 15_000, 60_000][Math.floor(random() * 4)];
  const jitterMs = [0, 0, 3, intervalMs / 2, 1e9][Math.floor(random() * 5)];
  const gaps = random() < 0.3 ? 0.02 : 0;
  return walk(
    count,
    Math.floor((random() - 0.3) * 2e12),
    () => Math.floor(intervalMs + random() * jitterMs) + (random() < gaps ? Math.floor(random() * 1e6) : 0),
  );
}
