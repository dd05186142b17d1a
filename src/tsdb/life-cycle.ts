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
import { firstPositionOf } from './block/block-format.ts';
import { mergeBlocks } from './block/block-merge.ts';
import { WINDOW_MS, blockFileName, spanStart } from './block-name.ts';
import type { BlockSet } from './block-set.ts';
import { type CompactionPlan, expired, planCompaction } from './compaction.ts';
import type { DeleteCommand } from './command.ts';
import { writeCut } from './cut.ts';
import type { Head } from './head.ts';
import { selectSeries } from './head-select.ts';
import type { LifeCyclePolicy } from './life-cycle-policy.ts';
import {
  AFTER_CUT,
  ALL_BLOCKS,
  ALL_MS,
  BEFORE_CUT,
  type CompactionPoint,
  type CompactionStage,
  type ShardState,
} from './shard-state.ts';
import type { Breathe } from './slices.ts';
import { goneRanges } from './stores.ts';
import type { Tombstones } from './tombstones.ts';

const RETRY_MS = 1000;

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
  /** A cut and what was compacted after it are done: much of what they took is garbage. */
  readonly afterWork?: () => void;
  /** No image was restored, and of the log the beginning is gone: the head has not all that it had at its positions. */
  readonly isBlind: boolean;
  readonly logger: Logger;
}

/** Counters for metrics. */
export interface LifeCycleStats {
  readonly cuts: number;
  readonly cutMs: number;
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

const EVERYTHING: CutBounds = { endMs: ALL_MS, idleBeforeMs: ALL_MS };

export class LifeCycle {
  readonly #parts: LifeCycleParts;
  #writing: Promise<void> = Promise.resolve();
  #writeError: unknown = null;
  #compacting: Promise<void> = Promise.resolve();
  #isClosed = false;
  readonly stats = {
    cuts: 0,
    cutMs: 0,
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

  /** After an image was restored: a pending cut is written if it is not there, and a compaction brought to its end. */
  resume(): void {
    const { state } = this.#parts;
    if (state.isCutPending) this.#startWriting();
    const { compaction } = state;
    if (compaction) this.#compacting = this.#compact(compaction);
  }

  /** Log position of the pending cut whose blocks are not read yet: all that they have is in the head. */
  get pendingCut(): LogPosition | null {
    const { state } = this.#parts;
    return state.isCutPending && !state.isCutPartial ? state.cutPosition : null;
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
    if (!state.aheadFrom && !state.isCutPending && this.#hasAhead(clockMs)) state.aheadFrom = position;
    const known = this.#knownCut(next);
    if (state.isCutPending) {
      if (known) return this.#drop(true).then(() => this.#cut(known, next));
      if (clockMs < state.dropClockMs && state.bytesSinceCut < policy.dropLogBytes) return null;
      return this.#drop(false);
    }
    const due = this.#due(clockMs, windowMs);
    const bounds = this.#parts.blocks.isBeyondCuts(next) ? due : known;
    if (bounds) this.#cut(bounds, next);
    return null;
  }

  /**
   * A replay makes the cuts that were made, and no others (it may be that a disk failed then, and does not now): a block at another
   * position, with a value that came second, could stand before the one with the first. A blind one takes only what surely is in the
   * blocks of that cut: what is older than its bound. Which series were idle it cannot know.
   */
  #knownCut(position: LogPosition): CutBounds | undefined {
    const cut = this.#parts.blocks.cutAt(position);
    if (!cut || !this.#parts.isBlind) return cut;
    return cut.endMs === -ALL_MS ? undefined : { endMs: cut.endMs, idleBeforeMs: -ALL_MS };
  }

  /** Whether the head has samples that are ahead of the clock by more than a window. */
  #hasAhead(clockMs: number): boolean {
    const range = this.#parts.head.memory.timeRange;
    return range !== null && range.maxMs > clockMs + WINDOW_MS;
  }

  /** Samples take much more of the memory than the last cut left. */
  #hasGrown(): boolean {
    const { head, state, policy } = this.#parts;
    const { sampleBytes, seriesCount } = head.memory;
    const growth = sampleBytes - Math.max(0, state.sampleBytesLeft);
    return growth > policy.growthBytesMax + policy.growthBytesPerSeries * seriesCount;
  }

