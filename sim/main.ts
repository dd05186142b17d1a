// npm run sim -- --seed N --runs K [--broken-sync] [--stop] [--verbose]: seeds N to N+K-1. Prints each violation with its seed, and how much of
// each kind happened; exit code 1 if there is any violation.
import { parseArgs } from 'node:util';
import { simulate } from './log-and-shards.ts';
import { newTotals } from './settings.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '100' },
    'broken-sync': { type: 'boolean', default: false },
    /** Ends with the first violation. */
    stop: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const runs = Number(values.runs);
const totals = newTotals();
let violations = 0;
const began = performance.now();
for (let seed = first; seed < first + runs; seed++) {
  const outcome = await simulate(seed, {
    brokenSync: values['broken-sync'],
    log: values.verbose ? console.log : undefined,
  });
  for (const [name, count] of Object.entries(outcome.totals)) totals[name as 'late'] += count;
  if (!outcome.violation) continue;
  violations++;
  if (values.stop) {
    console.log(`seed ${seed}: ${outcome.violation}`);
    process.exit(1);
  }
  if (violations <= 20) console.log(`seed ${seed}: ${outcome.violation}`);
}
const seconds = (performance.now() - began) / 1000;
for (const [name, count] of Object.entries(totals)) console.log(`  ${name.padEnd(20)} ${Math.round(count)}`);
const perThousand = ((seconds / runs) * 1000).toFixed(0);
console.log(`${runs} seeds in ${seconds.toFixed(1)} s (${perThousand} s per 1,000): ${violations} violations`);
process.exitCode = violations > 0 ? 1 : 0;
