import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../src/config/index.ts';
import { type Clock, createRealWorld } from '../../../src/io/index.ts';
import { Labels } from '../../../src/model/index.ts';
import { type Discoverer, type EmitGroups, SharedDiscovery, type TargetGroup } from '../../../src/scrape/index.ts';

function timers() {
  const due: (() => void)[] = [];
  const after: Clock['after'] = (_, callback) => {
    due.push(callback);
    return () => due.splice(due.indexOf(callback), 1);
  };
  return { due, clock: { ...createRealWorld('/').clock, after } as Clock };
}

class Probe implements Discoverer {
  emit: EmitGroups = () => {};
  isStopped = false;
  start(emit: EmitGroups): void {
    this.emit = emit;
  }
  async stop(): Promise<void> {
    this.isStopped = true;
  }
}

const group = (source: string): TargetGroup => ({ source, targets: [], labels: Labels.empty });

function rig() {
  const { due, clock } = timers();
  const shared = new SharedDiscovery(clock);
  const probes: Probe[] = [];
  const use = (kind: string, config: object) => {
    const seen: string[] = [];
    const discoverer = shared.of(kind, config, () => {
      const probe = new Probe();
      probes.push(probe);
      return probe;
    });
    discoverer.start((groups) => seen.push(groups.map(({ source }) => source).join()));
    return { seen, stop: () => discoverer.stop() };
  };
  return { due, shared, probes, use };
}

test('jobs with equal configuration share one discoverer, and a later one gets what is known at once', () => {
  const { probes, use } = rig();
  const first = use('dns', { name: 'a', key: new Secret('k') });
  probes[0].emit([group('x')]);
  const second = use('dns', { name: 'a', key: new Secret('k') });
  probes[0].emit([group('y')]);
  assert.equal(probes.length, 1);
  assert.deepEqual(
    [first.seen, second.seen],
    [
      ['x', 'y'],
      ['x', 'y'],
    ],
  );
});

test('what differs in anything, also in a secret, runs on its own', () => {
  const { probes, use } = rig();
  use('dns', { name: 'a', key: new Secret('k') });
  use('dns', { name: 'a', key: new Secret('other') });
  use('dns', { name: 'b', key: new Secret('k') });
  use('consul', { name: 'a', key: new Secret('k') });
  assert.equal(probes.length, 4);
});

test('a discoverer goes on over a reload, and ends when nobody has come back for it', async () => {
  const { due, probes, use } = rig();
  const before = use('dns', { name: 'a' });
  probes[0].emit([group('x')]);
  await before.stop();
  probes[0].emit([group('y')]);
  const after = use('dns', { name: 'a' });
  assert.deepEqual([before.seen, after.seen, probes.length, due.length], [['x'], ['y'], 1, 0]);
  await after.stop();
  assert.equal(probes[0].isStopped, false);
  for (const callback of due) callback();
  assert.equal(probes[0].isStopped, true);
  use('dns', { name: 'a' });
  assert.equal(probes.length, 2);
});

test('a stop ends all that runs', async () => {
  const { shared, probes, use } = rig();
  use('dns', { name: 'a' });
  await use('dns', { name: 'b' }).stop();
  await shared.stop();
  assert.deepEqual(
    probes.map(({ isStopped }) => isStopped),
    [true, true],
  );
});
