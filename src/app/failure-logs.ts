// The logs of failed scrapes (scrape_failure_log_file), one per file that jobs name: a JSON object per line, with Prometheus' fields.
import { resolve } from 'node:path';
import type { Logger } from '../base/index.ts';
import type { Clock, Files } from '../io/index.ts';
import type { ScrapeFailureLog } from '../scrape/index.ts';
import { LineFile } from './line-file.ts';

export interface FailureLogsOptions {
  /** Rooted at '/'. */
  readonly files: Files;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class FailureLogs {
  readonly #options: FailureLogsOptions;
  readonly #open = new Map<string, LineFile>();

  constructor(options: FailureLogsOptions) {
    this.#options = options;
  }

  /** The log at a path. */
  at(path: string): ScrapeFailureLog {
    const file = this.#fileAt(resolve(path));
    return {
      failed: (job, target, error) => {
        const time = new Date(this.#options.clock.nowMs()).toISOString();
        file.write(JSON.stringify({ time, level: 'ERROR', msg: error, job_name: job, target }));
      },
    };
  }

  #fileAt(path: string): LineFile {
    const { files, logger } = this.#options;
    const found = this.#open.get(path) ?? new LineFile(path, files, logger);
    this.#open.set(path, found);
    return found;
  }

  /** Files may have been moved away. */
  async reopen(): Promise<void> {
    await Promise.all([...this.#open.values()].map((file) => file.reopen()));
  }

  close(): Promise<void> {
    return this.reopen();
  }
}
