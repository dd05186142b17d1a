// Columns with histograms that are merged and thinned out: places and bytes stay those of the samples.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HistogramSamples, SampleColumn } from '../../src/model/index.ts';
import { copyHistograms } from '../../src/tsdb/histogram-moves.ts';
import { mergeRuns } from '../../src/tsdb/merged-source.ts';
import { withoutRanges } from '../../src/tsdb/stores.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { Dice } from '../kernel/intake-traffic.ts';

/** Time, and a value below 100 or a histogram of one byte. */
type Point = readonly [timeMs: number, value: number];

const isHistogram = (value: number): boolean => value >= 100;

function columnOf(runs: readonly (readonly Point[])[]): SampleColumn & { readonly histograms: HistogramSamples } {
  const points = runs.flat();
  const vs = Float64Array.from(points, ([, value]) => (isHistogram(value) ? Number.NaN : value));
  const column = {
    ts: Float64Array.from(points, ([timeMs]) => timeMs),
    vs,
    vsWords: new Uint32Array(vs.buffer),
    histograms: { at: [] as number[], bytes: [] as Uint8Array[] },
  };
  for (const [place, [, value]] of points.entries()) {
    if (!isHistogram(value)) continue;
    column.histograms.at.push(place);
    column.histograms.bytes.push(Uint8Array.of(value));
  }
  return column;
}

function pointsOf({ ts, vs, histograms }: ReturnType<typeof columnOf>, count: number): Point[] {
  const values = [...vs];
  assert.deepEqual(
    histograms.at,
    [...histograms.at].sort((a, b) => a - b),
  );
  for (const [h, place] of histograms.at.entries()) {
    assert.ok(Number.isNaN(vs[place]) && place < count);
    values[place] = histograms.bytes[h][0];
  }
  return Array.from({ length: count }, (_, i) => [ts[i], values[i]]);
}

function randomRun(dice: Dice): Point[] {
  const times = new Set(Array.from({ length: 1 + dice.roll(20) }, () => dice.roll(40)));
  const oneIn = dice.pick([1, 2, 10, 1000]);
  return [...times].sort((a, b) => a - b).map((timeMs) => [timeMs, dice.roll(100) + (dice.one(oneIn) ? 100 : 0)]);
}

describe('histograms of a column', () => {
  test('follow their samples when two runs are merged, of which the first wins', () => {
    const dice = new Dice(fuzzSeed(51));
    for (let i = 0; i < fuzzCases(300); i++) {
      const [a, b] = [randomRun(dice), randomRun(dice)];
      const column = columnOf([a, b]);
      const count = mergeRuns(column, a.length, a.length + b.length);
      const want = new Map([...b, ...a]);
      assert.deepEqual(
        pointsOf(column, count),
        [...want].sort((x, y) => x[0] - y[0]),
      );
    }
  });

  test('follow their samples when others before them are deleted, and leave those before alone', () => {
    const dice = new Dice(fuzzSeed(52));
    for (let i = 0; i < fuzzCases(300); i++) {
      const [before, run] = [randomRun(dice), randomRun(dice)];
      const column = columnOf([before, run]);
      const ranges = Array.from({ length: dice.roll(3) }, () => {
        const from = dice.roll(40);
        return [from, from + dice.roll(10)] as const;
      });
      const count = withoutRanges(column, before.length, run.length, ranges);
      const left = run.filter(([timeMs]) => !ranges.some(([from, to]) => timeMs >= from && timeMs <= to));
      assert.deepEqual(pointsOf(column, before.length + count), [...before, ...left]);
    }
  });

  test('are copied by the places of their samples', () => {
    const source: HistogramSamples = { at: [2, 5, 9], bytes: [2, 5, 9].map((byte) => Uint8Array.of(byte)) };
    const into: HistogramSamples = { at: [], bytes: [] };
    copyHistograms(source, 3, 9, into, 10);
    copyHistograms(source, 9, 20, into, 10);
    assert.deepEqual(into, { at: [15, 19], bytes: [Uint8Array.of(5), Uint8Array.of(9)] });
  });
});
