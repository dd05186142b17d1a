// One destination of remote write: follows the logs of all shards, and sends what they say about the default tenant.
//
//   log ─► follower ─► decode ─► relabelled series ─► queues ─► requests
//
// The log is the buffer. A record whose samples are all settled (sent, refused or dropped) is done; the first place of each log
// before which all is done is kept in a file, so that after a restart sending goes on there: each sample is sent at least once,
// as long as the log has it. A destination without such a file begins with what is logged from now on, as Prometheus does.
import { InvariantError, type Logger, TidemarkError, errorText, utf8Text } from '../base/index.ts';
import type { Clock, Files, LogPosition } from '../io/index.ts';
import { type DecodedBatch, type SegmentState, decodeBatch, newSegmentState } from '../kernel/index.ts';
import { DEFAULT_TENANT, STALE_NAN_BITS } from '../model/index.ts';
import { type FollowedPiece, LogFollower, isCommand } from '../tsdb/index.ts';
import { type WireExemplar, type WireMetadata, compressSnappy, encodeRemoteWriteV1 } from '../wire/index.ts';
import type { LogMark, RemoteSample, WriteBatch } from './remote-write-batch.ts';
import { RemoteExemplars } from './remote-write-exemplars.ts';
import { SavedPlaces } from './remote-write-places.ts';
import { WriteQueues } from './remote-write-queue.ts';
import { SCALING_MS, ShardScaling } from './remote-write-scaling.ts';
import { type RemoteSeries, RemoteSeriesTable } from './remote-write-series.ts';
import {
  BATCH_BOUNDS_SECONDS,
  type DestinationMetrics,
  type DestinationSettings,
  type SendOutcome,
  destinationText,
} from './remote-write-settings.ts';
import { MetadataTable } from './remote-write-metadata.ts';

/** How soon new records are seen, and new segments opened even while queues are full. */
const POLL_MS = 100;
const FIND_MS = 1000;
const POSITION_MS = 5000;
/** Repeated trouble is logged so often. */
const COMPLAINT_MS = 60_000;

export interface DestinationParts {
  readonly settings: DestinationSettings;
  readonly files: Files;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Per shard, the end of its log: where to begin without a place of its own. */
  readonly ends: readonly LogPosition[];
  /** Sends a body once. Never rejects. */
  readonly send: (body: Uint8Array, attempt: number) => Promise<SendOutcome>;
}

interface Mark extends LogMark {
  readonly position: LogPosition;
}

/** What is known of one shard's log. */
interface Source {
  readonly follower: LogFollower;
  readonly series: RemoteSeriesTable;
  state: SegmentState;
  segment: number;
  /** The rest of the segment cannot be understood. */
  isBroken: boolean;
  /** Records that are not done, in order. */
  marks: Mark[];
  /** All before is done. */
  done: LogPosition;
}

