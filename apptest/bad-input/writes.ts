// Remote write bodies that are not what they claim to be. Times are in the present so that only the fault named is there.
import type http from 'node:http';
import { ByteWriter, utf8 } from '../../src/base/index.ts';
import { compressSnappy, type WireSeries } from '../../src/wire/index.ts';
import { encodeMessage, oneSeries, type Version, writeHeaders } from '../client.ts';
import { type BadCase, seeded } from './case.ts';

const VERSIONS: readonly Version[] = [1, 2];
const REFUSED = [400];
const MUTANTS = 20;
const cases: BadCase[] = [];

type Headers = http.OutgoingHttpHeaders;

function body(
  name: string,
  version: Version,
  bytes: Uint8Array,
  statuses: readonly number[],
  message: RegExp,
  more: Headers = {},
) {
  const headers = { ...writeHeaders(version), ...more };
  const request = { method: 'POST', path: '/api/v1/write', headers, body: bytes };
  cases.push({ name: `${version}.0: ${name}`, request, statuses, message });
}

/** A compressed message. */
const message = (name: string, version: Version, bytes: Uint8Array, statuses: readonly number[], text: RegExp) =>
  body(name, version, compressSnappy(bytes), statuses, text);

/** A snappy body that claims to decode to `length` bytes. */
function declared(length: number, ...elements: number[]): Uint8Array {
  const out = new ByteWriter();
  out.varint(length);
  for (const element of elements) out.u8(element);
  return out.finish();
}

/** A body that decodes to `length` times one byte: copies of 64 bytes each, with an offset of one. */
function bomb(length: number, byte: number): Uint8Array {
  const out = new ByteWriter(1 << 20);
  out.varint(length);
  out.u8(0);
  out.u8(byte);
  for (let left = length - 1; left > 0; left -= Math.min(left, 64)) {
    out.u8(((Math.min(left, 64) - 1) << 2) | 2);
    out.u8(1);
    out.u8(0);
  }
  return out.finish();
}

const SNAPPY = /snappy|decoded size|decoded length/i;
const MALFORMED = /malformed|snappy/;

function damagedBodies(version: Version, nowMs: number): void {
  const good = encodeMessage(version, goodSeries(nowMs));
  const packed = compressSnappy(good);
  const random = seeded(version);
  body('an empty body', version, new Uint8Array(0), REFUSED, SNAPPY);
  body('a body that is not compressed', version, good, REFUSED, SNAPPY);
  for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    body(`cut at ${share} of its length`, version, packed.slice(0, packed.length * share), REFUSED, SNAPPY);
    const cut = good.slice(0, good.length * share);
    message(`a message cut at ${share}`, version, cut, REFUSED, MALFORMED);
  }
  body('one byte short', version, packed.slice(0, -1), REFUSED, SNAPPY);
  body('one byte too many', version, Uint8Array.of(...packed, 0), REFUSED, SNAPPY);
  body(
    'bytes without sense',
    version,
    Uint8Array.from({ length: 5000 }, () => random() * 256),
    REFUSED,
    SNAPPY,
  );
  message(
    'a message without sense',
    version,
    Uint8Array.from({ length: 5000 }, () => random() * 256),
    REFUSED,
    MALFORMED,
  );
  for (let i = 0; i < MUTANTS; i++) {
    const mutant = packed.slice();
    const raw = good.slice();
    for (let k = 0; k <= i % 4; k++) {
      mutant[Math.floor(random() * mutant.length)] ^= 1 << Math.floor(random() * 8);
      raw[Math.floor(random() * raw.length)] ^= 1 << Math.floor(random() * 8);
    }
    body(`mutated body ${i}`, version, mutant, [204, 400], /./s);
    message(`mutated message ${i}`, version, raw, [204, 400], /./s);
  }
  for (const length of [2 ** 25 + 1, 2 ** 31, 2 ** 32 - 1, 2 ** 40]) {
    body(`a declared size of ${length}`, version, declared(length, 0, 0), REFUSED, SNAPPY);
  }
  body('a declared size that never ends', version, new Uint8Array(20).fill(0xff), REFUSED, SNAPPY);
  body('a literal longer than the body', version, declared(100, 0xf0, 99, 1, 2), REFUSED, SNAPPY);
  body('a copy from before the beginning', version, declared(8, 0x0e, 0xff, 0xff), REFUSED, SNAPPY);
  body('a copy with offset zero', version, declared(8, 0x00, 1, 0x0a, 0, 0), REFUSED, SNAPPY);
  body('32 MiB of zeros', version, bomb(2 ** 25, 0), REFUSED, MALFORMED);
  body('32 MiB that are a wall of tags', version, bomb(2 ** 25, 0x0a), REFUSED, MALFORMED);
  body('a bomb beyond the limit', version, bomb(2 ** 26, 0), REFUSED, SNAPPY);
}

