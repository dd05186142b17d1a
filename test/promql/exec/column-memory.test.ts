import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExecTwin, createExecWasm, loadKernel } from '../../../src/kernel/index.ts';
import { ColumnMemory } from '../../../src/promql/exec/column-memory.ts';
import { constantScalar, newVector } from '../../../src/promql/exec/vector.ts';
import { Labels } from '../../../src/model/index.ts';

const vector = (rows: number) => newVector(new Array<Labels>(rows).fill(Labels.empty), 1000);

test('a column is given back with the last value that has it', () => {
  const columns = new ColumnMemory(1);
  const a = vector(3);
  const b = { ...a, vs: new Float64Array(3000) }; // shares presence with a
  columns.take(a);
  columns.take(b);
  columns.drop(a);
  assert.deepEqual([a.vs.length, a.has.length, b.vs.length], [0, 3000, 3000]);
  columns.drop(b);
  assert.deepEqual([b.vs.length, b.has.length], [0, 0]);
});

test('what was never taken stays, and so do small columns', () => {
  const columns = new ColumnMemory(10_000);
  const [small, large, other] = [constantScalar(1, 10), vector(3), vector(3)];
  for (const value of [small, large]) columns.take(value);
  for (const value of [small, large, other]) columns.drop(value);
  assert.deepEqual([small.vs.length, large.vs.length, other.vs.length], [10, 0, 3000]);
});

test('of a query that failed everything is given back', () => {
  const columns = new ColumnMemory(1);
  const values = [vector(2), vector(3)];
  for (const value of values) columns.take(value);
  columns.drop(values[0]);
  columns.dropAll();
  assert.deepEqual(
    values.map(({ vs }) => vs.length),
    [0, 0],
  );
});

test('a kernel that has grown begins anew with little memory, and works as before', async () => {
  for (const kernel of [createExecWasm(await loadKernel('exec')), createExecTwin()]) {
    const sum = (): number => {
      kernel.reserve(100, 4);
      const accumulator = kernel.accumulator('sum', 1, 4);
      for (const value of [1, 2.5]) {
        kernel.out.fill(value, 0, 4);
        kernel.present.fill(1, 0, 4);
        accumulator.add(0);
      }
      accumulator.finish(0);
      accumulator.free();
      return kernel.out[3];
    };
    const before = kernel.memoryBytes;
    kernel.accumulator('sum', 1000, 10_000).free();
    assert.ok(before === 0 || kernel.memoryBytes > 100_000_000);
    kernel.reset();
    assert.ok(kernel.memoryBytes <= before);
    assert.equal(sum(), 3.5);
  }
});
