// The head kernel against its twin: random batches of the builder and of the real intake, mutated batches, and the rule that the
// memory's bytes are a function of the batches alone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isCorrupt, utf8 } from '../../src/base/index.ts';
import { histogramToBytes } from '../../src/model/index.ts';
import {
  type HeadTwin,
  INTAKE_LIMITS_DEFAULT,
  createHeadTwin,
  createIntakeWasm,
  loadKernel,
} from '../../src/kernel/index.ts';
import { Head } from '../../src/tsdb/head.ts';
import { compressSnappy } from '../../src/wire/snappy.ts';
import {
  BatchBuilder,
  type TestExemplar,
  type TestHistogram,
  type TestSample,
  type TestSeries,
  type TestStarted,
} from '../support/batch-builder.ts';
import { randomHistogram } from '../support/histograms.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import {
  NONE,
  applyCode,
  compare,
  emptyHead,
  headModule as module,
  someRead,
  stateBytes,
  symbolOf,
} from './head-compare.ts';
import { Dice, mutate, randomRequest1, randomRequest2 } from './intake-traffic.ts';

const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, -0, 0, 5e-324, 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 1e300, -1e-7];

/** A value of series `series` at its sample number `i`. */
function valueAt(dice: Dice, series: number, i: number): number {
  const shapes = [
    () => 42,
    () => i * 3,
    () => dice.roll(2 ** 32) / 7,
    () => dice.roll(1000) / 100,
    () => dice.pick(VALUES),
    () => 2 ** 53 - 50 + i * (1 + (i & 1)),
    () => Math.floor(i / 70),
    () => (dice.one(20) ? dice.pick(VALUES) : i / 8),
  ];
  return shapes[series % shapes.length]();
}

const makeSeries = (count: number): TestSeries[] =>
  Array.from({ length: count }, (_, i) => ({
    labels: [
      ['__name__', `metric_${i % 5}`],
      ...(i % 3 === 0 ? [['größe', `e${i % 4}`] as const] : []),
      ['instance', `host-${i}`],
      ['job', i % 2 === 0 ? 'api' : 'db'],
    ] as const,
  }));

/** Exemplars of few values, labels and times, so that they meet; some of series that are not there. */
function randomExemplars(dice: Dice, seriesCount: number, nowMs: number): TestExemplar[] {
  const exemplars: TestExemplar[] = [];
  while (dice.one(2)) {
    const labels = [['a', dice.pick(['', 'x', 'y'])] as const, ['trace_id', 'f'.repeat(dice.roll(60))] as const];
    exemplars.push({
      series: dice.roll(dice.pick([3, seriesCount])),
      timeMs: nowMs - (dice.one(4) ? dice.roll(40_000) : 0),
      hasTime: !dice.one(3),
      value: dice.one(9) ? dice.pick(VALUES) : dice.roll(3),
      labels: labels.slice(dice.roll(3)),
    });
    if (dice.one(4)) exemplars.push({ ...exemplars[0], timeMs: nowMs });
  }
  return exemplars;
}

/** A step of a script: a batch, or the begin of a segment. */
type Step = Uint8Array | 'segment';

interface ScriptOptions {
  readonly seriesCount: number;
  readonly batches: number;
  readonly lateOneIn: number;
  readonly startMs: number;
}

