// Which blocks to make one of. A pure function of the blocks there are and the shard's clock: replicas choose the same. Windows of a
// day become a day, days of eight become one block; blocks of late samples join what they overlap.
//
// Samples of equal time count by the log position of their block. So blocks whose positions lie between those of a group, and which
// overlap it, must join it; where they reach beyond its span, the group is made of the longer span instead.
import { compareLogPositions } from '../io/index.ts';
import type { Block } from './block/block.ts';
import { compareAge, firstPositionOf } from './block/block-format.ts';
import { LEVEL_SPANS_MS, spanStart } from './block-name.ts';

/** Blocks that become one. */
export interface CompactionPlan {
  readonly startMs: number;
  readonly endMs: number;
  readonly level: number;
  /** By position: of equal timestamps the first block's counts. */
  readonly blocks: readonly Block[];
}

/** Blocks of one span wait until so many of them are there: each time they are merged, the large one is written again. */
const OVERLAPS_MAX = 8;

interface Bucket {
  readonly startMs: number;
  readonly level: number;
  readonly blocks: Block[];
}

const spanMs = (block: Block): number => block.meta.windowEndMs - block.meta.windowStartMs;

/** Blocks by spans of a level that hold them whole. */
function buckets(blocks: readonly Block[], level: number): Bucket[] {
  const length = LEVEL_SPANS_MS[level];
  const byStart = new Map<number, Bucket>();
  for (const block of blocks) {
    if (spanMs(block) > length) continue;
    const startMs = spanStart(block.meta.windowStartMs, length);
    const bucket = byStart.get(startMs) ?? { startMs, level, blocks: [] };
    bucket.blocks.push(block);
    byStart.set(startMs, bucket);
  }
  return [...byStart.values()].sort((a, b) => a.startMs - b.startMs);
}

/**
 * Whether so many blocks of one span overlap that reading them together costs more than writing them again; or, in a span that is
 * over, as much lies beside the largest as a quarter of it.
 */
function isOverlapDue(blocks: readonly Block[], isClosed: boolean): boolean {
  const largest = Math.max(...blocks.map(({ sizeBytes }) => sizeBytes));
  const rest = blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - largest;
  return blocks.length > OVERLAPS_MAX || (isClosed && rest * 4 >= largest);
}

function isDue(bucket: Bucket, clockMs: number, isForced: boolean): boolean {
  const { startMs, level, blocks } = bucket;
  if (blocks.length < 2) return false;
  const length = LEVEL_SPANS_MS[level];
  // A span is closed when the clock is well behind its end: late samples of a scrape or two are in.
  const isClosed = startMs + length + LEVEL_SPANS_MS[0] <= clockMs;
  if (blocks.every((block) => spanMs(block) === length)) return isForced || isOverlapDue(blocks, isClosed);
  return isForced || (isClosed && (blocks.length > OVERLAPS_MAX || blocks.some((block) => spanMs(block) < length)));
}

/** A block that overlaps the group and whose position is between theirs. */
function intruder(group: readonly Block[], all: readonly Block[]): Block | undefined {
  const firsts = group.map(({ meta }) => firstPositionOf(meta)).sort(compareLogPositions);
  const lasts = group.map(({ meta }) => meta.position).sort(compareLogPositions);
  const minMs = Math.min(...group.map(({ meta }) => meta.minMs));
  const maxMs = Math.max(...group.map(({ meta }) => meta.maxMs));
  return all.find(
    (block) =>
      !group.includes(block) &&
      block.meta.minMs <= maxMs &&
      block.meta.maxMs >= minMs &&
      compareLogPositions(firstPositionOf(block.meta), firsts[0]) > 0 &&
      compareLogPositions(firstPositionOf(block.meta), lasts[lasts.length - 1]) < 0,
  );
}

function planned({ startMs, level, blocks }: Bucket): CompactionPlan {
  const byPosition = [...blocks].sort(
    (a, b) => compareAge(a.meta, b.meta) || a.meta.windowStartMs - b.meta.windowStartMs,
  );
  return { startMs, endMs: startMs + LEVEL_SPANS_MS[level], level, blocks: byPosition };
}

/** The next group to compact, or null. `isForced`: as if every span were closed, up to a day. */
export function planCompaction(all: readonly Block[], clockMs: number, isForced = false): CompactionPlan | null {
  const levels = isForced ? 2 : LEVEL_SPANS_MS.length;
  for (let level = 0; level < levels; level++) {
    for (const bucket of buckets(all, level)) {
      if (!isDue(bucket, clockMs, isForced)) continue;
      const plan = widened(bucket, all);
      if (plan) return plan;
    }
  }
  return null;
}

/** The bucket, or the longer one that takes in what may not be left out; null if there is none so long. */
function widened(bucket: Bucket, all: readonly Block[]): CompactionPlan | null {
  let current = bucket;
  for (;;) {
    const found = intruder(current.blocks, all);
    if (!found) return planned(current);
    const level = LEVEL_SPANS_MS.findIndex((length) => length >= spanMs(found));
    if (level <= current.level) return null;
    const startMs = spanStart(current.startMs, LEVEL_SPANS_MS[level]);
    const wider = buckets(all, level).find((candidate) => candidate.startMs === startMs);
    if (!wider) return null;
    current = wider;
  }
}

/** Blocks that are older than the retention, oldest first; of those left the oldest until they fit the size. 0 = no limit. */
export function expired(all: readonly Block[], clockMs: number, retentionMs: number, retentionBytes: number): Block[] {
  const gone = retentionMs > 0 ? all.filter(({ meta }) => meta.maxMs < clockMs - retentionMs) : [];
  if (retentionBytes <= 0) return gone;
  const left = all.filter((block) => !gone.includes(block)).sort((a, b) => a.meta.maxMs - b.meta.maxMs);
  let bytes = left.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const block of left) {
    if (bytes <= retentionBytes) break;
    gone.push(block);
    bytes -= block.sizeBytes;
  }
  return gone;
}
