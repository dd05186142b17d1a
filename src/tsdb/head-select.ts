// Choosing series by matchers: postings algebra on sorted Uint32Arrays. Matchers that a series without the label cannot satisfy
// select; those that it can subtract (DESIGN §6: no walk over every series unless nothing else is asked).
import { type Matcher, literalAlternatives, matcherTest, matchesEmpty } from '../model/index.ts';
import { type Head, NO_SYMBOL } from './head.ts';
import { READ_SAMPLES_MAX, SCRATCH, SCRATCH_BYTES } from './head-memory.ts';
import { NO_SERIES as none, intersect, subtract, unite } from './postings.ts';

/** Name symbol of the label that all series of a tenant have (kernels/head/postings.ts). */
const ALL_SERIES = 0xffffffff;
const ALL_VALUE = 0xfffffffe;
const LIST_LIMIT = 500_000;

/** Series numbers of a value entry, ascending. */
export function postings(head: Head, entry: number): Uint32Array {
  if (entry === 0) return none;
  const { kernel } = head.memory;
  const count = kernel.postingsCount(entry);
  if (count * 4 > SCRATCH_BYTES)
    throw new RangeError(`cannot read postings: ${count} series do not fit the scratch memory`);
  kernel.readPostings(entry, SCRATCH);
  return head.memory.words.slice(SCRATCH >> 2, (SCRATCH >> 2) + count);
}

/** Pairs (symbol, entry) of a label's values. */
export function valueEntries(head: Head, label: number): Uint32Array {
  const { kernel } = head.memory;
  const parts: Uint32Array[] = [];
  let cursor = 0;
  do {
    const count = kernel.listValues(label, cursor, SCRATCH, LIST_LIMIT);
    const { words } = head.memory;
    const from = SCRATCH >> 2;
    parts.push(words.slice(from, from + 2 * count));
    cursor = words[from + 2 * count];
  } while (cursor !== 0);
  if (parts.length === 1) return parts[0];
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Pairs (name symbol, label entry) of a tenant's labels. */
export function labelEntries(head: Head, tenant: string): Uint32Array {
  const symbol = head.symbol(tenant);
  if (symbol === NO_SYMBOL) return none;
  const count = head.memory.kernel.listLabels(symbol, SCRATCH, LIST_LIMIT);
  // An answer cut in silence would be a wrong one.
  if (count === LIST_LIMIT)
    throw new RangeError(`cannot list labels: the tenant has ${LIST_LIMIT} label names or more`);
  return head.memory.words.slice(SCRATCH >> 2, (SCRATCH >> 2) + 2 * count);
}

/** Value entries of a label that satisfy a test. */
function matchingValues(head: Head, label: number, matcher: Matcher, wanted: boolean): number[] {
  const { kernel } = head.memory;
  const literals =
    matcher.op === '=' ? [matcher.value] : matcher.op === '=~' ? literalAlternatives(matcher.value) : null;
  if (literals && wanted) {
    const entries = new Set<number>();
    for (const text of literals) {
      const symbol = text === '' ? NO_SYMBOL : head.symbol(text);
      const entry = symbol === NO_SYMBOL ? 0 : kernel.findValue(label, symbol) >>> 0;
      if (entry !== 0) entries.add(entry);
    }
    return [...entries];
  }
  const test = matcherTest(matcher);
  const pairs = valueEntries(head, label);
  const entries: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) if (test(head.text(pairs[i])) === wanted) entries.push(pairs[i + 1]);
  return entries;
}

/** All series of a tenant, ascending. */
function allSeries(head: Head, tenant: number): Uint32Array {
  const label = head.memory.kernel.findLabel(tenant, ALL_SERIES) >>> 0;
  return label === 0 ? none : postings(head, head.memory.kernel.findValue(label, ALL_VALUE) >>> 0);
}

const united = (head: Head, entries: number[]): Uint32Array => unite(entries.map((entry) => postings(head, entry)));

/** Numbers of the tenant's series that match all matchers, ascending. */
export function selectSeries(head: Head, tenant: string, matchers: readonly Matcher[]): Uint32Array {
  const tenantSymbol = head.symbol(tenant);
  if (tenantSymbol === NO_SYMBOL) return none;
  let selected: Uint32Array | null = null;
  const labelOf = (matcher: Matcher) => {
    const name = head.symbol(matcher.name);
    return name === NO_SYMBOL ? 0 : head.memory.kernel.findLabel(tenantSymbol, name) >>> 0;
  };
  const selecting = matchers.filter((matcher) => !matchesEmpty(matcher));
  // Equality first: its lists are the shortest.
  selecting.sort((a, b) => Number(a.op !== '=') - Number(b.op !== '='));
  for (const matcher of selecting) {
    const label = labelOf(matcher);
    if (label === 0) return none;
    const list = united(head, matchingValues(head, label, matcher, true));
    selected = selected === null ? list : intersect(selected, list);
    if (selected.length === 0) return none;
  }
  for (const matcher of matchers) {
    if (!matchesEmpty(matcher)) continue;
    const label = labelOf(matcher);
    const unwanted = label === 0 ? [] : matchingValues(head, label, matcher, false);
    if (unwanted.length === 0) continue;
    selected = subtract(selected ?? allSeries(head, tenantSymbol), united(head, unwanted));
  }
  return selected ?? allSeries(head, tenantSymbol);
}

/** Of ascending series numbers, those that may have samples in [minMs, maxMs]. */
export function filterByTime(head: Head, series: Uint32Array, minMs: number, maxMs: number): Uint32Array {
  const range = head.memory.timeRange;
  if (!range || series.length === 0) return none;
  const kept: Uint32Array[] = [];
  for (let from = 0; from < series.length; from += READ_SAMPLES_MAX) {
    const part = series.subarray(from, from + READ_SAMPLES_MAX);
    head.memory.words.set(part, SCRATCH >> 2);
    const count = head.memory.kernel.filterByTime(SCRATCH, part.length, minMs, maxMs);
    kept.push(head.memory.words.slice(SCRATCH >> 2, (SCRATCH >> 2) + count));
  }
  return kept.length === 1 ? kept[0] : unite(kept);
}
