// Bits that flip while nobody runs. Then each answer is right, or the program has said what is damaged: in that case samples may be missing,
// but none may show that nobody wrote.
import type { SimRandom, SimWorld } from '../src/io/index.ts';
import { Session, type SessionParts } from './session.ts';

const DIRECTORIES = ['log', 'head', 'blocks'] as const;

const FLIPS_IN_IMAGE = 40;

/** Paths of all files of the store that have content. */
export async function storeFiles({ world, disk }: SimWorld): Promise<string[]> {
  const paths: string[] = [];
  for (const top of DIRECTORIES) {
    for (const shard of await world.files.list(top)) {
      for (const name of await world.files.list(`${top}/${shard}`)) paths.push(`${top}/${shard}/${name}`);
    }
  }
  return paths.filter((path) => {
    const node = disk.find(path);
    return node?.kind === 'file' && node.sizeBytes > 0;
  });
}

/** Flips some bits, opens the store and judges what it says. */
export async function rot(parts: SessionParts, random: SimRandom): Promise<void> {
  const { sim, totals } = parts;
  const ignoresImages = random.chance(0.5);
  const before = new Session(parts, random.fork());
  await before.start(ignoresImages);
  await before.stop(0);
  const known = new Set(before.complaints);
  const paths = await storeFiles(sim);
  if (paths.length === 0) return;
  const flips = 1 + random.below(3);
  for (let i = 0; i < flips; i++) {
    const top = random.pick(DIRECTORIES);
    const inTop = paths.filter((candidate) => candidate.startsWith(top));
    const path = random.pick(inTop.length > 0 ? inTop : paths);
    // Most of an image is zeros that nobody reads.
    for (let k = top === 'head' ? FLIPS_IN_IMAGE : 1; k > 0; k--) {
      const offset = sim.disk.flipBit(path);
      parts.log?.(`flip ${path} at ${offset}`);
    }
  }
  totals.bitsFlipped += flips;
  const after = new Session(parts, random.fork());
  const isReported = (): boolean => after.complaints.some((complaint) => !known.has(complaint));
  await after.start(ignoresImages);
  await after.readAll(false, isReported);
  // Compaction reads every byte of what it merges.
  await after.command({ type: 'flush' });
  await after.readAll(false, isReported);
  if (isReported()) totals.flipsReported++;
  await after.stop();
}
