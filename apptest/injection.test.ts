// What is sent must stay data: it may not choose files, forge heads of answers, or reach another tenant.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { compressSnappy } from '../src/wire/index.ts';
import { Program } from '../test/support/program.ts';
import { encodeMessage, send, writeHeaders } from './client.ts';

let program: Program;

before(async () => {
  program = await Program.start(null, { args: ['--web.enable-admin-api', '--web.enable-lifecycle'] });
});

after(async () => {
  await program?.dispose();
});

/** Sends bytes as they are; resolves with all that comes back. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(program.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk: Buffer) => void (answer += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

const get = (path: string, ...lines: string[]) =>
  raw([`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...lines, '', ''].join('\r\n'));

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

test('paths do not lead out of the files of the web page', async () => {
  const ups = ['..', '%2e%2e', '%2e.', '.%2e', '%252e%252e', '..%2f..', '..%5c..', '%c0%ae%c0%ae', '....//'];
  for (const prefix of ['/assets/', '/', '/user/', '/consoles/', '/api/v1/label/']) {
    for (const up of ups) {
      for (const file of ['package.json', 'etc/passwd', 'etc/passwd%00.js']) {
        const path = `${prefix}${up}/${up}/${up}/${file}`;
        const answer = await get(path);
        assert.ok([302, 400, 404, 414].includes(statusOf(answer)), `${path}: ${answer.slice(0, 100)}`);
        assert.ok(!answer.includes('"devDependencies"') && !answer.includes('root:'), path);
      }
    }
  }
});

test('a redirect takes over the query string and nothing else', async () => {
  const answer = await get('/graph?a=%0d%0aSet-Cookie:%20x=1&b=//evil');
  assert.equal(statusOf(answer), 302);
  const head = answer.slice(0, answer.indexOf('\r\n\r\n'));
  assert.ok(!/^set-cookie/im.test(head), head);
  assert.match(head, /^location: \/query\?/im);
  const other = await get('//evil.example/graph?x');
  assert.ok(!/^location: (?:\/\/|http)/im.test(other), other.slice(0, 300));
});

test('what is repeated in answers cannot be taken for their head or for a page', async () => {
  const text = '<script>alert(1)</script>%0d%0aX-Forged:%20yes';
  for (const path of [`/${text}`, `/api/v1/query?query=${text}`, `/api/v1/label/${text}/values`, `/api/v1/${text}`]) {
    const answer = await get(path);
    const head = answer.slice(0, answer.indexOf('\r\n\r\n'));
    assert.ok(!/^x-forged/im.test(head), path);
    assert.ok(!/^content-type: text\/html/im.test(head), `${path}: ${head}`);
    if (/^content-type: text\/plain/im.test(head) && statusOf(answer) !== 400)
      assert.match(head, /^x-content-type-options: nosniff/im, `${path}: ${head}`);
  }
});

test('an origin is not believed to be anything but text', async () => {
  const answer = await get('/api/v1/query?query=1', 'Origin: http://a\tb');
  assert.match(answer, /^access-control-allow-origin: \*/im);
});

test('tenants are names, and one does not see the other', async () => {
  const body = (job: string) => {
    const labels: [string, string][] = [
      ['__name__', 'm'],
      ['job', job],
    ];
    return compressSnappy(encodeMessage(1, [{ labels, samples: [{ timestampMs: Date.now(), value: 1 }] }]));
  };
  const write = (tenant: string) =>
    send(program, { path: '/api/v1/write', headers: writeHeaders(1, tenant), body: body(tenant) });
  for (const tenant of ['a', 'b']) assert.equal((await write(tenant)).status, 204);
  for (const tenant of ['..', '.', 'a/b', 'a|b', '../a', 'a\\b', 'a b'.padEnd(200, 'x')]) {
    assert.equal((await write(tenant)).status, 400, tenant);
    const query = await send(program, { path: '/api/v1/query?query=m', headers: { 'x-scope-orgid': tenant } });
    assert.equal(query.status, 400, tenant);
  }
  const seen = async (tenant: string) =>
    (await send(program, { path: '/api/v1/query?query=m', headers: { 'x-scope-orgid': tenant } })).text;
  assert.ok((await seen('a')).includes('"job":"a"') && !(await seen('a')).includes('"job":"b"'));
  assert.ok(!(await seen('anonymous')).includes('"job"'));
  const twice = await get('/api/v1/query?query=m', 'X-Scope-OrgID: a', 'X-Scope-OrgID: b');
  assert.ok(!twice.includes('"job":"a"') && !twice.includes('"job":"b"'), twice);
});

test('requests that could be read in two ways are refused', async () => {
  const smuggle = (...lines: string[]) =>
    raw(
      [
        'POST /api/v1/query HTTP/1.1',
        'Host: x',
        ...lines,
        '',
        '0',
        '',
        'GET /-/healthy HTTP/1.1',
        'Host: x',
        '',
        '',
      ].join('\r\n'),
    );
  assert.equal(statusOf(await smuggle('Transfer-Encoding: chunked', 'Content-Length: 5')), 400);
  assert.equal(statusOf(await smuggle('Content-Length: 5', 'Content-Length: 6')), 400);
  assert.equal(statusOf(await smuggle('Transfer-Encoding: xchunked')), 400);
  assert.equal(statusOf(await get('/-/healthy', 'A: b\r\n C: d\x00')), 400);
});

test('a snapshot and a listing do not take names from requests as paths', async () => {
  const snapshot = await send(program, {
    method: 'POST',
    path: '/api/v1/admin/tsdb/snapshot?name=../../x&skip_head=true',
  });
  assert.equal(snapshot.status, 200);
  assert.match(snapshot.text, /"name":"\d{8}T\d{6}Z-[0-9a-f]{16}"/);
});
