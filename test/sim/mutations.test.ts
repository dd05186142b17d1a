// The planted bugs themselves run in node sim/mutations.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutationProblem, mutations } from '../../sim/mutations.ts';

test('each planted bug has its place in the sources', () => {
  assert.ok(mutations.length >= 20);
  for (const mutation of mutations) assert.equal(mutationProblem(mutation), null, mutation.what);
});
