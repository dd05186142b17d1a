import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter } from '../../src/base/index.ts';
import { SimRandom } from '../../src/io/index.ts';
import { encodeFamily } from '../../src/wire/exposition-write.ts';
import { parseExpositionTwin } from '../../src/wire/exposition.ts';
import { protobufToText, readProtobufExposition } from '../../src/wire/prometheus-client.ts';
import { putBytes, putDouble, putInt, putText } from '../../src/wire/protobuf.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

type Put = (out: ByteWriter) => void;

function message(...puts: Put[]): Uint8Array {
  const out = new ByteWriter();
  for (const put of puts) put(out);
  return out.finish();
}

const bytes =
  (field: number, ...puts: Put[]): Put =>
  (out) =>
    putBytes(out, field, message(...puts));
const text =
  (field: number, value: string): Put =>
  (out) =>
    putText(out, field, value);
const double =
  (field: number, value: number): Put =>
  (out) =>
    putDouble(out, field, value);
const int =
  (field: number, value: number): Put =>
  (out) =>
    putInt(out, field, value);
const label = (name: string, value: string): Put => bytes(1, text(1, name), text(2, value));
const family = (name: string, type: number, ...puts: Put[]): Uint8Array =>
  message((out) => out.block(message(text(1, name), int(3, type), ...puts)));

function ok(body: Uint8Array, ...want: string[]): void {
  assert.deepEqual(Buffer.from(protobufToText(body)).toString().trimEnd().split('\n'), want);
  parseExpositionTwin(protobufToText(body), 'text');
}

test('created timestamps are told for every line of their metric, but not for gauges', () => {
  const created = (field: number) => bytes(field, int(1, 1_700_000_000), int(2, 123_999_999));
  const body = Buffer.concat([
    family(
      'c_total',
      0,
      bytes(4, bytes(3, double(1, 5), created(3))),
      bytes(4, label('a', 'b'), bytes(3, double(1, 6))),
    ),
    family('g', 1, bytes(4, bytes(2, double(1, 1), created(3)))),
    family('s', 2, bytes(4, bytes(4, int(1, 2), double(2, 3), created(4)))),
    family('h', 4, bytes(4, bytes(7, int(1, 2), double(2, 3), created(15), bytes(9), int(5, 1)))),
  ]);
  const ms = 1_700_000_000_123;
  const classic = readProtobufExposition(body, { native: false, alwaysClassic: false });
  assert.deepEqual([...(classic.starts ?? [])], [ms, 0, 0, ms, ms, ms, ms, ms]);
  const native = readProtobufExposition(body, { native: true, alwaysClassic: false });
  assert.deepEqual([...(native.starts ?? [])], [ms, 0, 0, ms, ms]);
  assert.deepEqual(
    native.histograms.map(({ startMs }) => startMs),
    [ms],
  );
});

test('families become text that the parser of text reads', () => {
  ok(
    family(
      'requests_total',
      0,
      text(2, 'All\nof "them".'),
      bytes(4, label('path', 'a"b\\c\nd'), bytes(3, double(1, 5e9))),
    ),
    '# HELP requests_total All\\nof "them".',
    '# TYPE requests_total counter',
    'requests_total{path="a\\"b\\\\c\\nd"} 5e+09',
  );
  ok(
    family(
      'load',
      1,
      bytes(4, bytes(2, double(1, Number.NaN))),
      bytes(4, label('x', ''), bytes(2, double(1, -0.5)), int(6, 1700)),
    ),
    '# TYPE load gauge',
    'load NaN',
    'load{x=""} -0.5 1700',
  );
  ok(
    family('any.thing', 3, bytes(4, label('a.b', 'c'), bytes(5, double(1, 1)))),
    '# TYPE "any.thing" untyped',
    '{"any.thing","a.b"="c"} 1',
  );
  const quantile = bytes(3, double(1, 0.5), double(2, 7));
  ok(
    family('s', 2, bytes(4, bytes(4, int(1, 3), double(2, 4.5), quantile))),
    '# TYPE s summary',
    's_count 3',
    's_sum 4.5',
    's{quantile="0.5"} 7',
  );
});

