// What the head kernel costs: node bench/head.ts [seconds per steady row = 1]. Applying batches of 2,000 samples to 100,000 and
// 500,000 series, new series of 14 labels, and per shape of values the bytes of 2 hours at 15 s, sealing and decoding. Columns of
// samples are numbers of nanoseconds per sample.
import { ByteWriter } from '../src/base/index.ts';
import { loadKernel } from '../src/kernel/index.ts';
import { Head } from '../src/tsdb/index.ts';

const PER_BATCH = 2000;
const START_MS = 1_790_000_000_000;
const INTERVAL_MS = 15_000;
const SAMPLES_2H = 480;
const SHAPE_SERIES = 1000;
/** Fewer than any series seals (kernels/head/append.ts), and as many as a column has. */
const OPEN_SAMPLES = 31;
const COLUMN_SAMPLES = 240;
const SCRATCH = 131072;
const secondsPerRow = Number(process.argv[2] ?? 1);

const head = new Head(await loadKernel('head'));
const { memory } = head;
const { kernel } = memory;

function apply(batch: Uint8Array): void {
  memory.toScratch(batch);
  const code = kernel.applyBatch(batch.length);
  if (code !== 0) throw new Error(`code ${code}`);
}

/** Nanoseconds of a piece of work. */
function nanosecondsOf(work: () => void): number {
  const begin = performance.now();
  work();
  return (performance.now() - begin) * 1e6;
}

/** A quarter of the runs were faster: steadier than the median where other programs run. */
const quartile = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 2];

function section(out: ByteWriter, tag: number, payload: ByteWriter): void {
  out.u8(tag);
  out.u32(payload.length);
  out.bytes(payload.view());
}

const symbols = new Map<string, number>();
const MIX = 0x9e3779b97f4a7c15n;

/** The 14 labels of series k: hosts of 1,000 series that expose the same metrics. */
function labelsOf(k: number): string[] {
  const host = Math.floor(k / 1000);
  const metric = k % 1000;
  const fixed = ['arch', 'amd64', 'cluster', `cl-${host % 8}`, 'env', 'prod', 'job', 'node-exporter', 'mode', 'idle'];
  const places = ['zone', `zone-${host % 3}`, 'region', `region-${host % 4}`, 'rack', `rack-${host % 40}`];
  const own = ['code', `${200 + (metric % 5)}`, 'device', `nvme${metric % 16}n1`, 'handler', `/api/h${metric % 7}`];
  const name = `node_subsystem_operations_total_${Math.floor(metric / 16)}`;
  return ['__name__', name, ...fixed, ...places, ...own, 'instance', `10.0.${host}:9100`, 'le', `${(metric % 16) / 8}`];
}

/** A batch that only defines series [from, to): a segment's numbers are those of the series here. */
function definitions(from: number, to: number): Uint8Array {
  const added = new ByteWriter();
  const before = symbols.size;
  const defined = new ByteWriter();
  for (let k = from; k < to; k++) {
    defined.u64(((BigInt(k) + 1n) * MIX) & 0xffffffffffffffffn);
    defined.u64(BigInt(k));
    const texts = labelsOf(k);
    defined.varint(texts.length / 2);
    for (const text of texts) {
      let symbol = symbols.get(text);
      if (symbol === undefined) {
        symbol = symbols.size;
        symbols.set(text, symbol);
        added.text(text);
      }
      defined.varint(symbol);
    }
  }
  const out = new ByteWriter();
  out.u8(1);
  out.text('anonymous');
  for (const [tag, first, count, body] of [
    [1, before, symbols.size - before, added],
    [2, from, to - from, defined],
  ] as const) {
    const payload = new ByteWriter();
    payload.varint(first);
    payload.varint(count);
    payload.bytes(body.view());
    section(out, tag, payload);
  }
  return out.finish();
}

