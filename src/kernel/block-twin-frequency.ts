// Residuals by how often they occur, as kernels/block/frequency.ts: tokens in asymmetric numeral systems, the bits below them packed.

import { BitSink, BitSource, type ByteSink, type ByteSource, bitWidth, expect } from './block-twin-bytes.ts';

const LOG_MIN = 8;
const LOG_MAX = 10;
const TOKENS = 256;
const SMALL = 16;
const LANES = 4;

const bits32 = (value: number): number => 32 - Math.clz32(value);

function tokenOf(residual: bigint): number {
  if (residual < BigInt(SMALL)) return Number(residual);
  const width = bitWidth(residual);
  return SMALL + (width - 5) * 4 + (Number(residual >> BigInt(width - 3)) & 3);
}

const belowOf = (token: number): number => (token < SMALL ? 0 : ((token - SMALL) >> 2) + 2);

const baseOf = (token: number): bigint =>
  token < SMALL ? BigInt(token) : BigInt(4 | (token & 3)) << BigInt(belowOf(token));

/** log2(x) in 256ths, linear between powers of two. */
function log256(x: number): number {
  const whole = bits32(x) - 1;
  return whole * 256 + (((x * 256) >> whole) & 255);
}

const logFor = (count: number): number => (count < 512 ? 8 : count < 1536 ? 9 : LOG_MAX);

/** Frequencies of sum 2^log, or null if there are too many tokens. */
function normalize(counts: Uint32Array, count: number, log: number): Uint32Array | null {
  const size = 1 << log;
  const frequencies = counts.map((occurs) =>
    occurs ? Math.max(Math.floor((occurs * size + (count >> 1)) / count), 1) : 0,
  );
  if (counts.filter((occurs) => occurs > 0).length > size >> 2) return null;
  let sum = frequencies.reduce((total, frequency) => total + frequency, 0);
  while (sum !== size) {
    const most = frequencies.indexOf(frequencies.reduce((a, b) => Math.max(a, b)));
    const change = sum < size ? size - sum : -1;
    frequencies[most] += change;
    sum += change;
  }
  return frequencies;
}

function estimateBits(counts: Uint32Array, frequencies: Uint32Array, log: number): number {
  let tokens = 0;
  let rest = 0;
  counts.forEach((occurs, token) => {
    if (!occurs) return;
    tokens += occurs * (log * 256 - log256(frequencies[token]));
    rest += occurs * belowOf(token) + 7;
  });
  return (tokens >> 8) + rest;
}

/** The token of every state. */
function spreadTokens(frequencies: Uint32Array, log: number): Uint8Array {
  const size = 1 << log;
  const step = (size >> 1) + (size >> 3) + 3;
  const spread = new Uint8Array(size);
  let state = 0;
  frequencies.forEach((frequency, token) => {
    for (let i = 0; i < frequency; i++) {
      spread[state] = token;
      state = (state + step) & (size - 1);
    }
  });
  return spread;
}

/** Codes tokens from the last to the first. */
function codeTokens(tokens: number[], frequencies: Uint32Array, log: number): { states: number[]; bits: number[][] } {
  const size = 1 << log;
  const codes = Array.from({ length: TOKENS }, (): number[] => []);
  spreadTokens(frequencies, log).forEach((token, state) => codes[token].push(size + state));
  const states = [size, size, size, size];
  const bits: number[][] = new Array(tokens.length);
  for (let i = tokens.length - 1; i >= 0; i--) {
    const state = states[i % LANES];
    const frequency = frequencies[tokens[i]];
    let width = log + 1 - bits32(frequency);
    if (state >> width < frequency) width--;
    bits[i] = [state & ((1 << width) - 1), width];
    states[i % LANES] = codes[tokens[i]][(state >> width) - frequency];
  }
  return { states, bits };
}

function putTable(sink: ByteSink, frequencies: Uint32Array, log: number): void {
  const least = frequencies.findIndex((frequency) => frequency > 0);
  const greatest = frequencies.findLastIndex((frequency) => frequency > 0);
  sink.append([log, least, greatest - least]);
  const bits = new BitSink(sink);
  for (const frequency of frequencies.subarray(least, greatest + 1)) {
    const width = bits32(frequency);
    bits.put(width, 4);
    if (width > 1) bits.put(frequency & ((1 << (width - 1)) - 1), width - 1);
  }
  bits.flush();
}

/** Codes residuals if that is likely to take less than `limit` bytes; whether it did. */
export function putFrequencies(sink: ByteSink, residuals: bigint[], limit: number): boolean {
  const log = logFor(residuals.length);
  const tokens = residuals.map(tokenOf);
  const counts = new Uint32Array(TOKENS);
  for (const token of tokens) counts[token]++;
  const frequencies = normalize(counts, tokens.length, log);
  if (frequencies === null || estimateBits(counts, frequencies, log) >> 3 >= limit) return false;
  putTable(sink, frequencies, log);
  const { states, bits } = codeTokens(tokens, frequencies, log);
  const coded = new BitSink(sink);
  for (const state of states) coded.put(state & ((1 << log) - 1), log);
  for (const [value, width] of bits) coded.put(value, width);
  coded.flush();
  const below = new BitSink(sink);
  residuals.forEach((residual, i) => {
    const width = belowOf(tokens[i]);
    if (width > 0) below.put(residual & ((1n << BigInt(width)) - 1n), width);
  });
  below.flush();
  return true;
}

function getTable(source: ByteSource, log: number): Uint32Array {
  const least = source.u8();
  const greatest = least + source.u8();
  expect(greatest < TOKENS, 'a token is out of range');
  const frequencies = new Uint32Array(TOKENS);
  const bits = new BitSource(source);
  let sum = 0;
  for (let token = least; token <= greatest; token++) {
    const width = Number(bits.get(4));
    if (width === 0) continue;
    expect(width <= log + 1, 'a frequency is out of range');
    frequencies[token] = (1 << (width - 1)) | Number(bits.get(width - 1));
    sum += frequencies[token];
  }
  bits.align();
  expect(sum === 1 << log, `frequencies have another sum; got ${sum}`);
  return frequencies;
}

function getTokens(source: ByteSource, count: number, frequencies: Uint32Array, log: number): number[] {
  const size = 1 << log;
  const spread = spreadTokens(frequencies, log);
  const next = frequencies.slice();
  const moves = Array.from(spread, (token) => {
    const from = next[token]++;
    const width = log + 1 - bits32(from);
    return { token, width, base: (from << width) - size };
  });
  const bits = new BitSource(source);
  const states = Array.from({ length: LANES }, () => Number(bits.get(log)));
  const tokens = Array.from({ length: count }, (_, i) => {
    const { token, width, base } = moves[states[i % LANES]];
    states[i % LANES] = base + Number(bits.get(width));
    return token;
  });
  bits.align();
  return tokens;
}

/** Decodes `count` residuals. */
export function getFrequencies(source: ByteSource, count: number): bigint[] {
  const log = source.u8();
  expect(log >= LOG_MIN && log <= LOG_MAX, `a table of frequencies has an odd size; got 2^${log}`);
  const tokens = getTokens(source, count, getTable(source, log), log);
  const bits = new BitSource(source);
  const residuals = tokens.map((token) => baseOf(token) + bits.get(belowOf(token)));
  bits.align();
  return residuals;
}
