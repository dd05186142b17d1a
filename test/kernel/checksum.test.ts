import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c as twin } from '../../src/base/index.ts';
import { SimRandom } from '../../src/io/index.ts';
import { crc32c } from '../../src/kernel/index.ts';

test('gives the check value of the Castagnoli polynomial', () => {
  const digits = new TextEncoder().encode('123456789');
  assert.equal(twin(digits), 0xe3069283);
  const many = new Uint8Array(9 * 20).map((_, i) => digits[i % 9]);
  assert.equal(crc32c(many), twin(many));
});

test('kernel and twin agree on inputs of any length, whole or in parts', () => {
  const random = new SimRandom(5);
  for (let i = 0; i < 300; i++) {
    const bytes = random.bytes(i < 290 ? random.below(600) : 262_144 + random.below(600_000));
    const cut = random.below(bytes.length + 1);
    assert.equal(crc32c(bytes), twin(bytes));
    assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), crc32c(bytes));
  }
});
