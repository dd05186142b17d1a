// The intake kernel as a class: numbers and addresses of kernels/intake become views and counters.
import { invariant, TidemarkError } from '../base/index.ts';
import { COUNTER_WORDS, readCounters } from './intake-counters.ts';
import {
  INTAKE_CODES,
  type IntakeCode,
  type IntakeCounters,
  type IntakeKernel,
  type IntakeLabel,
  type IntakeLimits,
  type IntakeMetadata,
  type IntakeOptions,
} from './intake-kernel.ts';

/** What kernels/intake/index.ts exports for remote write. */
interface IntakeExports {
  readonly memory: WebAssembly.Memory;
  intakeInit(shards: number, seriesMax: number, symbolBytesMax: number, aliasesMax: number): number;
  intakeInput(bytes: number): number;
  intakeTenant(bytes: number): number;
  intakeLimits(
    decoded: number,
    labels: number,
    name: number,
    value: number,
    labelBytes: number,
    activeSeries: number,
    minMs: number,
    maxMs: number,
  ): void;
  intakeExemplars(perShardMax: number): void;
  intakeBegin(tenantBytes: number): void;
  intakeWrite1(length: number): number;
  intakeWrite2(length: number, allMetadata: number): number;
  intakeFinish(): number;
  intakeUndo(): void;
  intakeRotate(shard: number): void;
  intakeNeedsRotate(shard: number): number;
  intakeBatch(shard: number): number;
  intakeBatchBytes(shard: number): number;
  intakeBatchSamples(shard: number): number;
  intakeRefusedLabels(index: number): number;
  intakeLabelRows(): number;
  intakeActiveSeries(tenantBytes: number): number;
  intakeNextEpoch(): void;
  intakeSeries(shard: number): number;
  intakeDictionaryBytes(shard: number): number;
  intakeCounters(): number;
  intakeMetadata(): number;
  intakeBody(): number;
  intakeMemoryBytes(): number;
}

const METADATA_ROWS = 5;
const METADATA_ROW_WORDS = 7;
const LABEL_ROW_WORDS = 4;
const UNLIMITED = 0xffffffff;

/** The kernel in WebAssembly. `exports`: for the wrappers of the module's other parts, on the same instance. */
export interface IntakeWasmKernel extends IntakeKernel {
  readonly exports: Readonly<Record<string, unknown>>;
  /** Bytes of its memory in use; memory never shrinks. */
  memoryBytes(): number;
}

/** Instantiates kernels/intake. Throws TidemarkError `out_of_memory`. */
export function createIntakeWasm(module: WebAssembly.Module, options: IntakeOptions): IntakeWasmKernel {
  const instance = new WebAssembly.Instance(module, {});
  return new IntakeWasm(instance.exports as unknown as IntakeExports, options);
}

class IntakeWasm implements IntakeWasmKernel {
  readonly shards: number;
  readonly #kernel: IntakeExports;
  #bytes: Uint8Array;
  #limits: IntakeLimits | undefined;

  constructor(kernel: IntakeExports, options: IntakeOptions) {
    const { shards, key, seriesPerShardMax, symbolBytesPerShardMax, aliasesMax } = options;
    invariant(Number.isInteger(shards) && shards >= 1 && shards <= 64, 'shards must be 1..64', shards);
    invariant(key.length === 32, 'the intake key must have 32 bytes', key.length);
    this.#kernel = kernel;
    this.#bytes = new Uint8Array(kernel.memory.buffer);
    this.shards = shards;
    this.#put(kernel.intakeInput(32), key);
    const code = kernel.intakeInit(
      shards,
      seriesPerShardMax ?? UNLIMITED,
      symbolBytesPerShardMax ?? UNLIMITED,
      aliasesMax ?? 1 << 20,
    );
    if (code < 0) throw outOfMemory();
  }

