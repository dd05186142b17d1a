import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { utf8 } from '../../src/base/index.ts';
import { INTAKE_LIMITS_DEFAULT, type IntakeKernel, createIntakeWasm, loadKernel } from '../../src/kernel/index.ts';
import { encodeRemoteWriteV1 } from '../../src/wire/remote-write-v1.ts';
import { encodeRemoteWriteV2 } from '../../src/wire/remote-write-v2.ts';
import type { WireSeries } from '../../src/wire/remote-write.ts';
import { compressSnappy } from '../../src/wire/snappy.ts';

const labels: [string, string][] = [
  ['__name__', 'up'],
  ['job', 'a'],
];
const metadata = [{ name: 'up', type: 2, help: 'Whether.', unit: 's' }];
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

let intake: IntakeKernel;
before(async () => {
  intake = createIntakeWasm(await loadKernel('intake'), { shards: 1, key: new Uint8Array(32) });
});

function taken(version: 1 | 2, body: Uint8Array, allMetadata = false): unknown[] {
  intake.beginRequest(utf8('t'));
  const limits = { ...INTAKE_LIMITS_DEFAULT, allMetadata };
  const packed = compressSnappy(body);
  assert.equal(version === 1 ? intake.remoteWrite1(packed, limits) : intake.remoteWrite2(packed, limits), 0);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  return intake.metadata().map(({ type, name, help, unit }) => [type, text(name), text(help), text(unit)]);
}

describe('remote write', () => {
  it('1.0 is encoded as protobuf says, zeros left out', () => {
    const series = {
      labels,
      samples: [
        { timestampMs: 300, value: 1 },
        { timestampMs: 0, value: 0 },
      ],
    };
    const head = '0a0e0a085f5f6e616d655f5f12027570' + '0a080a036a6f62120161';
    const want = '0a2a' + head + '120c09000000000000f03f10ac02' + '1200';
    assert.equal(hex(encodeRemoteWriteV1([series])), want);
  });

  it('keeps the sign of a negative zero and the bits of the stale marker', () => {
    const samples = [
      { timestampMs: -1, value: -0 },
      { timestampMs: 1, value: 5, stale: true },
    ];
    const text = hex(encodeRemoteWriteV1([{ labels: [], samples }]));
    assert.ok(text.includes('09000000000000008010ffffffffffffffffff01'), text);
    assert.ok(text.includes('09020000000000f07f1001'), text);
  });

  it('2.0 names each text once', () => {
    const one = { labels, samples: [{ timestampMs: 300, value: 1 }] };
    const text = hex(encodeRemoteWriteV2([one, one]));
    const symbols = '2200' + '22085f5f6e616d655f5f' + '22027570' + '22036a6f62' + '220161';
    const series = '2a14' + '0a0401020304' + '120c09000000000000f03f10ac02';
    assert.equal(text, symbols + series + series);
  });

  it('hands metadata of both versions to the host', () => {
    const one = { labels, samples: [{ timestampMs: 300, value: 1 }] };
    const want = [[2, 'up', 'Whether.', 's']];
    assert.deepEqual(taken(2, encodeRemoteWriteV2([one], metadata)), want, 'a series new to its segment');
    assert.deepEqual(taken(2, encodeRemoteWriteV2([one], metadata)), [], 'a known series');
    assert.deepEqual(taken(2, encodeRemoteWriteV2([one], metadata), true), want, 'a known series, all wanted');
    assert.deepEqual(taken(1, encodeRemoteWriteV1([], metadata)), want);
  });

  const other = new URL('../../../shared/bench/lib/remote-write.mjs', import.meta.url);
  it('equals another encoder', { skip: !existsSync(other) && `${other.pathname} is not there` }, async () => {
    const { encodeSeriesV1 } = await import(other.href);
    const series: WireSeries[] = Array.from({ length: 50 }, (_, i) => ({
      labels: [...labels, ['zone', `größe${i}`]],
      samples: [{ timestampMs: 1_790_000_000_000 + i, value: i + 0.5 }],
    }));
    const theirs = series.map((one) => ({
      labels: Object.fromEntries(one.labels),
      samples: one.samples.map(({ timestampMs, value }) => [timestampMs, value]),
    }));
    assert.equal(hex(encodeRemoteWriteV1(series)), hex(encodeSeriesV1(theirs)));
  });
});
