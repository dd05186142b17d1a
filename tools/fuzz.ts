// npm run fuzz [-- --cases=100 --seed=7 words...]: the tests that use fuzzCases(), each with that many times its cases and a
// new seed, which is printed so that a failure can be had again.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runTests, testFiles } from './test.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  options: { cases: { type: 'string', default: '50' }, seed: { type: 'string' } },
  allowPositionals: true,
});
const seed = values.seed ?? String(Date.now() % 2 ** 31);
const files = testFiles(positionals).filter((file) => /\bfuzz(Cases|Seed)\(/.test(readFileSync(root + file, 'utf8')));
console.log(`fuzzing ${files.length} test files: ${values.cases} times the cases, seed ${seed}`);
runTests(files, [], { ...process.env, FUZZ_CASES: values.cases, FUZZ_SEED: seed });
