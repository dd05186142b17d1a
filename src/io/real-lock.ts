// A lock for the life of a process: a file that names its holder as "<pid> <start>\n". `start` (boot id and start time in
// kernel ticks, from /proc) tells a live holder from another process that was given the same pid later.
//
// The file appears complete, by link(2) from a private one, so that nobody reads half of it. Only who holds a second lock of
// the same kind (path + ".takeover") may replace a stale one, after another look at it: without that, of two processes that
// find the same stale lock, the slower one would take away what the faster one has just made.
import fs from 'node:fs/promises';
import { TidemarkError } from '../base/index.ts';

const ATTEMPT_COUNT_MAX = 100;
const ATTEMPT_GAP_MS = 5;
let privateNameCount = 0;

/** A lock that is held. */
export interface HeldLock {
  release(): Promise<void>;
}

/** Takes the lock file at `path`; throws TidemarkError `locked` naming the process that has it. */
export async function takeLock(path: string): Promise<HeldLock> {
  const content = `${process.pid} ${(await startOf(process.pid)) ?? 'unknown'}\n`;
  for (let attempt = 0; attempt < ATTEMPT_COUNT_MAX; attempt++) {
    if (await createLinked(path, content)) return { release: () => release(path, content) };
    const held = await readIfPresent(path);
    if (held === undefined) continue;
    if (await isHolderAlive(held)) throw lockedError(path, held);
    if (await replaceStale(path, held, content)) return { release: () => release(path, content) };
    await new Promise((resolve) => setTimeout(resolve, ATTEMPT_GAP_MS));
  }
  throw new TidemarkError('locked', `cannot lock ${path}: other processes keep taking it`);
}

async function replaceStale(path: string, stale: string, content: string): Promise<boolean> {
  const guard = await takeGuard(`${path}.takeover`);
  if (guard === undefined) return false;
  try {
    if ((await readIfPresent(path)) !== stale) return false;
    const temporary = privateName(path);
    await fs.writeFile(temporary, content);
    await fs.rename(temporary, path);
    return true;
  } finally {
    await guard.release();
  }
}

async function takeGuard(path: string): Promise<HeldLock | undefined> {
  try {
    return await takeLock(path);
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'locked') return undefined;
    throw error;
  }
}

function lockedError(path: string, held: string): TidemarkError {
  const pid = Number.parseInt(held, 10);
  const who = pid === process.pid ? 'this process' : 'process';
  return new TidemarkError('locked', `cannot lock ${path}: ${who} ${pid} holds it`);
}

const privateName = (path: string): string => `${path}.${process.pid}.${++privateNameCount}`;

async function createLinked(path: string, content: string): Promise<boolean> {
  const temporary = privateName(path);
  await fs.writeFile(temporary, content, { flag: 'w' });
  try {
    await fs.link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))) throw error;
    return createDirectly(path, content);
  } finally {
    await fs.rm(temporary, { force: true });
  }
}

// On file systems without hard links, such as some network shares. The content follows at once, but not in the same step.
async function createDirectly(path: string, content: string): Promise<boolean> {
  try {
    await fs.writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? '';

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await fs.readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function release(path: string, content: string): Promise<void> {
  if ((await readIfPresent(path)) === content) await fs.rm(path, { force: true });
}

async function isHolderAlive(content: string): Promise<boolean> {
  const [pidText, start] = content.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return false; // not a lock of ours, or cut short by a power failure
  if (!isRunning(pid)) return false;
  const startNow = await startOf(pid);
  if (startNow === ENDED) return false;
  return startNow === undefined || start === undefined || start === 'unknown' || startNow === start;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** What startOf() says of a process that has ended and only waits for its parent to notice. */
const ENDED = 'ended';

// Fields 3 and 22 of /proc/<pid>/stat; the second field, the command in parentheses, may itself contain spaces and parentheses.
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
    const bootId = (await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return ENDED;
    return `${bootId}/${fields[19]}`;
  } catch {
    return undefined; // no /proc here: the pid alone must do
  }
}
