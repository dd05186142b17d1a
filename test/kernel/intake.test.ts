import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { ByteWriter, utf8 } from '../../src/base/index.ts';
import {
  INTAKE_CODES,
  INTAKE_LIMITS_DEFAULT,
  INTAKE_REASONS,
  type IntakeKernel,
  type IntakeLimits,
  type IntakeOptions,
  createIntakeTwin,
  createIntakeWasm,
  loadKernel,
} from '../../src/kernel/index.ts';
import type { WireSeries } from '../../src/wire/remote-write.ts';
import { encodeRemoteWriteV1 } from '../../src/wire/remote-write-v1.ts';
import { compressSnappy } from '../../src/wire/snappy.ts';
import { Dice, mutate, randomRequest1, randomRequest2 } from './intake-traffic.ts';

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1);
const limits: IntakeLimits = {
  ...INTAKE_LIMITS_DEFAULT,
  labelCountMax: 12,
  valueBytesMax: 150,
  labelBytesMax: 230,
  maxTimestampMs: 1_790_000_050_000,
  minTimestampMs: -1000,
};

let module: WebAssembly.Module;
before(async () => {
  module = await loadKernel('intake');
});

const TENANTS = ['anonymous', 'a', ''];

/** The kernel and its twin, fed alike. */
class Pair {
  readonly kernel: IntakeKernel;
  readonly twin: IntakeKernel;

  constructor(options: IntakeOptions) {
    this.kernel = createIntakeWasm(module, options);
    this.twin = createIntakeTwin(options);
    for (const intake of [this.kernel, this.twin]) intake.setExemplarsMax(1000);
  }

  send(version: 1 | 2, body: Uint8Array, tenant = 'anonymous', allMetadata = false, from = limits): number {
    const codes = [this.kernel, this.twin].map((intake) => {
      intake.beginRequest(utf8(tenant));
      const wanted = { ...from, allMetadata };
      return version === 1 ? intake.remoteWrite1(body, wanted) : intake.remoteWrite2(body, wanted);
    });
    assert.equal(codes[0], codes[1]);
    this.compare();
    return codes[0];
  }

  compare(): void {
    assert.deepEqual(this.kernel.counters, this.twin.counters);
    const plain = (intake: IntakeKernel): unknown =>
      intake.metadata().map(({ type, name, help, unit }) => [type, name.join(), help.join(), unit.join()]);
    assert.deepEqual(plain(this.kernel), plain(this.twin));
    for (let shard = 0; shard < this.kernel.shards; shard++) {
      assert.deepEqual(Buffer.from(this.kernel.batch(shard)), Buffer.from(this.twin.batch(shard)));
      assert.equal(this.kernel.seriesCount(shard), this.twin.seriesCount(shard));
      assert.equal(this.kernel.needsRotate(shard), this.twin.needsRotate(shard));
      assert.equal(this.kernel.batchSamples(shard), this.twin.batchSamples(shard));
    }
    const refused = (intake: IntakeKernel): string[] =>
      intake.counters.refusals.map((_, i) => intake.refusedLabels(i, 20).join(' '));
    assert.deepEqual(refused(this.kernel), refused(this.twin));
    this.compareActive();
  }

  compareActive(): void {
    for (const tenant of TENANTS) {
      assert.equal(this.kernel.activeSeries(utf8(tenant)), this.twin.activeSeries(utf8(tenant)), tenant);
    }
  }

  nextEpoch(): void {
    this.kernel.nextEpoch();
    this.twin.nextEpoch();
    this.compareActive();
  }

  rotate(shard: number): void {
    this.kernel.rotate(shard);
    this.twin.rotate(shard);
  }

  rollback(): void {
    this.kernel.rollback();
    this.twin.rollback();
    this.compareActive();
    for (let shard = 0; shard < this.kernel.shards; shard++) {
      assert.equal(this.kernel.batch(shard).length, 0);
      assert.equal(this.kernel.seriesCount(shard), this.twin.seriesCount(shard));
    }
  }
}

