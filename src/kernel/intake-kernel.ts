// The intake: bytes of remote write in, batches for the log out, one per shard (docs/formats/batch.md). Two
// implementations: the kernel in kernels/intake (WebAssembly, intake-wasm.ts) and its twin in intake-twin.ts (plain
// TypeScript), which is its specification.
//
// It keeps, per shard, the dictionary of the log's open segment: which symbols and series the segment has defined. So
// batches of a shard must be logged in the order in which they were made, rotate(shard) must be called when the log
// begins a segment, and rollback() when a batch could not be logged. One request at a time:
//
//   beginRequest(tenant) -> remoteWrite1(body) -> batch(0..n-1), counters -> [rollback()]
//
// For tenants with a limit of active series it also keeps the ids of those, across segments: a series counts from its
// first sample on, and until no segment has defined it for three whole epochs (nextEpoch). The host ends segments at
// least every two epochs, so that series which go on are defined again in time.

/** Why a request is refused as a whole. Nothing of it stays. */
export const INTAKE_CODES = {
  ok: 0,
  snappyCorrupt: -1,
  tooLarge: -2,
  malformed: -3,
  outOfMemory: -4,
  /**
   * It refers to its own symbols so often that they expand to more than 512 MiB, has more than 2^21 of them, or makes a batch of more
   * than 40 MiB: samples without fields and histograms of small differences are longer there.
   */
  tooExpensive: -5,
} as const;
/** What the kernel answers to a body: one of INTAKE_CODES. */
export type IntakeCode = (typeof INTAKE_CODES)[keyof typeof INTAKE_CODES];

/** Why something is refused, at its number: too_old, too_new, time_out_of_range, series_limit and those of histograms count samples, the others series. */
export const INTAKE_REASONS = [
  'none',
  'no_metric_name',
  'empty_label_name',
  'duplicate_label_name',
  'invalid_utf8',
  'too_many_labels',
  'label_name_too_long',
  'label_value_too_long',
  'too_old',
  'too_new',
  'time_out_of_range',
  'bad_symbol_ref',
  'odd_label_refs',
  'no_samples',
  'labels_too_long',
  'series_limit',
  'histogram_schema',
  'histogram_span_offset',
  'histogram_spans',
  'histogram_negative',
  'histogram_count_small',
  'histogram_count_differs',
  'histogram_bounds',
  'histogram_bounds_few',
  'histogram_custom',
  'histogram_exponential_bounds',
  'histogram_range',
] as const;
/** One of INTAKE_REASONS. */
export type IntakeReason = (typeof INTAKE_REASONS)[number];

/** What a process' intake is made with. */
export interface IntakeOptions {
  /** 1..64, the same for the life of a data directory. */
  readonly shards: number;
  /** 32 secret bytes, kept with the data directory: they make the ids of series. */
  readonly key: Uint8Array;
  /** Above either, needsRotate(shard) says true. */
  readonly seriesPerShardMax?: number;
  readonly symbolBytesPerShardMax?: number;
  /** Aliases kept: label sets in a form that is not canonical, and those of remote write 2.0. */
  readonly aliasesMax?: number;
}

/** Limits of a request. Series that their segment knows are not checked again when limits shrink. */
export interface IntakeLimits {
  /** Of the decoded body. */
  readonly decodedBytesMax: number;
  /** At most 4096. */
  readonly labelCountMax: number;
  readonly nameBytesMax: number;
  readonly valueBytesMax: number;
  /** Of all names and values of a series together; at most 2^20. */
  readonly labelBytesMax: number;
  /** Of the tenant; beyond it series that are not active are refused. Infinity: no limit, and they are not counted. */
  readonly activeSeriesMax: number;
  /** Timestamps outside are refused, and such beyond ±(2^53 - 1) always. */
  readonly minTimestampMs: number;
  readonly maxTimestampMs: number;
  /** Remote write 2.0: metadata rows for all series, not only for those new to their segment. */
  readonly allMetadata?: boolean;
}

/** Generous limits, for tests and tools. */
export const INTAKE_LIMITS_DEFAULT: IntakeLimits = {
  decodedBytesMax: 32 << 20,
  labelCountMax: 256,
  nameBytesMax: 1024,
  valueBytesMax: 65536,
  labelBytesMax: 1 << 20,
  activeSeriesMax: Infinity,
  minTimestampMs: -Number.MAX_SAFE_INTEGER,
  maxTimestampMs: Number.MAX_SAFE_INTEGER,
};

