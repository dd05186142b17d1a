// The repository's own files, for tests that lint.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/** Paths below the repository that match, in order, with '/' between names. */
export function sourcePaths(...patterns: string[]): string[] {
  const paths = globSync(patterns, {
    cwd: repositoryRoot,
    exclude: (name) => /(^|\/)(node_modules|build)$/.test(name),
  });
  return paths.map((path) => path.replaceAll('\\', '/')).sort();
}

export const sourceText = (path: string): string => readFileSync(repositoryRoot + path, 'utf8');

/** The text with comments blanked out, line breaks kept, so that rules about code do not read prose. */
export function withoutComments(text: string): string {
  const blank = (match: string): string => match.replace(/[^\n]/g, ' ');
  // Strings first, so that '//' in one is not taken for a comment.
  return text.replace(
    /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (match, quoted) => (quoted ? match : blank(match)),
  );
}

/** Line number of an offset, from 1. */
export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** Fails with one line per fault. */
export function noFaults(faults: readonly string[]): void {
  if (faults.length > 0) assert.fail(`${faults.length} faults\n${faults.join('\n')}`);
}
