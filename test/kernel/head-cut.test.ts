// Cuts, drops, sweeps and deletes: the head kernel against its twin over random histories, its memory as a function of the steps, and
// its size when series come and go.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type HeadTwin, type SampleValue, createHeadTwin } from '../../src/kernel/index.ts';
import { histogramToBytes } from '../../src/model/index.ts';
import type { Head } from '../../src/tsdb/head.ts';
import {
  BatchBuilder,
  type TestHistogram,
  type TestSample,
  type TestSeries,
  type TestStarted,
  testId,
} from '../support/batch-builder.ts';
import { randomHistogram } from '../support/histograms.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import {
  EXACT_MAX,
  applyCode,
  compare,
  emptyHead,
  kernelSamples,
  samplesRead,
  someRead,
  stateBytes,
} from './head-compare.ts';
import { Dice } from './intake-traffic.ts';

const WINDOW_MS = 7_200_000;
const STEP_MS = 300_000;
const START_MS = 1_790_000_000_000 - (1_790_000_000_000 % WINDOW_MS);
const ALL_MS = 2 ** 53;

/** What may happen to a shard's head. */
type Step =
  | { readonly kind: 'batch'; readonly payload: Uint8Array }
  | { readonly kind: 'segment' | 'drop' | 'cancel' }
  | { readonly kind: 'cut'; readonly endMs: number; readonly idleBeforeMs: number }
  | { readonly kind: 'delete'; readonly series: readonly number[]; readonly minMs: number; readonly maxMs: number };

const wordsOf = (ids: readonly number[]): Uint32Array =>
  new Uint32Array(BigUint64Array.from(ids.flatMap((series) => testId(series))).buffer);

function applyToHead(head: Head, step: Step): number {
  switch (step.kind) {
    case 'batch':
      return applyCode(head, step.payload);
    case 'segment':
      head.beginSegment();
      return 0;
    case 'cut':
      return head.cutBegin(step.endMs, step.idleBeforeMs);
    case 'drop':
      return head.cutDrop();
    case 'cancel':
      head.cutCancel();
      return 0;
    case 'delete': {
      const found = head.findIds(wordsOf(step.series)).filter((number) => number < head.memory.seriesCount);
      return head.deleteRange(found, step.minMs, step.maxMs);
    }
  }
}

function applyToTwin(twin: HeadTwin, step: Step): number {
  switch (step.kind) {
    case 'batch':
      twin.apply(step.payload);
      return 0;
    case 'segment':
      twin.beginSegment();
      return 0;
    case 'cut':
      return twin.cutBegin(step.endMs, step.idleBeforeMs);
    case 'drop':
      return twin.cutDrop();
    case 'cancel':
      twin.cutCancel();
      return 0;
    case 'delete': {
      const found = step.series.map((series) => twin.find(...testId(series))).filter((number) => number >= 0);
      return twin.deleteRange(found, step.minMs, step.maxMs);
    }
  }
}

const cutRead = (head: Head, series: number, minMs: number, maxMs: number): [number, SampleValue][] =>
  samplesRead(head, head.memory.kernel.readCut(series, minMs, maxMs));

function compareCut(head: Head, twin: HeadTwin): void {
  assert.deepEqual([...head.cutSeries()], twin.cutSeries());
  assert.deepEqual([...head.cutWindows()], twin.cutWindows());
  for (const { number } of twin.series) {
    assert.deepEqual(cutRead(head, number, -EXACT_MAX, EXACT_MAX), twin.cutSamples(number));
    for (const window of twin.cutWindows()) {
      const want = twin.cutSamples(number, window, window + WINDOW_MS - 1);
      assert.deepEqual(cutRead(head, number, window, window + WINDOW_MS - 1), want);
      assert.equal(head.hasCut(number, window, window + WINDOW_MS - 1), want.length > 0);
      assert.ok(head.memory.kernel.cutSamplesMax(number, window, window + WINDOW_MS - 1) >= want.length);
    }
  }
}

const makeSeries = (count: number): TestSeries[] =>
  Array.from({ length: count }, (_, i) => ({
    labels: [
      ['__name__', `metric_${i % 5}`],
      ...(i % 3 === 0 ? [['extra', `e${i}`] as const] : []),
      ['instance', `host-${i}`],
      ['job', i % 2 === 0 ? 'api' : 'db'],
    ] as const,
  }));