/** Why exemplars are refused. */
export const EXEMPLAR_REASONS = ['labels_too_long', 'bad_labels', 'time_out_of_range'] as const;
/** One of EXEMPLAR_REASONS. */
export type ExemplarReason = (typeof EXEMPLAR_REASONS)[number];

/** What became of a request. */
export interface IntakeCounters {
  /** Float samples in the batches. */
  readonly samples: number;
  /** Series that the batches define. */
  readonly seriesNew: number;
  /** Native histograms in the batches, stale ones among them. */
  readonly histograms: number;
  /** Exemplars in the batches. */
  readonly exemplars: number;
  /** Exemplars refused: labels too long, malformed labels, a time out of range. */
  readonly exemplarsRefused: Readonly<Record<ExemplarReason, number>>;
  readonly samplesRefused: number;
  /** Series or samples refused, by reason; reasons that did not occur are left out. */
  readonly refused: Readonly<Partial<Record<IntakeReason, number>>>;
  /** The same in samples; a series without samples counts nothing. */
  readonly refusedSamples: Readonly<Partial<Record<IntakeReason, number>>>;
  /** The first of the refusals, at most 8. */
  readonly refusals: readonly IntakeRefusal[];
  /** Metadata rows that did not fit. */
  readonly metadataLeftOut: number;
}

/** Where something was refused. */
export interface IntakeRefusal {
  readonly reason: IntakeReason;
  /** The how-manieth series of the request, from 0. */
  readonly seriesIndex: number;
  /** Its message in the decoded body. */
  readonly offset: number;
  readonly length: number;
}

/** Bytes of a label's name and value as they were sent, valid or not. */
export type IntakeLabel = readonly [name: Uint8Array, value: Uint8Array];

/** Metadata of a metric as the request states it; the texts may be malformed UTF-8 and are up to the host to bound. */
export interface IntakeMetadata {
  /** Number of the format's own enum: 1.0 and 2.0 agree. */
  readonly type: number;
  readonly name: Uint8Array;
  readonly help: Uint8Array;
  readonly unit: Uint8Array;
}

/** One instance per process. Not re-entrant. Views are valid until the next call that takes input. */
export interface IntakeKernel {
  readonly shards: number;
  /** Begins a request: the batches are empty, a rollback is no longer possible. */
  beginRequest(tenant: Uint8Array): void;
  /** How many exemplars each shard keeps; 0, and before the first call: none is taken. Not within a request. */
  setExemplarsMax(perShard: number): void;
  /** The limits of what other parts of the module fill in; remoteWrite1 and 2 bring theirs. */
  setLimits(limits: IntakeLimits): void;
  /** Takes a body of remote write 1.0 (snappy). A code other than ok: nothing of the request stays. */
  remoteWrite1(body: Uint8Array, limits: IntakeLimits): IntakeCode;
  /** The same for 2.0. */
  remoteWrite2(body: Uint8Array, limits: IntakeLimits): IntakeCode;
  /** Makes the batches of a request that other parts of the module filled, such as a scrape (exposition-scrape.ts). */
  finish(): IntakeCode;
  /** The shard's batch; empty if the request has nothing for it. */
  batch(shard: number): Uint8Array;
  /** Samples in the shard's batch, histograms among them. */
  batchSamples(shard: number): number;
  readonly counters: IntakeCounters;
  /** The first `countMax` labels of counters.refusals[index], in the sender's order: those that could be read. Of remote write only. */
  refusedLabels(index: number, countMax: number): IntakeLabel[];
  /** Metric metadata that the request brought, at most 4096 rows. */
  metadata(): IntakeMetadata[];
  /** Bytes [offset, offset + length) of the decoded body, for messages about it. */
  body(offset: number, length: number): Uint8Array;
  /** Forgets what the request defined: its batches were not logged. Until the next beginRequest. */
  rollback(): void;
  /** The shard's log begins a new segment. Not between remoteWrite and the append of its batch. */
  rotate(shard: number): void;
  needsRotate(shard: number): boolean;
  seriesCount(shard: number): number;
  /** Active series of a tenant, as far as they are counted. */
  activeSeries(tenant: Uint8Array): number;
  /** Time goes on by an epoch. Not within a request. */
  nextEpoch(): void;
  dictionaryBytes(shard: number): number;
}
