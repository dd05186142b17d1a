import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { ByteWriter, TidemarkError, isCorrupt, utf8, utf8Text } from '../../src/base/index.ts';
import {
  INTAKE_LIMITS_DEFAULT,
  type IntakeKernel,
  createIntakeWasm,
  decodeBatch,
  exemplarTexts,
  loadKernel,
  newSegmentState,
  segmentLabels,
} from '../../src/kernel/index.ts';
import { histogramToBytes, withHint } from '../../src/model/index.ts';
import { compressSnappy } from '../../src/wire/snappy.ts';
import type { WireSeries } from '../../src/wire/remote-write.ts';
import { encodeRemoteWriteV1 } from '../../src/wire/remote-write-v1.ts';
import { encodeRemoteWriteV2 } from '../../src/wire/remote-write-v2.ts';
import { randomHistogram } from '../support/histograms.ts';
import { Dice, mutate } from './intake-traffic.ts';

const SHARDS = 3;
const STALE_BITS = 0x7ff0000000000002n;
const key = new Uint8Array(32).fill(3);
const tenant = utf8('team-a');

let module: WebAssembly.Module;
before(async () => {
  module = await loadKernel('intake');
});

const newIntake = (): IntakeKernel => createIntakeWasm(module, { shards: SHARDS, key });

const randomStart = (dice: Dice): number => (dice.one(3) ? dice.pick([1, -9, 1_700_000_000_000]) : 0);

/** Series with labels in any order, some empty, as a text of what should be stored and as what is sent. */
function randomSeries(dice: Dice): WireSeries {
  const labels: [string, string][] = [
    ['__name__', `m${dice.roll(9)}`],
    ['pod', dice.pick(['a', 'größe', 'x'.repeat(1500)])],
    ['host', dice.pick(['', `h${dice.roll(50)}`])],
    ['zone', 'eu'],
  ];
  if (!dice.one(3)) labels.sort();
  const samples = Array.from({ length: 1 + dice.roll(dice.one(5) ? 4 : 1) }, () => ({
    timestampMs: dice.pick([0, -7, 1_790_000_000_000 + dice.roll(9999)]),
    value: dice.roll(100) / 8,
    stale: dice.one(9),
    startMs: randomStart(dice),
  }));
  const histograms = Array.from({ length: dice.one(3) ? 1 + dice.roll(2) : 0 }, () => ({
    timestampMs: dice.pick([0, -7, 1_790_000_000_000 + dice.roll(9999)]),
    histogram: randomHistogram(dice),
    stale: dice.one(9),
    startMs: randomStart(dice),
  }));
  return { labels, samples, histograms };
}

const bitsOf = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0];

/** One line per sample. Version 1.0 has no start times, and a histogram that ends its series none either. */
function wanted({ labels, samples, histograms = [] }: WireSeries, version: 1 | 2): string[] {
  const since = (startMs = 0): string => (version === 1 || startMs === 0 ? '' : ` since ${startMs}`);
  const kept = labels.filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  const floats = samples.map(
    ({ timestampMs, value, stale, startMs }) => `${timestampMs} ${stale ? STALE_BITS : bitsOf(value)}${since(startMs)}`,
  );
  const others = histograms.map(({ timestampMs, histogram, stale, startMs }) => {
    const stored = histogram.resetHint === 'gauge' ? histogram : withHint(histogram, 'unknown');
    if (stale) return `${timestampMs} ${STALE_BITS}`;
    return `${timestampMs} ${Buffer.from(histogramToBytes(stored)).toString('hex')}${since(startMs)}`;
  });
  return [...floats, ...others].map((text) => `${JSON.stringify(kept)} ${text}`);
}

