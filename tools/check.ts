// npm run check: types (server, web UI), lint, format and layers, side by side. Prints what failed and one line per part.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string): string => `${root}node_modules/.bin/${name}`;

interface Part {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const parts: readonly Part[] = [
  { name: 'types', command: bin('tsc'), args: ['-p', '.', '--pretty', 'false'] },
  { name: 'ui', command: bin('tsc'), args: ['-p', 'ui', '--pretty', 'false'] },
  { name: 'lint', command: bin('oxlint'), args: ['--type-aware', '--deny-warnings', '--format=unix'] },
  { name: 'format', command: bin('biome'), args: ['ci', '--error-on-warnings', '--max-diagnostics=60', '.'] },
  {
    name: 'layers',
    command: process.execPath,
    args: ['--test', '--test-reporter=dot', 'test/layers.test.ts', 'test/style.test.ts'],
  },
];

interface Outcome extends Part {
  readonly isGood: boolean;
  readonly output: string;
  readonly elapsedMs: number;
}

function run(part: Part): Promise<Outcome> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const child = spawn(part.command, part.args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk: Buffer): void => void (output += chunk);
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const end = (isGood: boolean): void => resolve({ ...part, isGood, output, elapsedMs: performance.now() - startMs });
    child.on('error', (error) => {
      output += `${error.message}\n`;
      end(false);
    });
    child.on('close', (code) => end(code === 0));
  });
}

const outcomes = await Promise.all(parts.map(run));
for (const { name, isGood, output } of outcomes) {
  if (!isGood) console.log(`--- ${name}\n${output.trimEnd()}\n`);
}
for (const { name, isGood, elapsedMs } of outcomes) {
  console.log(`${isGood ? 'ok    ' : 'FAILED'} ${name.padEnd(7)} ${(elapsedMs / 1000).toFixed(1)} s`);
}
process.exitCode = outcomes.every(({ isGood }) => isGood) ? 0 : 1;
