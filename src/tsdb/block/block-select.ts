// Choosing series of a block by matchers. Matchers that a series without the label cannot satisfy select; those that it can subtract.
// Expressions walk the values of their label, never the series.
import { type Matcher, literalAlternatives, matcherTest, matchesEmpty } from '../../model/index.ts';
import { NO_SYMBOL } from '../head.ts';
import { NO_SERIES, intersect, subtract, unite } from '../postings.ts';
import type { BlockIndex, SeriesRange } from './block-index.ts';

/** Whether the matcher's test gives the same answer for every text but the empty one, and which; null if it looks at the text. */
function answerForAll(matcher: Matcher): boolean | null {
  const isAny = matcher.op.endsWith('~') ? matcher.value === '.*' || matcher.value === '.+' : matcher.value === '';
  if (!isAny) return null;
  return matcher.op === '!=' || matcher.op === '=~';
}

/** The texts that satisfy the matcher, if they can be listed without looking at the values. */
function literalsOf(matcher: Matcher): string[] | null {
  if (matcher.op === '=') return [matcher.value];
  return matcher.op === '=~' ? literalAlternatives(matcher.value) : null;
}

const negated: Record<Matcher['op'], Matcher['op']> = { '=': '!=', '!=': '=', '=~': '!~', '!~': '=~' };

/** Series that have the label with a value that satisfies the matcher. */
function matchingSeries(index: BlockIndex, tenant: string, matcher: Matcher): Uint32Array {
  const literals = literalsOf(matcher);
  if (literals === null) return seriesByTest(index, tenant, matcher);
  const lists: Uint32Array[] = [];
  for (const text of new Set(literals)) {
    const symbol = text === '' ? NO_SYMBOL : index.symbol(text);
    const list = symbol === NO_SYMBOL ? NO_SERIES : index.postingsOf(tenant, matcher.name, symbol);
    if (list.length > 0) lists.push(list);
  }
  return unite(lists);
}

function seriesByTest(index: BlockIndex, tenant: string, matcher: Matcher): Uint32Array {
  const answer = answerForAll(matcher);
  if (answer === false) return NO_SERIES;
  const test = answer === null ? matcherTest(matcher) : () => true;
  const lists: Uint32Array[] = [];
  for (const group of index.postings(tenant, matcher.name)) {
    for (let i = 0; i < group.values.length; i++) {
      if (answer === true || test(index.text(group.values[i]))) lists.push(index.list(group, i));
    }
  }
  return unite(lists);
}

function allOf({ from, to }: SeriesRange): Uint32Array {
  const all = new Uint32Array(to - from);
  for (let i = 0; i < all.length; i++) all[i] = from + i;
  return all;
}

/** Numbers of the tenant's series that match all matchers, ascending. */
export function selectSeries(index: BlockIndex, tenant: string, matchers: readonly Matcher[]): Uint32Array {
  const range = index.tenantRange(tenant);
  if (range === null) return NO_SERIES;
  const selecting = matchers.filter((matcher) => !matchesEmpty(matcher));
  // Equality first: its lists are the shortest.
  selecting.sort((a, b) => Number(a.op !== '=') - Number(b.op !== '='));
  let selected: Uint32Array | null = null;
  for (const matcher of selecting) {
    const list = matchingSeries(index, tenant, matcher);
    selected = selected === null ? list : intersect(selected, list);
    if (selected.length === 0) return NO_SERIES;
  }
  selected ??= allOf(range);
  for (const matcher of matchers) {
    if (selected.length === 0) break;
    if (matchesEmpty(matcher))
      selected = subtract(selected, matchingSeries(index, tenant, { ...matcher, op: negated[matcher.op] }));
  }
  return selected;
}
