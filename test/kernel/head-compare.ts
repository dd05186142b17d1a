// What the tests of the head kernel against its twin share: instances, reads in raw bits, and the comparison itself.
import assert from 'node:assert/strict';
import { type HeadTwin, type SampleValue, loadKernel } from '../../src/kernel/index.ts';
import { byteText, textBytes } from '../../src/kernel/intake-twin-labels.ts';
import { Head } from '../../src/tsdb/head.ts';
import { exemplarSeriesText, headExemplars } from '../../src/tsdb/head-exemplars.ts';
import { ByteReader } from '../../src/base/index.ts';
import type { Dice } from './intake-traffic.ts';

export const headModule = await loadKernel('head');
export const NONE = 0xffffffff;
const SCRATCH = 131072;
const STATE_BASE = 67108864;
const READ_VALUES = SCRATCH + 8_000_000;
export const EXACT_MAX = 2 ** 53 - 1;

// Instances reserve address space: each role has one, emptied by reset().
const heads = [new Head(headModule), new Head(headModule)];
export function emptyHead(which = 0): Head {
  heads[which].reset();
  return heads[which];
}

/** The code of the kernel: 0 or negative. */
export function applyCode(head: Head, batch: Uint8Array): number {
  head.memory.toScratch(batch);
  return head.memory.kernel.applyBatch(batch.length);
}

const symbolText = ({ memory }: Head, symbol: number): string => {
  const at = memory.kernel.symbolBytes(symbol) >>> 0;
  return byteText(memory.bytes.subarray(at, at + memory.kernel.symbolLength(symbol)));
};

export function symbolOf({ memory }: Head, text: string): number {
  const bytes = textBytes(text);
  memory.toScratch(bytes);
  return memory.kernel.findSymbol(SCRATCH, bytes.length) >>> 0;
}

export function kernelSamples(head: Head, series: number, minMs: number, maxMs: number): [number, SampleValue][] {
  return samplesRead(head, head.memory.kernel.read(series, minMs, maxMs));
}

/** What a value stands for: a reference leads to bytes. */
function valueBehind({ bytes, words }: Head['memory'], bits: bigint): SampleValue {
  if (bits >> 32n !== 0x7ff74842n) return bits;
  const blob = Number(bits & 0xffffffffn);
  const content = Buffer.from(bytes.subarray(blob + 4, blob + 4 + words[blob >>> 2]));
  return content.length === 8 ? content.readBigUInt64LE() : content.toString('hex');
}

/** The samples that a read left in scratch. */
export function samplesRead({ memory }: Head, count: number): [number, SampleValue][] {
  const first = memory.kernel.readFirst() * 8;
  const times = new Float64Array(memory.kernel.memory.buffer, SCRATCH + first, count);
  const values = new BigUint64Array(memory.kernel.memory.buffer, READ_VALUES + first, count);
  return Array.from(times, (time, i) => [time, valueBehind(memory, values[i])]);
}

function kernelPostings(head: Head, tenant: string, name: string, value: string): number[] {
  const { kernel } = head.memory;
  const [tenantSymbol, nameSymbol] = [symbolOf(head, tenant), symbolOf(head, name)];
  const label = kernel.findLabel(tenantSymbol, nameSymbol) >>> 0;
  const found = label === 0 ? 0 : kernel.findValue(label, symbolOf(head, value)) >>> 0;
  if (found === 0) return [];
  const count = kernel.readPostings(found, SCRATCH);
  assert.equal(count, kernel.postingsCount(found));
  return [...head.memory.words.subarray(SCRATCH >> 2, (SCRATCH >> 2) + count)];
}

/** Texts of the symbols in pairs (symbol, entry) that a listing left in scratch. */
function listed(head: Head, count: number): string[] {
  const pairs = head.memory.words.slice(SCRATCH >> 2, (SCRATCH >> 2) + 2 * count);
  return Array.from({ length: count }, (_, i) => symbolText(head, pairs[2 * i])).sort();
}

function compareIndex(head: Head, twin: HeadTwin): void {
  const { kernel } = head.memory;
  const labelled = twin.series.filter(({ labels }) => labels.length > 0);
  for (const tenant of new Set(labelled.map((series) => series.tenant))) {
    const tenantSymbol = symbolOf(head, tenant);
    assert.deepEqual(listed(head, kernel.listLabels(tenantSymbol, SCRATCH, 10_000)), twin.labelNames(tenant));
    for (const name of twin.labelNames(tenant)) {
      const label = kernel.findLabel(tenantSymbol, symbolOf(head, name)) >>> 0;
      assert.deepEqual(listed(head, kernel.listValues(label, 0, SCRATCH, 10_000)), twin.labelValues(tenant, name));
      for (const value of twin.labelValues(tenant, name)) {
        assert.deepEqual(kernelPostings(head, tenant, name, value), twin.postings(tenant, name, value));
      }
    }
  }
}

function compareSeries(head: Head, twin: HeadTwin, ranges: Ranges): void {
  for (const { number, labels, lastMs, starts } of twin.series) {
    if (labels.length > 0) {
      const symbols = head.labelSymbols(number);
      assert.deepEqual(
        symbols.map((symbol) => symbolText(head, symbol)),
        labels.flat(),
      );
    }
    assert.equal(head.memory.kernel.startsOf(number) >>> 0, starts?.number ?? NONE);
    assert.equal(head.memory.kernel.lastTime(number), lastMs ?? -(2 ** 63));
    for (const [minMs, maxMs] of ranges) {
      const want = twin.samples(number, minMs, maxMs);
      assert.ok(head.memory.kernel.samplesMax(number, minMs, maxMs) >= want.length);
      assert.deepEqual(kernelSamples(head, number, minMs, maxMs), want, `series ${number} in ${minMs}..${maxMs}`);
    }
  }
}

