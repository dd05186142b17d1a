// The intake: requests through the kernel into the shards' logs. One per process, on the thread that accepts writes.
//
//   encode (kernel, synchronous) ─► one record per shard's log ─► group commit ─► shard ─► acknowledged
//
// Nothing awaits between encoding and the hand-over to the logs: batches reach a log in the order in which the kernel numbered
// what they define. When a log gives a segment up, the kernel's dictionary of that shard is cleared with it. Segments also end
// by age and churn (segment-life.ts); the kernel's count of active series relies on the age: its epochs are half of that.
import { type Logger, TidemarkError, utf8 } from '../base/index.ts';
import { type Clock, type DurableGroup, type Files, hasCode } from '../io/index.ts';
import type { IntakeKernel } from '../kernel/index.ts';
import { type Command, encodeCommand } from './command.ts';
import { SegmentLog } from './log.ts';
import { SegmentLife } from './segment-life.ts';
import type { ShardPort } from './shard-port.ts';

/** Half of a segment's age: see IntakeKernel. */
const EPOCH_MS = 15 * 60_000;
/** After so many no series is active that was not seen. */
const EPOCHS_MAX = 5;

/** When writes are refused for a while. */
export interface IntakeSettings {
  /** Bytes waiting for the disk or for a shard beyond which writes are refused for a while. */
  readonly pendingBytesMax: number;
  /** Share of a shard's memory beyond which writes are refused. */
  readonly fullnessMax: number;
  /**
   * A log segment ends at this size: large enough that defining every series again costs little, small enough to read in one
   * piece.
   */
  readonly segmentBytesMax: number;
}

/** 64 MiB may wait; writes stop at nine tenths of a shard's memory. */
export const INTAKE_SETTINGS_DEFAULT: IntakeSettings = {
  pendingBytesMax: 64 * 1024 * 1024,
  fullnessMax: 0.9,
  segmentBytesMax: 128 * 1024 * 1024,
};

/** What an intake is put together from; one port per shard, in order. */
export interface IntakeParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly kernel: IntakeKernel;
  readonly ports: readonly ShardPort[];
  readonly logger: Logger;
  readonly settings?: IntakeSettings;
}

/** The codes of errors that mean: not now, come again. */
const BUSY_CODES = ['busy', 'disk_full'] as const;

/** Whether an error of commit() says that the same request may succeed later. */
export const isBusy = (error: unknown): boolean => BUSY_CODES.some((code) => hasCode(error, code));

/** The way in: stages samples in a kernel, writes them to the shards' logs, passes durable groups on. */
export class Intake {
  readonly kernel: IntakeKernel;
  readonly #ports: readonly ShardPort[];
  readonly #settings: IntakeSettings;
  readonly #clock: Clock;
  readonly #lives: readonly SegmentLife[];
  #epochStartMs: number;
  #logs: SegmentLog[] = [];
  #tenantText = '';
  #tenantBytes = new Uint8Array(0);
  #isClosed = false;

  private constructor({ kernel, ports, settings, clock }: IntakeParts) {
    this.kernel = kernel;
    this.#ports = ports;
    this.#settings = settings ?? INTAKE_SETTINGS_DEFAULT;
    this.#clock = clock;
    this.#lives = ports.map(() => new SegmentLife());
    this.#epochStartMs = clock.monotonicMs();
  }

  /** Opens the logs for writing. The shards have replayed theirs before. */
  static async open(parts: IntakeParts): Promise<Intake> {
    const intake = new Intake(parts);
    const { files, clock, logger } = parts;
    const open = (shard: number) =>
      SegmentLog.open({
        files,
        clock,
        shard,
        logger,
        onDurable: (group: DurableGroup) => parts.ports[shard].push(group),
        onFailure: () => intake.#forget(shard),
        afterSegment: parts.ports[shard].startSegment,
      });
    intake.#logs = await Promise.all(parts.ports.map((_, shard) => open(shard)));
    return intake;
  }

  get logs(): readonly SegmentLog[] {
    return this.#logs;
  }

