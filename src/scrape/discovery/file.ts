// Targets in JSON and YAML files. Files are looked at every few seconds and read when size or modification time has changed,
// and all of them at each refresh interval. A file that cannot be read or parsed keeps its last good groups; a file that is
// gone loses them.
import { type Counter, TidemarkError, errorText, utf8Text } from '../../base/index.ts';
import { type FileSdConfig, type HostFiles, globFiles } from '../../config/index.ts';
import type { Clock } from '../../io/index.ts';
import type { Discoverer, DiscoveryReport, EmitGroups, TargetGroup } from './discoverer.ts';
import { Refresher } from './refresher.ts';
import { groupsOfFile, targetGroups } from './target-groups.ts';

/** How often files are looked at. Prometheus is told of changes by the kernel; this is as good as its batching of 5 s. */
export const FILE_LOOK_INTERVAL_MS = 5000;

export interface FileDiscoveryOptions extends DiscoveryReport {
  readonly clock: Clock;
  readonly files: HostFiles;
}

interface SeenFile {
  /** Size and modification time; '' after an error, so that the next look reads again. */
  stamp: string;
  groups: readonly TargetGroup[];
}

export class FileDiscovery implements Discoverer {
  readonly #config: FileSdConfig;
  readonly #options: FileDiscoveryOptions;
  readonly #refresher: Refresher;
  readonly #errors: Counter | undefined;
  readonly #seen = new Map<string, SeenFile>();
  #emit: EmitGroups = () => {};
  #emitted = false;
  #lastFullMs = -Infinity;

  constructor(config: FileSdConfig, options: FileDiscoveryOptions) {
    this.#config = config;
    this.#options = options;
    this.#errors = options.metrics?.counter(
      'prometheus_sd_file_read_errors_total',
      'The number of File-SD read errors.',
    );
    const intervalMs = Math.min(config.refreshIntervalMs || FILE_LOOK_INTERVAL_MS, FILE_LOOK_INTERVAL_MS);
    this.#refresher = new Refresher(
      options.clock,
      () => intervalMs,
      () => this.#look(),
    );
  }

  start(emit: EmitGroups): void {
    this.#emit = emit;
    this.#refresher.start();
  }

  stop(): Promise<void> {
    return this.#refresher.stop();
  }

  async #look(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    const full = nowMs - this.#lastFullMs >= this.#config.refreshIntervalMs;
    if (full) this.#lastFullMs = nowMs;
    let changed = !this.#emitted;
    const present = new Set<string>();
    for (const path of await this.#paths()) {
      present.add(path);
      if (await this.#lookAt(path, full)) changed = true;
    }
    for (const path of this.#seen.keys()) {
      if (present.has(path)) continue;
      this.#seen.delete(path);
      changed = true;
    }
    if (!changed || this.#refresher.stopped) return;
    this.#emitted = true;
    this.#emit([...this.#seen.values()].flatMap((file) => file.groups));
  }

  async #paths(): Promise<string[]> {
    const paths = new Set<string>();
    for (const pattern of this.#config.files) {
      try {
        for (const path of await globFiles(pattern, (directory) => this.#options.files.list(directory)))
          paths.add(path);
      } catch (error) {
        this.#failed(pattern, error);
        // What the pattern matched before stays: not being able to look is not the same as seeing nothing.
        for (const path of this.#seen.keys()) paths.add(path);
      }
    }
    return [...paths].sort();
  }

  /** Whether the file's groups have changed. */
  async #lookAt(path: string, full: boolean): Promise<boolean> {
    const before = this.#seen.get(path);
    try {
      const stat = await this.#options.files.stat(path);
      if (!stat || stat.isDirectory) return this.#seen.delete(path);
      const stamp = `${stat.sizeBytes}/${stat.modifiedMs}`;
      if (!full && before?.stamp === stamp) return false;
      const groups = await this.#read(path);
      this.#seen.set(path, { stamp, groups });
      this.#options.metrics
        ?.gauge('prometheus_sd_file_mtime_seconds', 'Timestamp of files read by FileSD.', { filename: path })
        .set(stat.modifiedMs / 1000);
      return before === undefined || !sameGroups(before.groups, groups);
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'not_found') return this.#seen.delete(path);
      this.#failed(path, error);
      if (before) before.stamp = '';
      return false;
    }
  }

  async #read(path: string): Promise<TargetGroup[]> {
    const text = utf8Text(await this.#options.files.readFile(path));
    return targetGroups(groupsOfFile(text, path), path, { __meta_filepath: path });
  }

  #failed(path: string, error: unknown): void {
    this.#errors?.inc();
    this.#options.logger.error('cannot read file of targets: its last good targets stay', {
      path,
      error: errorText(error),
    });
  }
}

function sameGroups(a: readonly TargetGroup[], b: readonly TargetGroup[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((group, i) => {
    const other = b[i];
    if (group.labels.key !== other.labels.key || group.targets.length !== other.targets.length) return false;
    return group.targets.every((target, j) => target.key === other.targets[j].key);
  });
}
