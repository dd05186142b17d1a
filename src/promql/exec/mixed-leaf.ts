// Series with native histograms beside the data: their columns are taken apart into floats, which the kernel evaluates as
// ever, and histograms, whose effect on each step is worked out in functions/mixed-*.ts.
import type { ExecKernel } from '../../kernel/index.ts';
import {
  type HistogramSamples,
  type Labels,
  METRIC_NAME,
  type NativeHistogram,
  type SampleColumn,
  StartTimes,
  histogramFromBytes,
  isStaleAt,
} from '../../model/index.ts';
import type { Remarks } from '../annotations.ts';
import { executionError } from '../errors.ts';
import { extendedRange } from '../functions/extended.ts';
import { mixedExtendedValue } from '../functions/mixed-extended.ts';
import { mixedValue } from '../functions/mixed-range.ts';
import {
  type MixedContext,
  type MixedRow,
  type MixedSamples,
  eachWindow,
  putValue,
  unknownResets,
  withFoundResets,
} from '../functions/mixed-window.ts';
import type { LeafPlan } from '../leaf.ts';

/**
 * Where the leaf's samples begin, that time left out. Of what is before it a store tells that no reset follows, as Prometheus' does, but
 * not that one does.
 */
const edgeOf = ({ startMs, windowMs, extension, lookbackMs }: LeafPlan): number =>
  startMs - windowMs - (extension === null ? 0 : lookbackMs);

/** The kernel's column as a source fills it, with a place for histograms. */
export class LeafColumn implements SampleColumn {
  readonly #kernel: ExecKernel;
  readonly histograms: HistogramSamples = { at: [], bytes: [] };
  readonly starts?: StartTimes;

  /** `hasStarts`: start times are asked for. */
  constructor(kernel: ExecKernel, hasStarts = false) {
    this.#kernel = kernel;
    if (hasStarts) this.starts = new StartTimes();
  }

  get ts(): Float64Array {
    return this.#kernel.ts;
  }

  get vs(): Float64Array {
    return this.#kernel.vs;
  }

  get vsWords(): Uint32Array {
    return this.#kernel.vsWords;
  }

  get hasHistograms(): boolean {
    return this.histograms.at.length > 0;
  }

  /** Whether samples of the last read may have start times. */
  get hasStarts(): boolean {
    return this.starts?.any === true;
  }

  /** To be called before each read. */
  clear(): void {
    this.starts?.clear();
    if (!this.hasHistograms) return;
    this.histograms.at.length = 0;
    this.histograms.bytes.length = 0;
  }

  /** Estimate of what the histograms of the last read occupy, decoded and worked upon. */
  get histogramBytes(): number {
    let bytes = 0;
    for (const each of this.histograms.bytes) bytes += 240 + 16 * each.length;
    return bytes;
  }

  /** Histogram i of the last read. */
  decodeOne(i: number, plan: LeafPlan): NativeHistogram {
    const { at, bytes } = this.histograms;
    const h = histogramFromBytes(bytes[i]);
    if (!plan.findResets || i === 0) return h;
    const found = withFoundResets([histogramFromBytes(bytes[i - 1]), h])[1];
    return found.resetHint === 'reset' && this.ts[at[i - 1]] <= edgeOf(plan) ? h : found;
  }

  /** The histograms of the last read, with the resets that they show. */
  #withResets(plan: LeafPlan): NativeHistogram[] {
    const decoded = this.decode();
    const found = withFoundResets(decoded);
    const edgeMs = edgeOf(plan);
    const first = this.histograms.at.findIndex((place) => this.ts[place] > edgeMs);
    if (first > 0 && found[first].resetHint === 'reset') found[first] = decoded[first];
    return found;
  }

  /** The histograms of the last read as a plan wants them. */
  decodeFor(plan: LeafPlan): NativeHistogram[] {
    return plan.findResets ? this.#withResets(plan) : this.decode();
  }

  /** The histograms of the last read. */
  decode(): NativeHistogram[] {
    return this.histograms.bytes.map(histogramFromBytes);
  }
}

/** A series whose column of n samples lies in the kernel, histograms among it. */
export interface MixedSeries {
  readonly kernel: ExecKernel;
  readonly plan: LeafPlan;
  readonly column: LeafColumn;
  readonly n: number;
  readonly labels: Labels;
  readonly remarks: Remarks;
  /** Evaluates the first n samples of the kernel's column, all floats, at all steps. */
  readonly floats: (n: number) => number;
}

