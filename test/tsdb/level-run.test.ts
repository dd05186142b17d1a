// Series that have one value throughout are not read, and long columns are read in pieces: a leaf makes the same of them as of whole
// columns of samples.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLogger } from '../../src/base/index.ts';
import { createSimWorld } from '../../src/io/index.ts';
import { RANGE_FUNCTIONS, createExecWasm, loadKernel } from '../../src/kernel/index.ts';
import type { SeriesSet, SeriesSource } from '../../src/model/index.ts';
import { type LeafPlan, type LeafResult, LocalLeafExecutor } from '../../src/promql/index.ts';
import { LocalShardPort, SegmentLog, Shard } from '../../src/tsdb/index.ts';
import { BatchBuilder, type TestSample } from '../support/batch-builder.ts';

const module = await loadKernel('head');
const blockModule = await loadKernel('block');
const kernel = createExecWasm(await loadKernel('exec'));

const STEP_MS = 30_000;
const STEPS = 2 * 2880 + 300;
const HOUR_MS = 3_600_000;
const STEP_OF_PLAN_MS = 600_000;

/** What series do at step k; null: no sample. */
const KINDS: readonly ((k: number) => number | null)[] = [
  () => 7,
  () => 0.1,
  () => -0,
  () => 2 ** 52 + 1,
  () => Infinity,
  () => NaN,
  (k) => k * 3,
  (k) => (k < STEPS - 20 ? 5 : 6),
  (k) => (k < 3000 ? 5 : 6),
  (k) => (k % 500 < 400 ? 4 : null),
  (k) => (k > 1000 && k < 2000 ? null : 4),
  () => 9,
];

const series = KINDS.map((_, i) => ({
  labels: [
    ['__name__', 'm'],
    ['kind', String(i).padStart(2, '0')],
  ] as const,
}));

function samplesAt(k: number): TestSample[] {
  return KINDS.flatMap((valueAt, i) => {
    const value = valueAt(k);
    // The last two are from another target: their times differ.
    const timeMs = k * STEP_MS + (i >= KINDS.length - 2 ? 11 : 0);
    return value === null ? [] : [{ series: i, timeMs, value }];
  });
}

interface Written {
  readonly sim: ReturnType<typeof createSimWorld>;
  readonly shard: Shard;
  readonly log: SegmentLog;
  readonly port: LocalShardPort;
}

async function openShard(sim: Written['sim']): Promise<Written> {
  const { files, clock } = sim.world;
  const shard = await Shard.open({ files, clock, shard: 0, module, blockModule, logger: silentLogger });
  const port = new LocalShardPort(shard);
  const log = await SegmentLog.open({
    files,
    clock,
    shard: 0,
    onDurable: (group) => port.push(group),
    onFailure: () => {},
    logger: silentLogger,
  });
  return { sim, shard, log, port };
}