/** Random batches of two tenants: late samples, duplicates, conflicts, gaps, jitter, stale marks, segments. */
function script(dice: Dice, { seriesCount, batches, lateOneIn, startMs }: ScriptOptions): Step[] {
  const tenants = ['anonymous', 'b'].map((tenant) => ({ tenant, offset: tenant === 'b' ? seriesCount : 0 }));
  const builder = new BatchBuilder([...makeSeries(seriesCount), ...makeSeries(seriesCount)]);
  const steps: Step[] = [];
  for (let i = 0; i < batches; i++) {
    if (dice.one(40)) {
      builder.rotate();
      steps.push('segment');
    }
    const { tenant, offset } = dice.one(5) ? tenants[1] : tenants[0];
    const timeOf = (series: number) => {
      const late = dice.one(lateOneIn) ? dice.roll(i + 1) * 15_000 - dice.roll(2) : 0;
      return startMs + i * 15_000 + (series % 3 === 0 ? dice.roll(7) : 0) - late;
    };
    const samples: TestSample[] = [];
    for (let series = 0; series < seriesCount; series++) {
      if (dice.one(12)) continue;
      const sample = { series: series + offset, timeMs: timeOf(series), value: valueAt(dice, series, i) };
      samples.push(sample);
      if (dice.one(60)) samples.push(sample);
      if (dice.one(60)) samples.push({ ...sample, value: -1 });
    }
    const histograms: TestHistogram[] = [];
    // Series that have histograms, and few doubles; one of those looks like a reference.
    for (let k = samples.length - 1; k >= 0; k--) {
      const { series, timeMs } = samples[k];
      if ((series - offset) % 5 !== 2) continue;
      if (dice.one(9)) samples[k] = { ...samples[k], bits: 0x7ff7484200000000n + BigInt(dice.roll(3)) };
      else histograms.push({ series, timeMs, bytes: histogramToBytes(randomHistogram(dice)) });
      if (dice.one(20)) histograms.push({ series, timeMs, bytes: histogramToBytes(randomHistogram(dice)) });
      if (dice.one(20))
        histograms.push({
          series,
          timeMs: timeMs - dice.roll(100_000),
          bytes: histogramToBytes(randomHistogram(dice)),
        });
      if (dice.one(9) && histograms.length > 0) histograms.push(histograms[histograms.length - 1]);
    }
    const stale = [];
    while (dice.one(10)) stale.push({ series: dice.roll(2 * seriesCount + 2), timeMs: timeOf(0) + dice.roll(3) });
    const floats = samples.filter(
      ({ series, bits }) => bits !== undefined || (series - offset) % 5 !== 2 || dice.one(9),
    );
    // Series 1, 4, 7 ... have start times now and then, and with them values and histograms that are in no other section.
    const started: TestStarted[] = [];
    const isStarted = ({ series }: { series: number }) => (series - offset) % 3 === 1 && !dice.one(4);
    for (const sample of [...floats, ...histograms].filter(isStarted)) {
      const { series, timeMs } = sample;
      const startMs = timeMs - 1 - dice.pick([0, 60_000, dice.roll(1e6)]) || 1;
      started.push({ series, timeMs, startMs, value: 'bytes' in sample ? sample.bytes : sample.value });
      if (dice.one(30)) started.push({ series, timeMs, startMs: startMs + 1 || 1, value: -2 });
      if (dice.one(30)) started.push({ series, timeMs: timeMs - dice.roll(1e6), startMs, value: -3 });
    }
    const taken = new Set(dice.one(3) ? [] : started.map(({ series, timeMs }) => `${series} ${timeMs}`));
    const plain = <T extends { series: number; timeMs: number }>(list: readonly T[]): T[] =>
      list.filter(({ series, timeMs }) => !taken.has(`${series} ${timeMs}`));
    const exemplars = randomExemplars(dice, 2 * seriesCount + 2, startMs + i * 15_000);
    const max = dice.pick([1, 7, 30, 300, 300, 300]);
    steps.push(builder.build(tenant, plain(floats), stale, plain(histograms), started, exemplars, max));
  }
  return steps;
}

function randomScript(dice: Dice, batches = 1 + dice.roll(300)): Step[] {
  return script(dice, {
    seriesCount: 1 + dice.roll(12),
    batches,
    lateOneIn: dice.pick([2, 10, 60, 100_000]),
    startMs: dice.pick([1_790_000_000_000, 0, -1_000_000, -(2 ** 51)]),
  });
}

function runBoth(steps: readonly Step[]): { head: Head; twin: HeadTwin } {
  const head = emptyHead();
  const twin = createHeadTwin();
  for (const step of steps) {
    if (step === 'segment') {
      head.beginSegment();
      twin.beginSegment();
    } else {
      assert.equal(applyCode(head, step), 0);
      twin.apply(step);
    }
  }
  return { head, twin };
}