/** Evaluates all steps into the kernel's step vector. Presence 2: the histogram is at the same place of the answer. */
export function evaluateMixed(series: MixedSeries): (NativeHistogram | null)[] {
  const { kernel, plan, column, n, remarks } = series;
  const out = new Array<NativeHistogram | null>(plan.steps).fill(null);
  if (plan.kind === 'instant' && plan.extension === null) {
    newestSamples(series, out);
    return out;
  }
  const histograms = column.decodeFor(plan);
  const samples = takeApart(kernel, n, column.histograms.at, histograms, column.starts);
  const floats = samples.left;
  if (plan.extension !== null) extendedRange(kernel, floats, plan);
  else if (floats > 0) series.floats(floats);
  else kernel.present.fill(0, 0, plan.steps);
  const row: MixedRow = { values: kernel.out, present: kernel.present, histograms: out };
  const context: MixedContext = { remarks, metricName: series.labels.get(METRIC_NAME) };
  const isInstant = plan.kind === 'instant';
  const beforeMs = plan.extension === null || isInstant ? 0 : plan.lookbackMs;
  const afterMs = plan.extension === 'smoothed' ? plan.lookbackMs : 0;
  eachWindow(samples, plan, plan.windowMs, beforeMs, afterMs, (w, i) => {
    if (plan.extension !== null) putValue(row, i, mixedExtendedValue(w, plan, context));
    else if (plan.fn !== null) putValue(row, i, mixedValue(plan.fn, w, context));
  });
  return out;
}

/** Instant selection: the newest sample of each step's lookback, unless it is a stale marker. */
function newestSamples({ kernel, plan, column, n, labels }: MixedSeries, out: (NativeHistogram | null)[]): void {
  kernel.instant(n, plan, plan.windowMs, plan.timestamps);
  if (plan.timestamps && !plan.refuseHistograms) return;
  const { ts, present } = kernel;
  const { at } = column.histograms;
  let chosen = -1;
  let last: NativeHistogram | null = null;
  for (let i = 0, next = 0, h = 0; i < plan.steps; i++) {
    const endMs = plan.startMs + i * plan.stepMs;
    while (next < n && ts[next] <= endMs) next++;
    while (h < at.length && at[h] < next) h++;
    if (present[i] === 0 || h === 0 || at[h - 1] !== next - 1) continue;
    if (plan.refuseHistograms) {
      throw executionError(`this should be an info metric, with float samples: ${labels}`);
    }
    present[i] = 2;
    // The same sample often stands at several steps: it is one object then, and sent once.
    if (chosen !== h - 1) last = column.decodeOne(h - 1, plan);
    chosen = h - 1;
    out[i] = last;
  }
}

/** Instant selection of start times in seconds: those of the newest samples, whatever these are. Returns how many there are. */
export function newestStarts(kernel: ExecKernel, n: number, plan: LeafPlan, starts: StartTimes | undefined): number {
  const found = kernel.instant(n, plan, plan.windowMs, true);
  const { ts, out, present } = kernel;
  for (let i = 0, next = 0; i < plan.steps; i++) {
    const endMs = plan.startMs + i * plan.stepMs;
    while (next < n && ts[next] <= endMs) next++;
    if (present[i] !== 0) out[i] = (starts?.of(next - 1) ?? 0) / 1000;
  }
  return found;
}

/** Moves the floats to the front of the kernel's column (stale markers too); how many is `left`. */
function takeApart(
  { ts, vs, vsWords }: ExecKernel,
  n: number,
  at: readonly number[],
  hs: readonly NativeHistogram[],
  startTimes: StartTimes | undefined,
): MixedSamples & { readonly left: number } {
  const hts = at.map((i) => ts[i]);
  const starts = startTimes?.any ? { floats: [] as number[], histograms: at.map((i) => startTimes.of(i)) } : null;
  const floats: { ts: number[]; vs: number[] } = { ts: [], vs: [] };
  let left = 0;
  for (let i = 0, h = 0; i < n; i++) {
    if (h < at.length && at[h] === i) {
      h++;
      continue;
    }
    ts[left] = ts[i];
    vsWords[2 * left] = vsWords[2 * i];
    vsWords[2 * left + 1] = vsWords[2 * i + 1];
    if (!isStaleAt(vsWords, left)) {
      floats.ts.push(ts[left]);
      floats.vs.push(vs[left]);
      starts?.floats.push(startTimes?.of(i) ?? 0);
    }
    left++;
  }
  return { ...floats, hts, hs, left, resets: unknownResets(hs), starts };
}
