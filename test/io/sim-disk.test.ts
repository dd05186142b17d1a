import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8, utf8Text } from '../../src/base/index.ts';
import { type Files, type OpenFile, createSimWorld, type SimWorld } from '../../src/io/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { checkFilesContract } from './files-contract.ts';

checkFilesContract('simulated files', async () => {
  const sim = createSimWorld(1);
  return { files: sim.world.files, run: (program) => sim.run(program) };
});

const filled = (count: number, value: number): Uint8Array => new Uint8Array(count).fill(value);

/** Makes a durable file. */
async function durableFile(files: Files, path: string, bytes: Uint8Array): Promise<OpenFile> {
  const file = await files.open(path, 'create');
  await file.write(bytes, 0);
  await file.sync();
  await files.syncDirectory('');
  return file;
}

/** What a scenario leaves after a crash, over many seeds. */
async function outcomes<T>(count: number, scenario: (sim: SimWorld) => Promise<T>): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= count; seed++) {
    const sim = createSimWorld(seed);
    const outcome = String(await sim.run(() => scenario(sim)));
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  return seen;
}

test('what was synced stays, whatever is written after it and lost', async () => {
  await outcomes(fuzzCases(40), async (sim) => {
    const file = await durableFile(sim.world.files, 'f', filled(3000, 1));
    await file.write(filled(5000, 2), 3000);
    sim.crash();
    const bytes = await sim.world.files.readFile('f');
    assert.ok(bytes.length >= 3000);
    assert.deepEqual(bytes.subarray(0, 3000), filled(3000, 1));
  });
});

test('what was not synced is lost, kept, or torn between sectors, all of which happen', async () => {
  const seen = await outcomes(60, async (sim) => {
    const file = await durableFile(sim.world.files, 'f', filled(4096, 1));
    await file.write(filled(4096, 2), 0);
    sim.crash();
    const bytes = await sim.world.files.readFile('f');
    for (let at = 0; at < 4096; at += 512) assert.equal(new Set(bytes.subarray(at, at + 512)).size, 1, 'a torn sector');
    return new Set(bytes).size === 2 ? 'torn' : bytes[0];
  });
  assert.deepEqual([...seen.keys()].sort(), ['1', '2', 'torn']);
});

test('an appended tail may be short, or as long as it was with zeros in it', async () => {
  const seen = await outcomes(120, async (sim) => {
    const file = await durableFile(sim.world.files, 'f', filled(100, 1));
    for (let i = 0; i < 4; i++) await file.write(filled(1000, 2), 100 + 1000 * i);
    sim.crash();
    const bytes = (await sim.world.files.readFile('f')).subarray(100);
    if (bytes.length === 0) return 'nothing';
    if (bytes.includes(0)) return 'zeros';
    return bytes.length === 4000 ? 'all' : 'prefix';
  });
  assert.deepEqual([...seen.keys()].sort(), ['all', 'nothing', 'prefix', 'zeros']);
});

test('a file that was synced in a directory that was not may be gone', async () => {
  const seen = await outcomes(40, async (sim) => {
    const file = await sim.world.files.open('f', 'create');
    await file.write(utf8('content'), 0);
    await file.sync();
    sim.crash();
    if (!(await sim.world.files.exists('f'))) return 'gone';
    return utf8Text(await sim.world.files.readFile('f'));
  });
  assert.deepEqual([...seen.keys()].sort(), ['content', 'gone']);
});

test('changes of a directory survive in their order', async () => {
  const seen = await outcomes(80, async (sim) => {
    for (const name of ['a', 'b', 'c', 'd']) await sim.world.files.open(name, 'create');
    await sim.world.files.remove('a');
    sim.crash();
    return (await sim.world.files.list('')).join('');
  });
  for (const names of seen.keys()) assert.ok(['', 'a', 'ab', 'abc', 'abcd', 'bcd'].includes(names), names);
  assert.ok(seen.has('') && seen.has('bcd') && seen.size > 3);
});

test('a removed file may come back, a renamed one is under one name', async () => {
  const seen = await outcomes(80, async (sim) => {
    const { files } = sim.world;
    await files.makeDirectory('d');
    await durableFile(files, 'removed', utf8('x'));
    await durableFile(files, 'moved', utf8('y'));
    await files.remove('removed');
    await files.rename('moved', 'd/moved');
    sim.crash();
    const names = [
      ...(await sim.world.files.list('')),
      ...(await sim.world.files.list('d')).map((name) => `d/${name}`),
    ];
    assert.equal(names.filter((name) => name.endsWith('moved') && !name.startsWith('re')).length, 1, names.join());
    return names.includes('removed');
  });
  assert.deepEqual([...seen.keys()].sort(), ['false', 'true']);
});

