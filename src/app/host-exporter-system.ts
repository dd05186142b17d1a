// Host metrics where there is no /proc: what the runtime knows of any system.
import os from 'node:os';
import { type Family, gauge } from './host-exporter-text.ts';

const MODES = { user: 'user', nice: 'nice', sys: 'system', idle: 'idle', irq: 'irq' } as const;

/** CPU, load and memory by node:os. */
export function systemFamilies(): Family[] {
  const samples = os.cpus().flatMap(({ times }, cpu) =>
    Object.entries(MODES).map(([field, mode]) => ({
      labels: { cpu: String(cpu), mode },
      value: times[field as keyof typeof MODES] / 1000,
    })),
  );
  const help = 'CPU time by mode.';
  const load = os.loadavg();
  return [
    { name: 'node_cpu_seconds_total', help, type: 'counter', samples },
    ...[1, 5, 15].map((minutes, i) => gauge(`node_load${minutes}`, `Load average over ${minutes} min.`, load[i])),
    gauge('node_memory_total_bytes', 'Memory of the machine.', os.totalmem()),
    gauge('node_memory_free_bytes', 'Memory that is free.', os.freemem()),
  ];
}
