// The writing half of src/wire/prometheus-bits.ts, as the formats describe it: for tests that need chunks of every kind.

const WIDTHS = [0, 3, 6, 9, 12, 18, 25, 56, 64];

export class BitWriter {
  readonly #bytes: number[] = [];
  #free = 0;

  bits(value: bigint, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.bit(Number((BigInt.asUintN(64, value) >> BigInt(i)) & 1n));
  }

  bit(bit: number): void {
    if (this.#free === 0) {
      this.#bytes.push(0);
      this.#free = 8;
    }
    this.#free--;
    this.#bytes[this.#bytes.length - 1] |= bit << this.#free;
  }

  byte(value: number): void {
    this.bits(BigInt(value), 8);
  }

  /** `count` ones and a zero; without the zero where count is `max`. */
  ones(count: number, max: number): void {
    for (let i = 0; i < count; i++) this.bit(1);
    if (count < max) this.bit(0);
  }

  uvarint(value: bigint): void {
    let left = BigInt.asUintN(64, value);
    for (; left >= 128n; left >>= 7n) this.byte(Number(left & 127n) | 128);
    this.byte(Number(left));
  }

  varint(value: bigint): void {
    this.uvarint(value >= 0n ? value << 1n : ((-value - 1n) << 1n) | 1n);
  }

  varbitInt(value: bigint): void {
    const width = WIDTHS.findIndex((w) => w === 64 || (w === 0 ? value === 0n : fits(value, w)));
    this.ones(width, 8);
    this.bits(value, WIDTHS[width]);
  }

  varbitUint(value: bigint): void {
    const width = WIDTHS.findIndex((w) => w === 64 || value < 1n << BigInt(w));
    this.ones(width, 8);
    this.bits(value, WIDTHS[width]);
  }

  float(value: number): void {
    this.bits(floatBits(value), 64);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Whether a value lies in -(2^(width-1) - 1) ... 2^(width-1). */
export const fits = (value: bigint, width: number): boolean =>
  value > -(1n << BigInt(width - 1)) && value <= 1n << BigInt(width - 1);

const view = new DataView(new ArrayBuffer(8));

export function floatBits(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** The XOR of neighbouring floats, with the window of bits that is remembered. */
export class XorWriter {
  #previous: bigint;
  #leading = -1;
  #trailing = 0;

  constructor(first: bigint) {
    this.#previous = first;
  }

  get previous(): bigint {
    return this.#previous;
  }

  /** Calls one of three: the value is the same, fits the window of before, or needs a new one. */
  next(value: bigint, out: BitWriter, prefixes: { same: () => void; again: () => void; window: () => void }): void {
    const delta = value ^ this.#previous;
    this.#previous = value;
    if (delta === 0n) return prefixes.same();
    const text = delta.toString(2).padStart(64, '0');
    const leading = Math.min(31, text.indexOf('1'));
    const trailing = 63 - text.lastIndexOf('1');
    if (this.#leading >= 0 && leading >= this.#leading && trailing >= this.#trailing) {
      prefixes.again();
      out.bits(delta >> BigInt(this.#trailing), 64 - this.#leading - this.#trailing);
      return;
    }
    this.#leading = leading;
    this.#trailing = trailing;
    prefixes.window();
    const width = 64 - leading - trailing;
    out.bits(BigInt(leading), 5);
    out.bits(BigInt(width % 64), 6);
    out.bits(delta >> BigInt(trailing), width);
  }

  /** As XOR chunks and histograms write it: 0, 10, 11. */
  plain(value: bigint, out: BitWriter): void {
    const same = () => out.bit(0);
    this.next(value, out, { same, again: () => out.bits(2n, 2), window: () => out.bits(3n, 2) });
  }
}