test('syncing a directory keeps its changes and those they are bound to, not others', async () => {
  const seen = await outcomes(60, async (sim) => {
    const { files } = sim.world;
    await files.makeDirectory('a');
    await files.makeDirectory('b');
    await files.syncDirectory('');
    await files.open('a/moved', 'create');
    await files.open('a/other', 'create');
    await files.rename('a/moved', 'b/moved');
    await files.open('a/later', 'create');
    await files.syncDirectory('b');
    sim.crash();
    assert.deepEqual(await sim.world.files.list('b'), ['moved']);
    assert.ok((await sim.world.files.list('a')).includes('other'));
    return (await sim.world.files.list('a')).includes('later');
  });
  assert.deepEqual([...seen.keys()].sort(), ['false', 'true']);
});

test('a file written atomically is the old or the new one after a crash at any moment', async () => {
  const seen = await outcomes(fuzzCases(80), async (sim) => {
    await sim.world.files.writeFileAtomic('f', filled(3000, 1));
    let isDone = false;
    void sim.world.files.writeFileAtomic('f', filled(2000, 2)).then(() => (isDone = true));
    await sim.clock.sleep(sim.random.next() * 6);
    sim.crash();
    const bytes = await sim.world.files.readFile('f');
    assert.deepEqual(bytes, bytes[0] === 1 ? filled(3000, 1) : filled(2000, 2));
    if (isDone) assert.equal(bytes[0], 2);
    return bytes[0];
  });
  assert.deepEqual([...seen.keys()].sort(), ['1', '2']);
});

test('a killed process leaves what it wrote, and may leave part of what it was writing', async () => {
  const seen = await outcomes(60, async (sim) => {
    const file = await sim.world.files.open('f', 'create');
    await file.write(filled(100, 1), 0);
    void file.write(filled(100, 2), 100);
    await sim.clock.sleep(sim.random.next());
    sim.kill();
    const bytes = await sim.world.files.readFile('f');
    assert.deepEqual(bytes.subarray(0, 100), filled(100, 1));
    return bytes.length === 100 ? 'none' : bytes.length === 200 ? 'all' : 'part';
  });
  assert.ok(seen.has('all') && seen.has('part'));
});

test('a lock ends with its process', async () => {
  const sim = createSimWorld(1);
  await sim.run(async () => {
    await sim.world.files.lock('lock');
    await assert.rejects(sim.world.files.lock('lock'), { code: 'locked' });
    sim.kill();
    await sim.world.files.lock('lock');
  });
});

test('a full disk takes part of a write, says so, and takes more when there is space again', async () => {
  await outcomes(20, async (sim) => {
    const { files } = sim.world;
    sim.disk.capacityBytes = 10_000;
    const file = await durableFile(files, 'f', filled(8000, 1));
    await assert.rejects(file.write(filled(4000, 2), 8000), {
      code: 'disk_full',
      message: 'cannot write sim:main/f: no space left on device',
    });
    const sizeBytes = await file.size();
    assert.ok(sizeBytes >= 8000 && sizeBytes <= 10_000);
    await file.write(filled(8000, 3), 0); // no more space needed
    await file.truncate(100);
    await file.write(filled(4000, 2), 100);
    await files.remove('f');
    assert.equal(sim.disk.usedBytes, 4100, 'an open file keeps its space');
    await file.close();
    assert.equal(sim.disk.usedBytes, 0);
  });
});

test('faults come by chance or on order, and name the file', async () => {
  const sim = createSimWorld(1);
  await sim.run(async () => {
    const { files } = sim.world;
    const file = await durableFile(files, 'log', filled(10, 1));
    sim.disk.failNext('read', 'other');
    sim.disk.failNext('read', 'log');
    await assert.rejects(files.readFile('log'), {
      code: 'io_error',
      message: 'cannot read sim:main/log: simulated fault',
    });
    await files.readFile('log');
    sim.disk.faultChance.write = 0.5;
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => file.write(filled(10, 2), 0)));
    const failedCount = results.filter(({ status }) => status === 'rejected').length;
    assert.ok(failedCount > 25 && failedCount < 75);
  });
});

