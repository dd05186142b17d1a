// `tidemark check service-discovery`: runs the discovery of one job for a while and prints what it found, before and after
// relabelling, as JSON.
import { isDeepStrictEqual } from 'node:util';
import { TidemarkError, errorText, silentLogger } from '../base/index.ts';
import { type ScrapeConfig, allScrapeConfigs, parseDuration } from '../config/index.ts';
import { type Discoverer, type TargetGroup, TargetFactory } from '../scrape/index.ts';
import { readConfiguration } from './configuration.ts';
import { JobDiscovery } from './job-discoverers.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb } from './verb-command.ts';

interface Result {
  readonly discoveredLabels: Record<string, string>;
  readonly labels: Record<string, string>;
  readonly error?: string;
}

/** The first full list of each discoverer, or what there is when time is up. */
async function discover(tool: Tool, discoverers: readonly Discoverer[], timeoutMs: number): Promise<TargetGroup[]> {
  const groups: (readonly TargetGroup[])[] = discoverers.map(() => []);
  const over = new AbortController();
  const first = discoverers.map(
    (discoverer, i) =>
      new Promise<void>((resolve) => {
        discoverer.start((emitted) => {
          groups[i] = emitted;
          resolve();
        });
      }),
  );
  const timeUp = tool.clock.sleep(timeoutMs, over.signal).catch(() => {}); // the rest is known sooner
  await Promise.race([Promise.all(first), timeUp]);
  over.abort();
  await Promise.all(discoverers.map((discoverer) => discoverer.stop()));
  return groups.flat();
}

/** What the job makes of the groups; equal results once. */
function results(job: ScrapeConfig, groups: readonly TargetGroup[]): Result[] {
  const { active, dropped, errors } = new TargetFactory(job).fromGroups(groups);
  const all: Result[] = [
    ...active.map(({ discovered, labels }) => ({ discoveredLabels: discovered.toObject(), labels: labels.toObject() })),
    ...dropped.map((labels) => ({ discoveredLabels: labels.toObject(), labels: {} })),
    ...errors.map((error) => ({ discoveredLabels: {}, labels: {}, error })),
  ];
  const distinct: Result[] = [];
  for (const result of all) if (!distinct.some((other) => isDeepStrictEqual(other, result))) distinct.push(result);
  return distinct;
}

async function run(tool: Tool, args: VerbArguments): Promise<number> {
  const [file, jobName] = args.positional;
  const timeoutMs = parseDuration(args.text('timeout'));
  let jobs: ScrapeConfig[];
  try {
    const options = { file, isNamed: true, port: 0, files: tool.files, env: process.env };
    jobs = allScrapeConfigs(await readConfiguration(options));
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    tool.say(`Cannot load config: ${errorText(error)}`);
    return EXIT_CODES.failed;
  }
  const job = jobs.find((candidate) => candidate.jobName === jobName);
  if (!job) {
    tool.say(`Job ${jobName} not found. Select one of:`);
    for (const candidate of jobs) tool.say(`\t${candidate.jobName}`);
    return EXIT_CODES.failed;
  }
  const parts = { clock: tool.clock, files: tool.files, logger: silentLogger };
  const discovery = new JobDiscovery(parts);
  const groups = await discover(tool, discovery.of(job, job.jobName), timeoutMs);
  await discovery.stop();
  tool.print(`${JSON.stringify(results(job, groups), null, 2)}\n`);
  return EXIT_CODES.good;
}

/** `check service-discovery`. */
export const checkDiscoveryVerb: ToolVerb = {
  verb: 'check service-discovery',
  help: 'Perform service discovery for the given job name and report the results, including relabeling.',
  args: ['config-file', 'job'],
  flags: { timeout: { kind: 'text', absent: '30s', help: 'The time to wait for discovery results.' } },
  run,
};
