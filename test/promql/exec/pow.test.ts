import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goPow } from '../../../src/promql/functions/pow.ts';

test('powers follow the special cases of Go', () => {
  const ok = (x: number, y: number, want: number): void =>
    assert.ok(Object.is(goPow(x, y), want), `${x} ^ ${y}: ${goPow(x, y)}, not ${want}`);
  ok(1, NaN, 1);
  ok(NaN, 0, 1);
  ok(-1, Infinity, 1);
  ok(-1, -Infinity, 1);
  ok(2, Infinity, Infinity);
  ok(2, -Infinity, 0);
  ok(0.5, Infinity, 0);
  ok(0, -1, Infinity);
  ok(-0, -3, -Infinity);
  ok(-0, 3, -0);
  ok(-0, 2, 0);
  ok(-Infinity, 3, -Infinity);
  ok(-Infinity, -3, -0);
  ok(Infinity, -2, 0);
  ok(-8, 1 / 3, NaN);
  ok(-2, 3, -8);
  ok(2, 1023, 2 ** 1023);
  ok(2, 1024, Infinity);
  ok(2, -1074, Number.MIN_VALUE);
  ok(2, -1080, 0);
  ok(10, 22, 1e22);
  ok(10, 308, 1.0000000000000006e308);
  ok(9, 0.5, 3);
});

test('powers are within an ulp or so of the exact ones', () => {
  for (let i = 1; i < 2000; i++) {
    const [x, y] = [i * 0.37, ((i * 7919) % 400) / 10 - 20];
    const [got, near] = [goPow(x, y), x ** y];
    assert.ok(Math.abs(got - near) <= Math.abs(near) * 4e-15, `${x} ^ ${y}: ${got}, about ${near}`);
  }
});