const goodSeries = (nowMs: number): WireSeries[] =>
  Array.from({ length: 5 }, (_, i) => oneSeries('bad_input', { case: `mutant-${i}`, job: 'test' }, [[nowMs, i]]));

const TAGS: readonly (readonly [string, readonly number[]])[] = [
  ['a field with number zero', [0x02, 0x00]],
  ['a group', [0x0b, 0x0c]],
  ['the end of a group that never began', [0x0c]],
  ['a wire type that does not exist', [0x0f]],
  ['a tag of eleven bytes', [...new Array<number>(10).fill(0xff), 0x01]],
  ['a length of eleven bytes', [0x0a, ...new Array<number>(10).fill(0xff), 0x01]],
  ['a length beyond 2^32', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ['a length that is negative', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ['a length beyond the message', [0x0a, 0x7f]],
  ['a fixed64 that is cut', [0x09, 1, 2, 3]],
];

function badTags(version: Version): void {
  for (const [name, bytes] of TAGS) message(name, version, Uint8Array.from(bytes), REFUSED, MALFORMED);
}

function badHeaders(version: Version, nowMs: number): void {
  const packed = compressSnappy(encodeMessage(version, goodSeries(nowMs)));
  for (const encoding of ['gzip', 'zstd', 'identity', 'snappy, snappy', 'framed-snappy', 'x'.repeat(5000)]) {
    const text = /is not accepted by this server; only snappy is acceptable/;
    body(`the encoding ${encoding.slice(0, 20)}`, version, packed, [415], text, { 'content-encoding': encoding });
  }
  for (const type of [
    'text/plain',
    'application/json',
    'application/x-protobuf;proto',
    'application/x-protobuf;proto=a=b',
    'application/x-protobuf;proto=io.prometheus.write.v9.Request',
    'application/x-protobuf;proto=__proto__',
    'application/x-protobuf;proto=',
    `application/${'x'.repeat(10_000)}`,
    ';',
  ]) {
    body(`the type ${type.slice(0, 60)}`, version, packed, [415], /content.type|media type/i, { 'content-type': type });
  }
  for (const tenant of [
    'a/b',
    '../../etc/passwd',
    '..',
    '.',
    'a b',
    'a|b',
    'ä',
    'x'.repeat(151),
    'a,b',
    '{}',
    '"',
    '%2e%2e',
  ]) {
    body(`the tenant ${tenant.slice(0, 20)}`, version, packed, REFUSED, /tenant ID/, { 'x-scope-orgid': tenant });
  }
}

type Labels = readonly (readonly [string, string])[];

function badSeries(version: Version, nowMs: number): void {
  const sample = { timestampMs: nowMs, value: 1 };
  const series = (name: string, labels: Labels, statuses: readonly number[], text: RegExp, samples = [sample]) =>
    message(name, version, encodeMessage(version, [{ labels, samples }]), statuses, text);
  const named = (...labels: Labels): Labels => [['__name__', 'bad_input'], ...labels];
  // Series that are no series: 1.0 leaves them out silently, as Prometheus does; 2.0 says so.
  const silent = version === 1 ? [204] : REFUSED;
  series('no metric name', [['a', 'b']], silent, version === 1 ? /^$/ : /metric name is missing/);
  series('no labels at all', [], silent, version === 1 ? /^$/ : /metric name is missing/);
  series('a label twice', named(['a', '1'], ['a', '2']), silent, version === 1 ? /^$/ : /twice/);
  series(
    'an empty label name',
    [
      ['', 'x'],
      ['__name__', 'bad_input'],
    ],
    silent,
    version === 1 ? /^$/ : /label name is empty/,
  );
  series('a label value of 1 MiB', named(['a', 'x'.repeat(1 << 20)]), REFUSED, /too long/);
  series('a label name of 1 MiB', named(['x'.repeat(1 << 20), 'a']), REFUSED, /too long/);
  const many = Array.from({ length: 5000 }, (_, i) => [`label_${String(i).padStart(5, '0')}`, 'x'] as const);
  series('5,000 labels', named(...many), REFUSED, /too many labels/);
  for (const timestampMs of [-(2 ** 53 - 1), 2 ** 53 - 1, nowMs + 3_600_000, nowMs - 200 * 365 * 86_400_000]) {
    series(`the time ${timestampMs}`, named(), REFUSED, /out of bounds/, [{ timestampMs, value: 1 }]);
  }
  const text = encodeMessage(version, [{ labels: named(['utf8', 'ABCD']), samples: [sample] }]);
  for (const bytes of [
    [0xff, 0xff, 0xff, 0xff],
    [0xc0, 0x80, 0x41, 0x41],
    [0xed, 0xa0, 0x80, 0x41],
    [0xf5, 0x80, 0x80, 0x80],
    [0x41, 0x41, 0x41, 0xc3],
  ]) {
    const broken = text.slice();
    broken.set(bytes, Buffer.from(broken).indexOf('ABCD'));
    message(`a value with the bytes ${bytes}`, version, broken, silent, version === 1 ? /^$/ : /UTF-8/);
  }
}

/** Messages of 2.0: a symbol table and one series with these label references. */
function references(
  name: string,
  symbols: readonly string[],
  refs: readonly number[],
  text: RegExp,
  nowMs: number,
): void {
  const out = new ByteWriter();
  const put = (to: ByteWriter, tag: number, bytes: Uint8Array): void => {
    to.u8(tag);
    to.block(bytes);
  };
  for (const symbol of symbols) put(out, 0x22, utf8(symbol));
  const packed = new ByteWriter();
  for (const ref of refs) packed.varint(ref);
  const sample = new ByteWriter();
  sample.u8(0x10);
  sample.varint(nowMs);
  const series = new ByteWriter();
  put(series, 0x0a, packed.finish());
  put(series, 0x12, sample.finish());
  put(out, 0x2a, series.finish());
  message(name, 2, out.finish(), REFUSED, text);
}

/** All cases. */
export function badWrites(nowMs: number): readonly BadCase[] {
  cases.length = 0;
  for (const version of VERSIONS) {
    damagedBodies(version, nowMs);
    badTags(version);
    badHeaders(version, nowMs);
    badSeries(version, nowMs);
  }
  const symbols = ['', '__name__', 'bad_input'];
  references('a symbol that is not there', symbols, [1, 9], /symbol that is not there/, nowMs);
  references('a symbol number of 2^32', symbols, [1, 2 ** 32], /symbol|malformed/, nowMs);
  references('an odd number of references', symbols, [1, 2, 1], /odd number/, nowMs);
  references('no symbols', [], [1, 2], /symbol that is not there/, nowMs);
  body('a body beyond the limit', 1, new Uint8Array(41 << 20), [413], /larger than/);
  return cases;
}