  /** What is to be cut now, if anything. */
  #due(clockMs: number, windowMs: number): CutBounds | null {
    const { head, state, policy } = this.#parts;
    const { memory } = head;
    const oldestMs = memory.timeRange?.minMs ?? clockMs;
    if (windowMs > state.lastCutEndMs && clockMs >= windowMs + policy.cutDelayMs && oldestMs < windowMs) {
      state.lastCutEndMs = windowMs;
      // What came ahead of time would hold the log: it goes into blocks, too.
      return state.aheadFrom ? EVERYTHING : { endMs: windowMs, idleBeforeMs: windowMs };
    }
    if (memory.fullness > policy.fullnessMax && state.bytesSinceCut > policy.fullLogBytesMin) return EVERYTHING;
    if (this.#hasGrown() && state.bytesSinceCut > policy.lateLogBytesMin) return EVERYTHING;
    if (
      memory.lateSamples >= policy.lateSamplesMax &&
      state.bytesSinceCut > policy.lateLogBytesMin &&
      oldestMs < windowMs
    ) {
      return { endMs: windowMs, idleBeforeMs: windowMs };
    }
    const isCrowded = memory.seriesCount >= policy.idleSeriesMin + memory.seriesAtSweep * 2;
    if (!isCrowded || clockMs < state.idleClockMs + policy.idleLookMs) return null;
    state.idleClockMs = clockMs;
    return { endMs: -ALL_MS, idleBeforeMs: clockMs - policy.idleMs };
  }

  #cut({ endMs, idleBeforeMs }: CutBounds, position: LogPosition): void {
    const { head, state, policy, blocks, isBlind } = this.#parts;
    const { clockMs } = head.memory;
    if (head.cutBegin(endMs, idleBeforeMs) === 0) return;
    state.beginCut({ ...position, endMs, idleBeforeMs }, clockMs, isBlind && !blocks.isBeyondCuts(position));
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
    const { files, shard, head, kernel, breathe, state, blocks, clock } = this.#parts;
    const position = state.cutPosition;
    // A replay comes by cuts whose blocks are there, and may have been compacted since.
    if (blocks.cutAt(position)) return;
    const startedMs = clock.monotonicMs();
    const paths = await writeCut({ files, shard, head, kernel, breathe, position, clockMs: state.cutClockMs });
    for (const path of paths) await blocks.add(path);
    await blocks.finishCut({ ...position, ...state.cutBounds });
    this.stats.cutMs += clock.monotonicMs() - startedMs;
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
    // After a cut of everything only what came behind it is here.
    if (state.cutBounds.endMs === ALL_MS) state.aheadFrom = null;
    if (!state.aheadFrom && this.#hasAhead(head.memory.clockMs)) state.aheadFrom = state.cutPosition;
    state.sampleBytesLeft = head.memory.sampleBytes;
    state.endCut();
    this.#parts.blocks.generation++;
    const point = this.#pointNow();
    if (!this.#parts.blocks.isCompacted(point)) await this.#expire(point);
    this.#startCompacting(point);
  }

  /** Here, once a cut of this position has left the head, or before one is made. */
  #pointNow(stage?: CompactionStage): CompactionPoint {
    const { head, state } = this.#parts;
    const { position, clockMs } = head.memory;
    const isAfter = compareLogPositions(state.cutPosition, position) === 0;
    return { position, clockMs, stage: stage ?? (isAfter ? AFTER_CUT : BEFORE_CUT) };
  }

  /** It is part of the state: a restart from an image goes on with it. */
  #startCompacting(point: CompactionPoint): void {
    this.#parts.state.compaction = point;
    this.#compacting = this.#compact(point);
  }

  async #expire(point: CompactionPoint): Promise<void> {
    const { blocks, retention, logger, shard } = this.#parts;
    const gone = expired(this.#visible(point), point.clockMs, retention.timeMs, retention.sizeBytes);
    if (gone.length === 0) return;
    this.stats.blocksExpired += gone.length;
    const goneToMs = Math.max(...gone.map(({ meta }) => meta.maxMs));
    logger.info('blocks are beyond the retention', { shard, blocks: gone.length, goneToMs });
    await blocks.remove(gone);
    blocks.changes.note(Math.min(...gone.map(({ meta }) => meta.minMs)));
  }

  /** Moves everything into blocks, and compacts them. A disk that fails leaves the samples in the head. */
  async flush(next: LogPosition): Promise<void> {
    const { state } = this.#parts;
    if (state.isCutPending) await this.#drop(false);
    if (state.isCutPending) return;
    const bounds = this.#parts.blocks.isBeyondCuts(next) ? EVERYTHING : this.#knownCut(next);
    if (bounds) this.#cut(bounds, next);
    if (state.isCutPending) await this.#drop(false);
    await this.#compacting;
    this.#startCompacting(this.#pointNow(ALL_BLOCKS));
    await this.#compacting;
  }

