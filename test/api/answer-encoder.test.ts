import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import {
  type Coding,
  type EncodedPiece,
  createQueryHandler,
  encodeAnswer,
  type HandlerAnswer,
} from '../../src/api/index.ts';
import { createJsonWasm, loadKernel, type PointsKernel } from '../../src/kernel/index.ts';
import { Labels } from '../../src/model/index.ts';

const PIECE_BYTES_MAX = (1 << 18) + (1 << 17);

/** A matrix of so many series, each with `length` points. */
async function matrixAnswer(seriesCount: number, length: number): Promise<HandlerAnswer> {
  const ts = Float64Array.from({ length }, (_, i) => i * 15_000);
  const vs = Float64Array.from({ length }, (_, i) => i / 7);
  const series = Array.from({ length: seriesCount }, (_, i) => ({
    labels: Labels.from({ i: `${i}` }),
    length,
    ts,
    vs,
  }));
  const range = () => Promise.resolve({ value: { type: 'matrix', series } as const, warnings: ['w'], infos: [] });
  const none = () => Promise.reject(new Error('not asked for'));
  const handle = createQueryHandler({
    engine: { instant: range, range, parseSelector: () => [], selectors: () => [], format: String, parse: null },
    listings: { series: none, labelNames: none, labelValues: none, exemplars: none },
  });
  const common = {
    tenant: 't',
    query: 'q',
    timeoutMs: null,
    limit: 0,
    lookbackMs: null,
    stats: 'none' as const,
    explain: 'none' as const,
    noCache: false,
  };
  return handle({ kind: 'instant', timeMs: 0, ...common }, new AbortController().signal);
}

async function pieces(answer: HandlerAnswer, accepted: Coding | null, pointsKernel: PointsKernel | null = null) {
  const found: { bytes: Buffer; coding: Coding | null; isEnd: boolean }[] = [];
  const send = (piece: EncodedPiece) => {
    found.push({ ...piece, bytes: Buffer.from(piece.bytes) });
    return Promise.resolve();
  };
  await encodeAnswer(answer, accepted, send, pointsKernel);
  assert.deepEqual(
    found.map(({ isEnd }) => isEnd),
    found.map((_, i) => i === found.length - 1),
  );
  return { found, body: Buffer.concat(found.map(({ bytes }) => bytes)), coding: found[0].coding };
}

test('an answer comes in pieces of limited size, whether it has many series or long ones', async () => {
  for (const [seriesCount, length] of [
    [1, 100_000],
    [300, 400],
    [40_000, 1],
  ]) {
    const { found, body } = await pieces(await matrixAnswer(seriesCount, length), null);
    assert.ok(found.length > 4, String(found.length));
    for (const { bytes } of found) assert.ok(bytes.length <= PIECE_BYTES_MAX, String(bytes.length));
    const { data, warnings } = JSON.parse(body.toString());
    assert.equal(data.result.length, seriesCount);
    for (const { values } of data.result) assert.equal(values.length, length);
    assert.deepEqual(data.result.at(-1).values.at(-1), [(length - 1) * 15, String((length - 1) / 7)]);
    assert.deepEqual(warnings, ['w']);
  }
});

test('an answer is the same with the kernel that writes samples, piece by piece', async () => {
  const kernel = createJsonWasm(await loadKernel('json'));
  for (const [seriesCount, length] of [
    [1, 100_000],
    [300, 400],
    [40_000, 1],
    [5000, 5],
  ]) {
    const want = await pieces(await matrixAnswer(seriesCount, length), null);
    const got = await pieces(await matrixAnswer(seriesCount, length), null, kernel);
    assert.deepEqual(
      got.found.map(({ bytes }) => bytes.length),
      want.found.map(({ bytes }) => bytes.length),
    );
    assert.ok(got.body.equals(want.body));
  }
});

test('pieces are compressed one by one into one body', async () => {
  for (const [seriesCount, length] of [
    [1, 100],
    [50, 4000],
  ]) {
    const plain = await pieces(await matrixAnswer(seriesCount, length), null);
    const zipped = await pieces(await matrixAnswer(seriesCount, length), 'gzip');
    assert.equal(zipped.coding, 'gzip');
    assert.equal(zipped.found.length, plain.found.length);
    assert.ok(zipped.body.length < plain.body.length / 2);
    assert.ok(gunzipSync(zipped.body).equals(plain.body));
    const deflated = await pieces(await matrixAnswer(seriesCount, length), 'deflate');
    assert.equal(deflated.coding, 'deflate');
    assert.ok(inflateSync(deflated.body).equals(plain.body));
  }
});

test('a short answer is not compressed', async () => {
  const { coding, found } = await pieces(await matrixAnswer(1, 3), 'gzip');
  assert.equal(coding, null);
  assert.equal(found.length, 1);
});

test('nothing more is written when a piece is not taken', async () => {
  let sent = 0;
  const refuse = () => {
    sent++;
    return sent < 3 ? Promise.resolve() : Promise.reject(new Error('gone'));
  };
  await assert.rejects(encodeAnswer(await matrixAnswer(1, 200_000), null, refuse), /gone/);
  assert.equal(sent, 3);
});
