// The head's memory when series come and go for good: it stops growing, and nothing in it is lost.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Head } from '../../src/tsdb/head.ts';
import { BatchBuilder, type TestSeries } from '../support/batch-builder.ts';
import { fuzzCases } from '../support/fuzz.ts';
import { EXACT_MAX, applyCode, emptyHead, kernelSamples } from './head-compare.ts';

const WINDOW_MS = 7_200_000;
const START_MS = 1_790_000_000_000;
const ALL_MS = 2 ** 53;

describe('head memory under churn', () => {
  /** Series of one generation: each has labels of its own and some that all have. */
  function generation(number: number, count: number): TestSeries[] {
    return Array.from({ length: count }, (_, i) => ({
      labels: [
        ['__name__', `metric_${i % 50}`],
        ['instance', `host-${i % 100}`],
        ['pod', `pod-${number}-${i % 200}`],
        ['uid', `${number}-${i}-${'x'.repeat(i % 23)}`],
      ] as const,
    }));
  }

  /** The newest series have their samples: no memory was given to two. */
  function checkSome(head: Head, count: number, fromMs: number): void {
    const { seriesCount } = head.memory;
    for (let k = 0; k < count; k += 97) {
      const want = Array.from({ length: 20 }, (_, i) => [fromMs + i * 60_000, i * (k % 1000)]);
      const got = kernelSamples(head, seriesCount - count + k, fromMs, EXACT_MAX);
      assert.deepEqual(
        got.map(([time, bits]) => [time, new Float64Array(BigUint64Array.of(bits as bigint).buffer)[0]]),
        want,
      );
    }
  }

  /** Makes generations of series that live for 20 samples each; returns the end of the state after each of them. */
  function churn(head: Head, generations: number, count: number): number[] {
    const ends: number[] = [];
    for (let g = 0; g < generations; g++) {
      const builder = new BatchBuilder(generation(g, count));
      head.beginSegment();
      const fromMs = START_MS + g * WINDOW_MS;
      for (let i = 0; i < 20; i++) {
        for (let from = 0; from < count; from += 1000) {
          const samples = Array.from({ length: 1000 }, (_, k) => ({
            series: from + k,
            timeMs: fromMs + i * 60_000,
            value: i * k,
          }));
          // Ids are those of the builder, which are the same in each generation.
          assert.equal(applyCode(head, withIds(builder.build('a', samples), g)), 0);
        }
      }
      checkSome(head, count, fromMs);
      head.cutBegin(-ALL_MS, fromMs);
      head.cutDrop();
      ends.push(head.memory.brk);
    }
    return ends;
  }

  /** Changes the ids that a batch defines: their high halves are below 2^32, and get a generation. */
  function withIds(batch: Uint8Array, number: number): Uint8Array {
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    for (let at = 2 + batch[1]; at < batch.length; at += 5 + view.getUint32(at + 1, true)) {
      if (batch[at] === 2) renumber(batch, view, at + 5, number);
    }
    return batch;
  }

  function renumber(batch: Uint8Array, view: DataView, from: number, number: number): void {
    let at = from;
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = batch[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    varint();
    for (let left = varint(); left > 0; left--) {
      view.setUint32(at + 12, number, true);
      view.setUint32(at + 4, view.getUint32(at + 4, true) ^ Math.imul(number, 0x9e3779b1), true);
      at += 16;
      for (let symbols = 2 * varint(); symbols > 0; symbols--) varint();
    }
  }

  test('stops growing when series come and go', () => {
    const head = emptyHead();
    const ends = churn(head, fuzzCases(20), 2000);
    const { memory } = head;
    assert.ok(
      memory.sweeps > 10 && memory.seriesCount <= 4000,
      `${memory.sweeps} sweeps, ${memory.seriesCount} series`,
    );
    assert.ok(memory.symbolCount < 3 * 4500, `${memory.symbolCount} symbols`);
    const settled = ends[Math.floor(ends.length / 2)];
    assert.ok((ends.at(-1) as number) <= settled + 65536, `the state ends at ${ends.join(', ')}`);
  });
});
