// The head against a model that keeps samples in maps: random batches with late samples, duplicates, stale marks and odd values.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadKernel } from '../../src/kernel/index.ts';
import { type Matcher, histogramToBytes, isStaleAt, matcherTest } from '../../src/model/index.ts';
import { Head } from '../../src/tsdb/head.ts';
import { HeadSource } from '../../src/tsdb/head-source.ts';
import { Dice } from '../kernel/intake-traffic.ts';
import { BatchBuilder, type TestSample, type TestSeries } from '../support/batch-builder.ts';
import { randomHistogram } from '../support/histograms.ts';

const module = await loadKernel('head');
const START = 1_700_000_000_000;
const ALWAYS = [-(2 ** 52), 2 ** 52] as const;

/** A generator of numbers in [0, 1) from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const column = (samples: number) => {
  const vs = new Float64Array(samples);
  return { ts: new Float64Array(samples), vs, vsWords: new Uint32Array(vs.buffer) };
};

function makeSeries(count: number): TestSeries[] {
  return Array.from({ length: count }, (_, i) => ({
    labels: [
      ['__name__', `metric_${i % 7}`],
      ...(i % 3 === 0 ? [['extra', `e${i % 5}`] as const] : []),
      ['instance', `host-${i}`],
      ['job', i % 2 === 0 ? 'api' : 'db'],
    ] as const,
  }));
}

/** Values that stress the encodings: constants, counters, decimals, noise, specials. */
function valueAt(random: () => number, series: number, step: number): number {
  switch (series % 8) {
    case 0:
      return 42;
    case 1:
      return step * 3;
    case 2:
      return random() * 1e9;
    case 3:
      return Math.round(random() * 1000) / 100;
    case 4:
      return [Number.NaN, Number.POSITIVE_INFINITY, -0, 5e-324, 1.7976931348623157e308][Math.floor(random() * 5)];
    case 5:
      return 2 ** 53 + step * 2 ** Math.floor(random() * 11);
    case 6:
      return Math.floor(step / 40);
    default:
      return -step * 1e-7;
  }
}

const bits = (value: number) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

/** First sample of a time wins, as in the head. */
class Model {
  readonly samples = new Map<number, Map<number, bigint>>();
  put({ series, timeMs, value }: TestSample): void {
    const times = this.samples.get(series) ?? new Map<number, bigint>();
    if (!times.has(timeMs)) times.set(timeMs, bits(value));
    this.samples.set(series, times);
  }
  sorted(series: number, minMs: number, maxMs: number): [number, bigint][] {
    const all = [...(this.samples.get(series) ?? [])].filter(([time]) => time >= minMs && time <= maxMs);
    return all.sort((a, b) => a[0] - b[0]);
  }
}

function run(seed: number, seriesCount: number, steps: number) {
  const random = seeded(seed);
  const series = makeSeries(seriesCount);
  const builder = new BatchBuilder(series);
  const head = new Head(module);
  const model = new Model();
  let offset = 0;
  let segment = 1;
  for (let step = 0; step < steps; step++) {
    if (random() < 0.01) {
      builder.rotate();
      head.beginSegment();
      segment++;
    }
    const samples: TestSample[] = [];
    for (let i = 0; i < seriesCount; i++) {
      if (random() < 0.05) continue;
      const late = random() < 0.03 ? Math.floor(random() * step) * 15_000 + (random() < 0.5 ? 1 : 0) : 0;
      const jitter = i % 3 === 0 ? Math.floor(random() * 7) : 0;
      samples.push({ series: i, timeMs: START + step * 15_000 + jitter - late, value: valueAt(random, i, step) });
    }
    const batch = builder.build('anonymous', samples);
    offset += batch.length;
    head.apply(batch, { segment, offset });
    for (const sample of samples) model.put(sample);
  }
  return { head, model, series };
}

