// npm run bench [-- name ...] [--scale=0.1]: figures of the real program on this machine, with data of our own making. Names:
// ingest query restart size isolation; none: these, which takes less than three minutes. By name only, with options of their own:
// ninety-days, which takes half an hour, query-memory, churn-hours, which takes minutes, and soak, which takes an hour. The kernels alone are measured by exec.ts,
// exposition.ts, head.ts and intake.ts in this folder.
import { availableParallelism, cpus } from 'node:os';
import { churnHours } from './churn-hours.ts';
import { ingest } from './ingest.ts';
import { isolation } from './isolation.ts';
import { ninetyDays } from './ninety-days.ts';
import { query } from './query.ts';
import { queryMemory } from './query-memory.ts';
import { restart } from './restart.ts';
import { size } from './size.ts';
import { soak } from './soak.ts';
import { type Bench, machineLoad } from './traffic.ts';

const benches: Readonly<Record<string, Bench>> = { ingest, query, restart, size, isolation };
/** Too long to be run unless it is asked for. */
const longBenches: Readonly<Record<string, Bench>> = {
  'ninety-days': ninetyDays,
  'query-memory': queryMemory,
  'churn-hours': churnHours,
  soak,
};
const known = { ...benches, ...longBenches };

/** `--name=value` and `--name`, by name. */
const optionsOf = (args: readonly string[]): Map<string, string> =>
  new Map(
    args.filter((arg) => arg.startsWith('--')).map((arg) => [arg.slice(2).split('=')[0], arg.split('=')[1] ?? '']),
  );

async function run(args: readonly string[]): Promise<void> {
  const options = optionsOf(args);
  const scale = Number(options.get('scale') ?? 1);
  const named = args.filter((arg) => !arg.startsWith('-'));
  const unknown = named.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined || !(scale > 0)) {
    process.stderr.write(`usage: npm run bench -- [${Object.keys(known).join('|')}]... [--scale=1]\n`);
    process.exitCode = 2;
    return;
  }
  console.log(
    `${availableParallelism()} processors, ${cpus()[0]?.model ?? 'unknown'}; Node ${process.versions.node}; ${machineLoad()}`,
  );
  for (const name of named.length > 0 ? named : Object.keys(benches)) {
    const beginMs = performance.now();
    console.log(`\n${name}`);
    await known[name](scale, (line) => console.log(`  ${line}`), options);
    console.log(`  (${((performance.now() - beginMs) / 1000).toFixed(1)} s)`);
  }
}

await run(process.argv.slice(2));
process.exit();
