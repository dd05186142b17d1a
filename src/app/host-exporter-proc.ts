// Files of Linux' /proc (proc(5)) as metric families of node_exporter.
import { type Family, gauge } from './host-exporter-text.ts';

// Jiffies are hundredths of a second wherever Linux runs today (USER_HZ).
const JIFFIES_PER_SECOND = 100;
const SECTOR_BYTES = 512; // In /proc/diskstats whatever the device's own sector size.
const CPU_MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
const fieldsOf = (line: string): string[] => line.trim().split(/\s+/);

/** node_cpu_seconds_total from /proc/stat. */
export function cpuFamilies(stat: string): Family[] {
  const samples = linesOf(stat)
    .map(fieldsOf)
    .filter(([name]) => /^cpu[0-9]+$/.test(name))
    .flatMap(([name, ...jiffies]) =>
      CPU_MODES.flatMap((mode, i) => {
        if (jiffies[i] === undefined) return [];
        return [{ labels: { cpu: name.slice(3), mode }, value: Number(jiffies[i]) / JIFFIES_PER_SECOND }];
      }),
    );
  const help = 'CPU time by mode.';
  return [{ name: 'node_cpu_seconds_total', help, type: 'counter', samples }];
}

const STAT_FAMILIES: readonly [field: string, name: string, help: string, type: 'counter' | 'gauge'][] = [
  ['btime', 'node_boot_time_seconds', 'When the machine started, in seconds since the epoch.', 'gauge'],
  ['ctxt', 'node_context_switches_total', 'Context switches.', 'counter'],
  ['processes', 'node_forks_total', 'Processes started.', 'counter'],
  ['procs_running', 'node_procs_running', 'Processes that run or could.', 'gauge'],
  ['procs_blocked', 'node_procs_blocked', 'Processes that wait for I/O.', 'gauge'],
];

/** The scalars of /proc/stat. */
export function bootTimeFamilies(stat: string): Family[] {
  const values = new Map(linesOf(stat).map((line) => fieldsOf(line) as [string, string]));
  return STAT_FAMILIES.flatMap(([field, name, help, type]): Family[] => {
    const value = values.get(field);
    return value === undefined ? [] : [{ name, help, type, samples: [{ labels: {}, value: Number(value) }] }];
  });
}

/** node_memory_*_bytes from /proc/meminfo: `Active(anon)` is Active_anon, kB become bytes. */
export function memoryFamilies(meminfo: string): Family[] {
  return linesOf(meminfo).flatMap((line) => {
    const parts = /^([^:]+):\s+([0-9]+)(\s+kB)?\s*$/.exec(line);
    if (!parts) return [];
    const field = parts[1].replace(/[^a-zA-Z0-9]+/g, '_').replace(/_$/, '');
    const value = Number(parts[2]) * (parts[3] ? 1024 : 1);
    const name = `node_memory_${field}${parts[3] ? '_bytes' : ''}`;
    return [gauge(name, `${parts[1]} of /proc/meminfo.`, value)];
  });
}

/** node_load1, 5, 15 from /proc/loadavg. */
export function loadFamilies(loadavg: string): Family[] {
  const fields = fieldsOf(loadavg);
  return [1, 5, 15].map((minutes, i) =>
    gauge(`node_load${minutes}`, `Load average over ${minutes} min.`, Number(fields[i])),
  );
}

type DiskFamily = readonly [field: number, name: string, help: string, scale: number];
// Field numbers as in the kernel's documentation of /proc/diskstats, counted from 0.
const DISK_FAMILIES: readonly DiskFamily[] = [
  [3, 'node_disk_reads_completed_total', 'Reads done.', 1],
  [5, 'node_disk_read_bytes_total', 'Bytes read.', SECTOR_BYTES],
  [6, 'node_disk_read_time_seconds_total', 'Time that reads took.', 0.001],
  [7, 'node_disk_writes_completed_total', 'Writes done.', 1],
  [9, 'node_disk_written_bytes_total', 'Bytes written.', SECTOR_BYTES],
  [10, 'node_disk_write_time_seconds_total', 'Time that writes took.', 0.001],
  [11, 'node_disk_io_now', 'I/Os under way.', 1],
  [12, 'node_disk_io_time_seconds_total', 'Time in which I/Os were under way.', 0.001],
  [13, 'node_disk_io_time_weighted_seconds_total', 'Time of I/Os under way, each counted.', 0.001],
];
// node_exporter's default: no RAM disks, loop devices, floppies, partitions.
const DISK_IGNORED = /^(?:z?ram|loop|fd|(?:h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;

/** node_disk_* from /proc/diskstats. */
export function diskFamilies(diskstats: string): Family[] {
  const disks = linesOf(diskstats)
    .map(fieldsOf)
    .filter((fields) => fields.length >= 14 && !DISK_IGNORED.test(fields[2]));
  return DISK_FAMILIES.map(([field, name, help, scale]) => {
    const samples = disks.map((disk) => ({
      labels: { device: disk[2] },
      value: scale === 0.001 ? Number(disk[field]) / 1000 : Number(disk[field]) * scale,
    }));
    return { name, help, type: name.endsWith('_now') ? 'gauge' : 'counter', samples };
  });
}

const NETWORK_FIELDS = { receive: 0, transmit: 8 } as const;
const NETWORK_COUNTERS = ['bytes', 'packets', 'errs', 'drop'] as const;

/** node_network_{receive,transmit}_* from /proc/net/dev. */
export function networkFamilies(dev: string): Family[] {
  const devices = linesOf(dev).flatMap((line) => {
    const parts = /^\s*(.+):\s*([0-9][0-9\s]*)$/.exec(line);
    return parts ? [{ device: parts[1], counters: fieldsOf(parts[2]).map(Number) }] : [];
  });
  return Object.entries(NETWORK_FIELDS).flatMap(([direction, first]) =>
    NETWORK_COUNTERS.map((counter, i): Family => {
      const samples = devices.map(({ device, counters }) => ({ labels: { device }, value: counters[first + i] }));
      const help = `${counter} of ${direction} in /proc/net/dev.`;
      return { name: `node_network_${direction}_${counter}_total`, help, type: 'counter', samples };
    }),
  );
}
