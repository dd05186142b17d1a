// Both encodings of OTLP say the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, isCorrupt } from '../../src/base/index.ts';
import { SimRandom } from '../../src/io/index.ts';
import { decodeOtlpJson } from '../../src/wire/otlp-json.ts';
import { decodeOtlpProtobuf, encodeOtlpResponse } from '../../src/wire/otlp-protobuf.ts';
import { putBytes, putDouble, putFixed64, putInt, putSint, putText } from '../../src/wire/protobuf.ts';
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
const fixed =
  (field: number, value: bigint): Put =>
  (out) =>
    putFixed64(out, field, value);
const int =
  (field: number, value: number): Put =>
  (out) =>
    putInt(out, field, value);
const sint =
  (field: number, value: number): Put =>
  (out) =>
    putSint(out, field, value);
const attribute = (field: number, key: string, ...value: Put[]): Put => bytes(field, text(1, key), bytes(2, ...value));
const raw = (write: Put): Put => write;

const NS = 1_700_000_000_123_456_789n;
const times = [fixed(2, 5_000_000n), fixed(3, NS)];

const EXEMPLAR: Put[] = [
  fixed(2, NS),
  double(3, 0.5),
  (out) => putBytes(out, 4, new Uint8Array(8)),
  (out) => putBytes(out, 5, Uint8Array.of(0xab, 0, 1)),
  attribute(7, 'k', int(3, 4)),
];

const PROTOBUF = message(
  bytes(
    1,
    bytes(
      1,
      attribute(1, 'service.name', text(1, 'shop')),
      attribute(1, 'flag', int(2, 1)),
      attribute(1, 'n', int(3, -7)),
      attribute(1, 'd', double(4, 1.5)),
      attribute(1, 'list', bytes(5, bytes(1, text(1, 'a')), bytes(1, int(3, 2)))),
      attribute(1, 'map', bytes(6, attribute(1, 'k', text(1, 'v')))),
      attribute(1, 'raw', (out) => putBytes(out, 7, Uint8Array.of(1, 2, 3))),
    ),
    bytes(
      2,
      bytes(1, text(1, 'lib'), text(2, '1.0'), attribute(3, 'x', text(1, 'y'))),
      bytes(
        2,
        text(1, 'g'),
        text(2, 'help'),
        text(3, 's'),
        bytes(5, bytes(1, ...times, double(4, 1.25), attribute(7, 'a', text(1, 'b')))),
      ),
      bytes(
        2,
        text(1, 'c'),
        bytes(
          7,
          bytes(1, ...times, fixed(6, BigInt.asUintN(64, -3n)), int(8, 1), bytes(5, ...EXEMPLAR)),
          int(2, 2),
          int(3, 1),
        ),
      ),
      bytes(
        2,
        text(1, 'h'),
        bytes(
          9,
          bytes(
            1,
            ...times,
            fixed(4, 3n),
            double(5, 9),
            bytes(
              6,
              raw((out) => out.u64(1n)),
              raw((out) => out.u64(2n)),
            ),
            bytes(
              7,
              raw((out) => out.f64(0.5)),
            ),
          ),
          int(2, 1),
        ),
      ),
      bytes(
        2,
        text(1, 'e'),
        bytes(
          10,
          bytes(
            1,
            ...times,
            fixed(4, 3n),
            sint(6, -2),
            fixed(7, 1n),
            bytes(
              8,
              sint(1, -5),
              bytes(
                2,
                raw((out) => out.varint(2)),
              ),
            ),
            double(14, 0.25),
          ),
          int(2, 2),
        ),
      ),
      bytes(
        2,
        text(1, 's'),
        bytes(11, bytes(1, ...times, fixed(4, 3n), double(5, 9), bytes(6, double(1, 0.5), double(2, 3)))),
      ),
      text(3, 'http://schema'),
    ),
  ),
);

