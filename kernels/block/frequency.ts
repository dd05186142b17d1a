// Residuals by how often they occur. Each becomes a token, its size within a quarter of a power of two, and the bits below that. Tokens
// are coded with asymmetric numeral systems over a table of 2^log states (Duda 2013), by four states in turn so that decoding is not one
// chain; the bits below go packed behind them.
//
//   ┌─────┬─────────────┬────────────┬────────────────────────────┬─────────────────────────┬────────────┐
//   │ log │ least token │ tokens - 1 │ of each a frequency: width │ 4 states of log bits,   │ bits below │
//   │ u8  │ u8          │ u8         │ in 4 bits, width - 1 bits  │ then bits of the tokens │            │
//   └─────┴─────────────┴────────────┴────────────────────────────┴─────────────────────────┴────────────┘
//
// token  0..15 the residual itself; 16 + 4 × (w - 5) + the two bits below the top one, for a residual of w bits
// The last three parts begin at bytes.
import { bitWidth } from './bits';
import { TABLES } from './memory';

const LOG_MIN: u32 = 8;
const LOG_MAX: u32 = 10;
const TOKENS: u32 = 256;
const SMALL: u32 = 16;
/** Residuals with fewer bits below them than this need one read. */
const ONE_READ: u32 = 57;

const FREQUENCIES: usize = TABLES;
const NEXT: usize = FREQUENCIES + 4 * TOKENS;
const STATES: usize = NEXT + 4 * TOKENS;
const SPREAD: usize = STATES + 4096;
const CODES: usize = SPREAD + 1024;
const STREAM: usize = CODES + 2048;
const BITS: usize = STREAM + 2112;
const WIDTHS: usize = BITS + 4096;
const BASES: usize = WIDTHS + 2112;
const BELOW: usize = BASES + 8 * TOKENS;

// @ts-ignore: decorator
@inline
function tokenOf(residual: u64): u32 {
  // Both ways computed, one selected: which it is cannot be predicted.
  const width = bitWidth(residual | SMALL);
  const large = SMALL + ((width - 5) << 2) + (u32(residual >> u64(width - 3)) & 3);
  return select<u32>(u32(residual), large, residual < SMALL);
}

/** Bits below a token. */
// @ts-ignore: decorator
@inline
function belowOf(token: u32): u32 {
  return select<u32>(0, ((token - SMALL) >> 2) + 2, token < SMALL);
}

/** log2(x) in 256ths, linear between powers of two. */
function log256(x: u32): u32 {
  const whole = bitWidth(x) - 1;
  return (whole << 8) + (((x << 8) >> whole) & 255);
}

function logFor(count: u32): u32 {
  return count < 512 ? 8 : count < 1536 ? 9 : LOG_MAX;
}

/** The tokens that occur, as countTokens or getFrequencyTable found them. */
let least: u32 = 0;
let greatest: u32 = 0;

