import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, goTime, plainNumber, took } from '../../ui/src/format.ts';

test('what took less than a millisecond is not nothing', () => {
  assert.deepEqual([0.0002, 0.0124, 1.5, 0].map(took), ['<1ms', '12ms', '1s500ms', '0s']);
});

test('the zero time of Go is never', () => {
  assert.equal(goTime('0001-01-01T00:00:00Z'), null);
  assert.equal(goTime(''), null);
  assert.equal(goTime('2026-03-01T12:00:00.5Z'), Date.UTC(2026, 2, 1, 12, 0, 0, 500));
});

test('numbers of the API are shown plainly, and what is none as it is', () => {
  const texts = ['1e+00', '1.5e+01', '8.3e+10', '-2.5e-01', '+Inf', 'NaN', ''];
  assert.deepEqual(texts.map(plainNumber), ['1', '15', '83000000000', '-0.25', '+Inf', 'NaN', '']);
});

test('ages have one unit', () => {
  assert.deepEqual(
    [0, 59_000, 61_000, 90_000_000].map((ms) => ago(0, ms)),
    ['now', '59s ago', '1m ago', '1d ago'],
  );
});
