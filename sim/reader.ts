// Readers of a simulated store: as the leaf executor reads (select, prefetch, read, release), and judged by the model.
import type { Shard } from '../src/tsdb/index.ts';
import { type Matcher, type SampleColumn, type SeriesSet, StartTimes } from '../src/model/index.ts';
import type { Judging, Model, ModelSeries, Shown } from './model.ts';
import { TENANTS } from './workload.ts';

export class Violation extends Error {}

export const ALWAYS: readonly [number, number] = [-(2 ** 52), 2 ** 52];

/** What a reader asks. */
export interface Question {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly minMs: number;
  readonly maxMs: number;
}

/** Room for the samples of one series. One for each reader that lets others run between its reads. */
export function makeColumn(samples: number): Shown {
  const vs = new Float64Array(samples);
  return {
    ts: new Float64Array(samples),
    vs,
    vsWords: new Uint32Array(vs.buffer),
    histograms: { at: [], bytes: [] },
    starts: new StartTimes(),
  };
}

export interface ReaderParts {
  readonly shards: readonly Shard[];
  readonly model: Model;
  readonly column: Shown;
  readonly judging: Judging;
  /** Called now and then: may let others run. */
  pause(): Promise<void> | undefined;
  /** Each whole series that was found right. */
  onSeries?(series: ModelSeries, column: Shown, count: number): void;
}

/** Asks all shards and judges the answer; throws a Violation. */
export async function readAndJudge(parts: ReaderParts, question: Question): Promise<void> {
  const found = new Set<ModelSeries>();
  for (const shard of parts.shards) {
    const set = await shard.source.select(question.tenant, question.matchers, question.minMs, question.maxMs);
    try {
      await readSet(parts, set, question, found);
    } finally {
      set.release?.();
    }
  }
  for (const series of parts.model.matching(question.tenant, question.matchers)) {
    if (found.has(series)) continue;
    if (parts.model.mustShow(series, parts.judging)) throw new Violation(`series ${series.number} is gone`);
    parts.onSeries?.(series, parts.column, 0);
  }
}

async function readSet(
  parts: ReaderParts,
  set: SeriesSet,
  { tenant, matchers }: Question,
  found: Set<ModelSeries>,
): Promise<void> {
  const { model, column, judging } = parts;
  let wanted = new Set(model.matching(tenant, matchers));
  let ready = 0;
  for (let i = 0; i < set.length; i++) {
    const pausing = i === 0 ? undefined : parts.pause();
    if (pausing) await pausing;
    if (i >= ready || pausing) ready = set.prefetch ? await set.prefetch(i) : set.length;
    // A series that was deleted since it was selected has no labels, and nothing to read.
    if (!set.labels(i).has('series') && set.samplesMax(i, judging.minMs, judging.maxMs) === 0) continue;
    const series = seriesOf(model, set, i);
    // One may have come since.
    if (series && !wanted.has(series)) wanted = new Set(model.matching(tenant, matchers));
    if (!series || !wanted.has(series)) throw new Violation(`a series that was not asked for: ${set.labels(i)}`);
    if (found.has(series)) throw new Violation(`series ${series.number} comes twice`);
    found.add(series);
    const room = set.samplesMax(i, judging.minMs, judging.maxMs);
    if (room > column.ts.length) throw new Error(`the reader has no room for ${room} samples`);
    clearHistograms(column);
    column.starts.clear();
    const count = set.read(i, judging.minMs, judging.maxMs, column);
    model.numberHistograms(column);
    if (count > room) throw new Violation(`series ${series.number}: ${count} samples, said were at most ${room}`);
    const fault = model.fault(series, column, count, judging);
    if (fault) throw new Violation(fault);
    parts.onSeries?.(series, column, count);
  }
}

function clearHistograms({ histograms }: SampleColumn): void {
  if (!histograms) return;
  histograms.at.length = 0;
  histograms.bytes.length = 0;
}

/** The series of a row, or undefined if its labels are not those of one. */
function seriesOf(model: Model, set: SeriesSet, index: number): ModelSeries | undefined {
  const labels = set.labels(index);
  const series = model.series[Number(labels.get('series'))];
  return series && sameLabels(series, [...labels]) ? series : undefined;
}

const sameLabels = ({ labels }: ModelSeries, got: readonly (readonly [string, string])[]): boolean =>
  got.length === labels.length && labels.every(([name, value], i) => got[i][0] === name && got[i][1] === value);

/** Reads all there is, of both tenants. */
export async function readEverything(parts: ReaderParts): Promise<void> {
  for (const tenant of TENANTS) await readAndJudge(parts, { tenant, matchers: [], minMs: ALWAYS[0], maxMs: ALWAYS[1] });
}

/** Label names and values: all that must be there, and none that nobody wrote. */
export async function judgeLabels(parts: ReaderParts, question: Question, name: string): Promise<void> {
  const { tenant, matchers, minMs, maxMs } = question;
  const names = new Set<string>();
  const values = new Set<string>();
  for (const { source } of parts.shards) {
    for (const text of await source.labelNames(tenant, matchers, minMs, maxMs)) names.add(text);
    for (const text of await source.labelValues(tenant, name, matchers, minMs, maxMs)) values.add(text);
  }
  const { model, judging } = parts;
  const possible = model.matching(tenant, matchers);
  for (const series of possible.filter((candidate) => model.mustShow(candidate, judging))) {
    for (const [label, value] of series.labels) {
      if (!names.has(label)) throw new Violation(`label name ${label} of series ${series.number} is not listed`);
      if (label === name && !values.has(value)) throw new Violation(`label value ${name}=${value} is not listed`);
    }
  }
  const labels = possible.flatMap((series) => series.labels);
  for (const text of names) {
    if (!labels.some(([label]) => label === text)) throw new Violation(`label name ${text} is listed, nobody wrote it`);
  }
  for (const text of values) {
    if (!labels.some(([label, value]) => label === name && value === text))
      throw new Violation(`label value ${name}=${text} is listed, nobody wrote it`);
  }
}

/** The groups of a set must say what its labels say. */
export function judgeGroups(set: SeriesSet, mode: 'by' | 'without', names: readonly string[]): void {
  const { groupOf, groups } = set.group(mode, names);
  for (let i = 0; i < set.length; i++) {
    const kept = [...set.labels(i)].filter(([name]) =>
      mode === 'by' ? names.includes(name) : name !== '__name__' && !names.includes(name),
    );
    const got = JSON.stringify([...groups[groupOf[i]]]);
    if (got !== JSON.stringify(kept)) throw new Violation(`a group is ${got} instead of ${JSON.stringify(kept)}`);
  }
}
