// A file that lines are appended to: logs that a configuration names. Lines wait in memory while the disk is slow, up to a limit; what
// is beyond is left out and counted. The end of the file is looked up before each write, so that a tool may cut it meanwhile.
import { type Logger, errorText, utf8 } from '../base/index.ts';
import type { Files, OpenFile } from '../io/index.ts';

/** Waiting for the disk. */
const WAITING_BYTES_MAX = 8 << 20;

export class LineFile {
  readonly path: string;
  readonly #files: Files;
  readonly #logger: Logger;
  #file: OpenFile | null = null;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #hasFailed = false;
  #writing: Promise<void> | null = null;

  /** `files` is rooted at '/', `path` absolute. */
  constructor(path: string, files: Files, logger: Logger) {
    this.path = path;
    this.#files = files;
    this.#logger = logger;
  }

  write(line: string): void {
    const bytes = utf8(`${line}\n`);
    if (this.#waitingBytes + bytes.length > WAITING_BYTES_MAX) {
      this.#lost++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing ??= this.#drain().finally(() => (this.#writing = null));
  }

  /** The next line opens the file anew: it may have been moved away. */
  async reopen(): Promise<void> {
    await this.#writing;
    await this.#file?.close().catch(() => {}); // nothing is left to be written
    this.#file = null;
    this.#hasFailed = false;
  }

  /** Resolves when all lines are in the file. */
  async close(): Promise<void> {
    await this.reopen();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const bytes = Buffer.concat(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        this.#file ??= await this.#files.open(this.path.slice(1), 'write');
        await this.#file.write(bytes, await this.#file.size());
        if (this.#lost > 0) this.#logger.warn('lines of a log left out', { path: this.path, lines: this.#lost });
        this.#lost = 0;
      } catch (error) {
        if (!this.#hasFailed) this.#logger.error('cannot write log', { path: this.path, error: errorText(error) });
        this.#hasFailed = true; // said once, until it is opened anew
      }
    }
  }
}
