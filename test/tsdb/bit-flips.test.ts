// Single bits that flip in a store at rest: each is harmless, or the program says what is damaged and the rest is right. BIT_FLIPS=10000
// for more of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimRandom, createSimWorld } from '../../src/io/index.ts';
import { LIFE_CYCLE_POLICY_DEFAULT } from '../../src/tsdb/index.ts';
import { Instances } from '../../sim/instances.ts';
import { Model } from '../../sim/model.ts';
import { storeFiles } from '../../sim/rot.ts';
import { Session, type SessionParts } from '../../sim/session.ts';
import { drawSettings, newTotals } from '../../sim/settings.ts';
import { Workload } from '../../sim/workload.ts';
import { fuzzSeed } from '../support/fuzz.ts';

const FLIPS = Number(process.env.BIT_FLIPS ?? 100);
type Stored = readonly (readonly [path: string, bytes: Uint8Array])[];

/** A store with some of everything: log segments, two images, blocks of all levels, tombstones, a list of cuts. */
async function build(base: Omit<SessionParts, 'sim' | 'workload'>): Promise<Stored> {
  const sim = createSimWorld(fuzzSeed(5));
  return sim.run(async () => {
    const workload = new Workload(sim.random.fork(), base.model);
    const parts = { ...base, sim, workload };
    for (let life = 0; life < 3; life++) {
      const session = new Session(parts, sim.random.fork());
      await session.start(false);
      await session.check();
      for (let i = 0; i < 4; i++) {
        await session.client(15);
        const tenant = 'anonymous';
        const matchers = [{ name: 'series', op: '=', value: String(i) }] as const;
        const [minMs, maxMs] = workload.range();
        await session.command({ type: 'delete', tenant, matchers, minMs, maxMs });
      }
      await session.stop(1);
    }
    const paths = await storeFiles(sim);
    return Promise.all(paths.map(async (path) => [path, await sim.world.files.readFile(path)] as const));
  });
}

/** Opens a copy of the store in which one bit is flipped, or none. Returns what the program complains of. */
async function open(
  base: Omit<SessionParts, 'sim'>,
  stored: Stored,
  flip: string | null,
  known: readonly string[],
  i: number,
) {
  const sim = createSimWorld(i);
  return sim.run(async () => {
    const { files } = sim.world;
    for (const [path, bytes] of stored) {
      await files.makeDirectory(path.slice(0, path.lastIndexOf('/')));
      const file = await files.open(path, 'write');
      await file.write(bytes, 0);
      await file.close();
    }
    if (flip) sim.disk.flipBit(flip);
    const session = new Session({ ...base, sim }, sim.random.fork());
    const news = (): string[] => session.complaints.filter((complaint) => !known.includes(complaint));
    await session.start(i % 2 === 1);
    await session.readAll(false, () => news().length > 0);
    await session.stop(0);
    return news();
  });
}

const kindOf = (path: string): string => /tombstones|cuts|block$|image$|log$/.exec(path)?.[0] ?? 'other';

/** Any kind of file as likely as any other. */
function pickFile(random: SimRandom, stored: Stored): string {
  const kind = random.pick([...new Set(stored.map(([path]) => kindOf(path)))]);
  return random.pick(stored.filter(([path]) => kindOf(path) === kind))[0];
}

test('a flipped bit is harmless or reported, never a wrong answer', async (context) => {
  const sim = createSimWorld(fuzzSeed(5));
  const model = new Model();
  const settings = {
    ...drawSettings(sim.random.fork()),
    shards: 1,
    retention: { timeMs: 0, sizeBytes: 0 },
    policy: { ...LIFE_CYCLE_POLICY_DEFAULT, dropLogBytes: 500, lateSamplesMax: 20, lateLogBytesMin: 0 },
    cacheBytesMax: 1 << 20,
    hasFaults: false,
  };
  const common = {
    instances: await Instances.load(),
    model,
    settings,
    totals: newTotals(),
    horizon: { ms: -Infinity },
  };
  const stored = await build(common);
  const base = { ...common, workload: new Workload(sim.random.fork(), new Model()) };
  const kinds = new Set(stored.map(([path]) => kindOf(path)));
  assert.deepEqual([...kinds].sort(), ['block', 'cuts', 'image', 'log', 'tombstones']);
  const known = [...(await open(base, stored, null, [], 0)), ...(await open(base, stored, null, [], 1))];
  const table = new Map([...kinds].map((kind) => [kind, { flips: 0, reported: 0 }]));
  for (let i = 0; i < FLIPS; i++) {
    const path = pickFile(sim.random, stored);
    const row = table.get(kindOf(path)) as { flips: number; reported: number };
    row.flips++;
    const news = await open(base, stored, path, known, i + fuzzSeed(1));
    if (news.length > 0) row.reported++;
  }
  for (const [kind, { flips, reported }] of table)
    context.diagnostic(`${kind}: ${flips} flips, ${reported} reported, the others harmless`);
});