function compareExemplars(head: Head, twin: HeadTwin): void {
  const { memory } = head;
  const { appended, duplicates, outOfOrder, unknown, dropped } = twin.exemplars.counters;
  const counters = memory.counters();
  assert.deepEqual(
    [counters.exemplarsAppended, counters.exemplarsDuplicate, counters.exemplarsOutOfOrder, counters.exemplarsUnknown],
    [appended, duplicates, outOfOrder, unknown],
    'exemplars',
  );
  assert.deepEqual([counters.exemplarsDropped, counters.exemplarBytes], [dropped, twin.exemplars.bytes]);
  assert.deepEqual([memory.exemplarCount, memory.exemplarSeries], [appended - dropped, twin.exemplars.seriesCount]);
  const found = Array.from(headExemplars(head), ({ series, timestampMs, value, labelBytes }) => {
    const reader = new ByteReader(exemplarSeriesText(head, series));
    const tenant = byteText(reader.block());
    const texts = Array.from({ length: 2 * reader.varint() }, () => byteText(reader.block()));
    reader.end();
    return [tenant, texts, timestampMs, Number.isNaN(value) ? 'NaN' : value, byteText(labelBytes)];
  });
  const want = twin.exemplars.kept.map(({ tenant, labels, timestampMs, valueBits, labelBytes }) => {
    const value = new Float64Array(BigUint64Array.of(valueBits).buffer)[0];
    return [tenant, labels.flat(), timestampMs, Number.isNaN(value) ? 'NaN' : value, labelBytes];
  });
  assert.deepEqual(found, want);
}

type Ranges = readonly (readonly [number, number])[];
type Counter = keyof HeadTwin['counters'];

const total = ({ samples, duplicates, conflicts }: HeadTwin['counters']): number => samples + duplicates + conflicts;

/** Series, labels, samples, counters and postings are the same; at most `againMax` samples were stored twice. */
export function compare(head: Head, twin: HeadTwin, ranges: Ranges = [], againMax = Infinity): void {
  const counters = head.memory.counters();
  const want = twin.counters;
  // A sample that the kernel stores again is a duplicate or a conflict to the twin.
  const again = counters.samples - want.samples;
  assert.ok(again >= 0 && again <= againMax, `${again} samples are stored again`);
  assert.equal(counters.samples + counters.duplicates + counters.conflicts, total(want), 'all samples');
  assert.equal(counters.outOfOrder, want.outOfOrder + again, 'outOfOrder');
  if (again === 0) {
    for (const name of Object.keys(want)) assert.equal(counters[name as Counter], want[name as Counter], name);
    assert.equal(counters.blobs, twin.blobs, 'blobs');
  }
  assert.equal(head.memory.clockMs, twin.clockMs ?? -(2 ** 53));
  assert.equal(head.memory.emptySeries, twin.emptySeries, 'empty series');
  const companions = twin.series.filter(({ labels, isDead }) => labels.length === 0 && !isDead);
  assert.equal(head.memory.companions, companions.length, 'companions');
  assert.equal(head.memory.deadSeries, twin.deadSeries, 'dead series');
  assert.equal(head.memory.sweeps, twin.sweeps, 'sweeps');
  assert.equal(head.memory.seriesCount, twin.series.length);
  assert.equal(head.memory.symbolCount - head.memory.freeSymbols, twin.symbols.size, 'symbols');
  const all = twin.series.flatMap(({ number }) => twin.samples(number).map(([time]) => time));
  const range = all.length === 0 ? null : { minMs: Math.min(...all), maxMs: Math.max(...all) };
  assert.deepEqual(head.memory.timeRange, range);
  compareSeries(head, twin, [[-EXACT_MAX, EXACT_MAX], ...ranges]);
  compareIndex(head, twin);
  compareExemplars(head, twin);
}

/** What the image would hold: root and directory, and the state. */
export function stateBytes({ memory }: Head): Buffer {
  return Buffer.concat([memory.bytes.slice(0, 98304), memory.bytes.slice(STATE_BASE, memory.brk)]);
}

/** A read of some kind: none may leave a trace in the state. */
export function someRead(dice: Dice, head: Head): void {
  const { memory } = head;
  const count = memory.seriesCount;
  if (count === 0) return;
  const series = dice.roll(count);
  const [a, b] = [dice.roll(600) * 15_000, dice.roll(600) * 15_000];
  const reads = [
    () => void kernelSamples(head, series, Math.min(a, b), Math.max(a, b)),
    () => void memory.kernel.samplesMax(series, a, b),
    () => void (memory.kernel.labelsAddress(series) !== 0 && head.labels(series)),
    () => void head.cutSeries(),
    () => void head.cutWindows(),
    () => void memory.kernel.readCut(series, Math.min(a, b), Math.max(a, b)),
    () => void head.findIds(head.ids(Uint32Array.of(series, 0))),
    () => void symbolOf(head, dice.one(2) ? 'instance' : 'nowhere'),
    () => void kernelPostings(head, 'anonymous', 'job', 'api'),
    () => {
      memory.words.set([series], SCRATCH >> 2);
      memory.kernel.filterByTime(SCRATCH, 1, Math.min(a, b), Math.max(a, b));
    },
    () => {
      memory.words.set([series], SCRATCH >> 2);
      memory.kernel.labelColumn(SCRATCH, 1, symbolOf(head, 'job'), SCRATCH + 64);
    },
    () => void memory.kernel.listLabels(symbolOf(head, 'anonymous'), SCRATCH, 100),
  ];
  dice.pick(reads)();
}
