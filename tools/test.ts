// npm test: every test/**/*.test.ts and apptest/**/*.test.ts under node's own runner, two files at a time.
// Arguments that do not begin with '-' choose files whose path contains one of them; the others go to node.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FILE_CONCURRENCY = 2;
const root = fileURLToPath(new URL('..', import.meta.url));

/** Test files whose path contains one of `words`; all of them if there are no words. */
export function testFiles(words: readonly string[]): string[] {
  const files = globSync(['test/**/*.test.ts', 'apptest/**/*.test.ts'], { cwd: root }).sort();
  return words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)));
}

/** Runs node --test over files and passes its exit code on. */
export function runTests(files: readonly string[], nodeArgs: readonly string[], env: NodeJS.ProcessEnv): void {
  if (files.length === 0) {
    process.stderr.write('cannot run tests: no test file matches\n');
    process.exitCode = 1;
    return;
  }
  const runner = ['--test', `--test-concurrency=${FILE_CONCURRENCY}`, '--test-reporter=spec'];
  const args = ['--disable-warning=ExperimentalWarning', ...runner, ...nodeArgs, ...files];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => (process.exitCode = code ?? 1));
}

if (import.meta.main) {
  const args = process.argv.slice(2);
  const words = args.filter((arg) => !arg.startsWith('-'));
  const nodeArgs = args.filter((arg) => arg.startsWith('-'));
  runTests(testFiles(words), nodeArgs, process.env);
}
