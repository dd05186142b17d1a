// File name patterns as Go's filepath.Match: `*` and `?` within a name, `[a-z]` and `[^a-z]`, `\` takes the next character
// literally. Patterns may stand in any part of a path.
import { TidemarkError } from '../base/index.ts';

/** Lists the names in a directory; empty if there is none. */
export type ListDirectory = (path: string) => Promise<readonly string[]>;

const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function classEnd(pattern: string, start: number): number {
  let i = start + (pattern[start] === '^' ? 1 : 0);
  for (const first = i; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern[i] === ']' && i > first) return i;
  }
  throw new TidemarkError('bad_data', `cannot match files with ${pattern}: syntax error in pattern`);
}

function classRegex(body: string): string {
  const negated = body.startsWith('^');
  const text = (negated ? body.slice(1) : body).replace(/\\(.)/gs, '$1').replace(/[\\\]^[]/g, '\\$&');
  return `[${negated ? '^' : ''}${text}]`;
}

/** Compiles the pattern of one name. Throws TidemarkError `bad_data` on a malformed one. */
export function compileGlob(pattern: string): (name: string) => boolean {
  let regex = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '*') regex += '[^/]*';
    else if (char === '?') regex += '[^/]';
    else if (char === '[') {
      const end = classEnd(pattern, i + 1);
      regex += classRegex(pattern.slice(i + 1, end));
      i = end;
    } else if (char === '\\') {
      i++;
      if (i === pattern.length)
        throw new TidemarkError('bad_data', `cannot match files with ${pattern}: syntax error in pattern`);
      regex += escapeRegex(pattern[i]);
    } else regex += escapeRegex(char);
  }
  const compiled = new RegExp(`^${regex}$`, 's');
  return (name) => compiled.test(name);
}

export const hasGlob = (text: string): boolean => /[*?[\\]/.test(text);

/** Paths that match a pattern, sorted per directory. A path without pattern characters is its own match, unseen. */
export async function globFiles(pattern: string, list: ListDirectory): Promise<string[]> {
  if (!hasGlob(pattern)) return [pattern];
  const parts = pattern.split('/');
  let bases = [pattern.startsWith('/') ? '/' : ''];
  for (const part of pattern.startsWith('/') ? parts.slice(1) : parts) {
    bases = (await Promise.all(bases.map((base) => matchesIn(base, part, list)))).flat();
  }
  return bases;
}

async function matchesIn(base: string, part: string, list: ListDirectory): Promise<string[]> {
  const join = (name: string) => (base === '' || base === '/' ? base + name : `${base}/${name}`);
  if (!hasGlob(part)) return [join(part)];
  const matches = compileGlob(part);
  const names = await list(base === '' ? '.' : base);
  return [...names].sort().filter(matches).map(join);
}