const at = { startTimeUnixNano: '5000000', timeUnixNano: String(NS) };
const attributes = (values: Record<string, object>) => Object.entries(values).map(([key, value]) => ({ key, value }));
const JSON_BODY = {
  resourceMetrics: [
    {
      resource: {
        attributes: attributes({
          'service.name': { stringValue: 'shop' },
          flag: { boolValue: true },
          n: { intValue: '-7' },
          d: { doubleValue: 1.5 },
          list: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: 2 }] } },
          map: { kvlistValue: { values: attributes({ k: { stringValue: 'v' } }) } },
          raw: { bytesValue: 'AQID' },
        }),
      },
      scopeMetrics: [
        {
          scope: { name: 'lib', version: '1.0', attributes: attributes({ x: { stringValue: 'y' } }) },
          schemaUrl: 'http://schema',
          metrics: [
            {
              name: 'g',
              description: 'help',
              unit: 's',
              gauge: { dataPoints: [{ ...at, asDouble: 1.25, attributes: attributes({ a: { stringValue: 'b' } }) }] },
            },
            {
              name: 'c',
              sum: {
                aggregationTemporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
                isMonotonic: true,
                dataPoints: [
                  {
                    ...at,
                    asInt: '-3',
                    flags: 1,
                    exemplars: [
                      {
                        timeUnixNano: String(NS),
                        asDouble: 0.5,
                        spanId: '0000000000000000',
                        traceId: 'AB0001',
                        filteredAttributes: attributes({ k: { intValue: 4 } }),
                      },
                    ],
                  },
                ],
              },
            },
            {
              name: 'h',
              histogram: {
                aggregationTemporality: 1,
                dataPoints: [{ ...at, count: '3', sum: 9, bucketCounts: ['1', 2], explicitBounds: [0.5] }],
              },
            },
            {
              name: 'e',
              exponentialHistogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    ...at,
                    count: 3,
                    scale: -2,
                    zeroCount: 1,
                    positive: { offset: -5, bucketCounts: ['2'] },
                    zeroThreshold: 0.25,
                  },
                ],
              },
            },
            {
              name: 's',
              summary: { dataPoints: [{ ...at, count: 3, sum: 9, quantileValues: [{ quantile: 0.5, value: 3 }] }] },
            },
          ],
        },
      ],
    },
  ],
};

test('protobuf and JSON are read to the same metrics', () => {
  const fromJson = JSON.parse(JSON.stringify(decodeOtlpJson(Buffer.from(JSON.stringify(JSON_BODY)))));
  const fromProtobuf = JSON.parse(JSON.stringify(decodeOtlpProtobuf(PROTOBUF)));
  for (const found of [fromJson, fromProtobuf]) {
    // Fields that a kind of metric does not have are not looked at.
    for (const { data } of found[0].scopes[0].metrics) {
      if (data.kind !== 'sum') delete data.isMonotonic;
      if (data.kind === 'gauge' || data.kind === 'summary') delete data.temporality;
    }
  }
  assert.deepEqual(fromProtobuf, fromJson);
  assert.deepEqual(fromProtobuf[0].attributes.slice(1), [
    ['flag', 'true'],
    ['n', '-7'],
    ['d', '1.5'],
    ['list', '["a",2]'],
    ['map', '{"k":"v"}'],
    ['raw', 'AQID'],
  ]);
  const [, counter] = fromProtobuf[0].scopes[0].metrics;
  assert.deepEqual(counter.data.points[0], {
    attributes: [],
    startMs: 5,
    timeMs: 1_700_000_000_123,
    isEmpty: true,
    exemplars: [{ attributes: [['k', '4']], timeMs: 1_700_000_000_123, value: 0.5, traceId: 'ab0001', spanId: '' }],
    value: -3,
  });
});

test('what is no OTLP is refused as corrupt', () => {
  const bad = (json: string, reason: RegExp) => {
    assert.throws(
      () => decodeOtlpJson(Buffer.from(json)),
      (error) => isCorrupt(error) && reason.test(String(error)),
    );
  };
  bad('{', /cannot decode OTLP JSON/);
  bad('{"resourceMetrics":{}}', /resourceMetrics must be a list/);
  bad('{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":5}]}]}]}', /name must be a text; got 5/);
  bad(
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asDouble":"x"}]}}]}]}]}',
    /must be a number/,
  );
});

test('mutated messages are read or refused as corrupt', () => {
  const random = new SimRandom(fuzzSeed(23));
  for (let i = 0; i < fuzzCases(2000); i++) {
    const mutated = PROTOBUF.slice(
      0,
      random.next() < 0.2 ? Math.floor(random.next() * PROTOBUF.length) : PROTOBUF.length,
    );
    for (let n = 0; n < 3 && mutated.length > 0; n++)
      mutated[Math.floor(random.next() * mutated.length)] = Math.floor(random.next() * 256);
    try {
      decodeOtlpProtobuf(mutated);
    } catch (error) {
      assert.ok(isCorrupt(error), String(error));
    }
  }
});

test('a response without trouble is empty', () => {
  assert.equal(encodeOtlpResponse(0, '').length, 0);
  assert.equal(Buffer.from(encodeOtlpResponse(2, 'no')).toString('hex'), '0a06080212026e6f');
});
