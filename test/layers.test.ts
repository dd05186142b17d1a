// The layer rule: a folder of src/ imports only from lines above its own in this table, through the other folder's door.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { lineAt, noFaults, sourcePaths, sourceText, withoutComments } from './support/sources.ts';

// Folders of one line may not import each other.
const layers: readonly (readonly string[])[] = [
  ['base'],
  ['model'],
  ['io'],
  ['kernel'],
  ['wire'],
  ['config'],
  ['tsdb'],
  ['promql'],
  ['scrape', 'rules', 'aggregate', 'cluster'],
  ['api'],
  ['app'],
];
const level = new Map(layers.flatMap((names, index) => names.map((name) => [name, index] as const)));

// A big folder may have parts with doors of their own; code outside goes through a door, the folder's or a part's.
const isDoor = (file: string): boolean => path.posix.basename(file) === 'index.ts';

interface Import {
  readonly from: string;
  readonly to: string;
  readonly line: number;
}

function importsOf(from: string): Import[] {
  const text = withoutComments(sourceText(from));
  const pattern =
    /(?:^|[;}\s])(?:import|export)\b(?:[^'";()]*?\bfrom)?\s*['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => {
    const to = path.posix.join(path.posix.dirname(from), match[1] ?? match[2]);
    return { from, to, line: lineAt(text, match.index + match[0].length) };
  });
}

const folderOf = (file: string): string => file.split('/')[1];

function faultOf({ from, to }: Import): string | undefined {
  if (!to.startsWith('src/')) return to.startsWith('build/') ? undefined : `${to} is outside src/`;
  const [fromFolder, toFolder] = [folderOf(from), folderOf(to)];
  if (fromFolder === toFolder) return to === `src/${toFolder}/index.ts` ? 'a folder imports its own door' : undefined;
  if (!level.has(toFolder)) return `folder ${toFolder} is not in the table of layers`;
  if ((level.get(toFolder) as number) >= (level.get(fromFolder) as number)) {
    return `${toFolder} is not above ${fromFolder} in the table of layers`;
  }
  return isDoor(to) ? undefined : `${to} is not a door (index.ts)`;
}

test('every folder of src/ has its line in the table of layers', () => {
  const folders = new Set(sourcePaths('src/**/*.ts').map(folderOf));
  noFaults([...folders].filter((folder) => !level.has(folder)));
});

test('folders import only from folders above them, through their doors', () => {
  const faults = sourcePaths('src/**/*.ts')
    .flatMap(importsOf)
    .map((found) => ({ ...found, fault: faultOf(found) }))
    .filter(({ fault }) => fault !== undefined);
  noFaults(faults.map(({ from, line, fault }) => `${from}:${line}: ${fault}`));
});

test('the rule sees imports in all their forms', () => {
  const ok = (from: string, to: string) => assert.equal(faultOf({ from, to, line: 1 }), undefined);
  const bad = (from: string, to: string, fault: RegExp) => assert.match(faultOf({ from, to, line: 1 }) ?? '', fault);
  ok('src/tsdb/head.ts', 'src/base/index.ts');
  ok('src/tsdb/head.ts', 'src/tsdb/block.ts');
  ok('src/promql/exec/a.ts', 'src/promql/ast.ts');
  bad('src/base/a.ts', 'src/tsdb/index.ts', /not above/);
  bad('src/rules/a.ts', 'src/scrape/index.ts', /not above/);
  bad('src/tsdb/a.ts', 'src/base/bytes.ts', /not a door/);
  bad('src/tsdb/a.ts', 'src/tsdb/index.ts', /its own door/);
  bad('src/tsdb/a.ts', 'test/x.ts', /outside src/);
  assert.ok(importsOf('test/layers.test.ts').some(({ to }) => to === 'test/support/sources.ts'));
});

// oxlint has no rule for it: a Date without arguments reads the clock.
test('only src/io/ reads the clock through Date', () => {
  const faults: string[] = [];
  for (const file of sourcePaths('src/**/*.ts').filter((name) => !name.startsWith('src/io/'))) {
    const text = withoutComments(sourceText(file));
    for (const match of text.matchAll(/\bnew Date(?:\(\s*\)|(?!\s*[\w(]))|(?<!new )(?<![\w.$])Date\(/g)) {
      faults.push(`${file}:${lineAt(text, match.index)}: ${match[0]}`);
    }
  }
  noFaults(faults);
});
