import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { utf8 } from '../../src/base/index.ts';
import { decodeSnappy } from '../../src/kernel/index.ts';
import { compressSnappy, snappyBytesMax } from '../../src/wire/snappy.ts';
import { Dice, mutate } from '../kernel/intake-traffic.ts';

const LIMIT = 1 << 22;

/** Bytes that repeat more or less. */
function sample(dice: Dice, length: number): Uint8Array {
  const out = new Uint8Array(length);
  const letters = dice.pick([1, 2, 20, 256]);
  for (let i = 0; i < length; i++) {
    const back = dice.one(3) ? 1 + dice.roll(Math.min(i, 70_000) + 1) : 0;
    if (back > 0 && back <= i) {
      const n = Math.min(dice.roll(100) + 1, length - i);
      for (let j = 0; j < n; j++) out[i + j] = out[i + j - back];
      i += n - 1;
    } else out[i] = dice.roll(letters);
  }
  return out;
}

describe('snappy', () => {
  it('decodes what it encoded, within the stated size', () => {
    const dice = new Dice(1);
    for (let i = 0; i < 300; i++) {
      const bytes = sample(dice, dice.roll(dice.one(20) ? 200_000 : 2000));
      const encoded = compressSnappy(bytes);
      assert.ok(encoded.length <= snappyBytesMax(bytes.length));
      assert.deepEqual(Buffer.from(decodeSnappy(encoded, LIMIT) as Uint8Array), Buffer.from(bytes));
    }
  });

  it('decodes every kind of element', () => {
    const ok = (encoded: number[], want: string): void => {
      assert.deepEqual(decodeSnappy(Uint8Array.from(encoded), LIMIT), utf8(want));
    };
    ok([0], '');
    ok([3, 2 << 2, 97, 98, 99], 'abc');
    ok([3, 60 << 2, 2, 97, 98, 99], 'abc');
    ok([3, 63 << 2, 2, 0, 0, 0, 97, 98, 99], 'abc');
    ok([8, 1 << 2, 97, 98, (2 << 2) | 1, 2], 'abababab');
    ok([8, 1 << 2, 97, 98, (5 << 2) | 2, 1, 0], 'abbbbbbb');
    ok([4, 1 << 2, 97, 98, (1 << 2) | 3, 2, 0, 0, 0], 'abab');
  });

  it('refuses what does not follow the format', () => {
    const bad = (encoded: number[], code = -1): void => {
      assert.equal(decodeSnappy(Uint8Array.from(encoded), LIMIT), code);
    };
    bad([]);
    bad([0x80]);
    bad([3]);
    bad([2, 2 << 2, 97, 98, 99]);
    bad([3, 2 << 2, 97, 98]);
    bad([5, 0, 97, 1, 0]);
    bad([5, 0, 97, 1, 2]);
    bad([1, 0, 97, 1]);
    bad([0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    bad([0xff, 0xff, 0xff, 0x7f], -2);
  });

  it('never does more with changed bytes than decode or refuse them', () => {
    const dice = new Dice(2);
    const encoded = compressSnappy(sample(dice, 500));
    for (let i = 0; i < 3000; i++) {
      const decoded = decodeSnappy(mutate(dice, encoded), LIMIT);
      assert.ok(decoded === -1 || decoded === -2 || decoded instanceof Uint8Array);
    }
  });

  const other = new URL('../../../shared/bench/lib/snappy.mjs', import.meta.url);
  it('reads and is read by another implementation', {
    skip: !existsSync(other) && `${other.pathname} is not there`,
  }, async () => {
    const { compress, decompress } = await import(other.href);
    const dice = new Dice(3);
    for (let i = 0; i < 50; i++) {
      const bytes = Buffer.from(sample(dice, dice.roll(100_000)));
      assert.ok(bytes.equals(decompress(Buffer.from(compressSnappy(bytes)))));
      assert.ok(bytes.equals(decodeSnappy(compress(bytes), LIMIT) as Uint8Array));
    }
  });
});
