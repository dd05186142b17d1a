// Short turns on the processor for the threads that writes wait for. Linux' scheduler lets a thread that is running finish its turn, 3 ms
// by default, before one that wakes up, unless that one asks for shorter turns (since 6.12; older ones take no notice). A write wakes
// threads several times. Its 99th percentile beside eight clients with heavy queries on two processors, bench/isolation.ts: 9 to 11 ms,
// with turns of 0.1 ms 8 to 9.
//
// There is no way to ask but the system call, by Node's foreign functions, which are experimental: where they or the call are missing,
// nothing changes.
//
//   struct sched_attr: u32 size │ u32 policy │ u64 flags │ i32 nice │ u32 priority │ u64 runtime (ns) │ u64 deadline │ u64 period │ ...
import { readFileSync, readdirSync } from 'node:fs';
import process from 'node:process';

const TURN_NS = 100_000n;
const ATTRIBUTES_BYTES = 56;
const POLICY_OTHER = 0;
/** Numbers of sched_setattr. */
const CALLS: Readonly<Record<string, bigint>> = { x64: 314n, arm64: 274n };
const FLAG = '--experimental-ffi';
const TASKS = '/proc/self/task';

interface ForeignFunctions {
  dlopen(
    library: string,
    signatures: { readonly syscall: { readonly arguments: readonly string[]; readonly return: string } },
  ): { readonly functions: { syscall(...values: bigint[]): bigint } };
  getRawPointer(bytes: Uint8Array): bigint;
}

/** Threads of the usual priority, which shards and queries do not have. */
function usualThreads(): string[] {
  return readdirSync(TASKS).filter((thread) => {
    const stat = readFileSync(`${TASKS}/${thread}/stat`, 'latin1');
    const nice = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16];
    return nice === '0';
  });
}

/**
 * Asks for short turns of all threads that are there now and have the usual priority. Returns for how many of them it was granted: 0
 * where it cannot be asked for.
 */
export function askForShortTurns(): number {
  const call = CALLS[process.arch];
  if (process.platform !== 'linux' || call === undefined || !process.execArgv.includes(FLAG)) return 0;
  try {
    const foreign = process.getBuiltinModule('node:ffi' as 'node:fs') as unknown as ForeignFunctions;
    const signature = { arguments: ['i64', 'i64', 'pointer', 'i64'], return: 'i64' };
    const { functions } = foreign.dlopen('libc.so.6', { syscall: signature });
    const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
    attributes.writeUInt32LE(ATTRIBUTES_BYTES, 0);
    attributes.writeUInt32LE(POLICY_OTHER, 4);
    attributes.writeBigUInt64LE(TURN_NS, 24);
    const pointer = foreign.getRawPointer(attributes);
    const granted = usualThreads().filter((thread) => functions.syscall(call, BigInt(thread), pointer, 0n) === 0n);
    return granted.length;
  } catch {
    return 0; // another C library, no such module, or not allowed: turns stay as they are
  }
}
