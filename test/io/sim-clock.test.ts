import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSimWorld } from '../../src/io/index.ts';

async function eventOrder(seed: number): Promise<string> {
  const sim = createSimWorld(seed);
  const events: string[] = [];
  await sim.run(async () => {
    const worker = async (name: string): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await sim.world.clock.sleep(10);
        events.push(`${name}${i}@${sim.clock.monotonicMs()}`);
        await sim.world.clock.yield();
      }
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(worker));
  });
  return events.join(' ');
}

test('the same seed gives the same order of events, another seed another', async () => {
  assert.equal(await eventOrder(1), await eventOrder(1));
  const orders = new Set(await Promise.all([1, 2, 3, 4, 5].map(eventOrder)));
  assert.ok(orders.size > 1);
});

test('virtual time jumps to the next event: a year of sleep takes no time', async () => {
  const sim = createSimWorld(1);
  const yearMs = 365 * 86_400_000;
  await sim.run(async () => {
    const startMs = sim.world.clock.nowMs();
    await sim.world.clock.sleep(yearMs);
    assert.equal(sim.world.clock.nowMs() - startMs, yearMs);
    assert.equal(sim.world.clock.monotonicMs(), yearMs);
  });
});

test('callbacks come in the order of their times, and not when they were cancelled', async () => {
  const sim = createSimWorld(1);
  const events: number[] = [];
  await sim.run(async () => {
    for (const ms of [30, 10, 50, 20, 40]) sim.clock.after(ms, () => events.push(ms));
    sim.clock.after(15, () => events.push(15))();
    await sim.clock.sleep(100);
  });
  assert.deepEqual(events, [10, 20, 30, 40, 50]);
});

test('an aborted sleep rejects at once', async () => {
  const sim = createSimWorld(1);
  await sim.run(async () => {
    const abort = new AbortController();
    sim.clock.after(5, () => abort.abort());
    await assert.rejects(sim.world.clock.sleep(1000, abort.signal), { name: 'AbortError' });
    assert.equal(sim.clock.monotonicMs(), 5);
  });
});

test('what a dead process waited for never comes, and a program that waits for it is stuck', async () => {
  const sim = createSimWorld(1);
  await assert.rejects(
    sim.run(async () => {
      const { clock } = sim.world;
      let isWoken = false;
      const sleeping = clock.sleep(10).then(() => (isWoken = true));
      clock.after(10, () => assert.fail('called by a dead process'));
      await sim.clock.sleep(5);
      sim.kill();
      await sim.clock.sleep(100);
      assert.equal(isWoken, false);
      await sleeping;
    }),
    { code: 'sim_stuck' },
  );
});

test('a program that never ends is stopped after a number of steps', async () => {
  const sim = createSimWorld(1);
  const forever = async (): Promise<void> => {
    for (;;) await sim.clock.sleep(1);
  };
  await assert.rejects(sim.run(forever, 100), { code: 'sim_stuck', message: /within 100 steps/ });
});

test('an error of the program ends the run with it', async () => {
  await assert.rejects(
    createSimWorld(1).run(async () => {
      throw new Error('mine');
    }),
    { message: 'mine' },
  );
});

test('virtual time waits for real work that was announced', async () => {
  const sim = createSimWorld(1);
  await sim.run(async () => {
    let isLate = false;
    sim.clock.after(1, () => (isLate = true));
    await sim.real(new Promise((resolve) => setTimeout(resolve, 20)));
    assert.equal(isLate, false);
  });
});

test("a machine's wall clock may be wrong, and stays wrong over a crash", async () => {
  const sim = createSimWorld(1);
  const machine = sim.machine('a');
  machine.clockSkewMs = -5000;
  assert.equal(sim.world.clock.nowMs() - machine.world.clock.nowMs(), 5000);
  machine.crash();
  assert.equal(sim.world.clock.nowMs() - machine.world.clock.nowMs(), 5000);
});

test('random numbers follow the seed, fill their range and fork apart', () => {
  const draw = (seed: number) => Array.from({ length: 8 }, () => createSimWorld(seed).random.next());
  assert.deepEqual(draw(7), draw(7));
  const { random } = createSimWorld(3);
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]++;
  assert.ok(
    counts.every((count) => count > 800 && count < 1200),
    counts.join(),
  );
  const [a, b] = [random.fork(), random.fork()];
  assert.notDeepEqual(a.bytes(16), b.bytes(16));
});
