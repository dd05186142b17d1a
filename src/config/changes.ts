// What a reload changes, for the log: sections by their names in the file, jobs by theirs. Secrets are compared, never shown.
import { isDeepStrictEqual } from 'node:util';
import { type Config, allScrapeConfigs } from './config.ts';
import { yamlName } from './schema.ts';

const JOB_FIELDS: ReadonlySet<string> = new Set(['scrapeConfigs', 'fileScrapeConfigs']);

function changedJobs(before: Config, after: Config): string[] {
  const old = new Map(allScrapeConfigs(before).map((job) => [job.jobName, job]));
  const out: string[] = [];
  for (const job of allScrapeConfigs(after)) {
    const was = old.get(job.jobName);
    if (!was) out.push(`job ${job.jobName} added`);
    else if (!isDeepStrictEqual(was, job)) out.push(`job ${job.jobName} changed`);
    old.delete(job.jobName);
  }
  return [...out, ...[...old.keys()].map((name) => `job ${name} removed`)];
}

/** Texts such as `global`, `job node changed`; none: the configurations are equal. */
export function configChanges(before: Config, after: Config): string[] {
  const sections = (Object.keys(after) as (keyof Config)[]).filter(
    (key) => !JOB_FIELDS.has(key) && !isDeepStrictEqual(before[key], after[key]),
  );
  return [...sections.map(yamlName), ...changedJobs(before, after)];
}
