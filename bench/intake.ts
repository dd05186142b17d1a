// What the intake kernel costs per sample: node bench/intake.ts [series=100000] [shards=2]. Bodies of 2,000 samples
// with nine labels, about 211 raw bytes per sample of 1.0, of hosts that expose the same metrics; remote write 1.0
// and 2.0.
import { compressSnappy } from '../src/wire/snappy.ts';
import type { WireSeries } from '../src/wire/remote-write.ts';
import { encodeRemoteWriteV1 } from '../src/wire/remote-write-v1.ts';
import { encodeRemoteWriteV2 } from '../src/wire/remote-write-v2.ts';
import { INTAKE_LIMITS_DEFAULT, type IntakeKernel, createIntakeWasm, loadKernel } from '../src/kernel/index.ts';

const SERIES_PER_HOST = 4000;
const PER_REQUEST = 2000;
const ROUNDS_MAX_MS = 3000;

const seriesTotal = Number(process.argv[2] ?? 100_000);
const shards = Number(process.argv[3] ?? 2);
const hosts = Math.ceil(seriesTotal / SERIES_PER_HOST);
const tenant = new TextEncoder().encode('anonymous');

/** The labels of series k of a host, sorted. */
function labelsOf(host: number, k: number): [string, string][] {
  const family = Math.floor(k / 16);
  return [
    ['__name__', `node_subsystem${family % 37}_operations_total_${family}`],
    ['cluster', `cl-${host % 16}`],
    ['code', `${200 + (k % 5)}`],
    ['device', `nvme${k % 16}n1`],
    ['instance', `10.${host >> 8}.${host & 255}.17:9100`],
    ['job', 'node-exporter'],
    ['le', `${(k % 16) / 8}`],
    ['pod', `node-exporter-${(Math.imul(host + 1, 2654435761) >>> 0).toString(36)}`],
    ['region', ['us-west-2', 'us-east-1', 'eu-central-1', 'ap-southeast-1'][host % 4]],
  ];
}

function* requests(step: number): Generator<WireSeries[]> {
  const timestampMs = 1_790_000_000_000 + step * 15_000;
  for (let host = 0; host < hosts; host++) {
    for (let from = 0; from < SERIES_PER_HOST; from += PER_REQUEST) {
      yield Array.from({ length: PER_REQUEST }, (_, i) => {
        const value = (from + i) % 5 === 0 ? 0 : Math.floor((from + i) * 12.7 + step);
        return { labels: labelsOf(host, from + i), samples: [{ timestampMs: timestampMs + host, value }] };
      });
    }
  }
}

function bodies(encode: (series: WireSeries[]) => Uint8Array): { body: Uint8Array; rawBytes: number }[] {
  return [...requests(0)].map((series) => {
    const raw = encode(series);
    return { body: compressSnappy(raw), rawBytes: raw.length };
  });
}

/** Nanoseconds per sample of one pass over the bodies. */
function pass(kernel: IntakeKernel, list: { body: Uint8Array }[], version: 1 | 2): number {
  const begin = performance.now();
  let samples = 0;
  for (const { body } of list) {
    kernel.beginRequest(tenant);
    const limits = INTAKE_LIMITS_DEFAULT;
    const code = version === 1 ? kernel.remoteWrite1(body, limits) : kernel.remoteWrite2(body, limits);
    if (code !== 0) throw new Error(`code ${code}`);
    samples += kernel.counters.samples;
    for (let shard = 0; shard < shards; shard++) kernel.batch(shard);
  }
  return ((performance.now() - begin) * 1e6) / samples;
}

async function measure(version: 1 | 2): Promise<void> {
  const key = new Uint8Array(32).fill(7);
  const kernel = createIntakeWasm(await loadKernel('intake'), { shards, key });
  const list = bodies(version === 1 ? encodeRemoteWriteV1 : encodeRemoteWriteV2);
  const raw = list.reduce((sum, { rawBytes }) => sum + rawBytes, 0) / (list.length * PER_REQUEST);
  const compressed = list.reduce((sum, { body }) => sum + body.length, 0) / (list.length * PER_REQUEST);
  const warm = list.slice(0, 20); // lets V8 optimise before anything is measured
  for (let i = 0; i < 20; i++) {
    pass(kernel, warm, version);
    for (let shard = 0; shard < shards; shard++) kernel.rotate(shard);
  }
  const first = pass(kernel, list, version);
  const steady: number[] = [];
  const begin = performance.now();
  while (steady.length < 3 || (steady.length < 30 && performance.now() - begin < ROUNDS_MAX_MS)) {
    steady.push(pass(kernel, list, version));
  }
  steady.sort((a, b) => a - b);
  let bytes = 0;
  for (let shard = 0; shard < shards; shard++) bytes += kernel.dictionaryBytes(shard);
  const series = hosts * SERIES_PER_HOST;
  console.log(
    `remote write ${version}.0, ${series} series, ${shards} shards, ${raw.toFixed(0)} raw and ${compressed.toFixed(0)} ` +
      `compressed bytes per sample: new ${first.toFixed(0)} ns/sample, steady ${steady[steady.length >> 1].toFixed(0)} ` +
      `(best ${steady[0].toFixed(0)}), dictionary ${(bytes / series).toFixed(0)} bytes per series`,
  );
}

await measure(1);
await measure(2);