describe('a batch', () => {
  for (const version of [1, 2] as const) {
    it(`of remote write ${version}.0 decodes to the samples that were sent, segment by segment`, () => {
      const intake = newIntake();
      const dice = new Dice(version);
      const segments = Array.from({ length: SHARDS }, newSegmentState);
      for (let request = 0; request < 60; request++) {
        const sent = Array.from({ length: dice.roll(20) }, () => randomSeries(dice));
        const body = version === 1 ? encodeRemoteWriteV1(sent) : encodeRemoteWriteV2(sent);
        intake.beginRequest(tenant);
        const write = version === 1 ? intake.remoteWrite1 : intake.remoteWrite2;
        assert.equal(write.call(intake, compressSnappy(body), INTAKE_LIMITS_DEFAULT), 0);
        const found: string[] = [];
        segments.forEach((segment, shard) => {
          const payload = intake.batch(shard);
          if (payload.length === 0) return;
          const batch = decodeBatch(payload, segment);
          assert.deepEqual(batch.tenant, tenant);
          batch.refs.forEach((ref, i) => {
            const labels = JSON.stringify(segmentLabels(segment, ref));
            found.push(`${labels} ${batch.timesMs[i]} ${batch.valueBits[i]}`);
            assert.equal(Number(segment.series[ref].idLow & 0xffffffffn) % SHARDS, shard);
          });
          for (const { ref, timestampMs, bytes } of batch.histograms) {
            const labels = JSON.stringify(segmentLabels(segment, ref));
            found.push(`${labels} ${timestampMs} ${Buffer.from(bytes).toString('hex')}`);
          }
          for (const { ref, timestampMs, startMs, value } of batch.started) {
            const labels = JSON.stringify(segmentLabels(segment, ref));
            const shown = typeof value === 'bigint' ? value : Buffer.from(value).toString('hex');
            found.push(`${labels} ${timestampMs} ${shown} since ${startMs}`);
          }
        });
        assert.deepEqual(found.sort(), sent.flatMap((series) => wanted(series, version)).sort());
        if (!dice.one(8)) continue;
        const rotated = dice.roll(SHARDS);
        intake.rotate(rotated);
        segments[rotated] = newSegmentState();
      }
    });
  }

  it('has the exemplars that were sent, of either version, and none when none are kept', () => {
    const labels: [string, string][] = [['__name__', 'm']];
    const exemplars = [
      { labels: ['trace_id', 'größe', 'a', 'b', 'empty', ''], value: -0.5, timestampMs: 1_790_000_000_123 },
      { labels: ['long', '日'.repeat(100)], value: 2, timestampMs: 0 },
    ];
    for (const encode of [encodeRemoteWriteV1, encodeRemoteWriteV2]) {
      for (const max of [0, 7]) {
        const intake = createIntakeWasm(module, { shards: 1, key });
        intake.setExemplarsMax(max);
        intake.beginRequest(tenant);
        const body = compressSnappy(encode([{ labels, samples: [{ timestampMs: 5, value: 1 }], exemplars }]));
        const write = encode === encodeRemoteWriteV1 ? intake.remoteWrite1 : intake.remoteWrite2;
        assert.equal(write.call(intake, body, INTAKE_LIMITS_DEFAULT), 0);
        const segment = newSegmentState();
        const batch = decodeBatch(intake.batch(0), segment);
        assert.equal(batch.exemplarsMax, max === 0 ? null : max);
        const found = batch.exemplars.map(({ idLow, timestampMs, hasTime, valueBits, labelBytes }) => {
          assert.equal(idLow, segment.series[0].idLow);
          return [exemplarTexts(labelBytes).map(utf8Text), timestampMs, hasTime, valueBits];
        });
        const wantedRows = [
          [['a', 'b', 'trace_id', 'größe'], 1_790_000_000_123, true, bitsOf(-0.5)],
          [['long', '日'.repeat(100)], 0, false, bitsOf(2)],
        ];
        assert.deepEqual(found, max === 0 ? [] : wantedRows);
        assert.equal(intake.counters.exemplars, found.length);
      }
    }
  });

  it('gives a series one id whatever the format and the order of its labels', () => {
    const ids = [encodeRemoteWriteV1, encodeRemoteWriteV2].flatMap((encode) =>
      [0, 1].map((reversed) => {
        const labels: [string, string][] = [
          ['__name__', 'up'],
          ['job', 'node'],
        ];
        if (reversed) labels.reverse();
        const intake = createIntakeWasm(module, { shards: 1, key });
        intake.beginRequest(tenant);
        const body = compressSnappy(encode([{ labels, samples: [{ timestampMs: 5, value: 1 }] }]));
        const write = encode === encodeRemoteWriteV1 ? intake.remoteWrite1 : intake.remoteWrite2;
        assert.equal(write.call(intake, body, INTAKE_LIMITS_DEFAULT), 0);
        const segment = newSegmentState();
        decodeBatch(intake.batch(0), segment);
        return `${segment.series[0].idHigh}:${segment.series[0].idLow}`;
      }),
    );
    assert.equal(new Set(ids).size, 1);
  });

  it('with changed bytes gives a corrupt error, or one about a newer version, and leaves the segment as it was', () => {
    const intake = createIntakeWasm(module, { shards: 1, key });
    const dice = new Dice(8);
    intake.setExemplarsMax(100);
    intake.beginRequest(tenant);
    const exemplars = [{ labels: ['trace_id', 'abc'], value: 1, timestampMs: 5 }];
    const series = Array.from({ length: 9 }, () => ({ ...randomSeries(dice), exemplars }));
    assert.equal(intake.remoteWrite2(compressSnappy(encodeRemoteWriteV2(series)), INTAKE_LIMITS_DEFAULT), 0);
    const payload = intake.batch(0).slice();
    for (let i = 0; i < 3000; i++) {
      const segment = newSegmentState();
      try {
        decodeBatch(mutate(dice, payload), segment);
      } catch (error) {
        assert.ok(isCorrupt(error) || (error instanceof TidemarkError && error.code === 'newer_version'), `${error}`);
        assert.deepEqual(segment, newSegmentState());
      }
    }
  });

  it('is refused by name when it is not what a reader of the segment expects', () => {
    const bad = (bytes: number[], message: RegExp): void => {
      assert.throws(() => decodeBatch(Uint8Array.from(bytes), newSegmentState()), message);
    };
    bad([2, 0], /version 2 is of a newer version/);
    bad([1, 0, 7, 0, 0, 0, 0], /at offset 2: section 7 is of a newer version/);
    bad([1, 0, 4, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0], /at offset 8: section 3 follows section 4/);
    bad([1, 0, 1, 2, 0, 0, 0, 7, 0], /at offset 7: the first symbol is number 7 where the segment has 0/);
    bad([1, 0, 1, 3, 0, 0, 0, 0, 0, 9], /1 bytes follow its end/);
    bad([1, 0, 3, 9, 0, 0, 0, 200, 1, 0, 0, 0, 0, 0, 0, 0], /a count of 200 exceeds its section/);
    const out = new ByteWriter();
    out.bytes(Uint8Array.of(1, 0, 3, 19, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0));
    out.f64(1);
    bad([...out.finish()], /series 0 is not defined/);
  });
});
