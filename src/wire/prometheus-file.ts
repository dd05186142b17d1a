// A file of a Prometheus block, read through a window that moves along: sections are mostly read from front to back, so one range
// read serves many of them.
import { type TidemarkError, corruptError, errorText, isCorrupt } from '../base/index.ts';
import type { Files, OpenFile } from '../io/index.ts';

const WINDOW_BYTES = 1 << 20;

/** An open file with a window of its bytes in memory. */
export class WindowedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #file: OpenFile;
  #window = new Uint8Array(0);
  #start = 0;

  private constructor(file: OpenFile, path: string, sizeBytes: number) {
    this.#file = file;
    this.path = path;
    this.sizeBytes = sizeBytes;
  }

  static async open(files: Files, path: string): Promise<WindowedFile> {
    const file = await files.open(path, 'read');
    return new WindowedFile(file, path, await file.size());
  }

  /** Bytes [offset, offset + length) if the window has them, else undefined: most calls need no turn of the event loop. */
  peek(offset: number, length: number): Uint8Array | undefined {
    const at = offset - this.#start;
    return at >= 0 && at + length <= this.#window.length ? this.#window.subarray(at, at + length) : undefined;
  }

  /** Bytes [offset, offset + length), valid until the next call. Throws a corrupt error beyond the end. */
  async bytes(offset: number, length: number): Promise<Uint8Array> {
    return this.peek(offset, length) ?? this.#load(offset, length);
  }

  /** As bytes(), but as many as there are up to the end. */
  async bytesUpTo(offset: number, lengthMax: number): Promise<Uint8Array> {
    return this.bytes(offset, Math.max(0, Math.min(lengthMax, this.sizeBytes - offset)));
  }

  async #load(offset: number, length: number): Promise<Uint8Array> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.sizeBytes)) {
      throw this.corrupt(offset, `${length} bytes are wanted and the file ends at ${this.sizeBytes}`);
    }
    const window = new Uint8Array(Math.min(Math.max(length, WINDOW_BYTES), this.sizeBytes - offset));
    const got = await this.#file.read(window, offset);
    this.#window = window.subarray(0, got);
    this.#start = offset;
    if (got < length) throw this.corrupt(offset, `${length} bytes are wanted and ${got} are there`);
    return this.#window.subarray(0, length);
  }

  /** A corrupt error that names the file and the place. */
  corrupt(offset: number, fact: string, cause?: unknown): TidemarkError {
    return corruptError(`cannot read ${this.path} at offset ${offset}: ${fact}`, cause);
  }

  /** Runs a decoder; what it finds corrupt is told with the file and the place. */
  decode<T>(offset: number, decoder: () => T): T {
    try {
      return decoder();
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      throw this.corrupt(offset, errorText(error), error);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
