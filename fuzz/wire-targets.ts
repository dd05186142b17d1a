// Decoders of what comes over the network.
import { ByteWriter, utf8 } from '../src/base/index.ts';
import { translateOtlp } from '../src/app/otlp-translate.ts';
import { parseConfig } from '../src/config/index.ts';
import { SimRandom } from '../src/io/index.ts';
import {
  ExpositionKernel,
  type ExpositionExports,
  INTAKE_LIMITS_DEFAULT,
  type IntakeWasmKernel,
  createIntakeWasm,
  decodeSnappy,
  loadKernel,
} from '../src/kernel/index.ts';
import { groupsOfJson } from '../src/scrape/discovery/target-groups.ts';
import {
  OpenMetricsImport,
  checkOpenMetrics,
  compressSnappy,
  decodeOtlpJson,
  decodeOtlpProtobuf,
  decodeReadRequest,
  metadataLines,
  parseExposition,
  parseExpositionTwin,
  putBytes,
  putDouble,
  putInt,
  putText,
  readInfluxLines,
  readProtobufExposition,
} from '../src/wire/index.ts';
import { Dice, randomRequest1, randomRequest2 } from '../test/kernel/intake-traffic.ts';
import { damaged, openMetricsDocument, textDocument } from '../test/support/exposition-documents.ts';
import { type Random, below, mutateBytes, mutateMessage, mutateText, one } from './mutate.ts';
import { type Target, bytesTarget, textTarget } from './target.ts';

const KERNEL_INPUTS = 20_000;
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1);
const DECODED_MAX = 8 << 20;
const module = await loadKernel('intake');

/** A kernel that is made anew now and then: its dictionaries grow. */
class Kernels {
  #kernel: IntakeWasmKernel | null = null;
  #left = 0;

  get intake(): IntakeWasmKernel {
    if (this.#left-- <= 0 || !this.#kernel) {
      this.#kernel = createIntakeWasm(module, { shards: 2, key: KEY });
      this.#left = KERNEL_INPUTS;
    }
    return this.#kernel;
  }

  get exposition(): ExpositionKernel {
    return new ExpositionKernel(this.intake.exports as unknown as ExpositionExports);
  }
}

const kernels = new Kernels();
const LIMITS = { ...INTAKE_LIMITS_DEFAULT, decodedBytesMax: DECODED_MAX };

function write(version: 1 | 2, body: Uint8Array): void {
  const { intake } = kernels;
  intake.beginRequest(utf8('anonymous'));
  if (version === 1) intake.remoteWrite1(body, LIMITS);
  else intake.remoteWrite2(body, LIMITS);
  intake.finish();
}

const requestOf = (version: 1 | 2, random: Random): Uint8Array => {
  const dice = new Dice(below(random, 2 ** 31));
  return (version === 1 ? randomRequest1 : randomRequest2)(dice, 1 + below(random, 6), 6);
};

/** Mostly messages that are damaged before they are compressed. */
const written =
  (version: 1 | 2) =>
  (random: Random): Uint8Array => {
    const request = requestOf(version, random);
    return random.next() < 0.85
      ? compressSnappy(mutateMessage(random, request))
      : mutateBytes(random, compressSnappy(request));
  };

function family(random: Random): Uint8Array {
  const out = new ByteWriter();
  const labels = { path: one(random, ['/', 'a"b', 'x'.repeat(below(random, 50))]), code: '200' };
  const type = below(random, 6);
  const metric = new ByteWriter();
  for (const [name, value] of Object.entries(labels)) {
    const label = new ByteWriter();
    putText(label, 1, name);
    putText(label, 2, value);
    putBytes(metric, 1, label.view());
  }
  const value = new ByteWriter();
  if (type === 4) {
    putInt(value, 1, below(random, 100));
    putDouble(value, 2, random.next() * 100);
    for (const bound of [0.1, 1, Infinity]) {
      const bucket = new ByteWriter();
      putInt(bucket, 1, below(random, 50));
      putDouble(bucket, 2, bound);
      putBytes(value, 3, bucket.view());
    }
    putInt(value, 5, below(random, 8));
    putDouble(value, 6, 1e-9);
    const span = new ByteWriter();
    putInt(span, 1, below(random, 5));
    putInt(span, 2, below(random, 5));
    putBytes(value, 12, span.view());
    putInt(value, 13, below(random, 9));
  } else putDouble(value, 1, random.next() * 1e9);
  putBytes(metric, [3, 2, 4, 5, 7, 7][type], value.view());
  putText(out, 1, one(random, ['requests_total', 'dotted.name', 'h']));
  putText(out, 2, 'Some help.');
  putInt(out, 3, type);
  putBytes(out, 4, metric.view());
  const all = new ByteWriter();
  all.block(mutateMessage(random, out.finish()));
  return all.finish();
}