async function write({ log, port }: Written, perRecord: number, together: number): Promise<void> {
  const builder = new BatchBuilder(series);
  let waiting: Promise<void>[] = [];
  for (let k = 0; k < STEPS; k += perRecord) {
    const samples = Array.from({ length: Math.min(perRecord, STEPS - k) }, (_, i) => samplesAt(k + i)).flat();
    waiting.push(log.append(builder.build('anonymous', samples)));
    if (waiting.length < together) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
  await port.settled();
}

/** A source that counts what is read, and may hide that it knows series of one value. */
function watched(source: SeriesSource, knowsLevels: boolean, reads: { count: number }): SeriesSource {
  return {
    labelNames: (...args) => source.labelNames(...args),
    labelValues: (...args) => source.labelValues(...args),
    select: async (...args): Promise<SeriesSet> => {
      const set = await source.select(...args);
      return {
        length: set.length,
        labels: (i) => set.labels(i),
        group: (mode, names) => set.group(mode, names),
        prefetch: (from) => set.prefetch?.(from) ?? set.length,
        release: () => set.release?.(),
        samplesMax: (...range) => set.samplesMax(...range),
        read: (...range) => {
          reads.count++;
          return set.read(...range);
        },
        level: (...range) => (knowsLevels ? (set.level?.(...range) ?? null) : null),
      };
    },
  };
}

const plan = (changes: Partial<LeafPlan>): LeafPlan => ({
  tenant: 'anonymous',
  matchers: [{ name: '__name__', op: '=', value: 'm' }],
  kind: 'range',
  startMs: HOUR_MS / 2,
  stepMs: STEP_OF_PLAN_MS,
  steps: 280,
  windowMs: HOUR_MS,
  fn: 'rate',
  parameters: [],
  evalOffsetMs: 0,
  evalOffsetStepMs: 0,
  timestamps: false,
  extension: null,
  lookbackMs: 300_000,
  fold: null,
  wantNames: true,
  findResets: false,
  samplesMax: 1e9,
  bytesMax: 1e9,
  ...changes,
});

async function evaluate(
  shard: Shard,
  leaf: LeafPlan,
  knowsLevels: boolean,
  pieceSamples = Infinity,
): Promise<{ result: LeafResult; reads: number }> {
  const reads = { count: 0 };
  const executor = new LocalLeafExecutor({ source: watched(shard.source, knowsLevels, reads), kernel, pieceSamples });
  const result = await executor.execute(leaf, {
    signal: new AbortController().signal,
    shouldYield: () => false,
    yield: async () => {},
  });
  return { result, reads: reads.count };
}

async function same(shard: Shard, leaf: LeafPlan): Promise<number> {
  const quick = await evaluate(shard, leaf, true);
  const slow = await evaluate(shard, leaf, false);
  const pieces = await evaluate(shard, leaf, false, 1000);
  // The memory that a leaf counts differs: it holds the windows. Values of steps without one are of no meaning.
  const facts = ({ result }: { result: LeafResult }) => ({
    ...result,
    ...(result.kind === 'series' ? { values: result.values.map((value, i) => (result.present[i] ? value : 0)) } : {}),
    stats: { ...result.stats, peakBytes: 0 },
  });
  assert.deepEqual(facts(quick), facts(slow), `${leaf.kind} ${leaf.fn}`);
  // Between pieces, what lies between windows is not read.
  const samples = leaf.windowMs < leaf.stepMs ? facts(pieces).stats.samples : facts(slow).stats.samples;
  const want = { ...facts(slow), stats: { ...facts(slow).stats, samples } };
  assert.deepEqual(facts(pieces), want, `${leaf.kind} ${leaf.fn} in pieces`);
  assert.equal(slow.reads, KINDS.length);
  if (leaf.stepMs === STEP_OF_PLAN_MS) assert.ok(pieces.reads > slow.reads);
  return quick.reads;
}

describe('series of one value, and long columns in pieces', () => {
  test('every function gives what it gives for their samples, in blocks and in the head', async () => {
    const sim = createSimWorld(5);
    await sim.run(async () => {
      const written = await openShard(sim);
      await write(written, 30, 1);
      const { shard } = written;
      assert.ok(shard.stats().blockCount > 0 && shard.stats().blockSamples < STEPS * KINDS.length);
      const parameters = (fn: string) =>
        fn === 'quantile_over_time'
          ? [0.9]
          : fn === 'predict_linear'
            ? [60]
            : fn.startsWith('double')
              ? [0.5, 0.5]
              : [];
      for (const fn of RANGE_FUNCTIONS) {
        const values = parameters(fn).map((value) => Float64Array.of(value));
        await same(shard, plan({ fn, parameters: values }));
      }
      for (const op of ['sum', 'max', 'count', 'avg'] as const) {
        await same(shard, plan({ fold: { op, mode: 'by', names: ['kind'] }, fn: 'max_over_time' }));
        await same(shard, plan({ fold: { op, mode: 'by', names: [] } }));
      }
      // In this range five of the first target have one finite value at the same times: one of them is read.
      assert.equal(await same(shard, plan({ fn: 'max_over_time' })), KINDS.length - 4);
      await same(shard, plan({ kind: 'instant', fn: null, windowMs: 300_000 }));
      await same(shard, plan({ kind: 'instant', fn: null, windowMs: 300_000, timestamps: true }));
      await same(shard, plan({ startMs: HOUR_MS * 12 + 77, stepMs: 60_001, steps: 1700 }));
      await written.log.close();
    });
  });

  test('a delete of some samples is seen', async () => {
    const sim = createSimWorld(6);
    await sim.run(async () => {
      const written = await openShard(sim);
      await write(written, 30, 1);
      const matchers = [{ name: 'kind', op: '=', value: '00' }] as const;
      const { encodeCommand } = await import('../../src/tsdb/command.ts');
      await written.log.append(
        encodeCommand({
          type: 'delete',
          tenant: 'anonymous',
          matchers: [...matchers],
          minMs: HOUR_MS,
          maxMs: 5 * HOUR_MS,
        }),
      );
      await written.port.settled();
      await same(written.shard, plan({ fn: 'count_over_time' }));
      await same(written.shard, plan({}));
      await written.log.close();
    });
  });
});

describe('groups of records', () => {
  test('records behind one that has to wait for block files are applied as well', async () => {
    const sim = createSimWorld(7);
    await sim.run(async () => {
      const written = await openShard(sim);
      await write(written, 2, 16);
      const { result } = await evaluate(written.shard, plan({ fn: 'count_over_time', steps: 280 }), false);
      assert.equal(result.kind, 'series');
      const { samples, blockSamples } = written.shard.stats();
      const sent = Array.from({ length: STEPS }, (_, k) => samplesAt(k).length).reduce((a, b) => a + b, 0);
      assert.ok(blockSamples > 0);
      assert.equal(samples, sent);
      await written.log.close();
    });
  });
});