/** A batch with the values of series [from, from + values.length) at one time. */
function samples(from: number, timeMs: number, values: Float64Array): Uint8Array {
  const payload = new ByteWriter(PER_BATCH * 12);
  const refs = new ByteWriter(PER_BATCH + 8);
  const times = new ByteWriter(PER_BATCH + 8);
  refs.zigzag(from);
  times.zigzag(timeMs);
  const zeros = new Uint8Array(values.length - 1);
  refs.bytes(zeros);
  times.bytes(zeros);
  payload.varint(values.length);
  payload.u32(refs.length);
  payload.u32(times.length);
  payload.bytes(refs.view());
  payload.bytes(times.view());
  payload.bytes(new Uint8Array(values.buffer));
  const out = new ByteWriter(PER_BATCH * 12);
  out.u8(1);
  out.text('anonymous');
  section(out, 3, payload);
  return out.finish();
}

/** A noise in [0, 1) of two numbers. */
function noise(k: number, i: number): number {
  let h = Math.imul(k + 1, 0x9e3779b1) ^ Math.imul(i + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
}

/** Values of series k at step i, by shape. */
const shapes: Record<string, (k: number, i: number) => number> = {
  constant: (k) => k,
  counter: (k, i) => k * 1e6 + i * 1500 + Math.floor(noise(k, i) * 200),
  'decimal gauge': (k, i) => Math.round((40 + (k % 20) + Math.sin(i / 30) * 5 + noise(k, i)) * 100) / 100,
  'noisy gauge': (k, i) => noise(k, i) * 1000 + noise(i, k) / 1000,
};

/** As servers expose them: half constant, a third counters, the rest gauges. */
function mixed(k: number, i: number): number {
  const kind = k % 12;
  if (kind < 6) return shapes.constant(k, i);
  return kind < 10 ? shapes.counter(k, i) : shapes[kind === 10 ? 'decimal gauge' : 'noisy gauge'](k, i);
}

function reset(): void {
  head.reset();
  symbols.clear();
}

function define(seriesCount: number): number {
  let ns = 0;
  for (let from = 0; from < seriesCount; from += PER_BATCH) {
    const batch = definitions(from, Math.min(seriesCount, from + PER_BATCH));
    ns += nanosecondsOf(() => apply(batch));
  }
  return ns / seriesCount;
}

/** Nanoseconds per sample of one scrape of all series. */
function scrape(seriesCount: number, step: number, valueAt: (k: number, i: number) => number): number {
  let ns = 0;
  for (let from = 0; from < seriesCount; from += PER_BATCH) {
    const count = Math.min(PER_BATCH, seriesCount - from);
    const values = Float64Array.from({ length: count }, (_, k) => valueAt(from + k, step));
    const batch = samples(from, START_MS + step * INTERVAL_MS, values);
    ns += nanosecondsOf(() => apply(batch));
  }
  return ns / seriesCount;
}

function steady(seriesCount: number): void {
  reset();
  const perSeries = define(seriesCount);
  const liveBytes = memory.counters().liveBytes / seriesCount;
  const steps: number[] = [];
  const begin = performance.now();
  for (let step = 0; steps.length < 6 || performance.now() - begin < secondsPerRow * 1000; step++) {
    const ns = scrape(seriesCount, step, mixed);
    if (step > 1) steps.push(ns);
  }
  console.log(
    `${seriesCount} series: apply ${quartile(steps).toFixed(1)} ns/sample (slowest of ${steps.length} scrapes ` +
      `${Math.max(...steps).toFixed(0)}), new series ${perSeries.toFixed(0)} ns and ${liveBytes.toFixed(0)} bytes`,
  );
}

/** Nanoseconds per sample of reading all series whole. */
function readNs(samplesPerSeries: number): number {
  const rounds = Array.from({ length: 9 }, () =>
    nanosecondsOf(() => {
      for (let k = 0; k < SHAPE_SERIES; k++) {
        if (kernel.read(k, 0, 2 ** 52) !== samplesPerSeries) throw new Error('samples are missing');
      }
    }),
  );
  return quartile(rounds) / (SHAPE_SERIES * samplesPerSeries);
}

interface ColumnExports {
  encodeColumn(out: number, times: number, values: number, count: number, scratch: number): number;
  decodeTimes(column: number, out: number): void;
  decodeValues(column: number, out: number): void;
}

/** Sealing and decoding of one column: nanoseconds per sample of encode, times, values. */
function columnNs(valueAt: (k: number, i: number) => number): number[] {
  const columns = kernel as unknown as ColumnExports;
  const [times, values, work, column, out] = Array.from({ length: 5 }, (_, i) => SCRATCH + i * 65536);
  for (let i = 0; i < COLUMN_SAMPLES; i++) {
    const jitterMs = Math.floor(noise(i, 5) * 8);
    new BigInt64Array(kernel.memory.buffer)[(times >> 3) + i] = BigInt(START_MS + i * INTERVAL_MS + jitterMs);
    memory.doubles[(values >> 3) + i] = valueAt(3, i);
  }
  const cost = (work: () => void) =>
    quartile(Array.from({ length: 100 }, () => nanosecondsOf(() => repeat(40, work)))) / (40 * COLUMN_SAMPLES);
  return [
    cost(() => columns.encodeColumn(column, times, values, COLUMN_SAMPLES, work)),
    cost(() => columns.decodeTimes(column, out)),
    cost(() => columns.decodeValues(column, out)),
  ];
}

function repeat(count: number, work: () => void): void {
  for (let i = 0; i < count; i++) work();
}

function shapeRow(name: string, valueAt: (k: number, i: number) => number): void {
  reset();
  define(SHAPE_SERIES);
  const before = memory.counters().liveBytes;
  const scrapes: number[] = [];
  let openNs = 0;
  for (let step = 0; step < SAMPLES_2H; step++) {
    scrapes.push(scrape(SHAPE_SERIES, step, valueAt));
    if (step === OPEN_SAMPLES - 1) openNs = readNs(OPEN_SAMPLES);
  }
  const bytes = (memory.counters().liveBytes - before) / SHAPE_SERIES;
  const figures = [quartile(scrapes), openNs, readNs(SAMPLES_2H), ...columnNs(valueAt), bytes, bytes / SAMPLES_2H];
  console.log(`${name.padEnd(15)}${figures.map((figure) => figure.toFixed(2).padStart(10)).join('')}`);
}

/** As a fleet of exporters has them: four in five never change. */
function fleet(k: number, i: number): number {
  if (k % 5 !== 0) return shapes.constant(k, i);
  return shapes[['counter', 'decimal gauge', 'counter', 'noisy gauge'][(k / 5) % 4]](k, i);
}

/** Two hours in memory, and what it costs to cut them, to read them for a file, to drop them, and to sweep the series that had them. */
function life(seriesCount: number): void {
  reset();
  define(seriesCount);
  const before = memory.counters().liveBytes;
  for (let step = 0; step < SAMPLES_2H; step++) scrape(seriesCount, step, fleet);
  const bytes = (memory.counters().liveBytes - before) / seriesCount;
  const cutNs = nanosecondsOf(() => head.cutBegin(2 ** 53, 2 ** 53));
  let samplesRead = 0;
  const readNs = nanosecondsOf(() => {
    for (let k = 0; k < seriesCount; k++) samplesRead += kernel.readCut(k, 0, 2 ** 52);
  });
  if (samplesRead !== seriesCount * SAMPLES_2H) throw new Error('samples are missing');
  const dropNs = nanosecondsOf(() => head.cutDrop());
  head.beginSegment();
  const sweepNs = nanosecondsOf(() => head.cutDrop());
  if (memory.seriesCount !== 0) throw new Error('series are left');
  const perSeries = (ns: number) => `${(ns / seriesCount).toFixed(0)} ns`;
  console.log(
    `2 h of ${seriesCount} series, four in five constant: ${bytes.toFixed(0)} bytes per series; cut ${perSeries(cutNs)}, ` +
      `read ${(readNs / samplesRead).toFixed(2)} ns/sample, drop ${perSeries(dropNs)}, sweep ${perSeries(sweepNs)} per series`,
  );
}

steady(100_000);
steady(500_000);
life(50_000);
console.log(`\n2 h at 15 s, ${SHAPE_SERIES} series; columns of ${COLUMN_SAMPLES} samples with jittered times`);
const titles = ['apply', 'read open', 'read 2 h', 'seal', 'times', 'values', 'B/series', 'B/sample'];
console.log(`${''.padEnd(15)}${titles.map((title) => title.padStart(10)).join('')}`);
for (const [name, valueAt] of Object.entries(shapes)) shapeRow(name, valueAt);
