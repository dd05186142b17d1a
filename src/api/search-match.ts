// How well a name fits search terms, as Prometheus' search API scores it. Scores are in [0, 1]; 0 is no match. Of several terms the
// best counts.
//
// subsequence: the term's characters in order. A name that begins with the term scores 1, else the squares of the lengths of runs
// less what lies between them:
//
//   (sum of run² - (characters before, between) / length - characters behind / (2 · length)) / term²
//
// jarowinkler: a name that contains the term scores 0.9 (1 where it begins with it), else its Jaro-Winkler similarity, which counts
// from a threshold above 0 only.
//
// What one comparison costs is bounded: of long names the first characters are compared, and a term begins at the first places only.

/** The first is the default. */
export const FUZZ_ALGORITHMS = ['subsequence', 'jarowinkler'] as const;
export type FuzzAlgorithm = (typeof FUZZ_ALGORITHMS)[number];

export interface SearchTerms {
  /** Empty ones say nothing. */
  readonly terms: readonly string[];
  readonly algorithm: FuzzAlgorithm;
  /** 0 to 1: the least score that is a match. */
  readonly threshold: number;
  readonly isCaseSensitive: boolean;
}

/** Characters of a name that are compared. */
const COMPARED_MAX = 1024;
/** Places where a term is tried to begin. */
const STARTS_MAX = 64;

const compared = (name: string): string[] =>
  Array.from(name.length > 2 * COMPARED_MAX ? name.slice(0, 2 * COMPARED_MAX) : name).slice(0, COMPARED_MAX);

const PREFIX_SCORE = 1;
const SUBSTRING_SCORE = 0.9;

/** A function from a name to its score; 0: no match. Without terms all names score 1. */
export function searchScore(search: SearchTerms): (name: string) => number {
  const { isCaseSensitive, algorithm, threshold } = search;
  const folded = (text: string): string => (isCaseSensitive ? text : text.toLowerCase());
  const terms = search.terms.filter((term) => term !== '').map(folded);
  if (terms.length === 0) return () => 1;
  const points = terms.map((term) => Array.from(term));
  const score = algorithm === 'subsequence' ? subsequence : containsOrSimilar;
  return (name) => {
    const text = folded(name);
    let best = 0;
    for (let i = 0; i < terms.length && best < 1; i++) {
      best = Math.max(best, text.startsWith(terms[i]) ? PREFIX_SCORE : score(points[i], text, terms[i], threshold));
    }
    return best;
  };
}

type Score = (term: readonly string[], name: string, termText: string, threshold: number) => number;

const subsequence: Score = (term, name, _text, threshold) => {
  const score = subsequenceScore(term, compared(name));
  return score >= threshold ? score : 0;
};

const containsOrSimilar: Score = (term, name, text, threshold) => {
  if (name.includes(text)) return SUBSTRING_SCORE;
  if (threshold === 0) return 0;
  const score = jaroWinkler(term, compared(name));
  return score >= threshold ? score : 0;
};

/** See the top of the file: the best of all places where the term can begin, each matched greedily. */
export function subsequenceScore(term: readonly string[], name: readonly string[]): number {
  let best = 0;
  for (let start = 0, tried = 0; start + term.length <= name.length && tried < STARTS_MAX; start++) {
    if (name[start] !== term[0]) continue;
    tried++;
    const score = scoreFrom(term, name, start);
    if (score === null) break; // it does not end from here, so it does not end from further on
    best = Math.max(best, score);
  }
  return best / term.length ** 2;
}

/** Null: the rest of the term is not in the rest of the name. */
function scoreFrom(term: readonly string[], name: readonly string[], start: number): number | null {
  let score = 0;
  let at = 0;
  let from = start;
  for (let taken = 0; taken < term.length; ) {
    while (from < name.length && name[from] !== term[taken]) from++;
    if (from === name.length) return null;
    let to = from;
    while (taken < term.length && to < name.length && name[to] === term[taken]) {
      to++;
      taken++;
    }
    score += (to - from) ** 2 - (from - at) / name.length;
    at = to;
    from = to;
  }
  return score - (name.length - at) / (2 * name.length);
}

/** A common beginning counts up to this length, and by this weight. */
const PREFIX_LENGTH_MAX = 4;
const PREFIX_WEIGHT = 0.1;

/** Similarity of Jaro, raised by a common beginning (Winkler). */
export function jaroWinkler(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return a.length === b.length ? 1 : 0;
  const similarity = jaro(a, b);
  let prefix = 0;
  while (prefix < Math.min(PREFIX_LENGTH_MAX, a.length, b.length) && a[prefix] === b[prefix]) prefix++;
  return similarity + prefix * PREFIX_WEIGHT * (1 - similarity);
}

function jaro(a: readonly string[], b: readonly string[]): number {
  const reach = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const isTaken = new Uint8Array(b.length);
  const matched: string[] = [];
  for (let i = 0; i < a.length; i++) {
    const end = Math.min(b.length, i + reach + 1);
    for (let k = Math.max(0, i - reach); k < end; k++) {
      if (isTaken[k] || a[i] !== b[k]) continue;
      isTaken[k] = 1;
      matched.push(a[i]);
      break;
    }
  }
  const count = matched.length;
  if (count === 0) return 0;
  let outOfOrder = 0;
  for (let k = 0, n = 0; k < b.length; k++) if (isTaken[k] && b[k] !== matched[n++]) outOfOrder++;
  return (count / a.length + count / b.length + (count - outOfOrder / 2) / count) / 3;
}
