// How samples grow old in a shard. Points in its log decide everything, so that replicas do the same:
//
//   head ──cut──► (blocks are written beside ingest) ──drop──► blocks ──compact──► longer blocks ──► retention
//
//   cut   flags what is taken: a closed window, series that went idle, much late data, or all (a full memory, an operator)
//   drop  follows at a later point of the log, which waits until the blocks are durable: the samples leave the head, the blocks
//         become visible, and compaction is planned. The next drop waits for that compaction.
//
// Only a disk that fails moves a drop: then the samples stay in the head and the cut is written again later.
import { type Logger, TidemarkError, errorText, isCorrupt } from '../base/index.ts';
import { type Clock, type Files, type LogPosition, compareLogPositions } from '../io/index.ts';
import type { BlockKernel } from '../kernel/index.ts';
import type { Block } from './block/block.ts';
import { mergeBlocks } from './block/block-merge.ts';
import { WINDOW_MS, blockFileName, spanStart } from './block-name.ts';
import type { BlockSet } from './block-set.ts';
import { type CompactionPlan, expired, planCompaction } from './compaction.ts';
import { type DeleteCommand } from './command.ts';
import { writeCut } from './cut.ts';
import type { Head } from './head.ts';
import { selectSeries } from './head-select.ts';
import type { LifeCyclePolicy } from './life-cycle-policy.ts';
import type { ShardState } from './shard-state.ts';
import type { Breathe } from './slices.ts';
import { goneRanges } from './stores.ts';
import type { Tombstones } from './tombstones.ts';

const RETRY_MS = 1000;
export const ALL_MS = 2 ** 53;

/** What is kept, and for how long. 0 = no limit. */
export interface Retention {
  readonly timeMs: number;
  /** Of this shard's blocks. */
  readonly sizeBytes: number;
}

export interface LifeCycleParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly shard: number;
  readonly head: Head;
  readonly state: ShardState;
  readonly blocks: BlockSet;
  readonly tombstones: Tombstones;
  readonly kernel: BlockKernel;
  readonly breathe: Breathe;
  readonly retention: Retention;
  readonly policy: LifeCyclePolicy;
  readonly logger: Logger;
}

/** Counters for metrics. */
export interface LifeCycleStats {
  readonly cuts: number;
  readonly cutFailures: number;
  readonly compactions: number;
  readonly compactionFailures: number;
  readonly compactionMs: number;
  readonly blocksExpired: number;
  readonly seriesLeft: number;
}

interface CutBounds {
  readonly endMs: number;
  readonly idleBeforeMs: number;
}

export class LifeCycle {
  readonly #parts: LifeCycleParts;
  #writing: Promise<void> = Promise.resolve();
  #writeError: unknown = null;
  #compacting: Promise<void> = Promise.resolve();
  #isClosed = false;
  readonly stats = {
    cuts: 0,
    cutFailures: 0,
    compactions: 0,
    compactionFailures: 0,
    compactionMs: 0,
    blocksExpired: 0,
    seriesLeft: 0,
  };

  constructor(parts: LifeCycleParts) {
    this.#parts = parts;
  }

  /** After an image was restored: a pending cut is written if it is not there. */
  resume(): void {
    if (this.#parts.state.isCutPending) this.#startWriting();
  }

  /** Log position of the pending cut: its blocks are not read yet. */
  get pendingCut(): LogPosition | null {
    const { state } = this.#parts;
    return state.isCutPending ? state.cutPosition : null;
  }

  /**
   * A batch was applied; `position` is where it began in the log. A promise means: nothing may be applied until it resolves.
   */
  afterBatch(position: LogPosition, next: LogPosition, bytes: number): Promise<void> | null {
    const { head, state, policy } = this.#parts;
    const clockMs = head.memory.clockMs;
    state.bytesSinceCut += bytes;
    const windowMs = spanStart(clockMs, WINDOW_MS);
    if (windowMs !== state.windowStartMs) state.enterWindow(windowMs, position);
    if (state.isCutPending) {
      if (clockMs < state.dropClockMs && state.bytesSinceCut < policy.dropLogBytes) return null;
      return this.#drop(false);
    }
    const bounds = this.#due(clockMs, windowMs);
    if (bounds) this.#cut(bounds, next);
    return null;
  }

  /** What is to be cut now, if anything. */
  #due(clockMs: number, windowMs: number): CutBounds | null {
    const { head, state, policy } = this.#parts;
    const { memory } = head;
    const oldestMs = memory.timeRange?.minMs ?? clockMs;
    if (windowMs > state.lastCutEndMs && clockMs >= windowMs + policy.cutDelayMs && oldestMs < windowMs) {
      state.lastCutEndMs = windowMs;
      return { endMs: windowMs, idleBeforeMs: windowMs };
    }
    if (memory.fullness > policy.fullnessMax && state.bytesSinceCut > policy.fullLogBytesMin) {
      return { endMs: ALL_MS, idleBeforeMs: ALL_MS };
    }
    if (memory.lateSamples >= policy.lateSamplesMax && state.bytesSinceCut > policy.lateLogBytesMin && oldestMs < windowMs) {
      return { endMs: windowMs, idleBeforeMs: windowMs };
    }
    const isCrowded = memory.seriesCount >= policy.idleSeriesMin + memory.seriesAtSweep * 1.25;
    if (!isCrowded || clockMs < state.idleClockMs + policy.idleLookMs) return null;
    state.idleClockMs = clockMs;
    return { endMs: -ALL_MS, idleBeforeMs: clockMs - policy.idleMs };
  }

