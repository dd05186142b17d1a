// Metrics of the machine under node_exporter's names and labels, for a start without node_exporter: served at /metrics/host
// and scraped like any target. On Linux they are read from /proc; elsewhere they are what node:os knows. What cannot be
// read is left out, with the reason counted in node_scrape_collector_success.
import os from 'node:os';
import { type Logger, errorText, utf8Text } from '../base/index.ts';
import type { Clock, Files } from '../io/index.ts';
import { filesystemFamilies, type FilesystemSpace } from './host-exporter-filesystem.ts';
import {
  bootTimeFamilies,
  cpuFamilies,
  diskFamilies,
  loadFamilies,
  memoryFamilies,
  networkFamilies,
} from './host-exporter-proc.ts';
import { type Family, gauge, renderFamilies } from './host-exporter-text.ts';
import { systemFamilies } from './host-exporter-system.ts';

/** What the exporter looks at. */
export interface HostExporterOptions {
  /** The file system from its root: `proc/stat` is /proc/stat. */
  readonly files: Files;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Space of the file system mounted at a path; absent: node_filesystem_* are left out. */
  readonly filesystemSpace?: (path: string) => Promise<FilesystemSpace>;
  /** As process.platform. */
  readonly platform?: string;
}

type Collector = () => Promise<Family[]>;

export class HostExporter {
  readonly #options: HostExporterOptions;
  readonly #collectors: Readonly<Record<string, Collector>>;
  /** Collectors that failed last time: logged once, not at every scrape. */
  readonly #failing = new Set<string>();

  constructor(options: HostExporterOptions) {
    this.#options = options;
    const read = async (path: string): Promise<string> => utf8Text(await options.files.readFile(path));
    const linux: Record<string, Collector> = {
      cpu: async () => cpuFamilies(await read('proc/stat')),
      stat: async () => bootTimeFamilies(await read('proc/stat')),
      meminfo: async () => memoryFamilies(await read('proc/meminfo')),
      loadavg: async () => loadFamilies(await read('proc/loadavg')),
      diskstats: async () => diskFamilies(await read('proc/diskstats')),
      netdev: async () => networkFamilies(await read('proc/net/dev')),
    };
    const { filesystemSpace } = options;
    if (filesystemSpace) linux.filesystem = async () => filesystemFamilies(await read('proc/mounts'), filesystemSpace);
    this.#collectors = {
      ...((options.platform ?? process.platform) === 'linux' ? linux : { system: async () => systemFamilies() }),
      time: async () => [
        gauge('node_time_seconds', 'Time of the machine, in seconds since the epoch.', options.clock.nowMs() / 1000),
      ],
      uname: async () => [unameFamily()],
    };
  }

  /** The page, in text format 0.0.4. */
  async render(): Promise<string> {
    const success: Family = {
      name: 'node_scrape_collector_success',
      help: '1: the collector worked.',
      type: 'gauge',
      samples: [],
    };
    const families: Family[] = [];
    for (const [collector, collect] of Object.entries(this.#collectors)) {
      const found = await this.#collect(collector, collect);
      families.push(...found);
      success.samples.push({ labels: { collector }, value: this.#failing.has(collector) ? 0 : 1 });
    }
    return renderFamilies([...families, success]);
  }

  async #collect(name: string, collect: Collector): Promise<Family[]> {
    try {
      const families = await collect();
      this.#failing.delete(name);
      return families;
    } catch (error) {
      if (!this.#failing.has(name)) {
        this.#options.logger.warn('host metrics cannot be read', { collector: name, error: errorText(error) });
      }
      this.#failing.add(name);
      return [];
    }
  }
}

function unameFamily(): Family {
  const labels = {
    domainname: '(none)',
    machine: os.machine(),
    nodename: os.hostname(),
    release: os.release(),
    sysname: os.type(),
    version: os.version(),
  };
  const help = 'What uname says of the system.';
  return { name: 'node_uname_info', help, type: 'gauge', samples: [{ labels, value: 1 }] };
}
