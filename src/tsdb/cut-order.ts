// The order in which a cut's series go into a block: tenant, metric name, labels, all by bytes. Symbols are ranked once; series are
// then compared by ranks, straight from the head's memory.
import { compareBytes } from './block/symbols.ts';
import type { SymbolList } from './block/symbols.ts';
import type { Head } from './head.ts';
import { METRIC_NAME } from '../model/index.ts';
import { type Breathe, sortInSlices } from './slices.ts';

/** Series in block order, and the ranks of the symbols that they use. */
export interface CutOrder {
  readonly series: Uint32Array;
  /** By symbol of the head; 0 where it is not used (rank 0 is also a rank: ask only for used ones). */
  readonly rankOf: Uint32Array;
  /** Symbols by rank. */
  readonly symbols: Uint32Array;
}

/** Marks the symbols that series use, tenants included; returns them ascending. */
async function usedSymbols(head: Head, series: Uint32Array, breathe: Breathe): Promise<Uint32Array> {
  const used = new Uint8Array(head.memory.symbolCount);
  let count = 0;
  for (let i = 0; i < series.length; i++) {
    const { tenant, pairs } = head.labelRefs(series[i]);
    count += 1 - used[tenant];
    used[tenant] = 1;
    for (let k = 0; k < pairs.length; k++) {
      count += 1 - used[pairs[k]];
      used[pairs[k]] = 1;
    }
    if ((i & 63) === 63) await breathe();
  }
  const out = new Uint32Array(count);
  let at = 0;
  for (let symbol = 0; symbol < used.length; symbol++) if (used[symbol]) out[at++] = symbol;
  return out;
}

function compareSymbols(head: Head, a: number, b: number): number {
  const { kernel, bytes } = head.memory;
  const atA = kernel.symbolBytes(a) >>> 0;
  const atB = kernel.symbolBytes(b) >>> 0;
  return compareBytes(bytes, atA, atA + kernel.symbolLength(a), bytes, atB, atB + kernel.symbolLength(b));
}

export async function cutOrder(head: Head, series: Uint32Array, breathe: Breathe): Promise<CutOrder> {
  const symbols = await usedSymbols(head, series, breathe);
  await sortInSlices(symbols, (a, b) => compareSymbols(head, a, b), breathe);
  const rankOf = new Uint32Array(head.memory.symbolCount);
  for (let rank = 0; rank < symbols.length; rank++) rankOf[symbols[rank]] = rank;
  const keys = await sortKeys(head, series, rankOf, breathe);
  const places = Uint32Array.from(series, (_, i) => i);
  const compare = (a: number, b: number) =>
    keys[2 * a] - keys[2 * b] || keys[2 * a + 1] - keys[2 * b + 1] || compareLabels(head, series[a], series[b], rankOf);
  await sortInSlices(places, compare, breathe);
  return { series: places.map((place) => series[place]), rankOf, symbols };
}

/** Ranks of tenant and metric name, which decide most comparisons. */
async function sortKeys(head: Head, series: Uint32Array, rankOf: Uint32Array, breathe: Breathe): Promise<Uint32Array> {
  const keys = new Uint32Array(series.length * 2);
  const name = head.symbol(METRIC_NAME);
  for (let i = 0; i < series.length; i++) {
    const { tenant, pairs } = head.labelRefs(series[i]);
    keys[2 * i] = rankOf[tenant];
    for (let k = 0; k < pairs.length; k += 2) if (pairs[k] === name) keys[2 * i + 1] = rankOf[pairs[k + 1]];
    if ((i & 63) === 63) await breathe();
  }
  return keys;
}

const left: number[] = [];

function compareLabels(head: Head, a: number, b: number, rankOf: Uint32Array): number {
  left.length = 0;
  left.push(...head.labelRefs(a).pairs);
  const right = head.labelRefs(b).pairs;
  const length = Math.min(left.length, right.length);
  for (let k = 0; k < length; k++) if (left[k] !== right[k]) return rankOf[left[k]] - rankOf[right[k]];
  return left.length - right.length;
}

/** Numbers the ranks that are used anew, in the same order: a block that has part of the series names only their symbols. */
export function denseSymbols(
  head: Head,
  order: CutOrder,
  series: Uint32Array,
): { list: SymbolList; numberOf: Uint32Array } {
  const isUsed = new Uint8Array(order.symbols.length);
  for (const number of series) {
    const { tenant, pairs } = head.labelRefs(number);
    isUsed[order.rankOf[tenant]] = 1;
    for (let k = 0; k < pairs.length; k++) isUsed[order.rankOf[pairs[k]]] = 1;
  }
  const { kernel } = head.memory;
  const numberOf = new Uint32Array(order.rankOf.length);
  const chosen: number[] = [];
  let total = 0;
  for (let rank = 0; rank < isUsed.length; rank++) {
    if (!isUsed[rank]) continue;
    const symbol = order.symbols[rank];
    numberOf[symbol] = chosen.push(symbol) - 1;
    total += kernel.symbolLength(symbol);
  }
  const bytes = new Uint8Array(total);
  const ends = new Uint32Array(chosen.length);
  let at = 0;
  for (const [i, symbol] of chosen.entries()) {
    const from = kernel.symbolBytes(symbol) >>> 0;
    bytes.set(head.memory.bytes.subarray(from, from + kernel.symbolLength(symbol)), at);
    at += kernel.symbolLength(symbol);
    ends[i] = at;
  }
  return { list: { count: chosen.length, bytes, ends }, numberOf };
}