  /** Memory as it is now: growth replaces the buffer. */
  #memory(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#kernel.memory.buffer);
    return this.#bytes;
  }

  #view(address: number, length: number): Uint8Array {
    return this.#memory().subarray(address >>> 0, (address >>> 0) + length);
  }

  #put(address: number, bytes: Uint8Array): void {
    if (address === 0) throw outOfMemory();
    this.#memory().set(bytes, address >>> 0);
  }

  setLimits(limits: IntakeLimits): void {
    if (limits === this.#limits) return;
    this.#kernel.intakeLimits(
      limits.decodedBytesMax,
      limits.labelCountMax,
      limits.nameBytesMax,
      limits.valueBytesMax,
      limits.labelBytesMax,
      Math.min(limits.activeSeriesMax, UNLIMITED),
      limits.minTimestampMs,
      limits.maxTimestampMs,
    );
    this.#limits = limits;
  }

  setExemplarsMax(perShard: number): void {
    this.#kernel.intakeExemplars(perShard);
  }

  beginRequest(tenant: Uint8Array): void {
    this.#put(this.#kernel.intakeTenant(tenant.length), tenant);
    this.#kernel.intakeBegin(tenant.length);
  }

  #input(body: Uint8Array, limits: IntakeLimits): boolean {
    this.setLimits(limits);
    const address = this.#kernel.intakeInput(body.length);
    if (address === 0) return false;
    this.#put(address, body);
    return true;
  }

  remoteWrite1(body: Uint8Array, limits: IntakeLimits): IntakeCode {
    if (!this.#input(body, limits)) return INTAKE_CODES.outOfMemory;
    return this.#kernel.intakeWrite1(body.length) as IntakeCode;
  }

  remoteWrite2(body: Uint8Array, limits: IntakeLimits): IntakeCode {
    if (!this.#input(body, limits)) return INTAKE_CODES.outOfMemory;
    return this.#kernel.intakeWrite2(body.length, limits.allMetadata ? 1 : 0) as IntakeCode;
  }

  get exports(): Readonly<Record<string, unknown>> {
    return this.#kernel as unknown as Readonly<Record<string, unknown>>;
  }

  finish(): IntakeCode {
    return this.#kernel.intakeFinish() as IntakeCode;
  }

  batch(shard: number): Uint8Array {
    const length = this.#kernel.intakeBatchBytes(shard);
    return this.#view(this.#kernel.intakeBatch(shard), length);
  }

  batchSamples(shard: number): number {
    return this.#kernel.intakeBatchSamples(shard);
  }

  #words(address: number, count: number): Uint32Array {
    return new Uint32Array(this.#kernel.memory.buffer, address >>> 0, count);
  }

  get counters(): IntakeCounters {
    return readCounters(this.#words(this.#kernel.intakeCounters(), COUNTER_WORDS));
  }

  refusedLabels(index: number, countMax: number): IntakeLabel[] {
    const count = Math.min(this.#kernel.intakeRefusedLabels(index), countMax);
    const words = this.#words(this.#kernel.intakeLabelRows(), count * LABEL_ROW_WORDS);
    return Array.from({ length: count }, (_, i): IntakeLabel => {
      const [nameAt, name, valueAt, value] = words.subarray(i * LABEL_ROW_WORDS);
      return [this.#view(nameAt, name), this.#view(valueAt, value)];
    });
  }

  metadata(): IntakeMetadata[] {
    const count = this.#words(this.#kernel.intakeCounters(), COUNTER_WORDS)[METADATA_ROWS];
    const words = this.#words(this.#kernel.intakeMetadata(), count * METADATA_ROW_WORDS);
    return Array.from({ length: count }, (_, i) => {
      const [type, nameAt, name, helpAt, help, unitAt, unit] = words.subarray(i * METADATA_ROW_WORDS);
      return { type, name: this.body(nameAt, name), help: this.body(helpAt, help), unit: this.body(unitAt, unit) };
    });
  }

  body(offset: number, length: number): Uint8Array {
    return this.#view((this.#kernel.intakeBody() >>> 0) + offset, length);
  }

  rollback(): void {
    this.#kernel.intakeUndo();
  }

  rotate(shard: number): void {
    this.#kernel.intakeRotate(shard);
  }

  needsRotate(shard: number): boolean {
    return this.#kernel.intakeNeedsRotate(shard) !== 0;
  }

  seriesCount(shard: number): number {
    return this.#kernel.intakeSeries(shard);
  }

  activeSeries(tenant: Uint8Array): number {
    this.#put(this.#kernel.intakeInput(tenant.length), tenant);
    return this.#kernel.intakeActiveSeries(tenant.length);
  }

  nextEpoch(): void {
    this.#kernel.intakeNextEpoch();
  }

  memoryBytes(): number {
    return this.#kernel.intakeMemoryBytes() >>> 0;
  }

  dictionaryBytes(shard: number): number {
    return this.#kernel.intakeDictionaryBytes(shard) >>> 0;
  }
}

const outOfMemory = (): TidemarkError =>
  new TidemarkError('out_of_memory', 'cannot take a request: the memory of the intake kernel is full');
