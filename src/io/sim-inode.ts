// A file's content on the simulated disk: what programs see (`bytes`), what the medium surely has (`#durable`), and the
// writes since the last sync in between (`#pending`). A sector of 512 bytes is written whole or not at all, and holds what
// it held after some number of those writes: none, all, or any between, each sector for itself.
//
//   pending   write 0 ──── write 1 ──── write 2
//   sector 7     v0  ──────── v1                      after a crash sector 7 is durable, v0 or v1
//   sector 8                  v1  ──────── v2         and sector 8 is durable, v1 or v2, whatever sector 7 is
import type { SimRandom } from './sim-random.ts';

const SECTOR_BYTES = 512;

interface PendingWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Size of the file afterwards. */
  readonly sizeBytes: number;
}

/** Bytes that grow. What is beyond the end is zero. */
class Content {
  buffer = new Uint8Array(0);
  sizeBytes = 0;

  resize(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) this.buffer.fill(0, sizeBytes, this.sizeBytes);
    if (sizeBytes > this.buffer.length) {
      const bigger = new Uint8Array(Math.max(sizeBytes, this.buffer.length * 2));
      bigger.set(this.buffer);
      this.buffer = bigger;
    }
    this.sizeBytes = sizeBytes;
  }

  write(bytes: Uint8Array, offset: number): void {
    if (offset + bytes.length > this.sizeBytes) this.resize(offset + bytes.length);
    this.buffer.set(bytes, offset);
  }

  view(): Uint8Array {
    return this.buffer.subarray(0, this.sizeBytes);
  }
}

export class SimInode {
  readonly kind = 'file';
  modifiedMs = 0;
  openCount = 0;
  linkCount = 0;
  readonly #seen = new Content();
  readonly #durable = new Content();
  #pending: PendingWrite[] = [];

  get sizeBytes(): number {
    return this.#seen.sizeBytes;
  }

  /** What programs see. Valid until the next change. */
  view(): Uint8Array {
    return this.#seen.view();
  }

  write(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    this.#seen.write(bytes, offset);
    this.#pending.push({ offset, bytes: bytes.slice(), sizeBytes: this.#seen.sizeBytes });
  }

  /** To the medium, a cut is zeros where the end was and another size. */
  truncate(sizeBytes: number): void {
    const zeros = new Uint8Array(Math.max(0, this.#seen.sizeBytes - sizeBytes));
    this.#seen.resize(sizeBytes);
    this.#pending.push({ offset: sizeBytes, bytes: zeros, sizeBytes });
  }

  /** A point in the file's history, to be made durable later. */
  syncPoint(): PendingWrite | undefined {
    return this.#pending.at(-1);
  }

  /** Makes everything up to a point durable. */
  sync(point: PendingWrite | undefined): void {
    const count = point === undefined ? 0 : this.#pending.indexOf(point) + 1;
    for (const { offset, bytes, sizeBytes } of this.#pending.slice(0, count)) {
      this.#durable.write(bytes, offset);
      this.#durable.resize(sizeBytes);
    }
    this.#pending = this.#pending.slice(count);
  }

  /** What a failed sync does on Linux: some of it is written, the rest is forgotten; the next sync will not try again. */
  failSync(random: SimRandom): void {
    this.#settle(random);
  }

  /** Power loss: from now on programs see what the medium kept. */
  crash(random: SimRandom): void {
    this.#settle(random);
    this.#seen.resize(0);
    this.#seen.write(this.#durable.view(), 0);
    this.openCount = 0;
  }

  #settle(random: SimRandom): void {
    const pending = this.#pending;
    this.#pending = [];
    if (pending.length === 0) return;
    const sizeBefore = this.#durable.sizeBytes;
    const keepsUpTo = chooseVersions(random, pending.length);
    const kept = new Map<number, number>();
    let dataEnd = 0;
    for (const [index, { offset, bytes }] of pending.entries()) {
      for (let at = offset; at < offset + bytes.length; ) {
        const sector = Math.floor(at / SECTOR_BYTES);
        const end = Math.min((sector + 1) * SECTOR_BYTES, offset + bytes.length);
        if (!kept.has(sector)) kept.set(sector, keepsUpTo());
        if (index < (kept.get(sector) as number)) {
          this.#durable.write(bytes.subarray(at - offset, end - offset), at);
          dataEnd = Math.max(dataEnd, end);
        }
        at = end;
      }
    }
    const last = pending[keepsUpTo() - 1];
    const isAllKept = kept.values().every((count) => count === pending.length) && last === pending.at(-1);
    this.#durable.resize(isAllKept ? last.sizeBytes : chooseSize(random, sizeBefore, dataEnd, last));
  }

  /** Flips one bit where the medium holds it, as age does. */
  flipBit(offset: number, bit: number): void {
    for (const content of [this.#seen, this.#durable]) {
      if (offset < content.sizeBytes) content.buffer[offset] ^= 1 << bit;
    }
  }
}

// How many writes of `count` a sector keeps: the same for all (none, all, the first k), or each for itself.
function chooseVersions(random: SimRandom, count: number): () => number {
  const fixed = [0, count, random.below(count + 1)][random.below(5)];
  return () => fixed ?? random.below(count + 1);
}

// The size is written by itself: it may have stayed, follow the data, or be ahead of it (with zeros in between).
function chooseSize(random: SimRandom, sizeBefore: number, dataEnd: number, last: PendingWrite | undefined): number {
  const dataSize = Math.max(sizeBefore, dataEnd);
  return last === undefined ? random.pick([sizeBefore, dataSize]) : random.pick([sizeBefore, dataSize, last.sizeBytes]);
}
