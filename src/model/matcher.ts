// Label matchers. Regular expressions are RE2 (linear time), anchored at both ends, and `.` matches newlines.
import { RE2JS } from 're2js';
import { TidemarkError, errorText } from '../base/index.ts';

/** Equal, not equal, and the same two for anchored RE2 expressions. */
export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** A matcher as plain data: it crosses threads. */
export interface Matcher {
  readonly name: string;
  readonly op: MatchOperator;
  readonly value: string;
}

const META = /[.+*?()|[\]{}^$\\]/;

/** For `a|b|c` of plain texts: the texts. For one plain text: it alone. Else null. */
export function literalAlternatives(pattern: string): string[] | null {
  const parts = pattern.split('|');
  return parts.some((part) => META.test(part)) ? null : parts;
}

/** Compiles an anchored RE2 pattern to a test. Throws a TidemarkError `bad_data` on a malformed one. */
export function compileRegex(pattern: string): (text: string) => boolean {
  if (pattern === '.*') return () => true;
  if (pattern === '.+') return (text) => text !== '';
  const literals = literalAlternatives(pattern);
  if (literals) {
    const set = new Set(literals);
    return (text) => set.has(text);
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(`^(?s:${pattern})$`);
  } catch (cause) {
    throw new TidemarkError('bad_data', errorText(cause), { cause });
  }
  return (text) => compiled.test(text);
}

/** The matcher's test on a label value; an absent label is tested as ''. */
export function matcherTest(matcher: Matcher): (value: string) => boolean {
  const { op, value } = matcher;
  if (op === '=') return (text) => text === value;
  if (op === '!=') return (text) => text !== value;
  const test = compileRegex(value);
  return op === '=~' ? test : (text) => !test(text);
}

/** Whether a matcher is satisfied by series that lack the label. */
export const matchesEmpty = (matcher: Matcher): boolean => matcherTest(matcher)('');
