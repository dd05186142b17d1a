// The habits that no linter knows: see docs and STYLE for the reasons.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { lineAt, noFaults, repositoryRoot, sourcePaths, sourceText } from './support/sources.ts';

const LINE_COUNT_MAX = 500;

test(`no source file is longer than ${LINE_COUNT_MAX} lines`, () => {
  const lengths = sourcePaths('src/**/*.ts', 'kernels/**/*.ts').map(
    (file) => [file, lineCount(sourceText(file))] as const,
  );
  noFaults(lengths.filter(([, count]) => count > LINE_COUNT_MAX).map(([file, count]) => `${file}: ${count} lines`));
});

const lineCount = (text: string): number => text.split('\n').length - 1;

interface Export {
  readonly door: string;
  readonly name: string;
  readonly file: string;
}

// Doors list their exports by name, each from the file that defines it (or from a door further in).
function exportsOf(door: string): Export[] {
  const found: Export[] = [];
  for (const match of sourceText(door).matchAll(/export\s+(?:type\s+)?\{([^}]*)\}\s*from\s*'([^']+)'/g)) {
    const file = path.posix.join(path.posix.dirname(door), match[2]);
    for (const item of match[1].split(',')) {
      const name = item
        .trim()
        .replace(/^type\s+/, '')
        .split(/\s+as\s+/)[0];
      if (name !== '') found.push({ door, name, file });
    }
  }
  return found;
}

// The definition, with what stands before it up to the end of the line above.
function isDocumented({ name, file }: Export): boolean {
  if (path.posix.basename(file) === 'index.ts') return true; // checked at that door
  const text = sourceText(file);
  const kinds = '(?:declare\\s+)?(?:abstract\\s+)?(?:async\\s+)?(?:const|let|function\\*?|class|interface|type)';
  const definitions = [...text.matchAll(new RegExp(`^export\\s+${kinds}\\s+${name.replace('$', '\\$')}\\b`, 'gm'))];
  const again = [...text.matchAll(/export\s+(?:type\s+)?\{([^}]*)\}\s*from/g)];
  if (definitions.length === 0) return again.some((match) => new RegExp(`\\b${name}\\b`).test(match[1]));
  return definitions.some((match) => /\*\/\s*$/.test(text.slice(0, match.index)));
}

test('every export of a door is documented where it is defined', () => {
  const bare = sourcePaths('src/*/index.ts')
    .flatMap(exportsOf)
    .filter((found) => !isDocumented(found));
  noFaults(bare.map(({ name, file }) => `${file}: ${name}`));
});

// Spelled in pieces, so that this file does not forbid itself.
const forbidden: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`/(?:${['work', 'root'].join('|')})/[\\w.]`), 'a path of one machine'],
  [/(?<![\w&/#'"`.(])#\d+\b(?!['"`\w])/, 'an issue number'],
  [new RegExp(`\\b${['sess', 'ion'].join('')}s? (?:of the project|\\d+)\\b`, 'i'), 'how the work was organised'],
  [new RegExp(`\\b(?:${['Cla', 'ude'].join('')}|Chat${'GPT'}|Co${'pilot'}|AI[- ]generated)\\b`, 'i'), 'who typed it'],
  [new RegExp(`registry\\.${'npmjs'}|\\b${'verda'}ccio\\b`), 'a package registry'],
];

const textFiles = sourcePaths(
  '{src,test,apptest,sim,bench,tools,ui,kernels,docs}/**/*.{ts,js,md,html,css,json,yml,yaml}',
  '*.md',
  'bin/*',
  '.ci/*',
);

test('files speak of the product, not of how it was made', () => {
  const faults: string[] = [];
  for (const file of textFiles) {
    const text = sourceText(file);
    for (const [pattern, what] of forbidden) {
      const match = pattern.exec(text);
      if (match !== null) faults.push(`${file}:${lineAt(text, match.index)}: ${what}: ${match[0]}`);
    }
  }
  noFaults(faults);
});

// A function, a constant, or a method: its line goes on with parameters and ends in the middle of something.
function isDefinedIn(sources: string, name: string): boolean {
  const method = `^\\s+(?:async\\s+|static\\s+|override\\s+|\\*)*#?${name}[<(].*[{(,]$`;
  return new RegExp(`\\b(?:function\\*?|const)\\s+${name}\\b|${method}`, 'm').test(sources);
}

const ARCHITECTURE = 'ARCHITECTURE.md';

test('names in ARCHITECTURE.md exist', (t) => {
  if (!existsSync(repositoryRoot + ARCHITECTURE)) return t.skip('there is no ARCHITECTURE.md');
  const text = sourceText(ARCHITECTURE);
  const paths = [...text.matchAll(/(?<![\w/])(?:src|kernels|test|apptest|sim|bench|tools|ui|docs|bin)\/[\w./-]*\w/g)];
  const missingPaths = paths.map(([name]) => name).filter((name) => !existsSync(repositoryRoot + name));
  noFaults(missingPaths);

  const sources = sourcePaths('{src,kernels,sim,bench,tools}/**/*.ts').map(sourceText).join('\n');
  const functions = [...text.matchAll(/`(?:(\w+)\.)?(\w+)\(\)`/g)].map((match) => match[2]);
  noFaults(functions.filter((name) => !isDefinedIn(sources, name)));
});

test('every dependency has its reason in docs/DEPENDENCIES.md, at its version', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(sourceText('package.json'));
  const lines = sourceText('docs/DEPENDENCIES.md').split('\n');
  const all: [string, string][] = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
  const missing = all.filter(
    ([name, version]) => !lines.some((line) => line.includes(`\`${name}\``) && line.includes(version)),
  );
  noFaults(missing.map(([name, version]) => `${name} ${version}`));
});

test('no package runs a script when it is installed', () => {
  const { packages } = JSON.parse(sourceText('package-lock.json')) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  noFaults(Object.keys(packages).filter((name) => packages[name].hasInstallScript));
});
