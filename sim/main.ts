// npm run sim -- --seed N --runs K [--broken-sync]: seeds N to N+K-1. Prints each violation with its seed; exit code 1 if there is any.
import { parseArgs } from 'node:util';
import { simulate } from './log-and-shards.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '100' },
    'broken-sync': { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const runs = Number(values.runs);
const total = { violations: 0, crashes: 0, acknowledged: 0, refused: 0 };
const began = performance.now();
for (let seed = first; seed < first + runs; seed++) {
  const outcome = await simulate(seed, { brokenSync: values['broken-sync'] });
  total.crashes += outcome.crashes;
  total.acknowledged += outcome.acknowledged;
  total.refused += outcome.refused;
  if (!outcome.violation) continue;
  total.violations++;
  if (total.violations <= 10) console.log(`seed ${seed}: ${outcome.violation}`);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(
  `${runs} seeds in ${seconds} s: ${total.crashes} crashes, ${total.acknowledged} samples acknowledged, ` +
    `${total.refused} requests refused, ${total.violations} violations`,
);
process.exitCode = total.violations > 0 ? 1 : 0;