function otlp(random: Random): Uint8Array {
  const text = (number: number, value: string) => (out: ByteWriter) => putText(out, number, value);
  const int = (number: number, value: number) => (out: ByteWriter) => putInt(out, number, value);
  const double = (number: number, value: number) => (out: ByteWriter) => putDouble(out, number, value);
  const message = (...puts: ((out: ByteWriter) => void)[]): Uint8Array => {
    const out = new ByteWriter();
    for (const put of puts) put(out);
    return out.finish();
  };
  const inner =
    (number: number, ...puts: ((out: ByteWriter) => void)[]) =>
    (out: ByteWriter) =>
      putBytes(out, number, message(...puts));
  const attribute = inner(7, text(1, 'k.é'), inner(2, text(1, 'v')));
  const point = inner(1, attribute, int(3, 1_700_000_000_000), double(4, random.next()), int(6, below(random, 10)));
  const kind = one(random, [5, 7, 9, 10, 11]);
  const metric = inner(
    2,
    text(1, 'my.metric'),
    text(2, 'help'),
    text(3, 'By'),
    inner(kind, point, int(2, 1 + below(random, 3))),
  );
  const resource = inner(1, inner(1, text(1, 'service.name'), inner(2, text(1, 's'))));
  return mutateMessage(random, message(inner(1, resource, inner(2, inner(1, text(1, 'scope')), metric))));
}

const OTLP_JSON = JSON.stringify({
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] },
      scopeMetrics: [
        {
          scope: { name: 'n' },
          metrics: [
            {
              name: 'a.b',
              unit: 's',
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: [{ timeUnixNano: '17', asInt: '5', attributes: [] }],
              },
            },
            {
              name: 'h',
              histogram: {
                aggregationTemporality: 2,
                dataPoints: [{ timeUnixNano: 17, count: 3, sum: 1.5, explicitBounds: [1], bucketCounts: ['1', '2'] }],
              },
            },
            {
              name: 'e',
              exponentialHistogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    timeUnixNano: '1',
                    count: '3',
                    scale: 2,
                    zeroCount: 1,
                    positive: { offset: -1, bucketCounts: [1, 1] },
                  },
                ],
              },
            },
            { name: 'g', gauge: { dataPoints: [{ timeUnixNano: '1', asDouble: 'NaN' }] } },
          ],
        },
      ],
    },
  ],
});
const JSON_WORDS = [
  'null',
  'true',
  '1e999',
  '-1',
  '"NaN"',
  '[]',
  '{}',
  '9223372036854775808',
  '"asInt":',
  '{"a":',
  '[',
];

const OTLP_SETTINGS = {
  config: parseConfig('otlp: {promote_all_resource_attributes: true, promote_scope_metadata: true}', { file: 'x' })
    .otlp,
  acceptsDeltas: true,
  storesStarts: true,
  lookbackMs: 300_000,
};

const INFLUX = 'we\\ ather,location=us\\,west,b=c te=1.5,s="x \\" y",i=4i,u=5u,t=true 1465839830100400200\nm v=1\n';
const INFLUX_WORDS = [' ', ',', '=', '\\', '"', '4i', 't', '1e400', '-', '# c\n', '\r\n', '9'.repeat(30)];
const TARGETS_JSON = '[{"targets":["a:1","b:2"],"labels":{"env":"x"}},{"targets":[]}]';

const readRequest = (random: Random): Uint8Array => {
  const query = new ByteWriter();
  putInt(query, 1, -5);
  putInt(query, 2, 1_700_000_000_000);
  for (let left = 1 + below(random, 3); left > 0; left--) {
    const matcher = new ByteWriter();
    putInt(matcher, 1, below(random, 5));
    putText(matcher, 2, one(random, ['__name__', 'job', 'é']));
    putText(matcher, 3, one(random, ['up', '.*', 'a|b', '(']));
    putBytes(query, 3, matcher.view());
  }
  const out = new ByteWriter();
  putBytes(out, 1, query.view());
  putInt(out, 2, below(random, 3));
  return mutateMessage(random, out.finish());
};