  /** Gives a group's buffer back to the log it came from. */
  recycle(shard: number, buffer: SharedArrayBuffer): void {
    this.#logs[shard]?.recycle(buffer);
  }

  /** Why writes are refused now, or null. */
  #obstacle(): string | null {
    const { pendingBytesMax, fullnessMax } = this.#settings;
    let pending = 0;
    for (const [shard, log] of this.#logs.entries()) {
      pending += log.pendingBytes + this.#ports[shard].pendingBytes;
      if (this.#ports[shard].fullness > fullnessMax) return `the memory of shard ${shard} is full`;
    }
    return pending > pendingBytesMax ? `${pending} bytes wait to be stored` : null;
  }

  /**
   * Lets `encode` fill the kernel's batches for a tenant, and resolves with what it returned once all of them are durable and
   * handed to their shards. `encode` is synchronous; if it throws, or returns having refused the request, nothing is logged.
   * Rejects with `busy` or `disk_full` when the caller should come again later (isBusy).
   */
  async commit<T>(tenant: string, encode: (kernel: IntakeKernel) => T): Promise<T> {
    if (this.#isClosed) throw new TidemarkError('busy', 'cannot store samples: the program is stopping');
    const obstacle = this.#obstacle();
    if (obstacle !== null) throw new TidemarkError('busy', `cannot store samples: ${obstacle}`);
    const nowMs = this.#clock.monotonicMs();
    this.#endSegments(nowMs);
    this.#goOn(nowMs);
    this.kernel.beginRequest(this.#bytesOf(tenant));
    const result = this.#encode(encode);
    const appends: Promise<void>[] = [];
    for (const [shard, log] of this.#logs.entries()) {
      const batch = this.kernel.batch(shard);
      if (batch.length === 0) continue;
      this.#lives[shard].add(this.kernel.batchSamples(shard), this.kernel.seriesCount(shard), nowMs);
      appends.push(log.append(batch));
    }
    // All settle before the answer, so that a failure of one leaves no rejection behind.
    const outcomes = await Promise.allSettled(appends);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return result;
  }

  /** Logs a command for every shard; resolves once it is durable. The shards obey it in the order of their logs. */
  async command(command: Command): Promise<void> {
    if (this.#isClosed) throw new TidemarkError('busy', 'cannot log command: the program is stopping');
    const payload = encodeCommand(command);
    const outcomes = await Promise.allSettled(this.#logs.map((log) => log.append(payload)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  #encode<T>(encode: (kernel: IntakeKernel) => T): T {
    try {
      return encode(this.kernel);
    } catch (error) {
      this.kernel.rollback();
      throw error;
    }
  }

  #bytesOf(tenant: string): Uint8Array {
    if (tenant !== this.#tenantText) {
      this.#tenantText = tenant;
      this.#tenantBytes = utf8(tenant) as Uint8Array<ArrayBuffer>;
    }
    return this.#tenantBytes;
  }

  /** Ends the segments of all shards now: what comes next is defined anew. */
  beginSegments(): void {
    for (let shard = 0; shard < this.#logs.length; shard++) this.#beginSegment(shard);
  }

  #beginSegment(shard: number): void {
    this.#logs[shard].rotate();
    this.#forget(shard);
  }

  /** What was defined for the shard's segment is void. */
  #forget(shard: number): void {
    this.kernel.rotate(shard);
    this.#lives[shard].reset();
  }

  #endSegments(nowMs: number): void {
    for (const [shard, log] of this.#logs.entries()) {
      const isFull = log.segmentBytes >= this.#settings.segmentBytesMax || this.kernel.needsRotate(shard);
      if (isFull || this.#lives[shard].isOver(nowMs)) this.#beginSegment(shard);
    }
  }

  /** Tells the kernel of the epochs that have passed. */
  #goOn(nowMs: number): void {
    const passed = Math.floor((nowMs - this.#epochStartMs) / EPOCH_MS);
    for (let i = 0; i < Math.min(passed, EPOCHS_MAX); i++) this.kernel.nextEpoch();
    this.#epochStartMs += passed * EPOCH_MS;
  }

  /** Refuses new requests and waits for those under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#logs.map((log) => log.close()));
  }
}
