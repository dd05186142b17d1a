// The 128-bit keyed hash that identifies series, bit-equal to kernels/intake/hash.ts, where it is defined. Plain
// arithmetic on u64 lanes as BigInt: the specification, and good enough for cold paths (some microseconds per series).
import { invariant } from '../base/index.ts';

const MASK = 0xffffffffffffffffn;
const LOW32 = 0xffffffffn;
const GOLDEN = 0x9e3779b97f4a7c15n;
const SCRAMBLE = 0x9fb21c651e98df25n;
const STRIPE_BYTES = 64;
const STRIPE_KEYS = 16;
const START = 128;
const FINAL = 136;
const WORDS = 152;

/** Two u64. */
export interface Hash128 {
  readonly low: bigint;
  readonly high: bigint;
}

const ZERO: Hash128 = { low: 0n, high: 0n };

function finalise(value: bigint): bigint {
  let x = value & MASK;
  x = ((x ^ (x >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  x = ((x ^ (x >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return x ^ (x >> 33n);
}

function expand(key: Uint8Array): BigUint64Array {
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  const k = [0, 8, 16, 24].map((at) => view.getBigUint64(at, true));
  const words = new BigUint64Array(WORDS);
  for (let i = 0; i < WORDS; i++) {
    const inner = finalise(k[i & 3] + BigInt(i + 1) * GOLDEN) ^ k[(i + 1) & 3];
    words[i] = (finalise(inner) + k[(i + 2) & 3]) | (i >= FINAL ? 1n : 0n);
  }
  return words;
}

/** Byte (5i+3) mod 16 comes to place i. */
function permute(low: bigint, high: bigint): [bigint, bigint] {
  const both = (high << 64n) | low;
  let out = 0n;
  for (let i = 0; i < 16; i++) out |= ((both >> BigInt(8 * ((5 * i + 3) % 16))) & 255n) << BigInt(8 * i);
  return [out & MASK, out >> 64n];
}

const rotate32 = (x: bigint): bigint => (x >> 32n) | ((x & LOW32) << 32n);
const scramble = (a: bigint): bigint => ((a ^ (a >> 29n)) * SCRAMBLE) & MASK;

/** u32 lanes of the lower (or upper) halves of two vectors, multiplied. Vectors are pairs of u64. */
const products = (x: bigint, y: bigint): [bigint, bigint] => [(x & LOW32) * (y & LOW32), (x >> 32n) * (y >> 32n)];

/** One stripe: `a` is four accumulators of two lanes, `d` the data's eight words, `k` the key's. */
function stripe(a: bigint[], d: BigUint64Array, k: BigUint64Array): bigint[] {
  const x = Array.from(d, (word, i) => word ^ k[i]);
  const out: bigint[] = [];
  for (let j = 0; j < 4; j++) {
    const next = (j + 1) % 4;
    const pair = j < 2 ? 0 : 4; // words of X0, X1 or of X2, X3
    const half = j % 2; // lower or upper lanes
    const own = pair + (half === 0 ? 2 : 0); // D1, D0, D3, D2
    const moved = permute(a[2 * next], a[2 * next + 1]);
    const product = products(x[pair + half], x[pair + 2 + half]);
    for (let lane = 0; lane < 2; lane++) out.push((moved[lane] + d[own + lane] + product[lane]) & MASK);
  }
  return out;
}

/** Hashes with one secret. */
export class KeyedHash {
  readonly #words: BigUint64Array;

  constructor(key: Uint8Array) {
    invariant(key.length === 32, 'a hash key must have 32 bytes', key.length);
    this.#words = expand(key);
  }

  /** The hash of bytes under a tweak. */
  hash(bytes: Uint8Array, tweak: Hash128 = ZERO): Hash128 {
    const words = this.#words;
    let a = Array.from(words.subarray(START, START + 8));
    const padded = new Uint8Array(Math.ceil(bytes.length / STRIPE_BYTES) * STRIPE_BYTES);
    padded.set(bytes);
    const data = new BigUint64Array(padded.buffer);
    for (let s = 0; s * 8 < data.length; s++) {
      const key = (s % STRIPE_KEYS) * 8;
      a = stripe(a, data.subarray(s * 8, s * 8 + 8), words.subarray(key, key + 8));
      if (s % STRIPE_KEYS === STRIPE_KEYS - 1) a = a.map(scramble);
    }
    return this.#finish(a, BigInt(bytes.length), tweak);
  }

  #finish(a: bigint[], length: bigint, tweak: Hash128): Hash128 {
    let low = length * GOLDEN + tweak.low;
    let high = tweak.high;
    for (let i = 0; i < 8; i++) {
      low += a[i] * this.#words[FINAL + i];
      high += rotate32(a[i]) * this.#words[FINAL + 8 + i];
    }
    const finalLow = finalise(low);
    return { low: finalLow, high: finalise(high + finalLow) };
  }
}