function check(seed: number, seriesCount: number, steps: number, ranges: (readonly [number, number])[]): void {
  const { head, model } = run(seed, seriesCount, steps);
  const source = new HeadSource(head);
  const set = source.select('anonymous', [], ...ALWAYS);
  assert.equal(set.length, seriesCount);
  const into = column(steps + 10);
  const words = new BigUint64Array(into.vs.buffer);
  for (let k = 0; k < set.length; k++) {
    const number = Number(set.labels(k).get('instance').slice(5));
    for (const [minMs, maxMs] of ranges) {
      const want = model.sorted(number, minMs, maxMs);
      const max = set.samplesMax(k, minMs, maxMs);
      const count = set.read(k, minMs, maxMs, into);
      assert.ok(count <= max, 'samplesMax is a bound');
      const got = Array.from({ length: count }, (_, i) => [into.ts[i], words[i]]);
      assert.deepEqual(got, want, `seed ${seed}, series ${number}, range ${minMs}..${maxMs}`);
    }
  }
}

describe('head', () => {
  test('gives back every sample to the bit, whatever the order they came in', () => {
    const middle = START + 300 * 15_000;
    for (let seed = 1; seed <= 6; seed++) {
      check(seed, 24, 600, [ALWAYS, [START, middle], [middle, ALWAYS[1]], [middle, middle], [middle + 1, middle]]);
    }
  });

  test('seals columns of all encodings for long series', () => check(77, 16, 3000, [ALWAYS]));

  test('a late sample that is there already counts once, and another value at its time loses to the first', () => {
    const series = makeSeries(1);
    const builder = new BatchBuilder(series);
    const head = new Head(module);
    const at = (timeMs: number, value: number) => ({ series: 0, timeMs, value });
    head.apply(builder.build('t', [at(1000, 1), at(2000, 2), at(1000, 1), at(1000, 9), at(2000, 2), at(1500, 5)]), {
      segment: 1,
      offset: 1,
    });
    const { samples, duplicates, conflicts, outOfOrder } = head.memory.counters();
    assert.deepEqual(
      { samples, duplicates, conflicts, outOfOrder },
      { samples: 3, duplicates: 2, conflicts: 1, outOfOrder: 1 },
    );
  });

  test('gives histograms beside the doubles, and doubles that look like references to the bit', () => {
    const dice = new Dice(41);
    const builder = new BatchBuilder(makeSeries(2));
    const head = new Head(module);
    const want: (bigint | string)[] = [];
    for (let i = 0; i < 700; i++) {
      const at = { series: 0, timeMs: START + i * 15_000 };
      const sample = { ...at, value: i, bits: dice.one(9) ? 0x7ff7484200000000n + BigInt(i) : bits(i) };
      const bytes = histogramToBytes(randomHistogram(dice));
      const isHistogram = i % 200 > 50;
      want.push(isHistogram ? Buffer.from(bytes).toString('hex') : sample.bits);
      const other = { series: 1, timeMs: at.timeMs, value: 1 };
      const batch = isHistogram
        ? builder.build('t', [other], [], [{ ...at, bytes }])
        : builder.build('t', [sample, other]);
      head.apply(batch, { segment: 1, offset: i + 1 });
    }
    const set = new HeadSource(head).select('t', [], ...ALWAYS);
    const histograms = { at: [] as number[], bytes: [] as Uint8Array[] };
    const into = { ...column(1000), histograms };
    assert.equal(set.read(0, START + 15_000, START + 699 * 15_000, into), 699);
    const got: (bigint | string)[] = [...new BigUint64Array(into.vs.buffer)].slice(0, 699);
    for (const [h, place] of histograms.at.entries()) {
      assert.ok(Number.isNaN(into.vs[place]) && !isStaleAt(into.vsWords, place));
      got[place] = Buffer.from(histograms.bytes[h]).toString('hex');
    }
    assert.deepEqual(got, want.slice(1));
    const plain = column(1000);
    assert.equal(set.read(0, START, START + 699 * 15_000, plain), 700);
    assert.ok(Number.isNaN(plain.vs[51]) && new BigUint64Array(plain.vs.buffer)[0] === want[0]);
  });

  test('a stale mark ends a series that has samples before it, and no other', () => {
    const series = makeSeries(2);
    const builder = new BatchBuilder(series);
    const head = new Head(module);
    const samples = [{ series: 0, timeMs: 1000, value: 1 }];
    const marks = [
      { series: 0, timeMs: 900 },
      { series: 0, timeMs: 2000 },
      { series: 1, timeMs: 2000 },
    ];
    head.apply(builder.build('t', samples, marks), { segment: 1, offset: 1 });
    const set = new HeadSource(head).select('t', [], ...ALWAYS);
    const into = column(4);
    assert.equal(set.read(0, ...ALWAYS, into), 2);
    assert.equal(new BigUint64Array(into.vs.buffer)[1], 0x7ff0000000000002n);
    assert.equal(head.memory.counters().staleUnknown, 1);
  });

  test('selects by matchers as a walk over all series would', () => {
    const { head, series } = run(5, 60, 3);
    const source = new HeadSource(head);
    const ok = (...matchers: Matcher[]) => {
      const tests = matchers.map((matcher) => [matcher.name, matcherTest(matcher)] as const);
      const want = series.flatMap(({ labels }, i) => {
        const map = new Map(labels);
        return tests.every(([name, matches]) => matches(map.get(name) ?? '')) ? [i] : [];
      });
      const set = source.select('anonymous', matchers, ...ALWAYS);
      const got = Array.from({ length: set.length }, (_, k) => Number(set.labels(k).get('instance').slice(5)));
      assert.deepEqual(
        got.sort((a, b) => a - b),
        want,
        JSON.stringify(matchers),
      );
    };
    ok({ name: '__name__', op: '=', value: 'metric_3' });
    ok({ name: '__name__', op: '=~', value: 'metric_(1|2|nowhere)' });
    ok({ name: '__name__', op: '=~', value: 'metric_1|metric_2' });
    ok({ name: '__name__', op: '!~', value: 'metric_[1-4]' });
    ok({ name: 'job', op: '=', value: 'api' }, { name: 'extra', op: '=', value: '' });
    ok({ name: 'job', op: '!=', value: 'api' }, { name: 'extra', op: '!=', value: '' });
    ok({ name: 'extra', op: '=~', value: '|e1' });
    ok({ name: 'extra', op: '!~', value: 'e1|e2' }, { name: 'job', op: '=', value: 'db' });
    ok({ name: 'nowhere', op: '=', value: '' });
    ok({ name: 'nowhere', op: '!=', value: '' });
    ok({ name: 'instance', op: '=~', value: 'host-.*' }, { name: 'instance', op: '!=', value: 'host-7' });
  });

  test('groups by labels as a walk over all label sets would', () => {
    const { head } = run(6, 60, 3);
    const set = new HeadSource(head).select('anonymous', [], ...ALWAYS);
    for (const [mode, names] of [
      ['by', ['job', 'extra']],
      ['by', []],
      ['by', ['nowhere', '__name__']],
      ['without', ['instance']],
      ['without', ['instance', 'extra', 'nowhere']],
    ] as const) {
      const { groupOf, groups } = set.group(mode, names);
      for (let i = 0; i < set.length; i++) {
        const labels = set.labels(i);
        const chosen = new Set(names);
        const want = mode === 'by' ? labels.only(chosen) : labels.without(new Set([...names, '__name__']));
        assert.equal(groups[groupOf[i]].key, want.key);
      }
    }
  });

  test('tenants do not see each other', () => {
    const builder = new BatchBuilder(makeSeries(4));
    const head = new Head(module);
    head.apply(builder.build('a', [{ series: 0, timeMs: 1, value: 1 }]), { segment: 1, offset: 1 });
    head.apply(builder.build('b', [{ series: 1, timeMs: 1, value: 1 }]), { segment: 1, offset: 2 });
    const source = new HeadSource(head);
    assert.equal(source.select('a', [], ...ALWAYS).length, 1);
    assert.deepEqual(source.labelValues('b', 'instance', [], ...ALWAYS), ['host-1']);
    assert.deepEqual(source.labelNames('c', [], ...ALWAYS), []);
  });

  test('refuses mutated batches with a code, without reading beyond them', () => {
    const random = seeded(9);
    const builder = new BatchBuilder(makeSeries(5));
    const samples = Array.from({ length: 20 }, (_, i) => ({ series: i % 5, timeMs: START + i, value: i }));
    const good = builder.build('anonymous', samples, [{ series: 1, timeMs: START + 100 }]);
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      const bad = good.slice(0, random() < 0.3 ? Math.floor(random() * good.length) : good.length);
      for (let k = 0; k < 1 + random() * 3; k++) bad[Math.floor(random() * bad.length)] = Math.floor(random() * 256);
      const head = i % 100 === 0 ? new Head(module) : null;
      const target = head ?? fuzzHead;
      target.memory.toScratch(bad);
      if (target.memory.kernel.applyBatch(bad.length) < 0) refused++;
      target.beginSegment();
    }
    assert.ok(refused > 500, `${refused} of 2000 refused`);
  });
});