/** Counts tokens into FREQUENCIES, keeps them in STREAM. */
function countTokens(values: usize, count: u32): void {
  memory.fill(FREQUENCIES, 0, 4 * TOKENS);
  least = 255;
  greatest = 0;
  for (let i: u32 = 0; i < count; i++) {
    const token = tokenOf(load<u64>(values + (usize(i) << 3)));
    store<u8>(STREAM + i, u8(token));
    least = min<u32>(least, token);
    greatest = max<u32>(greatest, token);
    const at = FREQUENCIES + (token << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}

/** Turns counts into frequencies of sum 2^log; returns the estimated bits of all tokens and what is below them, or u32.MAX_VALUE. */
function normalize(count: u32, log: u32): u32 {
  const size = 1 << log;
  let sum: u32 = 0;
  let distinct: u32 = 0;
  for (let token = least; token <= greatest; token++) {
    const at = FREQUENCIES + (token << 2);
    const occurs = load<u32>(at);
    store<u32>(NEXT + (token << 2), occurs);
    if (!occurs) continue;
    const frequency = max<u32>(((occurs << log) + (count >> 1)) / count, 1);
    store<u32>(at, frequency);
    sum += frequency;
    distinct++;
  }
  if (distinct > u32(size >> 2)) return u32.MAX_VALUE;
  // What rounding left over goes to the most frequent, where it costs least.
  while (sum != u32(size)) {
    let most = FREQUENCIES + (least << 2);
    for (let at = FREQUENCIES + (least << 2); at <= FREQUENCIES + (greatest << 2); at += 4) {
      if (load<u32>(at) > load<u32>(most)) most = at;
    }
    const change: u32 = sum < u32(size) ? u32(size) - sum : -1;
    store<u32>(most, load<u32>(most) + change);
    sum += change;
  }
  return estimate(log, distinct);
}

function estimate(log: u32, distinct: u32): u32 {
  let tokens: u32 = 0;
  let below: u32 = 0;
  for (let token = least; token <= greatest; token++) {
    const occurs = load<u32>(NEXT + (token << 2));
    if (!occurs) continue;
    tokens += occurs * ((log << 8) - log256(load<u32>(FREQUENCIES + (token << 2))));
    below += occurs * belowOf(token);
  }
  return (tokens >> 8) + below + 7 * distinct;
}

/** Spreads the tokens over the states, in the steps that FSE uses. */
function spreadTokens(log: u32): void {
  const size: u32 = 1 << log;
  const step = (size >> 1) + (size >> 3) + 3;
  let state: u32 = 0;
  for (let token = least; token <= greatest; token++) {
    for (let i = load<u32>(FREQUENCIES + (token << 2)); i; i--) {
      store<u8>(SPREAD + state, u8(token));
      state = (state + step) & (size - 1);
    }
  }
}

/** CODES: per token, from NEXT[token] on, the states its occurrences lead to. NEXT is left `frequency` less than that. */
function buildCodes(log: u32): void {
  const size: u32 = 1 << log;
  let start: u32 = 0;
  for (let token = least; token <= greatest; token++) {
    store<u32>(NEXT + (token << 2), start);
    start += load<u32>(FREQUENCIES + (token << 2));
  }
  for (let state: u32 = 0; state < size; state++) {
    const at = NEXT + (usize(load<u8>(SPREAD + state)) << 2);
    const place = load<u32>(at);
    store<u16>(CODES + (place << 1), u16(size + state));
    store<u32>(at, place + 1);
  }
  // Each NEXT stands at its token's end: `frequency` back is the start, another `frequency` back the origin of states.
  for (let at = usize(least) << 2; at <= usize(greatest) << 2; at += 4) {
    store<u32>(NEXT + at, load<u32>(NEXT + at) - 2 * load<u32>(FREQUENCIES + at));
  }
}

/** Codes token `i` out of `state`: leaves its bits in BITS and WIDTHS, returns the state before it. */
// @ts-ignore: decorator
@inline
function codeToken(i: u32, state: u32, log: u32): u32 {
  const slot = usize(load<u8>(STREAM + i)) << 2;
  const frequency = load<u32>(FREQUENCIES + slot);
  let width = log + 1 - bitWidth(frequency);
  width -= u32(state >> width < frequency);
  store<u8>(WIDTHS + i, u8(width));
  store<u16>(BITS + (usize(i) << 1), u16(state & ((1 << width) - 1)));
  return u32(load<u16>(CODES + ((load<u32>(NEXT + slot) + (state >> width)) << 1)));
}

/** Codes the tokens in STREAM from the last to the first. Returns the four states, 16 bits each. */
function codeTokens(count: u32, log: u32): u64 {
  let state0: u32 = 1 << log;
  let state1 = state0;
  let state2 = state0;
  let state3 = state0;
  const whole = count & ~3;
  if (count - whole > 2) state2 = codeToken(whole + 2, state2, log);
  if (count - whole > 1) state1 = codeToken(whole + 1, state1, log);
  if (count - whole > 0) state0 = codeToken(whole, state0, log);
  for (let i = whole; i; ) {
    i -= 4;
    state3 = codeToken(i + 3, state3, log);
    state2 = codeToken(i + 2, state2, log);
    state1 = codeToken(i + 1, state1, log);
    state0 = codeToken(i, state0, log);
  }
  return u64(state0) | (u64(state1) << 16) | (u64(state2) << 32) | (u64(state3) << 48);
}

/** The bits of a stream that are not written yet: fewer than 8 between calls. */
let word: u64 = 0;
let used: u32 = 0;

/** Appends up to 56 bits at `at`; returns where the first byte that is not full goes. */
// @ts-ignore: decorator
@inline
function putBits(at: usize, bits: u64, width: u32): usize {
  const joined = word | (bits << u64(used));
  const total = used + width;
  store<u64>(at, joined);
  word = joined >> u64(total & 56);
  used = total & 7;
  return at + (total >> 3);
}

/** Ends a stream at a byte; returns the address after it. */
function flushBits(at: usize): usize {
  store<u64>(at, word);
  const bytes = used ? 1 : 0;
  word = 0;
  used = 0;
  return at + bytes;
}

/** Appends the bits of the tokens, in their order. */
function putTokens(at: usize, count: u32): usize {
  let rest = word;
  let filled = used;
  for (let i: u32 = 0; i < count; i++) {
    rest |= u64(load<u16>(BITS + (usize(i) << 1))) << u64(filled);
    filled += load<u8>(WIDTHS + i);
    store<u64>(at, rest);
    at += filled >> 3;
    rest >>= u64(filled & 56);
    filled &= 7;
  }
  word = rest;
  used = filled;
  return at;
}

/** Appends what is below the tokens in STREAM. */
function putBelow(at: usize, values: usize, count: u32): usize {
  for (let i: u32 = 0; i < count; i++) {
    const below = belowOf(load<u8>(STREAM + i));
    const bits = load<u64>(values + (usize(i) << 3)) & ((u64(1) << u64(below)) - 1);
    if (below > 32) {
      at = putBits(at, bits & 0xffffffff, 32);
      at = putBits(at, bits >> 32, below - 32);
    } else {
      at = putBits(at, bits, below);
    }
  }
  return at;
}

function putFrequencyTable(out: usize, log: u32): usize {
  store<u8>(out, u8(log));
  store<u8>(out, u8(least), 1);
  store<u8>(out, u8(greatest - least), 2);
  let at = out + 3;
  for (let token = least; token <= greatest; token++) {
    const frequency = load<u32>(FREQUENCIES + (token << 2));
    const width = bitWidth(frequency);
    at = putBits(at, width, 4);
    if (width > 1) at = putBits(at, frequency & ((1 << (width - 1)) - 1), width - 1);
  }
  return flushBits(at);
}

/** Codes `count` u64s if that is likely to take less than `limit` bytes; returns the address after them, or 0. */
export function putFrequencies(out: usize, values: usize, count: u32, limit: u32): usize {
  const log = logFor(count);
  countTokens(values, count);
  const bits = normalize(count, log);
  if (bits == u32.MAX_VALUE || bits >> 3 >= limit) return 0;
  let at = putFrequencyTable(out, log);
  spreadTokens(log);
  buildCodes(log);
  const states = codeTokens(count, log);
  const mask = (u64(1) << log) - 1;
  for (let lane: u64 = 0; lane < 64; lane += 16) at = putBits(at, (states >> lane) & mask, log);
  at = flushBits(putTokens(at, count));
  return flushBits(putBelow(at, values, count));
}

/** Reads the frequencies, which must sum to 2^log; returns the address after them, or 0. */
function getFrequencyTable(at: usize, end: usize, log: u32): usize {
  if (at + 2 > end) return 0;
  least = u32(load<u8>(at));
  greatest = least + load<u8>(at, 1);
  if (greatest > 255) return 0;
  at += 2;
  memory.fill(FREQUENCIES, 0, 4 * TOKENS);
  let sum: u32 = 0;
  let bit: usize = 0;
  for (let token = least; token <= greatest; token++) {
    if (at + (bit >> 3) >= end) return 0;
    const bits = u32(load<u64>(at + (bit >> 3)) >> u64(bit & 7));
    const width = bits & 15;
    bit += 4;
    if (!width) continue;
    if (width > log + 1) return 0;
    const top: u32 = 1 << (width - 1);
    const frequency = top | ((bits >> 4) & (top - 1));
    bit += width - 1;
    sum += frequency;
    store<u32>(FREQUENCIES + (token << 2), frequency);
    store<u8>(BELOW + token, u8(belowOf(token)));
    store<u64>(BASES + (usize(token) << 3), token < SMALL ? u64(token) : u64(4 | (token & 3)) << u64(belowOf(token)));
  }
  at += (bit + 7) >> 3;
  return sum == u32(1) << log && at <= end ? at : 0;
}

/** STATES: of each state its token, the bits to read and what to add them to. */
function buildStates(log: u32): void {
  const size: u32 = 1 << log;
  memory.copy(NEXT, FREQUENCIES, 4 * TOKENS);
  for (let state: u32 = 0; state < size; state++) {
    const token = u32(load<u8>(SPREAD + state));
    const next = load<u32>(NEXT + (token << 2));
    store<u32>(NEXT + (token << 2), next + 1);
    const width = log + 1 - bitWidth(next);
    store<u32>(STATES + (state << 2), token | (width << 8) | (((next << width) - size) << 16));
  }
}

/** Decodes tokens to STREAM, four at a time: up to three garbage tokens behind `count`. Returns the address after their bits, or 0. */
function getTokens(at: usize, end: usize, count: u32, log: u32): usize {
  const mask = (u32(1) << log) - 1;
  if (at >= end) return 0;
  const start = load<u64>(at);
  let state0 = u32(start) & mask;
  let state1 = u32(start >> log) & mask;
  let state2 = u32(start >> (2 * log)) & mask;
  let state3 = u32(start >> (3 * log)) & mask;
  let bit: usize = 4 * log;
  const limit = usize(end - at) << 3;
  for (let i: u32 = 0; i < count; i += 4) {
    if (bit > limit) return 0;
    const start = bit;
    const word = load<u64>(at + (bit >> 3)) >> u64(bit & 7);
    const entry0 = load<u32>(STATES + (state0 << 2));
    const entry1 = load<u32>(STATES + (state1 << 2));
    const entry2 = load<u32>(STATES + (state2 << 2));
    const entry3 = load<u32>(STATES + (state3 << 2));
    const width0 = (entry0 >> 8) & 15;
    const width1 = width0 + ((entry1 >> 8) & 15);
    const width2 = width1 + ((entry2 >> 8) & 15);
    bit += width2 + ((entry3 >> 8) & 15);
    store<u32>(STREAM + i, (entry0 & 255) | ((entry1 & 255) << 8) | ((entry2 & 255) << 16) | (entry3 << 24));
    state0 = nextState(entry0, word);
    state1 = nextState(entry1, word >> u64(width0));
    state2 = nextState(entry2, word >> u64(width1));
    state3 = nextState(entry3, word >> u64(width2));
    const left = count - i;
    if (left < 4) bit = start + (left == 1 ? width0 : left == 2 ? width1 : width2);
  }
  return bit <= limit ? at + ((bit + 7) >> 3) : 0;
}

// @ts-ignore: decorator
@inline
function nextState(entry: u32, word: u64): u32 {
  return (entry >> 16) + (u32(word) & ((1 << ((entry >> 8) & 15)) - 1));
}

/** Decodes `count` u64s; returns the address after them, or 0 if they are malformed. */
export function getFrequencies(at: usize, end: usize, out: usize, count: u32): usize {
  if (at >= end) return 0;
  const log = u32(load<u8>(at++));
  if (log < LOG_MIN || log > LOG_MAX) return 0;
  if (!(at = getFrequencyTable(at, end, log))) return 0;
  spreadTokens(log);
  buildStates(log);
  if (!(at = getTokens(at, end, count, log))) return 0;
  const after = getBelow(at, out, count);
  return after <= end ? after : 0;
}

/**
 * Joins the tokens in STREAM with the bits below them; returns the address after those. They may lie beyond the column's end if it is
 * malformed: the slack behind the bytes has room for a vector of them.
 */
function getBelow(at: usize, out: usize, count: u32): usize {
  let bit: usize = 0;
  for (let i: u32 = 0; i < count; i++) {
    const token = usize(load<u8>(STREAM + i));
    const below = u32(load<u8>(BELOW + token));
    const from = at + (bit >> 3);
    let bits = load<u64>(from) >> u64(bit & 7);
    if (below > ONE_READ && bit & 7) bits |= u64(load<u8>(from + 8)) << (64 - u64(bit & 7));
    store<u64>(out + (usize(i) << 3), load<u64>(BASES + (token << 3)) + (bits & ((u64(1) << u64(below)) - 1)));
    bit += below;
  }
  return at + ((bit + 7) >> 3);
}
