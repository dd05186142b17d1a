// What a process and its descendants use, from /proc.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const TICKS_PER_SECOND = 100;

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // it has ended
  }
}

/** Fields of /proc/PID/stat behind the command's name: state, parent, ... */
function statOf(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function treeOf(root: number): number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(pids.map((pid) => [pid, Number(statOf(pid)[1])]));
  const tree = [root];
  for (let i = 0; i < tree.length; i++) tree.push(...pids.filter((pid) => parents.get(pid) === tree[i]));
  return tree;
}

/** User and system time of a process tree so far. */
export function cpuMsOf(root: number): number {
  let ticks = 0;
  for (const pid of treeOf(root)) {
    // utime, stime, and those of children that were waited for
    for (const field of statOf(pid).slice(11, 15)) ticks += Number(field);
  }
  return (ticks * 1000) / TICKS_PER_SECOND;
}

/** Resident memory of a process tree: now, and the most each process ever had. */
export function residentOf(root: number): { bytes: number; highWaterBytes: number } {
  const sum = { bytes: 0, highWaterBytes: 0 };
  for (const pid of treeOf(root)) {
    const status = read(`/proc/${pid}/status`);
    sum.bytes += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
    sum.highWaterBytes += Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  }
  return sum;
}

/** Bytes of the files below some folders; one that is not there has none. */
export function diskBytes(...folders: readonly string[]): number {
  let bytes = 0;
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const { size, blocks } = statSync(path.join(entry.parentPath, entry.name));
      bytes += Math.min(size, blocks * 512);
    }
  }
  return bytes;
}
