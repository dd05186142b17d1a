import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { utf8 } from '../../src/base/index.ts';
import {
  INTAKE_LIMITS_DEFAULT,
  KeyedHash,
  createIntakeWasm,
  decodeBatch,
  loadKernel,
  newSegmentState,
} from '../../src/kernel/index.ts';
import { encodeRemoteWriteV1 } from '../../src/wire/remote-write-v1.ts';
import { compressSnappy } from '../../src/wire/snappy.ts';

const key = Uint8Array.from({ length: 32 }, (_, i) => 255 - i * 3);
const hash = new KeyedHash(key);
const idOf = (bytes: Uint8Array): bigint => {
  const { low, high } = hash.hash(bytes);
  return (high << 64n) | low;
};

let module: WebAssembly.Module;
before(async () => {
  module = await loadKernel('intake');
});

describe('the keyed hash', () => {
  it('equals the kernel for label bytes of any length', () => {
    const intake = createIntakeWasm(module, { shards: 1, key });
    for (let length = 1; length < 2600; length += length < 200 ? 1 : 61) {
      const series = { labels: [['__name__', 'n'.repeat(length)]] as [string, string][] };
      const raw = encodeRemoteWriteV1([{ ...series, samples: [{ timestampMs: 1_790_000_000_000, value: 1 }] }]);
      intake.rotate(0);
      intake.beginRequest(utf8('t'));
      assert.equal(intake.remoteWrite1(compressSnappy(raw), INTAKE_LIMITS_DEFAULT), 0);
      const segment = newSegmentState();
      decodeBatch(intake.batch(0), segment);
      const labels = raw.subarray(raw[1] < 128 ? 2 : 3, raw.length - 18);
      const { low, high } = hash.hash(labels, hash.hash(utf8('t')));
      assert.deepEqual([segment.series[0].idLow, segment.series[0].idHigh], [low, high], `length ${length}`);
    }
  });

  it('tells apart inputs that differ in length, in zeros at the end, in any one bit', () => {
    const seen = new Set<bigint>();
    const bytes = new Uint8Array(130);
    for (let length = 0; length <= 130; length++) seen.add(idOf(bytes.subarray(0, length)));
    for (let bit = 0; bit < 130 * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      seen.add(idOf(changed));
    }
    assert.equal(seen.size, 131 + 130 * 8);
  });

  it('tells apart inputs in which two pieces have changed places, at any distance', () => {
    const seen = new Set<bigint>();
    const bytes = new Uint8Array(256).fill(97);
    for (const size of [1, 4, 16]) {
      for (let distance = size; distance + size <= 200; distance += size) {
        for (const [first, second] of [...['12', '21']]) {
          const changed = bytes.slice();
          changed.fill(first.charCodeAt(0), 8, 8 + size);
          changed.fill(second.charCodeAt(0), 8 + distance, 8 + distance + size);
          seen.add(idOf(changed));
        }
      }
    }
    assert.equal(seen.size, 2 * (200 - 1 + 1) + 2 * (50 - 1) + 2 * (12 - 1) - 2);
  });

  it('changes half of its bits with any bit of the input, of the key, of the tweak', () => {
    const flips = (a: bigint, b: bigint): number => (a ^ b).toString(2).replaceAll('0', '').length;
    const bytes = utf8('some label bytes that are longer than one stripe of sixty-four bytes, by a little');
    const base = idOf(bytes);
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const changed = bytes.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      const changedBits = flips(base, idOf(changed));
      assert.ok(changedBits > 30 && changedBits < 98, `bit ${bit}: ${changedBits}`);
    }
    const otherKey = key.slice();
    otherKey[31] ^= 1;
    const other = new KeyedHash(otherKey).hash(bytes);
    assert.ok(flips(base, (other.high << 64n) | other.low) > 30);
    assert.notDeepEqual(hash.hash(bytes, { low: 1n, high: 0n }), hash.hash(bytes, { low: 0n, high: 1n }));
  });
});
