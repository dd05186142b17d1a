// Which queries were running when the process died. Those that run for longer than a moment are in the file `queries.active`; it is
// written beside the log without being synced: it is to survive the death of the process, not of the machine. What is found in it at
// the start is refused for a while, so that a query that takes the process down does so once.
//
//   file     one JSON object, padded with spaces to the length it had before
//   running  [{tenant, text, length, startedMs}]     begun, not ended
//   refused  the same with untilMs                   found at an earlier start
import { type Logger, TidemarkError, errorText, utf8Text } from '../base/index.ts';
import type { Clock, Files, OpenFile } from '../io/index.ts';

export const JOURNAL_FILE = 'queries.active';
/**
 * Queries that end within this time never touch the file; and it is written no oftener. What a dashboard asks is answered sooner: it
 * must not be refused because somebody else ended the process.
 */
const JOURNAL_MS = 1000;
/** Of longer texts this much is kept, and the length. */
const TEXT_MAX = 16_384;
const REFUSED_MAX = 100;

interface Entry {
  readonly tenant: string;
  readonly text: string;
  readonly length: number;
  readonly startedMs: number;
}

interface Refused extends Entry {
  readonly untilMs: number;
}

interface Running extends Entry {
  readonly sinceMs: number;
  isWritten: boolean;
}

export interface QueryJournalOptions {
  /** Of the data directory. */
  readonly files: Files;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0: nothing is refused. */
  readonly refuseMs: number;
}

const clipped = (text: string): string => (text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) : text);

export class QueryJournal {
  readonly #options: QueryJournalOptions;
  readonly #running = new Map<number, Running>();
  #refused: Refused[] = [];
  #file: OpenFile | null = null;
  #length = 0;
  #cancelTimer: (() => void) | null = null;
  #isDirty = false;
  #writing: Promise<void> | null = null;
  #isClosed = false;

  private constructor(options: QueryJournalOptions) {
    this.#options = options;
  }

  /** Reads what the process before left. A file that cannot be read or written costs no query. */
  static async open(options: QueryJournalOptions): Promise<QueryJournal> {
    const journal = new QueryJournal(options);
    const { files, logger } = options;
    try {
      if (await files.exists(JOURNAL_FILE)) journal.#takeOver(await files.readFile(JOURNAL_FILE));
      await files.remove(JOURNAL_FILE);
      journal.#file = await files.open(JOURNAL_FILE, 'create');
      if (journal.#refused.length > 0) await journal.#write();
    } catch (error) {
      logger.warn('cannot keep the journal of queries', { file: JOURNAL_FILE, error: errorText(error) });
    }
    return journal;
  }

  #takeOver(bytes: Uint8Array): void {
    const { clock, logger, refuseMs } = this.#options;
    const nowMs = clock.nowMs();
    const { running, refused } = parseJournal(bytes);
    const found = refuseMs === 0 ? [] : running.map((entry) => ({ ...entry, untilMs: nowMs + refuseMs }));
    for (const { tenant, text, untilMs } of found) {
      const until = new Date(untilMs).toISOString();
      logger.warn('query was running when the process died, it is refused', {
        tenant,
        query: text.slice(0, 500),
        until,
      });
    }
    this.#refused = [...found, ...refused].filter(({ untilMs }) => untilMs > nowMs).slice(0, REFUSED_MAX);
  }

  /** Why a query is refused; null: it is not. */
  refusal(tenant: string, query: string): TidemarkError | null {
    if (this.#refused.length === 0) return null;
    const text = clipped(query);
    const found = this.#refused.find(
      (each) => each.tenant === tenant && each.length === query.length && each.text === text,
    );
    if (!found || found.untilMs <= this.#options.clock.nowMs()) return null;
    const [started, until] = [found.startedMs, found.untilMs].map((ms) => new Date(ms).toISOString());
    const fact = `it was running, since ${started}, when the server died`;
    return new TidemarkError('execution', `cannot execute query: ${fact}; refused until ${until} unless it is changed`);
  }

  begin(id: number, tenant: string, query: string): void {
    if (!this.#file || this.#isClosed) return;
    const { clock } = this.#options;
    const [startedMs, sinceMs] = [clock.nowMs(), clock.monotonicMs()];
    this.#running.set(id, { tenant, text: query, length: query.length, startedMs, sinceMs, isWritten: false });
    this.#cancelTimer ??= clock.after(JOURNAL_MS, () => this.#look());
  }

  end(id: number): void {
    const running = this.#running.get(id);
    if (!running) return;
    this.#running.delete(id);
    if (running.isWritten) this.#isDirty = true;
  }

  /** Writes if something changed; goes on while queries run. */
  #look(): void {
    this.#cancelTimer = null;
    if (this.#isClosed) return;
    const { clock } = this.#options;
    const dueMs = clock.monotonicMs() - JOURNAL_MS;
    for (const running of this.#running.values()) {
      if (running.isWritten || running.sinceMs > dueMs) continue;
      running.isWritten = true;
      this.#isDirty = true;
    }
    if (this.#isDirty && !this.#writing) {
      this.#isDirty = false;
      this.#writing = this.#write()
        .catch((error: unknown) => {
          this.#options.logger.warn('cannot write the journal of queries', { error: errorText(error) });
          this.#isDirty = true;
        })
        .finally(() => (this.#writing = null));
    }
    if (this.#running.size > 0 || this.#isDirty || this.#writing) {
      this.#cancelTimer = clock.after(JOURNAL_MS, () => this.#look());
    }
  }

  async #write(): Promise<void> {
    const running: Entry[] = [];
    for (const { tenant, text, length, startedMs, isWritten } of this.#running.values()) {
      if (isWritten) running.push({ tenant, text: clipped(text), length, startedMs });
    }
    const text = Buffer.from(JSON.stringify({ running, refused: this.#refused }));
    const padded = Buffer.alloc(Math.max(text.length, this.#length), 0x20);
    padded.set(text);
    await this.#file?.write(padded, 0);
    this.#length = padded.length;
  }

  /** An orderly end: nothing was running. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#writing;
    this.#running.clear();
    try {
      await this.#write();
      await this.#file?.close();
    } catch (error) {
      this.#options.logger.warn('cannot write the journal of queries', { error: errorText(error) });
    }
  }
}

/** What is in a journal; of one that is damaged, nothing. */
export function parseJournal(bytes: Uint8Array): { running: Entry[]; refused: Refused[] } {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes));
  } catch {
    return { running: [], refused: [] }; // torn by the machine's end
  }
  const { running, refused } = (value ?? {}) as { running?: unknown; refused?: unknown };
  return {
    running: (Array.isArray(running) ? running : []).filter(isEntry),
    refused: (Array.isArray(refused) ? refused : []).filter(
      (each): each is Refused => isEntry(each) && Number.isFinite((each as Refused).untilMs),
    ),
  };
}

function isEntry(value: unknown): value is Entry {
  const { tenant, text, length, startedMs } = (value ?? {}) as Partial<Entry>;
  const isDate = typeof startedMs === 'number' && Math.abs(startedMs) < 8e15;
  return typeof tenant === 'string' && typeof text === 'string' && Number.isSafeInteger(length) && isDate;
}
