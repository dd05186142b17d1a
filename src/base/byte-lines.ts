// Lines of a stream of bytes that comes in pieces.
import { TidemarkError } from './errors.ts';

const LINE_FEED = 10;

/** Cuts pieces into lines. */
export class ByteLines {
  readonly #lineBytesMax: number;
  #pieces: Uint8Array[] = [];
  #byteCount = 0;

  /** A line longer than `lineBytesMax` is refused. */
  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The lines that `piece` completes, without their line feeds. Throws TidemarkError `body_too_large`. */
  *push(piece: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (;;) {
      const end = piece.indexOf(LINE_FEED, start);
      this.#keep(piece.subarray(start, end < 0 ? piece.length : end));
      if (end < 0) return;
      start = end + 1;
      const line = this.#pieces.length === 1 ? this.#pieces[0] : joined(this.#pieces, this.#byteCount);
      this.#pieces = [];
      this.#byteCount = 0;
      yield line;
    }
  }

  #keep(bytes: Uint8Array): void {
    this.#byteCount += bytes.length;
    if (this.#byteCount > this.#lineBytesMax)
      throw new TidemarkError('body_too_large', `cannot read line: it is longer than ${this.#lineBytesMax} bytes`);
    this.#pieces.push(bytes);
  }
}

function joined(pieces: readonly Uint8Array[], byteCount: number): Uint8Array {
  const all = new Uint8Array(byteCount);
  let offset = 0;
  for (const piece of pieces) {
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}