test('a failed sync may forget the data for good: a second one that succeeds does not bring it back', async () => {
  const seen = await outcomes(40, async (sim) => {
    const file = await durableFile(sim.world.files, 'f', filled(512, 1));
    await file.write(filled(512, 2), 0);
    sim.disk.failNext('sync');
    await assert.rejects(file.sync(), { code: 'io_error' });
    await file.sync();
    assert.equal((await sim.world.files.readFile('f'))[0], 2);
    sim.crash();
    return (await sim.world.files.readFile('f'))[0];
  });
  assert.deepEqual([...seen.keys()].sort(), ['1', '2']);
});

test('a disk that lies about syncs loses what it said was durable', async () => {
  const seen = await outcomes(40, async (sim) => {
    sim.disk.lieAboutSync = true;
    const file = await durableFile(sim.world.files, 'f', filled(512, 1));
    await file.close();
    sim.crash();
    return sim.world.files.exists('f');
  });
  assert.ok(seen.has('false'));
});

test('bit rot changes one bit, and a crash does not mend it', async () => {
  const sim = createSimWorld(4);
  await sim.run(async () => {
    await durableFile(sim.world.files, 'f', filled(1000, 0));
    const at = sim.disk.flipBit('f');
    sim.crash();
    const bytes = await sim.world.files.readFile('f');
    assert.deepEqual(
      [...bytes.keys()].filter((i) => bytes[i] !== 0),
      [at],
    );
    assert.equal(Math.log2(bytes[at]) % 1, 0);
    assert.equal(sim.disk.flipBit('f', 17), 17);
  });
});

test('bytes that change while they are written are a bug that is found', async () => {
  const sim = createSimWorld(1);
  await sim.run(async () => {
    const file = await sim.world.files.open('f', 'create');
    const bytes = filled(10, 1);
    const writing = file.write(bytes, 0);
    bytes[3] = 9;
    await assert.rejects(writing, { name: 'InvariantError' });
  });
});

// The model: a log of numbered records, synced now and then. After any crash the synced ones are there, in full.
test('random programs of writes, syncs and crashes never lose what was synced', async () => {
  for (let seed = fuzzSeed(1), end = seed + fuzzCases(30); seed < end; seed++) {
    const sim = createSimWorld(seed);
    await sim
      .run(() => runRandomProgram(sim))
      .catch((error) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
  }
});

test('the same programs find a disk that lies about syncs', async () => {
  const found = await Promise.allSettled(
    Array.from({ length: 10 }, (_, seed) => {
      const sim = createSimWorld(seed);
      sim.disk.lieAboutSync = true;
      return sim.run(() => runRandomProgram(sim));
    }),
  );
  assert.ok(found.filter(({ status }) => status === 'rejected').length >= 8);
});

test('the same seed gives the same history, to the byte', async () => {
  const history = async (seed: number): Promise<string> => {
    const sim = createSimWorld(seed);
    await sim.run(() => runRandomProgram(sim));
    const bytes = await sim.run(() => sim.world.files.readFile('log'));
    return `${sim.scheduler.stepCount} ${sim.clock.monotonicMs()} ${Buffer.from(bytes).toString('base64')}`;
  };
  assert.equal(await history(5), await history(5));
  assert.notEqual(await history(5), await history(6));
});

async function runRandomProgram(sim: SimWorld): Promise<void> {
  let durable: number[] = [];
  for (let life = 0; life < 4; life++) {
    const { files } = sim.world;
    const records = [...((await files.exists('log')) ? await files.readFile('log') : [])];
    assert.ok(Buffer.from(records.slice(0, durable.length)).equals(Buffer.from(durable)), 'synced records were lost');
    records.length = durable.length;
    const program = async (): Promise<void> => {
      const file = await files.open('log', 'write');
      await file.truncate(durable.length);
      await file.sync();
      await files.syncDirectory('');
      for (;;) {
        const group = Array.from({ length: 1 + sim.random.below(2000) }, () => 1 + sim.random.below(255));
        await file.write(Uint8Array.from(group), records.length);
        records.push(...group);
        if (sim.random.chance(0.5)) continue;
        const written = records.slice();
        await file.sync();
        durable = written;
      }
    };
    void program();
    await sim.clock.sleep(sim.random.next() * 40);
    sim.crash();
  }
}
