// The remote write receiver as Prometheus' own sender sees it, over HTTP.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compressSnappy, type WireSeries } from '../src/wire/index.ts';
import { Program } from '../test/support/program.ts';
import {
  encodeMessage,
  type Found,
  oneSeries,
  query,
  queryNumber,
  send,
  type Version,
  write,
  writeHeaders,
} from './client.ts';

const VERSIONS: readonly Version[] = [1, 2];
const nowMs = Math.floor(Date.now() / 1000) * 1000;
let program: Program;

before(async () => {
  program = await Program.start(null, { args: ['--storage.tsdb.retention.time=1d'] });
});

after(() => program?.dispose());

const written = ({ headers }: { headers: Record<string, unknown> }): unknown[] =>
  ['samples', 'histograms', 'exemplars'].map((kind) => headers[`x-prometheus-remote-write-${kind}-written`]);

/** `value@seconds before now` of a series, oldest first. */
async function samplesOf(selector: string, tenant?: string): Promise<string[]> {
  const [found] = await query(program, `${selector}[1h]`, nowMs + 1000, tenant);
  return (found?.values ?? []).map(([t, v]) => `${v}@${Math.round(nowMs / 1000 - t)}`);
}

test('1.0 is answered with 204 without a body, 2.0 also with what was written', async () => {
  const series = [
    oneSeries('plain', { a: 'b' }, [[nowMs, 1]]),
    oneSeries('plain', { a: 'c' }, [
      [nowMs - 1000, 1],
      [nowMs, 2],
    ]),
  ];
  const first = await write(program, 1, series, 'v1');
  assert.deepEqual([first.status, first.text, written(first)], [204, '', [undefined, undefined, undefined]]);
  const second = await write(program, 2, series, 'v2');
  assert.deepEqual([second.status, second.text, written(second)], [204, '', ['3', '0', '0']]);
  for (const tenant of ['v1', 'v2']) assert.equal(await queryNumber(program, 'sum(plain)', nowMs, tenant), 3);
});

test('headers may be spelled as clients spell them', async () => {
  const body = compressSnappy(encodeMessage(1, [oneSeries('spelled', {}, [[nowMs, 1]])]));
  const types = [
    'application/x-protobuf',
    'Application/X-Protobuf',
    'application/x-protobuf; proto=prometheus.WriteRequest',
    undefined,
  ];
  for (const type of types) {
    const headers = { ...writeHeaders(1), 'content-encoding': 'Snappy' };
    if (type === undefined) delete headers['content-type'];
    else headers['content-type'] = type;
    const reply = await send(program, { path: '/api/v1/write', headers, body });
    assert.equal(reply.status, 204, `${type}: ${reply.text}`);
  }
});

for (const version of VERSIONS) {
  test(`${version}.0: of a request with good and bad series the good ones are stored, the bad ones reported`, async () => {
    const tenant = `partial-${version}`;
    const twice: WireSeries = {
      labels: [
        ['__name__', 'partial'],
        ['x', '1'],
        ['x', '2'],
      ],
      samples: [{ timestampMs: nowMs, value: 1 }],
    };
    const reply = await write(
      program,
      version,
      [
        oneSeries('partial', { i: '1' }, [[nowMs, 1]]),
        twice,
        oneSeries('partial', { i: '2' }, [
          [nowMs - 2 * 86_400_000, 1],
          [nowMs, 2],
        ]),
        oneSeries('partial', { i: '3' }, [[nowMs + 3_600_000, 1]]),
        oneSeries('partial', { i: '4' }, [[nowMs, 4]]),
      ],
      tenant,
    );
    assert.equal(reply.status, 400);
    assert.match(reply.text, /older than the retention/);
    assert.match(reply.text, /more than 10 minutes in the future/);
    if (version === 2) assert.deepEqual(written(reply), ['3', '0', '0']);
    if (version === 2) assert.match(reply.text, /a label name is given twice/);
    assert.equal(await queryNumber(program, 'sum(partial)', nowMs, tenant), 7);
    assert.equal(await queryNumber(program, 'count(partial)', nowMs, tenant), 3);
  });

  test(`${version}.0: a body that cannot be decoded changes nothing`, async () => {
    const tenant = `broken-${version}`;
    const message = encodeMessage(version, [
      oneSeries('broken', { i: '1' }, [[nowMs, 1]]),
      oneSeries('broken', { i: '2' }, [[nowMs, 1]]),
    ]);
    const body = compressSnappy(message.slice(0, -3));
    const reply = await send(program, { path: '/api/v1/write', headers: writeHeaders(version, tenant), body });
    assert.equal(reply.status, 400);
    if (version === 2) assert.deepEqual(written(reply), ['0', '0', '0']);
    assert.deepEqual(await query(program, '{__name__=~".+"}', nowMs, tenant), []);
    // The series that were refused are as new as any.
    assert.equal((await write(program, version, [oneSeries('broken', { i: '1' }, [[nowMs, 5]])], tenant)).status, 204);
    assert.equal(await queryNumber(program, 'sum(broken)', nowMs, tenant), 5);
  });

  test(`${version}.0: samples come in any order; the same one twice counts once`, async () => {
    const put = async (...samples: [number, number][]): Promise<void> => {
      const shifted = samples.map(([ago, value]) => [nowMs - ago * 1000, value] as const);
      const reply = await write(program, version, [oneSeries('order', { v: String(version) }, shifted)]);
      assert.equal(reply.status, 204, reply.text);
    };
    await put([10, 1]);
    await put([30, 2]);
    await put([20, 3], [5, 4], [40, 5]);
    await put([20, 3], [5, 4]);
    assert.deepEqual(await samplesOf(`order{v="${version}"}`), ['5@40', '2@30', '3@20', '1@10', '4@5']);
  });

  test(`${version}.0: a staleness marker ends a series until its next sample`, async () => {
    const labels = { v: String(version) };
    const { labels: pairs } = oneSeries('stale', labels, []);
    const samples = [
      { timestampMs: nowMs - 30_000, value: 1 },
      { timestampMs: nowMs - 20_000, value: 0, stale: true },
      { timestampMs: nowMs - 10_000, value: Number.NaN },
      { timestampMs: nowMs, value: Number.NEGATIVE_INFINITY },
    ];
    assert.equal((await write(program, version, [{ labels: pairs, samples }])).status, 204);
    const at = async (agoMs: number): Promise<string | undefined> =>
      (await query(program, `stale{v="${version}"}`, nowMs - agoMs))[0]?.value?.[1];
    assert.deepEqual(await Promise.all([25_000, 15_000, 5000, 0].map(at)), ['1', undefined, 'NaN', '-Inf']);
    assert.deepEqual(await samplesOf(`stale{v="${version}"}`), ['1@30', 'NaN@10', '-Inf@0']);
  });
}