  /** Deletes samples that were logged before `next`: at once from the head, by a tombstone from blocks. */
  async delete(command: DeleteCommand, next: LogPosition): Promise<void> {
    const { head, state, clock, tombstones, blocks } = this.#parts;
    const { tenant, matchers, minMs, maxMs } = command;
    // Before the drop: what is compacted after it says that it has applied the deletes up to here.
    await this.#insist('note a delete', () => tombstones.add({ position: next, tenant, matchers, minMs, maxMs }));
    if (state.isCutPending) await this.#drop(true);
    await clock.yield();
    head.deleteRange(selectSeries(head, tenant, matchers), minMs, maxMs);
    blocks.changes.note(minMs, tenant);
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
      const point = this.#pointNow();
      if (!this.#parts.blocks.isCompacted(point)) await this.#clean(point);
    } catch (error) {
      this.stats.compactionFailures++;
      logger.error('cannot clean blocks of what was deleted', { shard, error: errorText(error) });
    }
    // Blocks have become smaller, which may make a compaction due: here for all replicas, not where one of them is restarted.
    this.#startCompacting(this.#pointNow());
  }

  async #clean(point: CompactionPoint): Promise<void> {
    const { tombstones } = this.#parts;
    const { position } = point;
    for (const block of this.#visible(point)) {
      if (
        !tombstones.after(block.meta.deletesThrough).some((each) => compareLogPositions(each.position, position) <= 0)
      )
        continue;
      const { windowStartMs: startMs, windowEndMs: endMs, level } = block.meta;
      await this.#merge({ startMs, endMs, level, blocks: [block] }, position);
    }
    await this.#prune(position);
  }

  #prune(upTo: LogPosition): Promise<void> {
    const { tombstones, blocks } = this.#parts;
    return tombstones.prune(upTo, () => blocks.deletesThrough());
  }

  /** Blocks that queries read, of cuts up to a point of the log: a replay has those of later ones already. */
  #visible({ position, stage }: CompactionPoint): readonly Block[] {
    const visible = this.#parts.blocks.visible(this.pendingCut);
    const orderMax = stage === BEFORE_CUT ? -1 : 0;
    return visible.filter(({ meta }) => compareLogPositions(meta.position, position) <= orderMax);
  }

  /**
   * Compacts what is due at a point of the log, whenever the work is done. A replay comes by points that were done with: the blocks are
   * not what they were there, and might now be compacted otherwise.
   */
  async #compact(point: CompactionPoint): Promise<void> {
    const { logger, shard, clock, blocks } = this.#parts;
    const { position, clockMs, stage } = point;
    const next = () => planCompaction(this.#visible(point), clockMs, stage === ALL_BLOCKS);
    try {
      if (blocks.isCompacted(point)) return await this.#prune(position);
      for (let plan = next(); plan && !this.#isClosed; plan = next()) {
        const startedMs = clock.monotonicMs();
        await this.#merge(plan, position);
        this.stats.compactions++;
        this.stats.compactionMs += clock.monotonicMs() - startedMs;
      }
      if (!this.#isClosed) await blocks.finishCompaction(point);
      await this.#prune(position);
    } catch (error) {
      this.stats.compactionFailures++;
      logger.error('cannot compact blocks; they stay as they are', { shard, error: errorText(error) });
    }
    this.#parts.afterWork?.();
  }

  /** Merges; deletes that were logged up to `deletesThrough` become real. */
  async #merge(plan: CompactionPlan, deletesThrough: LogPosition): Promise<void> {
    const { files, shard, kernel, breathe, blocks, tombstones } = this.#parts;
    const inputs = plan.blocks;
    const firstPosition = firstPositionOf(inputs[0].meta);
    const position = inputs.map(({ meta }) => meta.position).reduce((a, b) => (compareLogPositions(a, b) < 0 ? b : a));
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
          firstPosition,
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

  /**
   * A name that no block has, nor had while those lived that it is made of: a block names its sources, and of two that named each
   * other a crash would leave none.
   */
  #freePath(name: { startMs: number; endMs: number; level: number; position: LogPosition }): string {
    const { blocks } = this.#parts;
    const stem = `${blocks.directory}/${blockFileName(name)}`.replace(/\.block$/, '');
    const numbers = blocks.all.flatMap(({ path }) => {
      const match = path.startsWith(stem) ? /^(?:-(\d+))?\.block$/.exec(path.slice(stem.length)) : null;
      return match ? [Number(match[1] ?? 0)] : [];
    });
    return numbers.length === 0 ? `${stem}.block` : `${stem}-${Math.max(...numbers) + 1}.block`;
  }

  /** Ends: a cut or compaction that is under way is finished, or left for the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#compacting;
  }
}
