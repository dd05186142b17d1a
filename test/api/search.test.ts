import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TidemarkError } from '../../src/base/index.ts';
import { createQueryHandler, type HandlerEngine, type HandlerListings } from '../../src/api/index.ts';
import type { SearchRequest } from '../../src/api/search-answer.ts';
import { jaroWinkler, searchScore, subsequenceScore } from '../../src/api/search-match.ts';
import { encoded, fakeServer, fakeServices, NOW_MS } from './fake-services.ts';

const chars = (text: string): string[] => Array.from(text);
const score = (terms: readonly string[], name: string, more: Partial<SearchRequest> = {}): number =>
  searchScore({ terms, algorithm: 'subsequence', threshold: 0, isCaseSensitive: true, ...more })(name);

test('a name that begins with the term scores 1, one without its characters in order 0', () => {
  assert.equal(score(['http'], 'http_requests_total'), 1);
  assert.equal(score(['http'], 'go_threads'), 0);
  assert.equal(score(['HTTP'], 'http_requests'), 0);
  assert.equal(score(['HTTP'], 'http_requests', { isCaseSensitive: false }), 1);
  assert.equal(score([''], 'anything'), 1);
  assert.equal(score([], 'anything'), 1);
});

test('a subsequence scores the squares of its runs, less the gaps', () => {
  // `req` is one run of 3 in http_req: 9 - 5/8, of 9.
  assert.equal(subsequenceScore(chars('req'), chars('http_req')), (9 - 5 / 8) / 9);
  // a, then cd: 1 + 4 - 1/4, of 9.
  assert.equal(subsequenceScore(chars('acd'), chars('abcd')), (5 - 1 / 4) / 9);
  // The second place is better than the first: 4 - 3/6 - 1/12, of 4.
  assert.equal(subsequenceScore(chars('ab'), chars('axxabx')), (4 - 3 / 6 - 1 / 12) / 4);
  assert.equal(subsequenceScore(chars('abc'), chars('ab')), 0);
});

test('Jaro-Winkler gives the values of the literature', () => {
  const near = (a: string, b: string, want: number): void =>
    assert.ok(Math.abs(jaroWinkler(chars(a), chars(b)) - want) < 5e-4, `${a} ${b}`);
  near('MARTHA', 'MARHTA', 0.9611);
  near('DWAYNE', 'DUANE', 0.84);
  near('DIXON', 'DICKSONX', 0.8133);
  near('abc', 'xyz', 0);
});

test('scores are between 0 and 1, and 1 for the term itself', () => {
  const name = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom('a', 'b', '_', 'é', '😀') });
  fc.assert(
    fc.property(name, name, fc.constantFrom('subsequence' as const, 'jarowinkler' as const), (a, b, algorithm) => {
      const got = score([a], b, { algorithm, threshold: 0.01 });
      assert.ok(got >= 0 && got <= 1, `${got}`);
      assert.equal(score([a], a, { algorithm }), 1);
    }),
  );
});

test('with jarowinkler a part of a name scores 0.9, and similar names need a threshold', () => {
  const jaro = { algorithm: 'jarowinkler' as const };
  assert.equal(score(['req'], 'http_req', jaro), 0.9);
  assert.equal(score(['htpt'], 'http', jaro), 0);
  assert.ok(score(['htpt'], 'http', { ...jaro, threshold: 0.8 }) > 0.8);
  assert.equal(score(['htpt'], 'http', { ...jaro, threshold: 0.99 }), 0);
  assert.equal(score(['zzz', 'req'], 'http_req', jaro), 0.9);
});

const request: SearchRequest = {
  kind: 'search',
  what: 'metricNames',
  tenant: 't',
  matches: [],
  startMs: 0,
  endMs: 1,
  name: '',
  terms: [],
  algorithm: 'subsequence',
  threshold: 0,
  isCaseSensitive: true,
  order: 'ascending',
  isScoreShown: false,
  limit: 100,
  batchSize: 100,
  metadata: [],
};