describe('head kernel and twin', () => {
  test('agree on random batches: series, labels, samples to the bit, counters, postings', () => {
    const dice = new Dice(fuzzSeed(21));
    for (let i = 0; i < fuzzCases(12); i++) {
      const { head, twin } = runBoth(randomScript(dice));
      const times = twin.series.flatMap(({ number }) => twin.samples(number).map(([time]) => time));
      const ranges = Array.from({ length: 3 }, () => [dice.pick(times), dice.pick(times)] as const);
      compare(head, twin, ranges);
    }
  });

  test('agree on series of many columns, on time and late', () => {
    const dice = new Dice(22);
    for (const lateOneIn of [2, 100_000]) {
      const options = { seriesCount: 8, batches: 900, lateOneIn, startMs: 0 };
      const { head, twin } = runBoth(script(dice, options));
      compare(head, twin, [[3_000_000, 6_000_000]]);
    }
  });

  test('agree on runs of every length, in the middle and at the end', () => {
    const runs = [0, 1, 2, 62, 63, 64, 65, 66, 126, 127, 128, 129, 191, 192, 193, 238, 239, 240, 241, 300];
    const builder = new BatchBuilder(makeSeries(2 * runs.length));
    const batches = Array.from({ length: 303 }, (_, i) => {
      const samples = runs.flatMap((run, k) => [
        { series: 2 * k, timeMs: i * 1000, value: i > run ? i : 7 },
        // The run ends by its time, or goes on to the end.
        { series: 2 * k + 1, timeMs: i * 1000 + (i > run ? 1 : 0), value: k % 2 === 0 ? 7 : Number.NaN },
      ]);
      return builder.build('t', samples);
    });
    for (const end of [64, 66, 130, 200, 303]) {
      const { head, twin } = runBoth(batches.slice(0, end));
      compare(head, twin, [[60_000, 70_000]]);
    }
  });

  test('agree on batches that the intake made', async () => {
    const intakeModule = await loadKernel('intake');
    const dice = new Dice(fuzzSeed(23));
    for (let round = 0; round < fuzzCases(4); round++) {
      const shards = 1 + dice.roll(2);
      const intake = createIntakeWasm(intakeModule, { shards, key: new Uint8Array(32).fill(round) });
      const steps: Step[] = [];
      for (let i = 0; i < 60; i++) {
        if (dice.one(15)) {
          intake.rotate(0);
          steps.push('segment');
        }
        intake.beginRequest(utf8(dice.one(4) ? 'other' : 'anonymous'));
        const body = (dice.one(2) ? randomRequest1 : randomRequest2)(dice, 1 + dice.roll(25), 30);
        // The traffic is of either version: the other's reader mostly refuses it, and then there is no batch.
        const compressed = compressSnappy(body);
        if (intake.remoteWrite1(compressed, INTAKE_LIMITS_DEFAULT) !== 0) {
          intake.remoteWrite2(compressed, INTAKE_LIMITS_DEFAULT);
        }
        const batch = intake.batch(0).slice();
        if (batch.length > 0) steps.push(batch);
      }
      const { head, twin } = runBoth(steps);
      assert.ok(twin.counters.samples > 100);
      compare(head, twin);
    }
  });

  test('a mark ends only what has samples before it', () => {
    const builder = new BatchBuilder(makeSeries(2));
    const first = builder.build('t', [{ series: 0, timeMs: 1000, value: 1 }]);
    const marks = [900, 1000, 2000, 2000, 1500].map((timeMs) => ({ series: 0, timeMs }));
    const { head, twin } = runBoth([first, builder.build('t', [], [...marks, { series: 1, timeMs: 1 }])]);
    compare(head, twin);
    assert.deepEqual(twin.samples(0), [
      [1000, 0x3ff0000000000000n],
      [2000, 0x7ff0000000000002n],
    ]);
    assert.equal(twin.counters.staleUnknown, 1);
  });
});

/** A batch without its samples: it only defines. */
function withoutSamples(batch: Uint8Array): Uint8Array {
  const view = new DataView(batch.buffer, batch.byteOffset);
  let at = 2 + batch[1];
  while (batch[at] !== 3) at += 5 + view.getUint32(at + 1, true);
  return batch.slice(0, at);
}

