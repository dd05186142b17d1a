// npm run fuzz -- --inputs=1000000 [--seed=7 words...]: that many nearly good inputs for all decoders and parsers (fuzz/).
//
// npm run fuzz [-- --cases=100 --seed=7 words...]: the tests that use fuzzCases(), each with that many times its cases and a
// new seed, which is printed so that a failure can be had again.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runTests, testFiles } from './test.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  options: { cases: { type: 'string', default: '50' }, inputs: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
});
const seed = values.seed ?? String(Date.now() % 2 ** 31);
if (values.inputs === undefined) {
  const files = testFiles(positionals).filter((file) => /\bfuzz(Cases|Seed)\(/.test(readFileSync(root + file, 'utf8')));
  console.log(`fuzzing ${files.length} test files: ${values.cases} times the cases, seed ${seed}`);
  runTests(files, [], { ...process.env, FUZZ_CASES: values.cases, FUZZ_SEED: seed });
} else {
  const args = ['fuzz/main.ts', `--inputs=${values.inputs}`, `--seed=${seed}`, ...positionals];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  child.on('exit', (code) => (process.exitCode = code ?? 1));
}