/** Random requests, with now and then a rotation or a rollback. */
function traffic(
  pair: Pair,
  seed: number,
  requests: number,
  change: (dice: Dice, bytes: Uint8Array) => Uint8Array,
  activeSeries: readonly number[] = [Infinity],
) {
  const dice = new Dice(seed);
  const seen = { taken: 0, refused: 0 };
  for (let i = 0; i < requests; i++) {
    const version = dice.one(2) ? 1 : 2;
    const rare = dice.pick([4, 15, 100000]);
    const make = version === 1 ? randomRequest1 : randomRequest2;
    const body = change(dice, compressSnappy(make(dice, dice.roll(12), rare)));
    const from = { ...limits, activeSeriesMax: dice.pick(activeSeries) };
    const code = pair.send(version, body, dice.pick(TENANTS), dice.one(2), from);
    if (code === 0) seen.taken++;
    else seen.refused++;
    if (dice.one(8)) pair.rollback();
    if (dice.one(20)) pair.rotate(dice.roll(pair.kernel.shards));
    if (dice.one(12)) pair.nextEpoch();
  }
  return seen;
}

/** The length that snappy elements decode to, if they are well-formed. */
function decodedLength(elements: number[]): number {
  let length = 0;
  for (let at = 0; at < elements.length; ) {
    const tag = elements[at];
    const kind = tag & 3;
    const extra = kind === 0 ? [0, 1, 2, 3, 4][Math.max(0, (tag >> 2) - 59)] : [0, 1, 2, 4][kind];
    let n = kind === 1 ? 4 + ((tag >> 2) & 7) : (tag >> 2) + 1;
    if (kind === 0 && extra > 0) n = elements[at + 1] + 1;
    at += 1 + extra + (kind === 0 ? n : 0);
    length += n;
  }
  return length;
}