test('of two values for one time one is kept, and always the same one', async () => {
  for (const value of [1, 2, 1]) await write(program, 1, [oneSeries('conflict', {}, [[nowMs, value]])]);
  const first = await queryNumber(program, 'conflict', nowMs);
  assert.ok(first === 1 || first === 2);
  assert.equal(await queryNumber(program, 'count_over_time(conflict[1m])', nowMs), 1);
  await program.kill();
  await program.start();
  assert.equal(await queryNumber(program, 'conflict', nowMs), first);
});

test('tenants see only what is theirs', async () => {
  for (const [tenant, value] of [
    ['red', 1],
    ['blue', 2],
    [undefined, 3],
  ] as const) {
    assert.equal(
      (await write(program, 1, [oneSeries('shared', { a: tenant ?? 'none' }, [[nowMs, value]])], tenant)).status,
      204,
    );
  }
  const values = async (tenant?: string): Promise<string[]> =>
    (await query(program, 'shared', nowMs, tenant)).map(({ value }: Found) => String(value?.[1]));
  assert.deepEqual([await values('red'), await values('blue'), await values()], [['1'], ['2'], ['3']]);
  assert.deepEqual(await values('anonymous'), ['3']);
  assert.deepEqual(await values('green'), []);
  const labels = await send(program, { path: '/api/v1/label/a/values', headers: { 'x-scope-orgid': 'red' } });
  assert.deepEqual((JSON.parse(labels.text) as { data: string[] }).data, ['red']);
});

test('labels of any UTF-8 come back as they were sent', async () => {
  const labels = { 'http.status': '200', größe: '\u{1f4a9}', quote: '"\\\n\t\u0001', long: 'x'.repeat(2000) };
  for (const version of VERSIONS) {
    const reply = await write(program, version, [
      oneSeries('any text', { ...labels, v: String(version) }, [[nowMs, 1]]),
    ]);
    assert.equal(reply.status, 204, reply.text);
    const [found] = await query(program, `{"any text", v="${version}"}`, nowMs);
    assert.deepEqual(found?.metric, { __name__: 'any text', ...labels, v: String(version) });
  }
});

test('acknowledged means visible: a query after each of 500 writes sees it', async () => {
  for (let n = 1; n <= 500; n++) {
    const version: Version = n % 2 === 0 ? 2 : 1;
    const added = oneSeries('visible', { n: String(n) }, [[nowMs, 1]]);
    const timestampMs = nowMs - 600_000 + n * 1000;
    const steady = oneSeries('visible_steady', {}, [[timestampMs, n]]);
    assert.equal((await write(program, version, [added, steady])).status, 204);
    const seen = [queryNumber(program, 'count(visible)', nowMs), queryNumber(program, 'visible_steady', timestampMs)];
    assert.deepEqual(await Promise.all(seen), [n, n]);
  }
});