export class RemoteWriteDestination {
  readonly #parts: DestinationParts;
  readonly #queues: WriteQueues;
  readonly #scaling: ShardScaling;
  readonly #metadata = new MetadataTable();
  readonly #stopping = new AbortController();
  readonly #timers: (() => void)[] = [];
  /** Aborted when there is no time left to flush. */
  readonly #giveUp = new AbortController();
  readonly #givenUp = new Promise<'given up'>((resolve) => {
    this.#giveUp.signal.addEventListener('abort', () => resolve('given up'), { once: true });
  });
  #sources: Source[] = [];
  #running: Promise<unknown> = Promise.resolve();
  readonly #places: SavedPlaces;
  /** When each text was logged last. */
  readonly #complainedMs = new Map<string, number>();
  #highestMs = 0;
  #highestSentMs = 0;
  #lastSentAtMs = 0;
  #pending = 0;
  #lostSegments = 0;
  readonly #counts = {
    samplesIn: 0,
    samples: 0,
    histograms: 0,
    exemplars: 0,
    metadata: 0,
    samplesFailed: 0,
    histogramsFailed: 0,
    exemplarsFailed: 0,
    metadataFailed: 0,
    samplesRetried: 0,
    metadataRetried: 0,
    droppedByRelabel: 0,
    droppedTooOld: 0,
    recordsUnread: 0,
    bytes: 0,
    metadataBytes: 0,
    sendingSeconds: 0,
  };
  readonly #batchCounts = new Array<number>(BATCH_BOUNDS_SECONDS.length + 1).fill(0);

  constructor(parts: DestinationParts) {
    this.#parts = parts;
    const { clock, settings } = parts;
    this.#queues = new WriteQueues({ clock, queue: settings.queue, send: (batch) => this.#sendBatch(batch) });
    this.#scaling = new ShardScaling(settings.queue);
    this.#places = new SavedPlaces(parts.files, settings, parts.logger);
  }

  /** Begins where it ended the last time, else with what is logged from now on. */
  async start(): Promise<void> {
    const { files, ends, settings } = this.#parts;
    const positions = (await this.#places.load(ends.length)) ?? ends;
    for (const [shard, from] of positions.entries()) {
      const follower = await LogFollower.start(files, shard, from);
      const series = new RemoteSeriesTable(settings);
      const state = newSegmentState();
      this.#sources.push({ follower, series, state, segment: -1, isBroken: false, marks: [], done: from });
    }
    this.#every(FIND_MS, () => this.#find());
    this.#every(POSITION_MS, () => this.#savePlaces());
    this.#every(SCALING_MS, async () => this.#scale());
    if (settings.version === 1 && settings.metadata.send && settings.metadata.sendIntervalMs > 0)
      this.#every(settings.metadata.sendIntervalMs, () => this.#sendMetadata());
    this.#running = Promise.all(this.#sources.map((source) => this.#follow(source)));
  }

  /** Sends what is logged so far, for `deadlineMs` at most, and ends. */
  async stop(deadlineMs: number): Promise<void> {
    const cancel = this.#parts.clock.after(deadlineMs, () => this.#giveUp.abort());
    this.#stopping.abort();
    for (const stop of this.#timers) stop();
    await this.#running;
    await this.#queues.drain();
    cancel();
    if (this.#giveUp.signal.aborted) {
      const text = 'remote write destination did not take all samples in time; they are sent after the next start';
      this.#parts.logger.warn(text, { remote: destinationText(this.#parts.settings) });
    }
    await this.#savePlaces();
    await Promise.all(this.#sources.map(({ follower }) => follower.close()));
  }

  #savePlaces(): Promise<void> {
    return this.#places.save(() => this.#sources.map(donePosition));
  }

  setMetadata(metadata: readonly WireMetadata[]): void {
    this.#metadata.set(metadata);
  }

  get #isOver(): boolean {
    return this.#giveUp.signal.aborted;
  }

  /** Calls back again and again until stop(). */
  #every(ms: number, work: () => Promise<void>): void {
    const { clock } = this.#parts;
    let cancel = () => {};
    const again = () => {
      cancel = clock.after(ms, () => {
        void work()
          .catch((error) => {
            if (error instanceof InvariantError) throw error;
            this.#complain('remote write goes on after an error', error);
          })
          .finally(() => {
            if (!this.#stopping.signal.aborted) again();
          });
      });
    };
    again();
    this.#timers.push(() => cancel());
  }

  async #find(): Promise<void> {
    await Promise.all(this.#sources.map(({ follower }) => follower.find()));
    const lost = this.#sources.reduce((sum, { follower }) => sum + follower.lostSegments, 0);
    if (lost > this.#lostSegments)
      this.#complain('log segments were removed before remote write had read them', `${lost} segments`);
    this.#lostSegments = lost;
  }

  #complain(text: string, error: unknown): void {
    const { clock, logger, settings } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.#complainedMs.get(text) ?? -Infinity) < COMPLAINT_MS) return;
    this.#complainedMs.set(text, nowMs);
    logger.warn(text, { remote: destinationText(settings), error: errorText(error) });
  }

  async #follow(source: Source): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stopping;
    while (!this.#isOver) {
      const isLast = signal.aborted;
      if (isLast) await source.follower.find();
      const piece = await this.#next(source);
      if (piece) await this.#take(source, piece);
      else if (isLast) return;
      else await clock.sleep(POLL_MS, signal).catch(() => {}); // it stops
    }
  }

  async #next({ follower }: Source): Promise<FollowedPiece | null> {
    try {
      return await follower.next();
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      this.#complain('cannot read the log for remote write', error);
      return null;
    }
  }

  async #take(source: Source, { segment, records }: FollowedPiece): Promise<void> {
    if (segment !== source.segment) {
      source.segment = segment;
      source.state = newSegmentState();
      source.isBroken = false;
      source.series.beginSegment(segment);
    }
    for (const { payload, end, isOld } of records) {
      if (this.#isOver) return;
      const mark: Mark = { left: 1, position: { segment, offset: end } };
      if (!isOld) source.marks.push(mark);
      const batch = isCommand(payload) || source.isBroken ? null : this.#decode(source, payload);
      if (batch && utf8Text(batch.tenant) === DEFAULT_TENANT) await this.#takeBatch(source, batch, mark, isOld);
      mark.left--;
    }
  }

  #decode(source: Source, payload: Uint8Array): DecodedBatch | null {
    try {
      return decodeBatch(payload, source.state);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      source.isBroken = true; // what it defined is missing from all that follows in the segment
      this.#counts.recordsUnread++;
      this.#complain('cannot read a record of the log for remote write', error);
      return null;
    }
  }

  async #takeBatch(source: Source, batch: DecodedBatch, mark: Mark, isOld: boolean): Promise<void> {
    const { refs, timesMs, valueBits, stale, histograms, started } = batch;
    const exemplars = new RemoteExemplars(this.#parts.settings.sendExemplars ? batch.exemplars : [], source.series);
    const { state, series, segment } = source;
    if (isOld) {
      for (const ref of refs) series.series(state, ref, segment); // stale marks may name them later
      for (const { ref } of [...histograms, ...started]) series.series(state, ref, segment);
      return;
    }
    for (let i = 0; i < refs.length; i++) {
      const one = series.series(state, refs[i], segment);
      const waiting = this.#add(one, timesMs[i], valueBits[i], 0, mark, exemplars.take(one));
      if (waiting) await waiting;
    }
    for (const { idLow, idHigh, timestampMs } of stale) {
      const ended = series.byId(idLow, idHigh);
      const waiting = ended && this.#add(ended, timestampMs, STALE_NAN_BITS, 0, mark);
      if (waiting) await waiting;
    }
    const { sendNativeHistograms } = this.#parts.settings;
    for (const { ref, timestampMs, bytes } of sendNativeHistograms ? histograms : []) {
      const one = series.series(state, ref, segment);
      const waiting = this.#add(one, timestampMs, bytes, 0, mark, exemplars.take(one));
      if (waiting) await waiting;
    }
    for (const { ref, timestampMs, startMs, value } of started) {
      if (typeof value !== 'bigint' && !sendNativeHistograms) continue;
      const one = series.series(state, ref, segment);
      const waiting = this.#add(one, timestampMs, value, startMs, mark, exemplars.take(one));
      if (waiting) await waiting;
    }
    for (const [one, own] of exemplars.left()) {
      const waiting = this.#add(one, own[own.length - 1].timestampMs ?? 0, null, 0, mark, own);
      if (waiting) await waiting;
    }
  }

  #add(
    series: RemoteSeries,
    timeMs: number,
    value: RemoteSample['value'],
    startMs: number,
    mark: Mark,
    exemplars: readonly WireExemplar[] = [],
  ): Promise<void> | null {
    this.#counts.samplesIn++;
    if (timeMs > this.#highestMs) this.#highestMs = timeMs;
    if (series.labels === null) {
      this.#counts.droppedByRelabel++;
      return null;
    }
    this.#pending++;
    mark.left++;
    return this.#queues.add({ series, timeMs, startMs, value, exemplars }, mark);
  }

  /** Sends a batch until it is taken or refused; false: the time to stop was over before. */
  async #sendBatch(batch: WriteBatch): Promise<boolean> {
    const { clock, settings } = this.#parts;
    const { sampleAgeLimitMs } = settings.queue;
    const startedMs = clock.monotonicMs();
    const counts = this.#counts;
    const minMs = sampleAgeLimitMs > 0 ? clock.nowMs() - sampleAgeLimitMs : -Infinity;
    const old = sampleAgeLimitMs > 0 ? batch.olderThan(minMs) : 0;
    const floats = batch.length - batch.histogramCount - batch.bareCount;
    counts.droppedTooOld += old;
    const outcome = old === batch.length ? null : await this.#sendUntil(this.#encoded(batch, minMs), floats - old);
    this.#pending -= batch.length;
    if (outcome === 'ok') {
      counts.samples += floats - old;
      counts.histograms += batch.histogramCount;
      counts.exemplars += batch.exemplarCount;
      if (batch.highestMs > this.#highestSentMs) this.#highestSentMs = batch.highestMs;
    } else if (outcome === 'refused') {
      counts.samplesFailed += floats - old;
      counts.histogramsFailed += batch.histogramCount;
      counts.exemplarsFailed += batch.exemplarCount;
    }
    if (outcome === 'given up') return false;
    this.#lastSentAtMs = clock.monotonicMs();
    this.#observe((this.#lastSentAtMs - startedMs) / 1000);
    return true;
  }

  #observe(seconds: number): void {
    this.#counts.sendingSeconds += seconds;
    const bucket = BATCH_BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    this.#batchCounts[bucket < 0 ? BATCH_BOUNDS_SECONDS.length : bucket]++;
  }

  #encoded(batch: WriteBatch, minMs: number): Uint8Array {
    const { settings } = this.#parts;
    const hasMetadata = settings.version === 2 && settings.metadata.send;
    const body = batch.encode(settings.version, minMs, hasMetadata ? this.#metadata.ofNames(batch.names()) : []);
    this.#counts.bytes += body.length;
    return body;
  }

  async #sendUntil(body: Uint8Array, samples: number): Promise<'ok' | 'refused' | 'given up'> {
    const { clock, send, settings } = this.#parts;
    const { minBackoffMs, maxBackoffMs } = settings.queue;
    const { signal } = this.#giveUp;
    let backoffMs = minBackoffMs;
    for (let attempt = 0; ; attempt++) {
      if (signal.aborted) return 'given up';
      const outcome = await Promise.race([send(body, attempt), this.#givenUp]);
      if (outcome === 'given up') return outcome;
      if (outcome.kind === 'ok') return 'ok';
      if (outcome.kind === 'refused') {
        this.#complain('remote write destination refused samples, which are not sent again', outcome.text);
        return 'refused';
      }
      this.#counts.samplesRetried += samples;
      this.#complain('remote write is repeated', outcome.text);
      await clock.sleep(outcome.afterMs > 0 ? outcome.afterMs : backoffMs, signal).catch(() => {}); // it is over
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
    }
  }

  async #sendMetadata(): Promise<void> {
    const { settings } = this.#parts;
    const all = this.#metadata.all();
    for (let from = 0; from < all.length; from += settings.metadata.maxSamplesPerSend) {
      const part = all.slice(from, from + settings.metadata.maxSamplesPerSend);
      const body = compressSnappy(encodeRemoteWriteV1([], part));
      this.#counts.metadataBytes += body.length;
      const outcome = await this.#sendUntil(body, 0);
      if (outcome === 'ok') this.#counts.metadata += part.length;
      else this.#counts.metadataFailed += part.length;
    }
  }

  #scale(): void {
    const { clock, settings } = this.#parts;
    const { samplesIn, droppedByRelabel, samples, histograms, samplesFailed, sendingSeconds } = this.#counts;
    const wanted = this.#scaling.tick(this.#queues.length, {
      samplesIn,
      samplesDropped: droppedByRelabel,
      samplesOut: samples + histograms + samplesFailed,
      sendingSeconds,
      behindSeconds: (this.#highestMs - this.#highestSentMs) / 1000,
    });
    const isSending = clock.monotonicMs() - this.#lastSentAtMs <= 2 * settings.queue.batchSendDeadlineMs + SCALING_MS;
    if (isSending) this.#queues.resize(wanted);
  }

  metrics(): DestinationMetrics {
    const { key, name, url } = this.#parts.settings;
    return {
      key,
      name,
      url,
      ...this.#counts,
      pending: this.#pending,
      enqueueRetries: this.#queues.fullCount,
      shards: this.#queues.length,
      shardsDesired: this.#scaling.desired,
      highestSeconds: this.#highestMs / 1000,
      highestSentSeconds: this.#highestSentMs / 1000,
      batchSeconds: { counts: [...this.#batchCounts], sum: this.#counts.sendingSeconds },
    };
  }
}

/** Where all before is done. */
function donePosition(source: Source): LogPosition {
  let done = 0;
  while (done < source.marks.length && source.marks[done].left === 0) source.done = source.marks[done++].position;
  if (done > 0) source.marks = source.marks.slice(done);
  return source.done;
}
