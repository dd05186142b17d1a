import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import fc from 'fast-check';
import { Secret, formatDuration, formatSize, globFiles, parseDuration, parseSize } from '../../src/config/index.ts';

test('durations are read', () => {
  const ok = (text: string, ms: number) => assert.equal(parseDuration(text), ms, text);
  ok('0', 0);
  ok('0s', 0);
  ok('5ms', 5);
  ok('1m30s', 90_000);
  ok('1h1ms', 3_600_001);
  ok('1d', 86_400_000);
  ok('2w', 1_209_600_000);
  ok('1y1w1d1h1m1s1ms', 31_536_000_000 + 604_800_000 + 86_400_000 + 3_661_001);
  ok('120m', 7_200_000);
});

test('texts that are no durations are refused', () => {
  for (const text of ['', '1', '1S', '-1s', 's', '1s1m', '1s1s', '1.5s', ' 1s', '1s ', '300y'])
    assert.throws(() => parseDuration(text), { code: 'bad_data' }, text);
});

test('durations are printed as Prometheus prints them', () => {
  const ok = (ms: number, text: string) => assert.equal(formatDuration(ms), text);
  ok(0, '0s');
  ok(90_000, '1m30s');
  ok(90 * 86_400_000, '90d');
  ok(14 * 86_400_000, '2w');
  ok(31_536_000_000, '1y');
  ok(-5000, '-5s');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 42 }), (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)),
    { seed: 1 },
  );
});

test('sizes are read in powers of 1024', () => {
  const ok = (text: string, bytes: number) => assert.equal(parseSize(text), bytes, text);
  ok('0', 0);
  ok('5B', 5);
  ok('10MB', 10 * 1024 * 1024);
  ok('10MiB', 10 * 1024 * 1024);
  ok('1.5KB', 1536);
  ok('1KB1B', 1025);
  ok('-1GB', -(1024 ** 3));
  for (const text of ['', '5', 'KB', '1kb', '1 KB', '1iB', '1.', '1KB5', '9EB'])
    assert.throws(() => parseSize(text), { code: 'bad_data', message: /^units: / }, text);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (n) => assert.equal(parseSize(formatSize(n)), n)),
    { seed: 1 },
  );
});

test('a secret shows itself only on purpose', () => {
  const secret = new Secret('xyzzy');
  assert.equal(secret.reveal(), 'xyzzy');
  for (const shown of [String(secret), JSON.stringify({ secret }), inspect({ secret }), `${secret}`])
    assert.doesNotMatch(shown, /xyzzy/);
  assert.equal(JSON.stringify(Secret.none), '""');
});

test('file patterns match names as Go matches them', async () => {
  const tree: Record<string, string[]> = {
    '/d': ['a.yml', 'b.yml', 'b.json', '[x].yml', 'sub'],
    '/d/sub': ['c.yml'],
    '.': ['r.yml'],
    '/': ['d', 'e'],
  };
  const ok = async (pattern: string, want: string[]) =>
    assert.deepEqual(await globFiles(pattern, async (path) => tree[path] ?? []), want, pattern);
  await ok('/d/*.yml', ['/d/[x].yml', '/d/a.yml', '/d/b.yml']);
  await ok('/d/?.yml', ['/d/a.yml', '/d/b.yml']);
  await ok('/d/[a-a].yml', ['/d/a.yml']);
  await ok('/d/[^a].yml', ['/d/b.yml']);
  await ok('/d/\\[x\\].yml', ['/d/[x].yml']);
  await ok('/d/none', ['/d/none']);
  await ok('/none/*.yml', []);
  await ok('*.yml', ['r.yml']);
  await ok('/[d]/sub/*', ['/d/sub/c.yml']);
  await assert.rejects(
    globFiles('/d/[a', async () => ['a']),
    { code: 'bad_data' },
  );
});
