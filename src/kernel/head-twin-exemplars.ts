// The exemplars of a shard in plain TypeScript: the specification of kernels/head/exemplars.ts.
//
// - The bound of a section is in force from its beginning on. Beyond it, in number or in bytes, the oldest go, whatever their series.
// - Bytes are those of the head's memory: blocks of a size class for each exemplar, and for each series that has some.
// - An exemplar must follow the newest of its series, as in Prometheus: by time, then value, then the hash of its labels. The newest
//   one again is a duplicate; its time counts only if one of the two has a time of its own.
// - The first one of a series needs the series to be in the head. Its labels stay as long as it has exemplars.
import type { BatchExemplar } from './batch-twin-exemplars.ts';
import { type TwinLabel, byteText } from './intake-twin-labels.ts';
import { xxHash64 } from './xxhash.ts';

const BYTES_EACH = 1024;
const BYTES_MAX = 2 ** 29;
const EXEMPLAR_BYTES = 32;
const SERIES_BYTES = 32;

/** An exemplar that is kept. */
export interface TwinKept {
  readonly id: bigint;
  readonly tenant: string;
  readonly labels: readonly TwinLabel[];
  readonly timestampMs: number;
  readonly valueBits: bigint;
  readonly labelBytes: string;
}

interface Series {
  readonly tenant: string;
  readonly labels: readonly TwinLabel[];
  count: number;
  newest: BatchExemplar | null;
}

const floatOf = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0];

/** Bytes of the block that holds so many: 16, 24, 32, 48, 64, ... */
export function blockBytes(bytes: number): number {
  let size = 16;
  while (size < bytes) size = size % 3 === 0 ? (size / 3) * 4 : (size / 2) * 3;
  return size;
}

const varintBytes = (value: number): number => (value < 128 ? 1 : 1 + varintBytes(Math.floor(value / 128)));
const textBytes = (text: string): number => varintBytes(text.length) + text.length;

const seriesBytes = ({ tenant, labels }: Pick<Series, 'tenant' | 'labels'>): number =>
  blockBytes(
    SERIES_BYTES +
      textBytes(tenant) +
      varintBytes(labels.length) +
      labels.flat().reduce((sum, text) => sum + textBytes(text), 0),
  );

export class TwinExemplars {
  readonly counters = { appended: 0, duplicates: 0, outOfOrder: 0, unknown: 0, dropped: 0 };
  readonly #series = new Map<bigint, Series>();
  #queue: { id: bigint; exemplar: BatchExemplar }[] = [];
  bytes = 0;

  apply(
    max: number,
    exemplars: readonly BatchExemplar[],
    find: (idLow: bigint, idHigh: bigint) => Pick<Series, 'tenant' | 'labels'> | undefined,
  ): void {
    this.#trim(max);
    for (const exemplar of exemplars) {
      const { idLow, idHigh } = exemplar;
      const id = (idHigh << 64n) | idLow;
      let series = this.#series.get(id);
      if (series) {
        const problem = series.newest && problemOf(series.newest, exemplar);
        if (problem) {
          this.counters[problem]++;
          continue;
        }
      } else {
        const known = find(idLow, idHigh);
        if (!known) {
          this.counters.unknown++;
          continue;
        }
        series = { tenant: known.tenant, labels: known.labels, count: 0, newest: null };
        this.#series.set(id, series);
        this.bytes += seriesBytes(series);
      }
      series.count++;
      series.newest = exemplar;
      this.#queue.push({ id, exemplar });
      this.bytes += blockBytes(EXEMPLAR_BYTES + exemplar.labelBytes.length);
      this.counters.appended++;
      this.#trim(max);
    }
  }

  #trim(max: number): void {
    const bytesMax = Math.min(max * BYTES_EACH, BYTES_MAX);
    while (this.#queue.length > 0 && (this.#queue.length > max || this.bytes > bytesMax)) {
      const [{ id, exemplar }] = this.#queue.splice(0, 1);
      this.bytes -= blockBytes(EXEMPLAR_BYTES + exemplar.labelBytes.length);
      this.counters.dropped++;
      const series = this.#series.get(id);
      if (!series || --series.count > 0) continue;
      this.#series.delete(id);
      this.bytes -= seriesBytes(series);
    }
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  /** All, oldest first. */
  get kept(): TwinKept[] {
    return this.#queue.map(({ id, exemplar: { timestampMs, valueBits, labelBytes } }) => {
      const { tenant = '', labels = [] } = this.#series.get(id) ?? {};
      return { id, tenant, labels, timestampMs, valueBits, labelBytes: byteText(labelBytes) };
    });
  }
}

function problemOf(newest: BatchExemplar, next: BatchExemplar): 'duplicates' | 'outOfOrder' | null {
  const [before, value] = [floatOf(newest.valueBits), floatOf(next.valueBits)];
  const isTimed = newest.hasTime || next.hasTime;
  const isSame = byteText(newest.labelBytes) === byteText(next.labelBytes) && value === before;
  const timeDifference = next.timestampMs - newest.timestampMs;
  if (isSame && (!isTimed || timeDifference === 0)) return 'duplicates';
  if (timeDifference !== 0) return timeDifference < 0 ? 'outOfOrder' : null;
  if (value < before) return 'outOfOrder';
  return value === before && xxHash64(next.labelBytes) < xxHash64(newest.labelBytes) ? 'outOfOrder' : null;
}
