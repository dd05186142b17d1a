// npm run fuzz:queries [-- --count 50000 --seed 1 --start 0 --show 20]: generated queries, each evaluated in every way there is (pushed
// down or not, cached or not, shards, kernels or twins); all must have the same bits. Exit status 1: some do not.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Difference, compareVariants } from '../test/support/promql-metamorphic.ts';
import { variants } from '../test/support/promql-variants.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '1' },
    start: { type: 'string', default: '0' },
    show: { type: 'string', default: '20' },
  },
});
const [count, seed, start, show] = [values.count, values.seed, values.start, values.show].map(Number);

/** The first lines that differ. */
function firstDifference({ want, got }: Difference): string {
  const [a, b] = [want.split('\n'), got.split('\n')];
  const at = a.findIndex((line, i) => line !== b[i]);
  return `  want ${(a[at] ?? '(nothing)').slice(0, 600)}\n  got  ${(b[at] ?? '(nothing)').slice(0, 600)}`;
}

let shown = 0;
const startedMs = performance.now();
const directory = mkdtempSync(path.join(tmpdir(), 'tidemark-fuzz-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const outcome = await compareVariants(await variants(directory), seed, start, count, (difference) => {
  if (shown++ >= show) return;
  const { index, variant, question } = difference;
  console.log(`DIFFERENT --seed ${seed} --start ${index} --count 1: ${variant}`);
  console.log(`  ${JSON.stringify(question)}\n${firstDifference(difference)}`);
});
const { asked, answered, empty, failed, differences } = outcome;
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
console.log(
  `${asked} queries in ${seconds} s: ${answered} with an answer, ${empty} with an empty one, ${failed} errors`,
);
console.log(`${differences.length} differences`);
process.exitCode = differences.length === 0 ? 0 : 1;