describe('the intake kernel and its twin', () => {
  for (const shards of [1, 3, 8]) {
    it(`give the same batches, counters and codes for random requests over ${shards} shards`, () => {
      const pair = new Pair({ shards, key, seriesPerShardMax: 20, symbolBytesPerShardMax: 1000 });
      assert.ok(traffic(pair, shards, 400, (_, bytes) => bytes).taken === 400);
    });
  }

  it('count active series alike, and refuse those beyond the limit', () => {
    const pair = new Pair({ shards: 2, key });
    traffic(pair, 41, 500, (dice, bytes) => (dice.one(5) ? mutate(dice, bytes) : bytes), [Infinity, 3, 30, 90]);
  });

  it('agree on mutated bodies, of which nothing stays', () => {
    const pair = new Pair({ shards: 2, key });
    const { taken, refused } = traffic(pair, 77, 1000, mutate);
    assert.ok(taken > 50 && refused > 300, `${taken} taken, ${refused} refused`);
  });

  it('agree on bodies that were mutated before compression', () => {
    const pair = new Pair({ shards: 2, key });
    const dice = new Dice(5);
    for (let i = 0; i < 1500; i++) {
      const version = dice.one(2) ? 1 : 2;
      const raw = version === 1 ? randomRequest1(dice, 3, 10) : randomRequest2(dice, 3, 10);
      pair.send(version, compressSnappy(mutate(dice, raw)));
    }
  });

  it('forget all that a large request defined when it is refused or undone, tables that grew in it included', () => {
    const pair = new Pair({ shards: 2, key });
    const dice = new Dice(31);
    const request = (from: number, count: number): Uint8Array => {
      const series = Array.from({ length: count }, (_, i): WireSeries => {
        const host = `h${from + dice.roll(count)}`;
        const labels = [
          ['__name__', `m${i % 7}`],
          ['host', host],
          ['n', `${from + i}`],
        ] as [string, string][];
        return { labels, samples: [{ timestampMs: 1_790_000_000_000 + i, value: i }] };
      });
      return encodeRemoteWriteV1(series);
    };
    for (let round = 0; round < 6; round++) {
      const from = round * 150;
      const kept = request(from, 150);
      const large = request(from + 100, 700);
      pair.send(1, compressSnappy(kept));
      assert.equal(
        pair.send(1, compressSnappy(Buffer.concat([large, Uint8Array.of(0x0a, 9)]))),
        INTAKE_CODES.malformed,
      );
      pair.send(1, compressSnappy(kept));
      assert.equal(pair.kernel.counters.seriesNew, 0);
      assert.equal(pair.send(1, compressSnappy(large)), INTAKE_CODES.ok);
      pair.rollback();
      pair.send(1, compressSnappy(kept));
      assert.equal(pair.kernel.counters.seriesNew, 0);
    }
  });

  it('agree when few aliases are kept', () => {
    const pair = new Pair({ shards: 2, key, aliasesMax: 5 });
    traffic(pair, 9, 300, (_, bytes) => bytes);
  });

  it('decode every kind of snappy element alike', () => {
    const pair = new Pair({ shards: 1, key });
    const dice = new Dice(11);
    let decoded = 0;
    const element = (): number[] => {
      const n = dice.roll(60);
      const near = dice.roll(24);
      const literal = Array.from({ length: n + 1 }, () => dice.roll(256));
      return dice.pick([
        [n << 2, ...literal],
        [60 << 2, n, ...literal],
        [62 << 2, n, 0, 0, ...literal],
        [((n & 7) << 2) | 1, near],
        [(n << 2) | 2, near, 0],
        [(n << 2) | 3, near, 0, 0, 0],
      ]);
    };
    for (let i = 0; i < 2000; i++) {
      const elements = Array.from({ length: dice.roll(8) }, element).flat();
      const length = dice.one(9) ? dice.roll(127) : decodedLength(elements);
      const head = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
      const code = pair.send(1, Uint8Array.from([...head, ...elements]));
      if (code !== INTAKE_CODES.ok && code !== INTAKE_CODES.malformed) continue;
      decoded++;
      assert.deepEqual(Buffer.from(pair.kernel.body(0, length)), Buffer.from(pair.twin.body(0, length)));
    }
    assert.ok(decoded > 200, `${decoded} decoded`);
  });

  it('meet every reason to refuse a series or a sample', () => {
    const pair = new Pair({ shards: 2, key });
    const dice = new Dice(21);
    const met = new Set<string>();
    for (let i = 0; i < 700; i++) {
      const version = dice.one(2) ? 1 : 2;
      pair.send(version, compressSnappy((version === 1 ? randomRequest1 : randomRequest2)(dice, 10, 5)));
      for (const reason of Object.keys(pair.kernel.counters.refused)) met.add(reason);
    }
    const text = 'x'.repeat(3000);
    const labels = Array.from({ length: 400 }, (_, i): [string, string] => [`l${1000 + i}`, text]);
    const long = encodeRemoteWriteV1([{ labels, samples: [{ timestampMs: 1, value: 1 }] }]);
    const wide = { ...INTAKE_LIMITS_DEFAULT, labelCountMax: 4096, nameBytesMax: 4 };
    const narrow = { ...limits, activeSeriesMax: 1 };
    pair.send(1, compressSnappy(randomRequest1(dice, 10, 100_000)), 'other', false, narrow);
    for (const reason of Object.keys(pair.kernel.counters.refused)) met.add(reason);
    for (const limits of [wide, INTAKE_LIMITS_DEFAULT]) {
      pair.send(1, compressSnappy(long), 'anonymous', false, limits);
      for (const reason of Object.keys(pair.kernel.counters.refused)) met.add(reason);
      pair.send(1, compressSnappy(encodeRemoteWriteV1([{ labels: labels.slice(0, 3), samples: [] }])), '', false, wide);
      for (const reason of Object.keys(pair.kernel.counters.refused)) met.add(reason);
    }
    assert.deepEqual([...met].sort(), INTAKE_REASONS.slice(1).sort());
  });

  it('refuse what expands beyond the limit, whatever the body says', () => {
    const pair = new Pair({ shards: 1, key });
    assert.equal(pair.send(1, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0)), INTAKE_CODES.tooLarge);
    assert.equal(pair.send(1, new Uint8Array(0)), INTAKE_CODES.snappyCorrupt);
    assert.equal(pair.send(1, compressSnappy(new Uint8Array(0))), INTAKE_CODES.ok);
    assert.equal(pair.send(1, compressSnappy(Uint8Array.of(0x0a, 0x05))), INTAKE_CODES.malformed);
  });

  it('refuse what would make a batch too long for the log, and nothing of it stays', () => {
    const kernel = createIntakeWasm(module, { shards: 1, key });
    const head = encodeRemoteWriteV1([{ labels: [['__name__', 'm']], samples: [] }]).subarray(2);
    const body = (samples: number): Uint8Array => {
      const out = new ByteWriter(2 * samples + 100);
      out.u8(0x0a);
      out.varint(head.length + 2 * samples);
      out.bytes(head);
      out.bytes(new Uint8Array(new Uint16Array(samples).fill(0x12).buffer));
      return compressSnappy(out.finish());
    };
    kernel.beginRequest(utf8('t'));
    assert.equal(kernel.remoteWrite1(body(4_300_000), INTAKE_LIMITS_DEFAULT), INTAKE_CODES.tooExpensive);
    assert.deepEqual([kernel.batch(0).length, kernel.seriesCount(0), kernel.counters.samples], [0, 0, 0]);
    kernel.beginRequest(utf8('t'));
    assert.equal(kernel.remoteWrite1(body(4_000_000), INTAKE_LIMITS_DEFAULT), INTAKE_CODES.ok);
    assert.equal(kernel.counters.samples, 4_000_000);
  });

  describe('of active series', () => {
    const series = (...names: string[]): Uint8Array =>
      compressSnappy(
        encodeRemoteWriteV1(
          names.map((name) => ({ labels: [['__name__', name]], samples: [{ timestampMs: 1, value: 1 }] })),
        ),
      );
    const two = { ...limits, activeSeriesMax: 2 };
    const send = (pair: Pair, tenant: string, ...names: string[]): unknown[] => {
      pair.send(1, series(...names), tenant, false, two);
      const { samples, refused } = pair.kernel.counters;
      return [samples, refused.series_limit ?? 0, pair.kernel.activeSeries(utf8(tenant))];
    };

    it('takes those that are active, in new segments too, and refuses others, tenant by tenant', () => {
      const pair = new Pair({ shards: 1, key });
      assert.deepEqual(send(pair, 'a', 'x', 'y', 'z'), [2, 1, 2]);
      assert.deepEqual(send(pair, 'anonymous', 'x', 'z'), [2, 0, 2]);
      pair.rotate(0);
      assert.deepEqual(send(pair, 'a', 'z', 'y', 'x'), [2, 1, 2]);
      assert.deepEqual(pair.kernel.refusedLabels(0, 9).map(String), [`${utf8('__name__')},${utf8('z')}`]);
    });

    it('forgets what no segment defined for three epochs', () => {
      const pair = new Pair({ shards: 1, key });
      send(pair, 'a', 'x', 'y');
      for (let epoch = 1; epoch <= 3; epoch++) {
        pair.nextEpoch();
        pair.rotate(0);
        assert.deepEqual(send(pair, 'a', 'x', 'z'), [1, 1, 2], `epoch ${epoch}`);
      }
      pair.nextEpoch();
      assert.equal(pair.kernel.activeSeries(utf8('a')), 1);
      assert.deepEqual(send(pair, 'a', 'x', 'z'), [2, 0, 2]);
    });

    it('does not count what a refused or undone request brought, nor tenants without a limit', () => {
      const pair = new Pair({ shards: 1, key });
      pair.send(1, series('x', 'y'), 'a', false, two);
      pair.rollback();
      assert.equal(pair.kernel.activeSeries(utf8('a')), 0);
      pair.send(1, series('x', 'y', 'z'), 'a', false, limits);
      assert.equal(pair.kernel.activeSeries(utf8('a')), 0);
    });

    it('survives growth of its tables within an undone request', () => {
      const pair = new Pair({ shards: 1, key });
      const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `m${from + i}`);
      const many = { ...limits, activeSeriesMax: 1500 };
      pair.send(1, series(...names(0, 200)), 'a', false, many);
      pair.send(1, series(...names(100, 1800)), 'a', false, many);
      assert.deepEqual(pair.kernel.counters.refused, { series_limit: 300 });
      pair.rollback();
      pair.rotate(0);
      pair.send(1, series(...names(0, 1000)), 'a', false, many);
      assert.equal(pair.kernel.activeSeries(utf8('a')), 1000);
    });
  });
});
