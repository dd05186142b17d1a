// A data directory with some of everything, made on a simulated disk: log segments with a tail, images, blocks of all levels and
// compacted ones, blocks of late samples, tombstones, a list of cuts, native histograms, two tenants.
import { utf8 } from '../src/base/index.ts';
import { type SimWorld, createSimWorld } from '../src/io/index.ts';
import { LIFE_CYCLE_POLICY_DEFAULT, MANIFEST, manifestText } from '../src/tsdb/index.ts';
import { Instances } from './instances.ts';
import { Model } from './model.ts';
import { storeFiles } from './rot.ts';
import { Session, type SessionParts } from './session.ts';
import { drawSettings, newTotals } from './settings.ts';
import { Workload } from './workload.ts';

/** Bytes of files by path. */
export type StoredFiles = ReadonlyMap<string, Uint8Array>;

/** What a session over the store needs besides a world: the model knows what was written. */
export type StoreParts = Omit<SessionParts, 'sim'>;

/** As the simulation's intake has it. */
const KEY = new Uint8Array(32).fill(9);

/** Settings of a seed, with thresholds that a small store reaches. */
export async function storeParts(seed: number, shards: number): Promise<StoreParts> {
  const sim = createSimWorld(seed);
  const model = new Model();
  const settings = {
    ...drawSettings(sim.random.fork()),
    shards,
    retention: { timeMs: 0, sizeBytes: 0 },
    policy: { ...LIFE_CYCLE_POLICY_DEFAULT, dropLogBytes: 500, lateSamplesMax: 20, lateLogBytesMin: 0 },
    cacheBytesMax: 1 << 20,
    hasFaults: false,
  };
  return {
    instances: await Instances.load(),
    model,
    settings,
    totals: newTotals(),
    horizon: { ms: -Infinity },
    workload: new Workload(sim.random.fork(), model),
  };
}

/** Fills a store in a few lives, the last of which is killed while samples are in the log that no image has. */
export async function buildStore(seed: number, parts: StoreParts): Promise<StoredFiles> {
  const sim = createSimWorld(seed);
  return sim.run(async () => {
    for (let life = 0; life < 3; life++) {
      const session = new Session({ ...parts, sim }, sim.random.fork());
      await session.start(false);
      await session.check();
      for (let i = 0; i < 4; i++) await fill(session, parts.workload, i);
      if (life < 2) await session.stop(1);
      else {
        await session.readAll();
        session.abandon();
        sim.kill();
      }
    }
    const files = new Map<string, Uint8Array>();
    files.set(MANIFEST, utf8(manifestText(parts.settings.shards, KEY)));
    for (const path of await storeFiles(sim)) files.set(path, await sim.world.files.readFile(path));
    return files;
  });
}

/** Writes the files on a simulated disk. */
export async function layOutSimulated(stored: StoredFiles, sim: SimWorld): Promise<void> {
  const { files } = sim.world;
  for (const [path, bytes] of stored) {
    await files.makeDirectory(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    const file = await files.open(path, 'write');
    await file.write(bytes, 0);
    await file.close();
  }
}

async function fill(session: Session, workload: Workload, i: number): Promise<void> {
  await session.client(15);
  const [minMs, maxMs] = workload.range();
  const matchers = [{ name: 'series', op: '=', value: String(i) }] as const;
  await session.command({ type: 'delete', tenant: 'anonymous', matchers, minMs, maxMs });
}
