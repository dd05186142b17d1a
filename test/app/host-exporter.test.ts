import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger, TidemarkError, utf8 } from '../../src/base/index.ts';
import { HostExporter } from '../../src/app/host-exporter.ts';
import type { Clock, Files } from '../../src/io/index.ts';
import { parseExpositionText } from '../../src/wire/exposition-text.ts';

const PROC: Record<string, string> = {
  'proc/stat':
    'cpu  3 4 5 6 7 8 9 10 0 0\ncpu0 100 200 300 400 500 600 700 800 9 9\nctxt 5\nbtime 1700000000\nprocesses 7\n',
  'proc/meminfo': 'MemTotal:       2048 kB\nActive(anon):   1 kB\nHugePages_Total:       3\n',
  'proc/loadavg': '0.50 1.00 2.25 1/100 12345\n',
  'proc/diskstats':
    '   8 0 sda 1 2 3 4000 5 6 7 8000 9 10 11 12 0 0 0 0\n   8 1 sda1 1 2 3 4 5 6 7 8 9 10 11 12\n 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12\n',
  'proc/net/dev': 'Inter-|   Receive\n face |bytes    packets\n  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n',
  'proc/mounts':
    '/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/sdb /mnt/a\\040b xfs rw 0 0\n/dev/sdc /broken xfs rw 0 0\n',
};

function exporter(without?: string): HostExporter {
  const readFile = async (path: string): Promise<Uint8Array> => {
    if (path === without || PROC[path] === undefined) throw new TidemarkError('not_found', `cannot read ${path}`);
    return utf8(PROC[path]);
  };
  return new HostExporter({
    files: { readFile } as unknown as Files,
    clock: { nowMs: () => 1_700_000_123_456 } as Clock,
    logger: silentLogger,
    platform: 'linux',
    filesystemSpace: async (path) => {
      if (path === '/broken') throw new Error('no');
      return { sizeBytes: 100, freeBytes: 50, availableBytes: 40 };
    },
  });
}

async function lines(page: Promise<string>): Promise<Set<string>> {
  const text = await page;
  parseExpositionText(utf8(text));
  return new Set(text.split('\n'));
}

test('Linux: files of /proc become metrics with the names of node_exporter', async () => {
  const page = await lines(exporter().render());
  for (const line of [
    'node_cpu_seconds_total{cpu="0",mode="user"} 1',
    'node_cpu_seconds_total{cpu="0",mode="steal"} 8',
    'node_boot_time_seconds 1700000000',
    'node_memory_MemTotal_bytes 2097152',
    'node_memory_Active_anon_bytes 1024',
    'node_memory_HugePages_Total 3',
    'node_load15 2.25',
    'node_disk_reads_completed_total{device="sda"} 1',
    'node_disk_read_bytes_total{device="sda"} 1536',
    'node_disk_read_time_seconds_total{device="sda"} 4',
    'node_disk_writes_completed_total{device="nvme0n1"} 5',
    'node_network_receive_drop_total{device="eth0"} 4',
    'node_network_transmit_bytes_total{device="eth0"} 9',
    'node_filesystem_size_bytes{device="/dev/sda1",mountpoint="/",fstype="ext4"} 100',
    'node_filesystem_avail_bytes{device="/dev/sdb",mountpoint="/mnt/a b",fstype="xfs"} 40',
    'node_filesystem_device_error{device="/dev/sdc",mountpoint="/broken",fstype="xfs"} 1',
    'node_time_seconds 1700000123.456',
    'node_scrape_collector_success{collector="cpu"} 1',
  ])
    assert.ok(page.has(line), line);
  assert.ok(![...page].some((line) => line.includes('sda1"') && line.startsWith('node_disk')));
});

test('what cannot be read is left out and said to be', async () => {
  const page = await lines(exporter('proc/meminfo').render());
  assert.ok(page.has('node_scrape_collector_success{collector="meminfo"} 0'));
  assert.ok(page.has('node_load1 0.5'));
});

test('other systems: what the runtime knows', async () => {
  const page = await new HostExporter({
    files: {} as Files,
    clock: { nowMs: () => 0 } as Clock,
    logger: silentLogger,
    platform: 'darwin',
  }).render();
  assert.match(page, /^node_memory_total_bytes \d+$/m);
  assert.match(page, /^node_uname_info\{/m);
});
