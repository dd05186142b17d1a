// Requests of the remote write sender: what a receiver finds in them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteBatch } from '../../src/app/remote-write-batch.ts';
import { utf8 } from '../../src/base/index.ts';
import {
  INTAKE_LIMITS_DEFAULT,
  createIntakeWasm,
  decodeBatch,
  loadKernel,
  newSegmentState,
} from '../../src/kernel/index.ts';
import { Labels, histogramToBytes, newHistogram } from '../../src/model/index.ts';

const module = await loadKernel('intake');

test('start times are sent on by version 2.0, of floats and of histograms', () => {
  const labels = Labels.from({ __name__: 'a' });
  const series = { idLow: 1n, idHigh: 2n, labels, encoded: new Uint8Array(0), hash: 1, segment: 1 };
  const mark = { left: 0 };
  const histogram = histogramToBytes(newHistogram({ count: 0, sum: 0 }));
  const batch = new WriteBatch(10, 0);
  batch.add({ series, timeMs: 1000, value: 0x3ff0000000000000n, startMs: 0, exemplars: [] }, mark);
  batch.add({ series, timeMs: 2000, value: 0x3ff0000000000000n, startMs: 1500, exemplars: [] }, mark);
  batch.add({ series, timeMs: 3000, value: histogram, startMs: -7, exemplars: [] }, mark);

  const intake = createIntakeWasm(module, { shards: 1, key: new Uint8Array(32) });
  intake.beginRequest(utf8('t'));
  assert.equal(intake.remoteWrite2(batch.encode(2, -Infinity, []), INTAKE_LIMITS_DEFAULT), 0);
  const { timesMs, started } = decodeBatch(intake.batch(0), newSegmentState());
  assert.deepEqual([...timesMs], [1000]);
  assert.deepEqual(started, [
    { ref: 0, timestampMs: 2000, startMs: 1500, value: 0x3ff0000000000000n },
    { ref: 0, timestampMs: 3000, startMs: -7, value: new Uint8Array(histogram) },
  ]);
});