/** Random traffic of series that come and go. Late samples have times of their own, so that none is stored twice. */
class Traffic {
  readonly #dice: Dice;
  readonly #builder: BatchBuilder;
  readonly #active: boolean[];
  readonly #histograms: Uint8Array[];
  #uniqueMs = 0;
  nowMs = START_MS;
  #isCutting = false;

  constructor(dice: Dice, seriesCount: number) {
    this.#dice = dice;
    this.#builder = new BatchBuilder(makeSeries(seriesCount));
    this.#active = Array.from({ length: seriesCount }, () => dice.one(2));
    this.#histograms = Array.from({ length: 8 }, () => histogramToBytes(randomHistogram(dice)));
  }

  #value(series: number, i: number): number {
    const shapes = [() => 42, () => i * 3, () => this.#dice.roll(2 ** 32) / 7, () => Number.NaN, () => i >> 5];
    return shapes[series % shapes.length]();
  }

  #batch(): Step {
    const dice = this.#dice;
    this.nowMs += dice.one(30) ? dice.roll(5) * WINDOW_MS : STEP_MS / (1 + dice.roll(3) * 4);
    this.nowMs -= this.nowMs % 1000;
    const i = (this.nowMs - START_MS) / 1000;
    const samples: TestSample[] = [];
    for (const [series, active] of this.#active.entries()) {
      if (dice.one(60)) this.#active[series] = !active;
      if (!this.#active[series] || dice.one(9)) continue;
      const isLate = dice.one(series % 7 === 3 ? 2 : 25);
      const backMs = dice.roll(dice.one(4) ? 40 * WINDOW_MS : WINDOW_MS);
      const timeMs = isLate ? this.#lateMs(backMs) : this.nowMs + (series % 4 === 0 ? dice.roll(7) * 10 : 0);
      const sample = { series, timeMs, value: this.#value(series, i) };
      samples.push(sample);
      if (dice.one(40)) samples.push(sample, { ...sample, value: -1 });
    }
    const histograms: TestHistogram[] = [];
    for (let k = samples.length - 1; k >= 0; k--) {
      const { series, timeMs, value } = samples[k];
      if (series % 6 !== 1 || dice.one(8)) continue;
      if (dice.one(9)) samples[k] = { ...samples[k], bits: 0x7ff7484200000000n + BigInt(value < 0 ? 1 : 0) };
      else {
        histograms.push({ series, timeMs, bytes: this.#histograms[value < 0 ? 0 : 1 + (i % 7)] });
        samples.splice(k, 1);
      }
    }
    const started: TestStarted[] = [];
    const move = <T extends TestSample | TestHistogram>(list: T[]): T[] =>
      list.filter((sample) => {
        const { series, timeMs } = sample;
        if (series % 5 !== 2 || ('bits' in sample && sample.bits !== undefined) || dice.one(6)) return true;
        const startMs = dice.one(3) ? timeMs - STEP_MS : START_MS - 7;
        started.push({ series, timeMs, startMs, value: 'bytes' in sample ? sample.bytes : sample.value });
        return false;
      });
    const [floats, rest] = [move(samples), move(histograms)];
    const stale = dice.one(6) ? [{ series: dice.roll(this.#active.length), timeMs: this.nowMs + 3 }] : [];
    return { kind: 'batch', payload: this.#builder.build(dice.one(8) ? 'b' : 'a', floats, stale, rest, started) };
  }

  /** A time that no other sample has: it is no multiple of ten. */
  #lateMs(backMs: number): number {
    const timeMs = this.nowMs - backMs;
    return timeMs - (timeMs % 1000) - 1000 * (1 + (this.#uniqueMs++ % 977)) + 1 + ((this.#uniqueMs * 7) % 999);
  }

  #cut(): Step {
    const dice = this.#dice;
    this.#isCutting = true;
    const endMs = dice.pick([ALL_MS, -ALL_MS, this.nowMs, this.nowMs - dice.roll(3) * WINDOW_MS]);
    const idleBeforeMs = dice.pick([-ALL_MS, this.nowMs - dice.roll(10) * STEP_MS, this.nowMs - WINDOW_MS, ALL_MS]);
    return { kind: 'cut', endMs, idleBeforeMs };
  }

  #delete(): Step {
    const dice = this.#dice;
    const series = Array.from({ length: 1 + dice.roll(5) }, () => dice.roll(this.#active.length));
    const minMs = this.nowMs - dice.roll(3 * WINDOW_MS);
    return { kind: 'delete', series: [...new Set(series)], minMs, maxMs: minMs + dice.roll(2 * WINDOW_MS) };
  }

  next(): Step {
    const dice = this.#dice;
    if (dice.one(25)) {
      this.#builder.rotate();
      return { kind: 'segment' };
    }
    if (dice.one(40)) return this.#delete();
    if (!this.#isCutting) return dice.one(12) ? this.#cut() : this.#batch();
    if (!dice.one(8)) return this.#batch();
    this.#isCutting = false;
    return { kind: dice.one(5) ? 'cancel' : 'drop' };
  }
}

const history = (dice: Dice, steps: number): Step[] => {
  const traffic = new Traffic(dice, 4 + dice.roll(30));
  return Array.from({ length: steps }, () => traffic.next());
};

describe('cuts, drops, sweeps and deletes', () => {
  test('mean the same to kernel and twin, step by step', () => {
    const dice = new Dice(fuzzSeed(31));
    const seen = { sweeps: 0, cut: 0, deleted: 0 };
    for (let round = 0; round < fuzzCases(8); round++) {
      const head = emptyHead();
      const twin = createHeadTwin();
      for (const [i, step] of history(dice, 250).entries()) {
        const got = applyToHead(head, step);
        assert.equal(got, applyToTwin(twin, step), `round ${round}, step ${i}: ${step.kind}`);
        if (step.kind === 'cut') seen.cut += got;
        if (step.kind === 'delete') seen.deleted += got;
        if (step.kind === 'batch' && !dice.one(6)) continue;
        const midMs = START_MS + dice.roll(100) * STEP_MS;
        compare(head, twin, [[midMs, midMs + WINDOW_MS]], 0);
        compareCut(head, twin);
      }
      seen.sweeps += twin.sweeps;
    }
    assert.ok(seen.sweeps > 5 && seen.cut > 100 && seen.deleted > 20, JSON.stringify(seen));
  });

  test('leave the same bytes whatever was read between them', () => {
    const dice = new Dice(fuzzSeed(32));
    for (let round = 0; round < fuzzCases(6); round++) {
      const steps = history(dice, 300);
      const [quiet, busy] = [emptyHead(0), emptyHead(1)];
      for (const step of steps) {
        applyToHead(quiet, step);
        while (!dice.one(2)) someRead(dice, busy);
        applyToHead(busy, step);
      }
      assert.ok(stateBytes(quiet).equals(stateBytes(busy)), `round ${round}`);
    }
  });

  test('a cut that takes all, and its drop, leave a head without samples, and a new one begins in it', () => {
    const builder = new BatchBuilder(makeSeries(20));
    const head = emptyHead();
    const twin = createHeadTwin();
    const run = (step: Step) => assert.equal(applyToHead(head, step), applyToTwin(twin, step));
    for (let i = 0; i < 30; i++) {
      const samples = Array.from({ length: 20 }, (_, series) => ({ series, timeMs: START_MS + i * 60_000, value: i }));
      run({ kind: 'batch', payload: builder.build('a', samples) });
    }
    run({ kind: 'cut', endMs: ALL_MS, idleBeforeMs: ALL_MS });
    assert.equal(head.cutSeries().length, 20);
    run({ kind: 'drop' });
    assert.equal(head.memory.timeRange, null);
    assert.equal(head.memory.seriesCount, 20);
    builder.rotate();
    run({ kind: 'segment' });
    run({ kind: 'cut', endMs: ALL_MS, idleBeforeMs: ALL_MS });
    run({ kind: 'drop' });
    assert.equal(head.memory.seriesCount, 0);
    run({ kind: 'batch', payload: builder.build('b', [{ series: 3, timeMs: START_MS, value: 1 }]) });
    compare(head, twin, [], 0);
  });
});

describe('columns', () => {
  test('never lie in two windows', () => {
    const dice = new Dice(33);
    const head = emptyHead();
    for (const step of history(dice, 400)) applyToHead(head, step);
    head.cutBegin(ALL_MS, ALL_MS);
    for (let series = 0; series < head.memory.seriesCount; series++) {
      const inWindows = [...head.cutWindows(series)].map(
        (window) => cutRead(head, series, window, window + WINDOW_MS - 1).length,
      );
      const all = cutRead(head, series, -EXACT_MAX, EXACT_MAX).length;
      assert.equal(
        inWindows.reduce((sum, count) => sum + count, 0),
        all,
      );
    }
  });

  test('of a series that does not change are one per window', () => {
    const builder = new BatchBuilder(makeSeries(1));
    const head = emptyHead();
    const values: [number, bigint][] = [];
    for (let timeMs = START_MS; timeMs < START_MS + 2 * WINDOW_MS; timeMs += 1000) {
      values.push([timeMs, 0x4045000000000000n]);
      assert.equal(applyCode(head, builder.build('a', [{ series: 0, timeMs, value: 42 }])), 0);
      assert.equal(head.memory.counters().columns, timeMs < START_MS + WINDOW_MS ? 0 : 1);
    }
    head.cutBegin(ALL_MS, -ALL_MS);
    assert.deepEqual(kernelSamples(head, 0, -EXACT_MAX, EXACT_MAX), values);
    assert.deepEqual(cutRead(head, 0, START_MS + WINDOW_MS, EXACT_MAX), values.slice(WINDOW_MS / 1000));
  });

  test('of old samples that come twice hold them twice, and readers see the first', () => {
    const builder = new BatchBuilder(makeSeries(1));
    const head = emptyHead();
    const want: [number, bigint][] = [];
    const put = (timeMs: number, value: number) =>
      assert.equal(applyCode(head, builder.build('a', [{ series: 0, timeMs, value }])), 0);
    for (let i = 0; i < 2000; i++) put(START_MS + i * 30_000, i);
    for (let i = 0; i < 2000; i++) put(START_MS + i * 30_000, -i);
    for (let i = 0; i < 2000; i++) want.push([START_MS + i * 30_000, new BigUint64Array(Float64Array.of(i).buffer)[0]]);
    const { samples, conflicts, duplicates } = head.memory.counters();
    assert.ok(samples > 3000, `${samples} samples`);
    assert.equal(samples + conflicts + duplicates, 4000);
    assert.deepEqual(kernelSamples(head, 0, -EXACT_MAX, EXACT_MAX), want);
    head.cutBegin(ALL_MS, -ALL_MS);
    assert.deepEqual(kernelSamples(head, 0, -EXACT_MAX, EXACT_MAX), want);
    assert.deepEqual(cutRead(head, 0, -EXACT_MAX, EXACT_MAX), want);
    const [from, to] = [START_MS + WINDOW_MS, START_MS + 3 * WINDOW_MS];
    assert.deepEqual(
      cutRead(head, 0, from, to),
      want.filter(([time]) => time >= from && time <= to),
    );
  });
});

describe('the clock of a shard', () => {
  /** Applies batches of times (minutes after the start) and gives the clock after each, in minutes. */
  function clocks(batches: readonly (readonly number[])[]): number[] {
    const head = emptyHead();
    const builder = new BatchBuilder(makeSeries(1));
    return batches.map((minutes) => {
      const samples = minutes.map((minute) => ({ series: 0, timeMs: START_MS + minute * 60_000, value: minute }));
      assert.equal(applyCode(head, builder.build('a', samples)), 0);
      return (head.memory.clockMs - START_MS) / 60_000;
    });
  }
  const times = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));

  test('follows the newest samples, not the late ones', () => {
    assert.deepEqual(clocks([[5, 6], [7], [3], [-5000], [100, 2]]), [5, 7, 7, 7, 100]);
  });

  test('does not follow a sender with a wrong time among others', () => {
    const batches = times(100, (i) => (i % 2 === 0 ? [i] : [1e6 + i]));
    assert.equal(clocks(batches).at(-1), 98);
    assert.equal(clocks(times(100, (i) => [i, 1e6])).at(-1), 99);
  });

  test('follows all senders after a pause, at the sixteenth batch', () => {
    const batches = [[0], ...times(20, (i) => [1000 + i, 1001 + i, -7000])];
    assert.deepEqual(clocks(batches).slice(14), [0, 0, 1015, 1017, 1018, 1019, 1020]);
  });
});
