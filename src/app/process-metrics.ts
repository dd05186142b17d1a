// What the operating system and the runtime say of the process, by the names that Prometheus' clients use. File descriptors, virtual
// memory and the time of the start come from Linux' /proc and are left out elsewhere.
import type { MetricRegistry } from '../base/index.ts';
import type { HostFiles } from '../config/index.ts';
import { VERSION } from './version.ts';

/** `startedMs`: when the process started. */
export function registerProcessMetrics(metrics: MetricRegistry, files: HostFiles, startedMs: number): void {
  const gauge = (name: string, help: string) => metrics.gauge(name, help);
  gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.').set(startedMs / 1000);
  metrics
    .gauge('tidemark_build_info', 'Version of the program and its runtime; always 1.', {
      version: VERSION,
      runtime: `node ${process.versions.node}`,
    })
    .set(1);
  const resident = gauge('process_resident_memory_bytes', 'Resident memory size in bytes.');
  const heap = gauge('tidemark_main_heap_bytes', 'JavaScript heap of the main thread that is in use.');
  const buffers = gauge(
    'tidemark_main_buffer_bytes',
    'Memory that JavaScript of the main thread holds outside its heap.',
  );
  const cpu = metrics.counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.');
  metrics.beforeRender(() => {
    const { rss, heapUsed, external } = process.memoryUsage();
    resident.set(rss);
    heap.set(heapUsed);
    buffers.set(external);
    const { user, system } = process.cpuUsage();
    cpu.value = (user + system) / 1e6;
  });
  if (process.platform === 'linux') registerProc(metrics, files);
}

function registerProc(metrics: MetricRegistry, files: HostFiles): void {
  const open = metrics.gauge('process_open_fds', 'Number of open file descriptors.');
  const most = metrics.gauge('process_max_fds', 'Maximum number of open file descriptors.');
  const virtual = metrics.gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.');
  const threads = metrics.gauge('process_threads', 'Number of threads of the process.');
  const textOf = async (name: string): Promise<string> =>
    Buffer.from(await files.readFile(`/proc/self/${name}`)).toString('latin1');
  metrics.beforeRender(async () => {
    const [descriptors, limits, status] = await Promise.all([
      files.list('/proc/self/fd'),
      textOf('limits'),
      textOf('status'),
    ]);
    open.set(descriptors.length);
    most.set(Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY));
    virtual.set(Number(/^VmSize:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024);
    threads.set(Number(/^Threads:\s+(\d+)$/m.exec(status)?.[1] ?? 0));
  });
}