describe('edges of a batch', () => {
  test('a series without samples needs no stale mark', () => {
    const builder = new BatchBuilder(makeSeries(1));
    const defining = withoutSamples(builder.build('t', [{ series: 0, timeMs: 1000, value: 1 }]));
    const { head, twin } = runBoth([defining, builder.build('t', [], [{ series: 0, timeMs: 2000 }])]);
    compare(head, twin);
    assert.equal(twin.series.length, 1);
    assert.deepEqual(twin.counters.samples, 0);
  });

  test('times are within 2^53, in samples and in marks', () => {
    const ok = (timeMs: number, code: number) => {
      const batches = [
        new BatchBuilder(makeSeries(1)).build('t', [{ series: 0, timeMs, value: 1 }]),
        new BatchBuilder(makeSeries(1)).build('t', [], [{ series: 0, timeMs }]),
      ];
      for (const batch of batches) {
        assert.equal(applyCode(emptyHead(), batch), code);
        if (code === 0) createHeadTwin().apply(batch);
        else assert.throws(() => createHeadTwin().apply(batch), { code: 'corrupt', message: /out of range$/ });
      }
    };
    ok(2 ** 53 - 1, 0);
    ok(1 - 2 ** 53, 0);
    ok(2 ** 53, -8);
    ok(-(2 ** 53), -8);
    ok(2 ** 60, -8);
  });
});

describe('mutated batches', () => {
  // The twin is stricter: the kernel leaves the order of labels and the shortest form of numbers to the encoder.
  const leftToEncoder =
    /labels are not sorted|a label is empty|does not fit 53 bits|longer than nine bytes|a histogram is malformed|an exemplar (?:is cut off|has no value)/;

  test('are refused by both, or mean the same to both', () => {
    const dice = new Dice(fuzzSeed(24));
    const counts = { both: 0, none: 0, encoder: 0 };
    const cases = fuzzCases(1500);
    for (let i = 0; i < cases; i++) {
      const steps = randomScript(dice, 1 + dice.roll(3));
      const bad = mutate(dice, steps[steps.length - 1] as Uint8Array);
      const { head, twin } = runBoth(steps.slice(0, -1));
      const code = applyCode(head, bad);
      try {
        twin.apply(bad);
        assert.equal(code, 0, `case ${i}: the kernel refuses what the twin takes`);
        compare(head, twin);
        counts.both++;
      } catch (error) {
        assert.ok(error instanceof Error && (isCorrupt(error) || /newer version/.test(error.message)), `${error}`);
        if (code === 0) {
          assert.match(error.message, leftToEncoder, `case ${i}: the kernel takes what the twin refuses`);
          counts.encoder++;
        } else counts.none++;
      }
    }
    assert.ok(counts.both > cases / 20 && counts.none > cases / 3, JSON.stringify(counts));
  });
});

/** Applies in groups, as the shard does: the position is that of a group's end. */
function applyInGroups(head: Head, steps: readonly Step[], dice: Dice, groupMax: number, readOneIn: number): void {
  let segment = 1;
  let groupEnd = 0;
  for (const [i, step] of steps.entries()) {
    if (i >= groupEnd) groupEnd = i + 1 + dice.roll(groupMax);
    if (readOneIn > 0) while (!dice.one(readOneIn)) someRead(dice, head);
    if (step === 'segment') {
      head.beginSegment();
      segment++;
    } else head.apply(step, { segment, offset: Math.min(groupEnd, steps.length) });
  }
}

describe('head memory', () => {
  test('is a function of the batches alone: groups and reads between them leave no trace', () => {
    const dice = new Dice(fuzzSeed(25));
    for (let i = 0; i < fuzzCases(6); i++) {
      const steps = randomScript(dice, 250);
      const quiet = emptyHead(0);
      applyInGroups(quiet, steps, dice, 1, 0);
      const busy = emptyHead(1);
      applyInGroups(busy, steps, dice, 20, 2);
      assert.ok(stateBytes(quiet).equals(stateBytes(busy)), `case ${i}`);
    }
  });

  test('is that of a new instance after a reset', () => {
    const dice = new Dice(26);
    const steps = randomScript(dice, 60);
    applyInGroups(emptyHead(0), randomScript(dice, 100), dice, 1, 2);
    const reused = emptyHead(0);
    applyInGroups(reused, steps, dice, 1, 0);
    const fresh = new Head(module);
    applyInGroups(fresh, steps, dice, 1, 0);
    assert.ok(stateBytes(reused).equals(stateBytes(fresh)));
    assert.equal(symbolOf(fresh, 'nowhere'), NONE);
  });
});