test('histograms have all their buckets, also the infinite one that is not sent', () => {
  const bucket = (bound: number, count: number): Put => bytes(3, int(1, count), double(2, bound));
  ok(
    family('h', 4, bytes(4, label('a', 'b'), bytes(7, int(1, 3), double(2, 4.5), bucket(1, 1), bucket(2.5, 2)))),
    '# TYPE h histogram',
    'h_count{a="b"} 3',
    'h_sum{a="b"} 4.5',
    'h_bucket{a="b",le="1"} 1',
    'h_bucket{a="b",le="2.5"} 2',
    'h_bucket{a="b",le="+Inf"} 3',
  );
  const floats = bytes(3, double(4, 0.5), double(2, Infinity));
  ok(
    family('h', 4, bytes(4, bytes(7, double(4, 0.5), floats))),
    '# TYPE h histogram',
    'h_count 0.5',
    'h_sum 0',
    'h_bucket{le="+Inf"} 0.5',
  );
});

test('what federation gives is read again', () => {
  const sample = { labels: [['a', 'b']] as const, timestampMs: 1700, value: 2, histogram: null };
  ok(encodeFamily('up', [sample], 'allow-utf-8'), '# TYPE up untyped', 'up{a="b"} 2 1700');
});

test('what is no protobuf is refused, whatever it is', () => {
  const bad = (body: Uint8Array) =>
    assert.throws(
      () => protobufToText(body),
      (error) => (error as { code: string }).code === 'bad_exposition',
    );
  bad(Buffer.from('up 1\n'));
  bad(family('', 1));
  bad(family('x', 9));
  const good = family('h', 4, bytes(4, label('a', 'b'), bytes(7, int(1, 3), bytes(3, int(1, 1), double(2, 1)))));
  const random = new SimRandom(fuzzSeed(29));
  for (let i = 0; i < fuzzCases(2000); i++) {
    const mutated = good.slice();
    for (let n = 0; n < 2; n++) mutated[Math.floor(random.next() * mutated.length)] = Math.floor(random.next() * 256);
    try {
      protobufToText(mutated);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'bad_exposition', String(error));
    }
  }
});

test('exemplars come beside the text, by the row of their sample; native ones only with a time, in order', () => {
  const exemplar = (field: number, id: string, value: number, ...time: Put[]): Put =>
    bytes(field, label('id', id), double(2, value), ...(time.length > 0 ? [bytes(3, ...time)] : []));
  const body = Buffer.concat([
    family('c_total', 0, bytes(4, bytes(3, double(1, 5), exemplar(2, 'c', 0.5, int(1, 17), int(2, 250_999_999))))),
    family(
      'h',
      4,
      bytes(
        4,
        bytes(
          7,
          int(1, 3),
          double(2, 9),
          bytes(3, int(1, 1), double(2, 1), exemplar(3, 'b1', 0.5)),
          bytes(3, int(1, 2), double(2, 2), exemplar(3, 'b2', 1.5, int(1, 3))),
          bytes(12, int(2, 1)),
          exemplar(16, 'late', 1, int(1, 20)),
          exemplar(16, 'timeless', 1),
          exemplar(16, 'early', 2, int(1, 10)),
        ),
      ),
    ),
  ]);
  const { exemplars, histograms } = readProtobufExposition(body, { native: true, alwaysClassic: true });
  assert.deepEqual(
    [...exemplars],
    [
      [0, { labels: ['id', 'c'], value: 0.5, timestampMs: 17_250 }],
      [3, { labels: ['id', 'b1'], value: 0.5, timestampMs: undefined }],
      [4, { labels: ['id', 'b2'], value: 1.5, timestampMs: 3000 }],
    ],
  );
  assert.deepEqual(
    histograms[0].exemplars.map(({ labels, timestampMs }) => [labels[1], timestampMs]),
    [
      ['early', 10_000],
      ['late', 20_000],
    ],
  );
});