const OPEN_METRICS = `# TYPE a counter
# HELP a Some \\n help.
a_total{x="1"} 17 1700000000.5 # {trace_id="abc"} 0.5 1700000000
a_created{x="1"} 1600000000
# TYPE h_seconds histogram
# UNIT h_seconds seconds
h_seconds_bucket{le="0.1"} 1 # {id="x"} 0.05
h_seconds_bucket{le="+Inf"} 2
h_seconds_count 2
h_seconds_sum 1.5
# TYPE g gaugehistogram
g_bucket{le="1"} 2
g_bucket{le="+Inf"} 3
g_gcount 3
g_gsum -1
# TYPE s summary
s{quantile="0.5"} 1
s_sum 2
s_count 2
# TYPE st stateset
st{st="a"} 1
st{st="b"} 0
# TYPE i info
i_info{version="1",é="x\\"y"} 1
# TYPE "dotted.name" gauge
{"dotted.name","l.é"="v"} NaN
# EOF
`;

const document = (random: Random, isOpen: boolean): Uint8Array => {
  const next = (): number => random.next();
  const made = isOpen ? openMetricsDocument : textDocument;
  const text = isOpen && random.next() < 0.5 ? OPEN_METRICS : made(next);
  const words = [
    '# TYPE ',
    '# HELP a',
    '# EOF\n',
    '# {a="b"} 1 ',
    'NaN',
    '{',
    '"',
    '\\',
    '\n',
    ' 1e400',
    ' -1',
    '_total',
    'le="+Inf"',
  ];
  return random.next() < 0.5 ? damaged(next, utf8(text)) : utf8(mutateText(random, text, words));
};

function exposition(body: Uint8Array, format: 'text' | 'openmetrics'): void {
  const kernel = kernels.exposition;
  let isGood = true;
  try {
    parseExposition(kernel, body, format);
  } catch (error) {
    isGood = false;
    try {
      parseExpositionTwin(body, format);
    } catch {
      throw error; // both refuse it: this is how it ends
    }
  }
  if (!isGood) throw new Error('the kernel refuses what its twin takes');
  parseExpositionTwin(body, format);
  metadataLines(kernel, body, format);
}

async function imported(body: Uint8Array): Promise<void> {
  const sink = { series: () => 0, sample: () => {}, flush: () => Promise.resolve() };
  const half = body.length >> 1;
  const parts = (async function* () {
    yield body.subarray(0, half);
    yield body.subarray(half);
  })();
  await new OpenMetricsImport(kernels.exposition, sink).run(parts);
}

/** Twin and kernel must agree on the message within. */
function snappy(body: Uint8Array): void {
  decodeSnappy(body, DECODED_MAX);
  write(1, body);
}

export const WIRE_TARGETS: readonly Target[] = [
  bytesTarget('remote-write-1', 12, written(1), (body) => write(1, body)),
  bytesTarget('remote-write-2', 12, written(2), (body) => write(2, body)),
  bytesTarget('snappy', 4, (random) => mutateBytes(random, compressSnappy(requestOf(1, random))), snappy),
  bytesTarget(
    'exposition-text',
    8,
    (random) => document(random, false),
    (body) => exposition(body, 'text'),
  ),
  bytesTarget(
    'openmetrics',
    8,
    (random) => document(random, true),
    (body) => exposition(body, 'openmetrics'),
  ),
  bytesTarget('openmetrics-check', 4, (random) => document(random, true), checkOpenMetrics),
  bytesTarget('openmetrics-import', 4, (random) => document(random, true), imported),
  bytesTarget('protobuf-exposition', 6, family, (body) =>
    readProtobufExposition(body, { native: true, alwaysClassic: true }),
  ),
  bytesTarget('otlp-protobuf', 8, otlp, (body) => translateOtlp(decodeOtlpProtobuf(body), OTLP_SETTINGS)),
  textTarget(
    'otlp-json',
    4,
    (random) => mutateText(random, OTLP_JSON, JSON_WORDS),
    (text) => translateOtlp(decodeOtlpJson(utf8(text)), OTLP_SETTINGS),
  ),
  textTarget('influx', 4, (random) => mutateText(random, INFLUX, INFLUX_WORDS), readInfluxLines),
  bytesTarget('remote-read', 6, readRequest, decodeReadRequest),
  textTarget('targets-json', 2, (random) => mutateText(random, TARGETS_JSON, JSON_WORDS), groupsOfJson),
];

/** So that a seed gives the same inputs whatever else runs. */
export const randomOf = (seed: number, name: string): Random =>
  new SimRandom(Array.from(name).reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 2 ** 31, seed));
