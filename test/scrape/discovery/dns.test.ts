import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { TidemarkError } from '../../../src/base/index.ts';
import { createDnsResolver, searchNames, searchRules } from '../../../src/io/index.ts';
import { DiscoveryRig, shortened } from '../../support/discovery-rig.ts';

const TYPES: Record<number, string> = { 1: 'A', 28: 'AAAA', 15: 'MX', 2: 'NS', 33: 'SRV' };
const NXDOMAIN = 3;
const SERVFAIL = 2;

const nameBytes = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
const u16 = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));

function data(type: string, value: string): Buffer {
  if (type === 'A') return Buffer.from(value.split('.').map(Number));
  if (type === 'AAAA') return Buffer.from(value.replaceAll(':', ''), 'hex');
  if (type === 'NS') return nameBytes(value);
  if (type === 'MX') return Buffer.concat([u16(10), nameBytes(value)]);
  const [host, port] = value.split(':');
  return Buffer.concat([u16(0, 5, Number(port)), nameBytes(host)]);
}

/** A name server: records by `TYPE name`; a name without any is NXDOMAIN; the value `broken` is SERVFAIL. */
async function nameServer(t: TestContext, records: Record<string, readonly string[]>) {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (message, from) => {
    const labels: string[] = [];
    let at = 12;
    for (; message[at] !== 0; at += message[at] + 1)
      labels.push(message.subarray(at + 1, at + 1 + message[at]).toString());
    const code = message.readUInt16BE(at + 1);
    const type = TYPES[code];
    const name = labels.join('.').toLowerCase();
    asked.push(`${type} ${name}`);
    const values = records[`${type} ${name}`] ?? [];
    const isKnown = Object.keys(records).some((key) => key.endsWith(` ${name}`));
    const isBroken = values[0] === 'broken';
    const status = isBroken ? SERVFAIL : isKnown ? 0 : NXDOMAIN;
    const good = isBroken ? [] : values;
    const answers = good.map((value) => {
      const bytes = data(type, value);
      return Buffer.concat([u16(0xc00c, code, 1, 0, 60, bytes.length), bytes]);
    });
    const head = Buffer.concat([message.subarray(0, 2), u16(0x8180 | status, 1, good.length, 0, 0)]);
    socket.send(Buffer.concat([head, message.subarray(12, at + 5), ...answers]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.after(() => socket.close());
  return { asked, server: `127.0.0.1:${socket.address().port}` };
}

const rigOf = (fields: string, server: string, resolvConf = '') =>
  new DiscoveryRig(`dns_sd_configs: [{${fields}}]`, {
    world: { dns: createDnsResolver({ servers: [server], resolvConf }) },
  });

test('records of each type are targets', async (t) => {
  const { server } = await nameServer(t, {
    'SRV _web._tcp.x.test': ['a.x.test:81', 'b.x.test:82'],
    'A x.test': ['10.0.0.1', '10.0.0.2'],
    'AAAA x.test': ['fd00:0000:0000:0000:0000:0000:0000:0001'],
    'MX x.test': ['mail.x.test'],
    'NS x.test': ['ns.x.test'],
  });
  const cases: [type: string, name: string, want: Record<string, Record<string, string>>][] = [
    [
      'SRV',
      '_web._tcp.x.test',
      {
        'a.x.test:81': { srv_record_target: 'a.x.test.', srv_record_port: '81' },
        'b.x.test:82': { srv_record_target: 'b.x.test.', srv_record_port: '82' },
      },
    ],
    ['a', 'x.test', { '10.0.0.1:9': {}, '10.0.0.2:9': {} }],
    ['AAAA', 'x.test', { '[fd00::1]:9': {} }],
    ['MX', 'x.test', { 'mail.x.test:9': { mx_record_target: 'mail.x.test.' } }],
    ['NS', 'x.test', { 'ns.x.test:9': { ns_record_target: 'ns.x.test.' } }],
  ];
  for (const [type, name, want] of cases) {
    const found = await rigOf(`names: [${name}], type: ${type}, port: 9`, server).once();
    const got = Object.entries(found).map(([address, labels]) => [address, shortened(labels, '__meta_dns_')]);
    const all = Object.entries(want).map(([address, labels]) => [address, { name, ...labels }]);
    assert.deepEqual(Object.fromEntries(got), Object.fromEntries(all));
  }
});

test('a name that cannot be resolved keeps its targets, one that is gone loses them', async (t) => {
  const records: Record<string, readonly string[]> = { 'A one.test': ['10.0.0.1'], 'A two.test': ['10.0.0.2'] };
  const { server } = await nameServer(t, records);
  const rig = rigOf('names: [one.test, two.test], type: A, port: 9', server).start();
  t.after(() => rig.stop());
  await rig.until(() => rig.addresses.join() === '10.0.0.1:9,10.0.0.2:9');
  records['A one.test'] = ['broken'];
  delete records['A two.test'];
  await rig.until(() => rig.addresses.join() === '10.0.0.1:9');
  assert.match(rig.errors[0], /cannot resolve A of one\.test: .*ESERVFAIL/);
  assert.match(rig.metrics.render(), /prometheus_sd_dns_lookup_failures_total [1-9]/);
});

test('short names are looked for in the search list', async (t) => {
  const { server, asked } = await nameServer(t, { 'A web.shop.test': ['10.0.0.1'] });
  const dns = createDnsResolver({ servers: [server], resolvConf: 'search lab.test shop.test\noptions ndots:2' });
  assert.deepEqual(await dns.resolve('web', 'A'), [{ target: '10.0.0.1', port: 0 }]);
  assert.deepEqual(asked, ['A web.lab.test', 'A web.shop.test']);
  assert.deepEqual(await dns.resolve('none', 'A'), []);
  assert.deepEqual(await dns.resolve('web.shop.test', 'AAAA'), []);
});

test('the search list is used as resolv.conf says', () => {
  const cases: [conf: string, name: string, want: string[]][] = [
    ['', 'a', ['a']],
    ['search x y.', 'a', ['a.x', 'a.y', 'a']],
    ['search x', 'a.b', ['a.b', 'a.b.x']],
    ['search x\noptions ndots:5', 'a.b', ['a.b.x', 'a.b']],
    ['search x', 'a.', ['a']],
    ['domain x y\n# search z', 'a', ['a.x', 'a']],
    ['search x\noptions ndots:99', 'a.b', ['a.b.x', 'a.b']],
  ];
  for (const [conf, name, want] of cases) assert.deepEqual(searchNames(name, searchRules(conf)), want, conf);
});

test('a resolver without a server that answers says so', async () => {
  const dns = createDnsResolver({ servers: ['127.0.0.1:1'], resolvConf: '' });
  await assert.rejects(
    dns.resolve('a.test', 'A'),
    (error) => error instanceof TidemarkError && error.code === 'dns_failed',
  );
});
