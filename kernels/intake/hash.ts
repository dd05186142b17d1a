// Series identity: a 128-bit keyed hash, bit-equal to src/kernel/intake-hash.ts. Labels are not compared when a hash is
// found, so it is built against accidental and structured (not adaptive) collisions of 10^10 series.
//
// Secret: from the key's four little-endian u64 k0..k3, word i = F(F(k[i&3] + (i+1)*G) ^ k[(i+1)&3]) + k[(i+2)&3],
// F = MurmurHash3's 64-bit finaliser, G = 0x9e3779b97f4a7c15, sums modulo 2^64:
//
//   words 0-127    16 stripe keys of 64 bytes
//   words 128-135  start of the accumulators
//   words 136-151  P0..P7, Q0..Q7, lowest bit set
//
// The message, padded with zeros to stripes of 64 bytes D0..D3, is folded into four accumulators A0..A3 of two u64
// each. Stripe s uses key s mod 16 as K0..K3; X = D ^ K as u32 lanes; * is u32 x u32 -> u64 of the lower or upper
// lane pair; permute puts byte (5i+3) mod 16 at place i. Accumulators also rotate, so that no exchange of pieces at a
// distance goes unseen:
//
//   A0' = permute(A1) + D1 + lower(X0 * X1)        A2' = permute(A3) + D3 + lower(X2 * X3)
//   A1' = permute(A2) + D0 + upper(X0 * X1)        A3' = permute(A0) + D2 + upper(X2 * X3)
//
// and after each 16th stripe A = (A ^ A >> 29) * S, S = 0x9fb21c651e98df25. At the end, over the eight lanes a and
// the length n:
//
//   low = F(sum(a[i] * P[i]) + n * G + tweakLow)     high = F(sum(rotl(a[i], 32) * Q[i]) + tweakHigh + low)
//
// A tweak separates tenants and uses: the id of a series has the hash of its tenant's bytes (tweak 0, 0) as its tweak.

const GOLDEN: u64 = 0x9e3779b97f4a7c15;
const SCRAMBLE: i64 = 0x9fb21c651e98df25;
const STRIPE_KEYS: usize = 1024;
const START: usize = 1024;
const FINAL: usize = 1088;
const SECRET_BYTES: usize = 1216;

const secret: usize = memory.data(1216, 64);

/** Where hashBytes leaves its result. */
export let hashLow: u64 = 0;
export let hashHigh: u64 = 0;

/** MurmurHash3's 64-bit finaliser: a bijection in which every bit of input moves every bit of output. */
@inline
export function finalise(value: u64): u64 {
  let x = value;
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

/** Expands the 32-byte key at `key` to the secret. */
export function hashInit(key: usize): void {
  for (let i: u32 = 0; i < <u32>SECRET_BYTES >> 3; i++) {
    const a = load<u64>(key + ((i & 3) << 3));
    const b = load<u64>(key + (((i + 1) & 3) << 3));
    const c = load<u64>(key + (((i + 2) & 3) << 3));
    let word = finalise(finalise(a + <u64>(i + 1) * GOLDEN) ^ b) + c;
    if (<usize>i << 3 >= FINAL) word |= 1;
    store<u64>(secret + (<usize>i << 3), word);
  }
}

/** A word of the secret, for keyed tables inside the module. */
@inline
export function secretWord(index: usize): u64 {
  return load<u64>(secret + (index << 3));
}

@inline
function permute(a: v128): v128 {
  return i8x16.shuffle(a, a, 3, 8, 13, 2, 7, 12, 1, 6, 11, 0, 5, 10, 15, 4, 9, 14);
}

@inline
function scramble(a: v128): v128 {
  return i64x2.mul(v128.xor(a, i64x2.shr_u(a, 29)), i64x2.splat(SCRAMBLE));
}

/** Bytes of a vector at or behind place `count` become zero; count <= 0: all, >= 16: none. */
@inline
function keepBytes(data: v128, count: i32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(data, i8x16.lt_s(places, i8x16.splat(<i8>count)));
}

/** One accumulator's step: `own` is the vector added, x and y those multiplied (lower lanes, or upper ones). */
@inline
export function foldLow(a: v128, own: v128, x: v128, y: v128): v128 {
  return i64x2.add(i64x2.add(permute(a), own), i64x2.extmul_low_i32x4_u(x, y));
}

@inline
export function foldHigh(a: v128, own: v128, x: v128, y: v128): v128 {
  return i64x2.add(i64x2.add(permute(a), own), i64x2.extmul_high_i32x4_u(x, y));
}

@inline
function lanes(a: v128, keys: usize, low: u64): u64 {
  return low + <u64>i64x2.extract_lane(a, 0) * load<u64>(keys) + <u64>i64x2.extract_lane(a, 1) * load<u64>(keys, 8);
}

@inline
function turned(a: v128): v128 {
  return i32x4.shuffle(a, a, 1, 0, 3, 2);
}

/**
 * Hashes [address, address + length) into hashLow and hashHigh. Loads may pass the end by up to 63 bytes; what lies
 * there does not matter.
 */
export function hashBytes(address: usize, length: u32, tweakLow: u64, tweakHigh: u64): void {
  let a0 = v128.load(secret, START);
  let a1 = v128.load(secret, START + 16);
  let a2 = v128.load(secret, START + 32);
  let a3 = v128.load(secret, START + 48);
  let key = secret;
  let at = address;
  let left = <i32>length;
  while (left > 0) {
    let d0 = v128.load(at);
    let d1 = v128.load(at, 16);
    let d2 = v128.load(at, 32);
    let d3 = v128.load(at, 48);
    if (left < 64) {
      d0 = keepBytes(d0, left);
      d1 = keepBytes(d1, left - 16);
      d2 = keepBytes(d2, left - 32);
      d3 = keepBytes(d3, left - 48);
    }
    const x0 = v128.xor(d0, v128.load(key));
    const x1 = v128.xor(d1, v128.load(key, 16));
    const x2 = v128.xor(d2, v128.load(key, 32));
    const x3 = v128.xor(d3, v128.load(key, 48));
    const first = a0;
    a0 = foldLow(a1, d1, x0, x1);
    a1 = foldHigh(a2, d0, x0, x1);
    a2 = foldLow(a3, d3, x2, x3);
    a3 = foldHigh(first, d2, x2, x3);
    at += 64;
    left -= 64;
    key += 64;
    if (key == secret + STRIPE_KEYS) {
      key = secret;
      a0 = scramble(a0);
      a1 = scramble(a1);
      a2 = scramble(a2);
      a3 = scramble(a3);
    }
  }
  const p = secret + FINAL;
  const low = lanes(a3, p + 48, lanes(a2, p + 32, lanes(a1, p + 16, lanes(a0, p, <u64>length * GOLDEN + tweakLow))));
  const q = p + 64;
  const turned3 = lanes(turned(a3), q + 48, tweakHigh);
  const high = lanes(turned(a0), q, lanes(turned(a1), q + 16, lanes(turned(a2), q + 32, turned3)));
  hashLow = finalise(low);
  hashHigh = finalise(high + hashLow);
}

/** Ends a combination of two accumulators as hashBytes does, with P0..P3 and Q0..Q3; for tables inside the module. */
@inline
export function hashPair(a: v128, b: v128, tweakLow: u64, tweakHigh: u64): void {
  const p = secret + FINAL;
  const q = p + 64;
  hashLow = finalise(lanes(b, p + 16, lanes(a, p, tweakLow)));
  hashHigh = finalise(lanes(turned(b), q + 16, lanes(turned(a), q, tweakHigh)) + hashLow);
}