async function lines(change: Partial<SearchRequest>, names: readonly string[], warnings: string[] = []) {
  const listing = () => Promise.resolve({ items: names, warnings });
  const listings = { series: assert.fail, labelNames: listing, labelValues: listing } as unknown as HandlerListings;
  const handler = createQueryHandler({ engine: {} as HandlerEngine, listings });
  const { body } = await encoded(await handler({ ...request, ...change }, new AbortController().signal));
  const text = body.toString();
  assert.ok(text.endsWith('\n'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
}

test('an answer is lines of batches and one that says whether there is more', async () => {
  const names = ['a', 'ab', 'b', 'c'];
  assert.deepEqual(await lines({ batchSize: 2, limit: 3 }, names), [
    { results: [{ name: 'a' }, { name: 'ab' }] },
    { results: [{ name: 'b' }] },
    { status: 'success', has_more: true },
  ]);
  assert.deepEqual(await lines({ limit: 4 }, names), [
    { results: names.map((name) => ({ name })) },
    { status: 'success', has_more: false },
  ]);
  assert.deepEqual(await lines({ terms: ['zz'] }, names, ['a shard is away']), [
    { results: [], warnings: ['a shard is away'] },
    { status: 'success', has_more: false },
  ]);
  const [descending] = await lines({ order: 'descending', terms: ['a'] }, names);
  assert.deepEqual(descending, { results: [{ name: 'ab' }, { name: 'a' }] });
  const [scored] = await lines({ order: 'score', terms: ['b'], isScoreShown: true, what: 'labelValues' }, names);
  assert.deepEqual(scored, {
    results: [
      { value: 'b', score: 1 },
      { value: 'ab', score: 0.5 },
    ],
  });
  const [known] = await lines({ terms: ['c'], metadata: [['c', 'counter', 'C.', '']] }, names);
  assert.deepEqual(known, { results: [{ name: 'c', type: 'counter', help: 'C.' }] });
});

test('a search that is cancelled ends between two parts of the names', async () => {
  const names = Array.from({ length: 2500 }, (_, i) => `n${i}`);
  const listing = () => Promise.resolve({ items: names, warnings: [] });
  const listings = { series: assert.fail, labelNames: listing, labelValues: listing } as unknown as HandlerListings;
  const controller = new AbortController();
  let turns = 0;
  const breathe = (): Promise<void> => {
    if (++turns === 2) controller.abort(new TidemarkError('canceled', 'query was canceled'));
    return Promise.resolve();
  };
  const handler = createQueryHandler({ engine: {} as HandlerEngine, listings, breathe });
  const { status } = await handler({ ...request, terms: ['n'] }, controller.signal);
  assert.deepEqual([status, turns], [499, 2]);
});

test('parameters of a search are checked, and reach the query side as plain data', async () => {
  const services = fakeServices();
  const server = await fakeServer(services);
  const ask = (url: string) => server.inject({ url: `/api/v1/search/${url}` });
  const bad = async (url: string, want: string): Promise<void> => {
    const response = await ask(url);
    assert.equal(response.statusCode, 400, url);
    assert.equal(response.json().error, want, url);
  };
  await bad('metric_names?fuzz_threshold=101', 'invalid fuzz_threshold "101": must be 0-100');
  await bad('metric_names?fuzz_alg=x', 'unsupported fuzz_alg "x": must be one of [subsequence jarowinkler]');
  await bad('metric_names?sort_dir=asc', 'sort_dir is only valid when sort_by is set');
  await bad('metric_names?sort_by=score&sort_dir=asc&search[]=a', 'sort_dir is not supported for sort_by=score');
  await bad('metric_names?sort_by=x', 'invalid sort_by "x": must be "alpha" or "score"');
  await bad('metric_names?sort_by=alpha&sort_dir=x', 'invalid sort_dir "x": must be "asc" or "dsc"');
  await bad('metric_names?sort_by=score', 'sort_by=score requires search[] to be set');
  await bad('metric_names?limit=0', 'invalid limit "0": must be a positive integer');
  await bad('metric_names?limit=1001', 'invalid limit "1001": must not exceed 1000');
  await bad('metric_names?batch_size=10001', 'invalid batch_size "10001": must not exceed 10000');
  await bad('metric_names?start=2&end=1', 'end timestamp must not be before start timestamp');
  await bad('label_values', 'missing required parameter "label"');
  await bad(`label_names?${'search[]=a&'.repeat(33)}`, 'too many search[] terms: got 33, maximum is 32');
  await bad(
    `label_names?search[]=${'a'.repeat(1001)}`,
    'search[] term is too long: got 1001 characters, maximum is 1000',
  );
  const response = await ask('label_values?label=job&search[]=a&search[]=b&fuzz_threshold=50&case_sensitive=false');
  assert.equal(response.headers['content-type'], 'application/x-ndjson; charset=utf-8');
  assert.deepEqual(services.requests.pop(), {
    ...request,
    what: 'labelValues',
    tenant: 'anonymous',
    name: 'job',
    terms: ['a', 'b'],
    threshold: 0.5,
    isCaseSensitive: false,
    startMs: NOW_MS - 3_600_000,
    endMs: NOW_MS,
  });
});

test('without the feature the search API is not available', async () => {
  const server = await fakeServer(fakeServices({ search: null }));
  const response = await server.inject({ url: '/api/v1/search/metric_names' });
  assert.deepEqual(response.json(), { status: 'error', errorType: 'unavailable', error: 'search API disabled' });
});
