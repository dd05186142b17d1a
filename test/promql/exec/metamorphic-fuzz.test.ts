// Generated queries have the same answer, bit by bit, annotations and errors included, however they are evaluated. Many more of them:
// npm run fuzz:queries -- --count 50000.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzCases, fuzzSeed } from '../../support/fuzz.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';
import { compareVariants } from '../../support/promql-metamorphic.ts';
import { variants } from '../../support/promql-variants.ts';

test('generated queries are answered alike by every way to evaluate them', async (t) => {
  const count = fuzzCases(400);
  const { differences, answered } = await compareVariants(
    await variants(await temporaryDirectory(t)),
    fuzzSeed(1),
    0,
    count,
  );
  const texts = differences.map(({ index, variant, question }) => `${index}: ${variant}: ${JSON.stringify(question)}`);
  assert.deepEqual(texts, []);
  // Few of them come to nothing: they would all be equal.
  assert.ok(answered > count / 2, `only ${answered} of ${count} have an answer`);
});
