// Values of a vector from those that differ from the one before, which lie in DISTINCT: by a bitmap of the changes, or by their places, which
// lie in POSITIONS.
import { maskOf } from './bits';
import { DISTINCT, POSITIONS, STEPS } from './memory';

/** Runs of so many equal values, on average, are written run by run. */
const LONG_RUN: u32 = 8;

/** Writes `count` equal values. */
export function fill(out: usize, count: u32, bits: u64): void {
  const pair = i64x2.splat(i64(bits));
  const end = out + (usize(count >> 1) << 4);
  for (; out < end; out += 16) v128.store(out, pair);
  if (count & 1) store<u64>(out, bits);
}

/** Bits set among the first `count`. */
export function rankOf(at: usize, count: u32): u32 {
  let rank: u32 = 0;
  for (; count >= 64; count -= 64, at += 8) rank += u32(popcnt<u64>(load<u64>(at)));
  return count ? rank + u32(popcnt<u64>(load<u64>(at) & maskOf(count))) : rank;
}

/** Writes the distinct value that each of the samples [from, to) has. Bits advance it, so that no branch is to be predicted. */
export function spreadByBitmap(bits: usize, from: u32, to: u32, out: usize): void {
  let at = DISTINCT - 8 + (usize(rankOf(bits, from)) << 3);
  for (; from < to && from & 7; from++, out += 8) {
    at += usize((load<u8>(bits + (from >> 3)) >> u8(from & 7)) & 1) << 3;
    store<u64>(out, load<u64>(at));
  }
  for (; from + 8 <= to; from += 8, out += 64) {
    const byte = usize(load<u8>(bits + (from >> 3)));
    store<u64>(out, load<u64>((at += (byte << 3) & 8)));
    store<u64>(out, load<u64>((at += (byte << 2) & 8)), 8);
    store<u64>(out, load<u64>((at += (byte << 1) & 8)), 16);
    store<u64>(out, load<u64>((at += byte & 8)), 24);
    store<u64>(out, load<u64>((at += (byte >> 1) & 8)), 32);
    store<u64>(out, load<u64>((at += (byte >> 2) & 8)), 40);
    store<u64>(out, load<u64>((at += (byte >> 3) & 8)), 48);
    store<u64>(out, load<u64>((at += (byte >> 4) & 8)), 56);
  }
  for (; from < to; from++, out += 8) {
    at += usize((load<u8>(bits + (from >> 3)) >> u8(from & 7)) & 1) << 3;
    store<u64>(out, load<u64>(at));
  }
}

/** The same by the places of the changes. */
export function spreadByPlaces(changes: u32, from: u32, to: u32, count: u32, out: usize): void {
  if (changes * LONG_RUN > count) spreadShort(changes, from, to, count, out);
  else spreadLong(changes, from, to, count, out);
}

/** For short runs, whose lengths cannot be predicted: a byte per sample tells how far to go on. */
function spreadShort(changes: u32, from: u32, to: u32, count: u32, out: usize): void {
  memory.fill(STEPS, 0, count);
  let at = DISTINCT - 8;
  for (let place = POSITIONS, end = POSITIONS + (usize(changes) << 3); place < end; place += 8) {
    const sample = load<u32>(place);
    store<u8>(STEPS + sample, 8);
    at += sample < from ? 8 : 0;
  }
  const end = out + (usize(to - from) << 3);
  let step = STEPS + from;
  for (const whole = out + (usize((to - from) & ~3) << 3); out < whole; out += 32, step += 4) {
    store<u64>(out, load<u64>((at += load<u8>(step))));
    store<u64>(out, load<u64>((at += load<u8>(step, 1))), 8);
    store<u64>(out, load<u64>((at += load<u8>(step, 2))), 16);
    store<u64>(out, load<u64>((at += load<u8>(step, 3))), 24);
  }
  for (; out < end; out += 8, step++) store<u64>(out, load<u64>((at += load<u8>(step))));
}

/** For long runs: each value is written over the next one's, in whole steps of eight, as long as there is room. */
function spreadLong(changes: u32, from: u32, to: u32, count: u32, out: usize): void {
  store<u32>(POSITIONS + (usize(changes) << 3), count);
  const end = out + (usize(to - from) << 3);
  for (let i: u32 = 0; i < changes; i++) {
    const next = load<u32>(POSITIONS + (usize(i + 1) << 3));
    if (next <= from) continue;
    const first = max<u32>(load<u32>(POSITIONS + (usize(i) << 3)), from);
    const last = min<u32>(next, to);
    const bits = load<u64>(DISTINCT + (usize(i) << 3));
    const at = out + (usize(first - from) << 3);
    const stop = out + (usize(last - from) << 3);
    if (stop + 64 <= end) fillOver(at, stop, bits);
    else fill(at, last - first, bits);
    if (last == to) return;
  }
}

/** Writes equal values to [at, end), and up to seven behind. */
// @ts-ignore: decorator
@inline
function fillOver(at: usize, end: usize, bits: u64): void {
  const pair = i64x2.splat(i64(bits));
  do {
    v128.store(at, pair);
    v128.store(at, pair, 16);
    v128.store(at, pair, 32);
    v128.store(at, pair, 48);
    at += 64;
  } while (at < end);
}