const fuzzHead = new Head(module);

const ALL = 2 ** 53;
const NO_SERIES = 0xffffffff;
const position = { segment: 1, offset: 1 };

/** A target that makes room, as the block kernel does. */
function target() {
  let samples = column(0);
  return {
    reserve: (count: number) => void (samples = column(count)),
    get ts() {
      return samples.ts;
    },
    get vsWords() {
      return samples.vsWords;
    },
    get vs() {
      return samples.vs;
    },
  };
}

describe('head, by numbers', () => {
  test('gives ids, finds series by them, and reads columns of labels and samples as a set does', () => {
    const { head, series } = run(7, 40, 30);
    const source = new HeadSource(head);
    const matchers: Matcher[] = [{ name: 'job', op: '=', value: 'api' }];
    const numbers = source.selectNumbers('anonymous', matchers, ...ALWAYS);
    const set = source.select('anonymous', matchers, ...ALWAYS);
    const ids = source.ids(numbers);
    assert.deepEqual(source.findIds(ids), numbers);
    assert.equal(head.findSeries(head.id(numbers[3])), numbers[3]);
    assert.deepEqual([...source.findIds(Uint32Array.of(1, 2, 3, 4, ...ids.subarray(0, 4)))], [NO_SERIES, numbers[0]]);
    const extra = source.labelColumn(numbers, 'extra');
    const [a, b] = [column(40), column(40)];
    for (const [i, number] of numbers.entries()) {
      assert.equal(source.labelsOf(number).key, set.labels(i).key);
      assert.equal(extra[i] === NO_SERIES ? '' : source.text(extra[i]), set.labels(i).get('extra') ?? '');
      assert.equal(source.samplesMaxOf(number, ...ALWAYS), set.samplesMax(i, ...ALWAYS));
      const count = set.read(i, ...ALWAYS, a);
      assert.equal(source.readSeries(number, ...ALWAYS, b, 2), count);
      assert.deepEqual(b.ts.subarray(2, 2 + count), a.ts.subarray(0, count));
      assert.deepEqual(b.vsWords.subarray(4, 4 + 2 * count), a.vsWords.subarray(0, 2 * count));
    }
    assert.equal(series.length, 40);
  });

  test('lists only labels of series that have samples in the range', () => {
    const builder = new BatchBuilder(makeSeries(6));
    const head = new Head(module);
    const source = new HeadSource(head);
    const at = (series: number, timeMs: number) => ({ series, timeMs, value: 1 });
    head.apply(builder.build('t', [at(0, 1000), at(1, 2000), at(2, 3000), at(2, 8_000_000)]), position);
    const values = (minMs: number, maxMs: number) => source.labelValues('t', 'instance', [], minMs, maxMs);
    assert.deepEqual(values(...ALWAYS), ['host-0', 'host-1', 'host-2']);
    assert.deepEqual(values(1500, 3000), ['host-1', 'host-2']);
    assert.deepEqual(source.labelNames('t', [], 1500, 2500), ['__name__', 'instance', 'job']);
    const few = { name: 'instance', op: '=~', value: 'host-[01]' } as const;
    assert.deepEqual(source.labelValues('t', 'job', [few], 1500, 2500), ['db']);
    head.cutBegin(7_200_000, -ALL);
    assert.deepEqual(values(...ALWAYS), ['host-0', 'host-1', 'host-2']);
    assert.equal(head.cutDrop(), 0);
    assert.deepEqual(values(...ALWAYS), ['host-2']);
    assert.deepEqual(source.labelNames('t', [], ...ALWAYS), ['__name__', 'instance', 'job']);
    assert.equal(source.seriesCount('t'), 1);
    assert.deepEqual(source.cardinality('t').find(({ name }) => name === 'instance')?.values, [['host-2', 1]]);
    head.beginSegment();
    head.cutBegin(-ALL, -ALL);
    assert.equal(head.cutDrop(), 2);
    assert.equal(head.memory.seriesCount, 1);
    assert.deepEqual(values(...ALWAYS), ['host-2']);
  });

  test('forgets the texts of symbols that a sweep gave to others', () => {
    const builder = new BatchBuilder(makeSeries(8));
    const head = new Head(module);
    head.apply(builder.build('t', [{ series: 0, timeMs: 1000, value: 1 }]), position);
    assert.match(`${head.labels(0).get('instance')}`, /host-0/);
    head.beginSegment();
    builder.rotate();
    head.cutBegin(ALL, ALL);
    head.cutDrop();
    head.apply(builder.build('t', [{ series: 7, timeMs: 1000, value: 1 }]), position);
    assert.equal(head.labels(0).get('instance'), 'host-7');
    assert.equal(head.labels(0).get('__name__'), 'metric_0');
  });

  test('copies what is cut, more of it than one read takes', () => {
    const builder = new BatchBuilder(makeSeries(1));
    const head = new Head(module);
    const samples = 1_050_000;
    for (let from = 0; from < samples; from += 50_000) {
      const part = Array.from({ length: 50_000 }, (_, i) => ({ series: 0, timeMs: (from + i) * 100, value: from + i }));
      head.apply(builder.build('t', part), position);
    }
    const { columns } = head.memory.counters();
    head.cutBegin(ALL, ALL);
    const into = target();
    assert.equal(head.readCut(0, -Infinity, Infinity, into), samples);
    assert.ok(into.ts.every((time, i) => i >= samples || (time === i * 100 && into.vs[i] === i)));
    assert.equal(head.cutWindows().length, Math.ceil((samples * 100) / 7_200_000));
    assert.ok(columns > 4000);
  });

  test('holds a constant series of many samples in few columns, and reads its end', () => {
    const builder = new BatchBuilder(makeSeries(1));
    const head = new Head(module);
    for (let from = 0; from < 72_000; from += 6000) {
      const part = Array.from({ length: 6000 }, (_, i) => ({ series: 0, timeMs: (from + i) * 100, value: 5 }));
      head.apply(builder.build('t', part), position);
    }
    assert.equal(head.memory.counters().columns, 4);
    const source = new HeadSource(head);
    const into = column(72_000);
    for (const [minMs, maxMs, want] of [
      [0, ALL, 72_000],
      [7_199_000, ALL, 10],
      [7_199_001, 7_199_500, 5],
      [6_399_900, 6_400_000, 2],
      [7_199_901, ALL, 0],
    ]) {
      const max = source.samplesMaxOf(0, minMs, maxMs);
      assert.equal(source.readSeries(0, minMs, maxMs, into, 0), want);
      assert.ok(max >= want);
      if (want > 0) assert.equal(into.ts[0], Math.ceil(minMs / 100) * 100);
    }
    assert.equal(source.samplesMaxOf(0, 7_199_000, ALL), 10);
  });
});
