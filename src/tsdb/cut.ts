// Writes the samples that a cut took into block files: one per span of time. What it writes is fixed when the cut begins: the flagged
// columns of the head do not change until they are dropped, so the files are the same whenever and however often they are written.
import type { Files, LogPosition } from '../io/index.ts';
import type { BlockKernel } from '../kernel/index.ts';
import { type HistogramSamples, StartTimes } from '../model/index.ts';
import { BlockWriter } from './block/block-writer.ts';
import { LEVEL_SPANS_MS, WINDOW_MS, blockDirectory, blockFileName, spanStart } from './block-name.ts';
import { type CutOrder, cutOrder, denseSymbols } from './cut-order.ts';
import type { Head } from './head.ts';
import type { Breathe } from './slices.ts';

export interface CutOptions {
  readonly files: Files;
  readonly shard: number;
  readonly head: Head;
  readonly kernel: BlockKernel;
  readonly breathe: Breathe;
  /** Where in the log the cut was made. */
  readonly position: LogPosition;
  /** The shard's clock there: old samples go into longer spans. */
  readonly clockMs: number;
}

interface Span {
  readonly startMs: number;
  readonly endMs: number;
  readonly level: number;
}

/**
 * Samples of the last day lie in windows, older ones in days, those from before eight days in spans of eight days. The same of samples
 * that are as far ahead of the clock.
 */
function spanOf(timeMs: number, clockMs: number): Span {
  for (let level = LEVEL_SPANS_MS.length - 1; level > 0; level--) {
    const startMs = spanStart(timeMs, LEVEL_SPANS_MS[level]);
    const endMs = startMs + LEVEL_SPANS_MS[level];
    const isFar = endMs + LEVEL_SPANS_MS[level] <= clockMs || startMs - LEVEL_SPANS_MS[level] >= clockMs;
    if (isFar) return { startMs, endMs, level };
  }
  const startMs = spanStart(timeMs, WINDOW_MS);
  return { startMs, endMs: startMs + WINDOW_MS, level: 0 };
}

/** Writes the blocks of the cut that the head holds; returns their paths. */
export async function writeCut(options: CutOptions): Promise<string[]> {
  const { head, breathe, clockMs } = options;
  const series = head.cutSeries();
  if (series.length === 0) return [];
  const order = await cutOrder(head, series, breathe);
  const paths: string[] = [];
  const windows = head.cutWindows();
  for (let i = 0; i < windows.length; ) {
    const span = spanOf(windows[i], clockMs);
    while (i < windows.length && windows[i] < span.endMs) i++;
    paths.push(await writeSpan(options, order, span, windows.length));
  }
  return paths;
}

async function writeSpan(options: CutOptions, order: CutOrder, span: Span, windows: number): Promise<string> {
  const { files, shard, head, kernel, breathe, position } = options;
  const toMs = span.endMs - 1;
  const members = windows === 1 ? order.series : order.series.filter((n) => head.hasCut(n, span.startMs, toMs));
  const { list, numberOf } = denseSymbols(head, order, members);
  const path = `${blockDirectory(shard)}/${blockFileName({ ...span, position })}`;
  const writer = await BlockWriter.create(files, path, kernel, list);
  const starts = new StartTimes();
  try {
    for (const number of members) {
      const histograms: HistogramSamples = { at: [], bytes: [] };
      const count = head.readCut(number, span.startMs, toMs, kernel, histograms, starts);
      if (count > 0) {
        const { tenant, pairs } = head.labelRefs(number);
        const labels = Uint32Array.from(pairs, (symbol) => numberOf[symbol]);
        writer.add(numberOf[tenant], labels, head.id(number), count, histograms, starts);
      }
      if (writer.isFlushDue) await writer.flush();
      await breathe();
    }
    await writer.finish({
      shard,
      windowStartMs: span.startMs,
      windowEndMs: span.endMs,
      level: span.level,
      position,
      sources: [],
      deletesThrough: position,
    });
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return path;
}
