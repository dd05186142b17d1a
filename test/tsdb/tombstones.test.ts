// The file of deletes that blocks have not applied.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../src/base/index.ts';
import { createSimWorld } from '../../src/io/index.ts';
import { Tombstones } from '../../src/tsdb/tombstones.ts';

const at = (offset: number) => ({ segment: 1, offset });
const tombstone = (offset: number) => ({ position: at(offset), tenant: 'a', matchers: [], minMs: 0, maxMs: 9 });

const inSim = (program: (open: () => Promise<Tombstones>) => Promise<void>) => () => {
  const sim = createSimWorld(3);
  return sim.run(async () => {
    await sim.world.files.makeDirectory('blocks');
    await program(() => Tombstones.open(sim.world.files, 'blocks', silentLogger));
  });
};
const offsets = (tombstones: Tombstones) => tombstones.after(at(0)).map(({ position }) => position.offset);

test(
  'a delete that comes while others are pruned is not lost',
  inSim(async (open) => {
    const tombstones = await open();
    await tombstones.add(tombstone(10));
    await Promise.all([
      tombstones.prune(at(20), () => [at(15)]),
      tombstones.add(tombstone(20)),
      tombstones.add(tombstone(30)),
    ]);
    assert.deepEqual(offsets(tombstones), [20, 30]);
    assert.deepEqual(offsets(await open()), [20, 30]);
  }),
);

test(
  'a delete goes when every block has applied it, and not before its log position was come by',
  inSim(async (open) => {
    const tombstones = await open();
    for (const offset of [10, 20, 30]) await tombstones.add(tombstone(offset));
    await tombstones.prune(at(25), () => [at(15), at(40)]);
    assert.deepEqual(offsets(tombstones), [20, 30]);
    await tombstones.prune(at(25), () => [at(40)]);
    assert.deepEqual(offsets(tombstones), [30]);
  }),
);

test(
  'a replay that brings a delete again adds nothing',
  inSim(async (open) => {
    const tombstones = await open();
    await tombstones.add(tombstone(10));
    await tombstones.add(tombstone(10));
    assert.equal(tombstones.length, 1);
  }),
);