  #cut({ endMs, idleBeforeMs }: CutBounds, position: LogPosition): void {
    const { head, state, policy } = this.#parts;
    const { clockMs } = head.memory;
    if (head.cutBegin(endMs, idleBeforeMs) === 0) return;
    state.beginCut(position, clockMs, endMs === ALL_MS);
    state.postpone(clockMs + policy.dropDelayMs);
    this.stats.cuts++;
    this.#startWriting();
  }

  #startWriting(): void {
    this.#writeError = null;
    this.#writing = this.#write().catch((error: unknown) => {
      this.#writeError = error;
    });
  }

  async #write(): Promise<void> {
    const { files, shard, head, kernel, breathe, state, blocks } = this.#parts;
    const position = state.cutPosition;
    // A replay comes by cuts whose blocks are there, and may have been compacted since.
    if (blocks.hasCut(position)) return;
    const paths = await writeCut({ files, shard, head, kernel, breathe, position, clockMs: state.cutClockMs });
    for (const path of paths) await blocks.add(path);
    await blocks.finishCut(position);
  }

  /** Waits until the pending cut is durable, then lets its samples go. If it cannot be written they stay, and it is tried again. */
  async #drop(isInsisting: boolean): Promise<void> {
    const { head, state, clock, logger, shard, policy } = this.#parts;
    for (;;) {
      await this.#writing;
      if (this.#writeError === null) break;
      this.stats.cutFailures++;
      logger.error('cannot write blocks; the samples stay in memory', { shard, error: errorText(this.#writeError) });
      state.postpone(head.memory.clockMs + policy.dropDelayMs);
      if (this.#isClosed) return;
      if (isInsisting) await clock.sleep(RETRY_MS);
      this.#startWriting();
      if (!isInsisting) return;
    }
    await this.#compacting;
    // A turn of its own: readers that were told that their series are ready have read them.
    await clock.yield();
    this.stats.seriesLeft += head.cutDrop();
    state.endCut();
    this.#parts.blocks.generation++;
    await this.#expire();
    this.#compacting = this.#compact(false);
  }

  async #expire(): Promise<void> {
    const { head, blocks, retention, logger, shard } = this.#parts;
    const gone = expired(blocks.all, head.memory.clockMs, retention.timeMs, retention.sizeBytes);
    if (gone.length === 0) return;
    this.stats.blocksExpired += gone.length;
    const goneToMs = Math.max(...gone.map(({ meta }) => meta.maxMs));
    logger.info('blocks are beyond the retention', { shard, blocks: gone.length, goneToMs });
    await blocks.remove(gone);
  }

  /** Moves everything into blocks, and compacts them. A disk that fails leaves the samples in the head. */
  async flush(next: LogPosition): Promise<void> {
    const { state } = this.#parts;
    if (state.isCutPending) await this.#drop(false);
    if (state.isCutPending) return;
    this.#cut({ endMs: ALL_MS, idleBeforeMs: ALL_MS }, next);
    if (state.isCutPending) await this.#drop(false);
    await this.#compacting;
    this.#compacting = this.#compact(true);
    await this.#compacting;
  }

  /** Deletes samples that were logged before `next`: at once from the head, by a tombstone from blocks. */
  async delete(command: DeleteCommand, next: LogPosition): Promise<void> {
    const { head, state, clock, tombstones, blocks } = this.#parts;
    if (state.isCutPending) await this.#drop(true);
    const { tenant, matchers, minMs, maxMs } = command;
    await this.#insist('note a delete', () => tombstones.add({ position: next, tenant, matchers, minMs, maxMs }));
    await clock.yield();
    head.deleteRange(selectSeries(head, tenant, matchers), minMs, maxMs);
    blocks.generation++;
  }

  /** What the log says and cannot be skipped: tried until the disk takes it. */
  async #insist(what: string, act: () => Promise<void>): Promise<void> {
    const { clock, logger, shard } = this.#parts;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error;
        logger.error(`cannot ${what}; it is tried again`, { shard, error: errorText(error) });
        await clock.sleep(RETRY_MS);
      }
    }
  }

  /** Writes blocks again without what was deleted from them. A disk that fails leaves the rest as it is, behind its tombstones. */
  async clean(): Promise<void> {
    const { logger, shard } = this.#parts;
    await this.#compacting;
    try {
      await this.#clean(this.#parts.head.memory.position);
    } catch (error) {
      this.stats.compactionFailures++;
      logger.error('cannot clean blocks of what was deleted', { shard, error: errorText(error) });
    }
  }

  async #clean(position: LogPosition): Promise<void> {
    const { tombstones } = this.#parts;
    for (const block of this.#visible(position)) {
      if (tombstones.after(block.meta.deletesThrough).length === 0) continue;
      const { windowStartMs: startMs, windowEndMs: endMs, level } = block.meta;
      await this.#merge({ startMs, endMs, level, blocks: [block] }, position);
    }
    await this.#prune(position);
  }

  #prune(upTo: LogPosition): Promise<void> {
    const { tombstones, blocks } = this.#parts;
    return tombstones.prune(upTo, () => blocks.all.map(({ meta }) => meta.deletesThrough));
  }

  /** Blocks that queries read, of cuts up to a position: a replay has those of later ones already. */
  #visible(position: LogPosition): readonly Block[] {
    const visible = this.#parts.blocks.visible(this.pendingCut);
    return visible.filter(({ meta }) => compareLogPositions(meta.position, position) <= 0);
  }

  /** Compacts what is due at this point of the log, whenever the work is done. */
  async #compact(isForced: boolean): Promise<void> {
    const { head, logger, shard, clock } = this.#parts;
    const { position, clockMs } = head.memory;
    const next = () => planCompaction(this.#visible(position), clockMs, isForced);
    try {
      for (let plan = next(); plan && !this.#isClosed; plan = next()) {
        const startedMs = clock.monotonicMs();
        await this.#merge(plan, position);
        this.stats.compactions++;
        this.stats.compactionMs += clock.monotonicMs() - startedMs;
      }
      await this.#prune(position);
    } catch (error) {
      this.stats.compactionFailures++;
      logger.error('cannot compact blocks; they stay as they are', { shard, error: errorText(error) });
    }
  }

  /** Merges; deletes that were logged up to `deletesThrough` become real. */
  async #merge(plan: CompactionPlan, deletesThrough: LogPosition): Promise<void> {
    const { files, shard, kernel, breathe, blocks, tombstones } = this.#parts;
    const inputs = plan.blocks;
    const position = inputs[inputs.length - 1].meta.position;
    const path = this.#freePath({ ...plan, position });
    const sources = inputs.map((block) => block.path.slice(blocks.directory.length + 1));
    const deletes = (block: Block) =>
      tombstones
        .after(block.meta.deletesThrough)
        .filter((tombstone) => compareLogPositions(tombstone.position, deletesThrough) <= 0);
    try {
      const meta = await mergeBlocks({
        files,
        inputs,
        outPath: path,
        kernel,
        meta: {
          shard,
          windowStartMs: plan.startMs,
          windowEndMs: plan.endMs,
          level: plan.level,
          position,
          sources,
          deletesThrough,
        },
        gone: (block, index, tenant) => goneRanges(index, tenant, deletes(block)),
        breathe,
      });
      if (meta) await blocks.add(path, inputs);
      else await blocks.remove(inputs);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      await this.#setBadAside(inputs);
    }
  }

  /** A merge met damage: finds the blocks that have it. */
  async #setBadAside(inputs: readonly Block[]): Promise<void> {
    for (const block of inputs) {
      const problems = await block.verify();
      if (problems.length > 0) await this.#parts.blocks.setAside(block.path, new Error(problems[0]));
    }
  }

  /** A name that no block has: one made of late samples alone may be called as what it becomes part of. */
  #freePath(name: { startMs: number; endMs: number; level: number; position: LogPosition }): string {
    const { blocks } = this.#parts;
    const first = `${blocks.directory}/${blockFileName(name)}`;
    const isTaken = (path: string) => blocks.all.some((block) => block.path === path);
    if (!isTaken(first)) return first;
    for (let n = 1; ; n++) {
      const path = first.replace(/\.block$/, `-${n}.block`);
      if (!isTaken(path)) return path;
    }
  }

  /** Ends: a cut or compaction that is under way is finished, or left for the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#compacting;
  }
}
