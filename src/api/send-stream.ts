// A body that comes in chunks onto a connection. Each chunk's memory goes back to its maker once the connection has taken it; the maker
// gives no more than a few chunks without that, so nothing piles up here. A receiver that takes nothing for long is cut off: what
// waits for it holds memory.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock } from '../io/index.ts';
import type { BodyChunk, BodyStream } from './services.ts';

/** Takes nothing for so long: gone, though its connection is not closed. */
const STALL_MS = 60_000;

/** What goes to sockets in one turn of the event loop: some 0.2 ms of system calls, as a write in loopback costs as much as its reading. */
const TURN_BYTES = 256 * 1024;

/**
 * Lets long answers pass a little at a time, all of them together: requests that come meanwhile do not wait for the megabytes that
 * several queries may have ready at once.
 */
export class SendPace {
  readonly #clock: Clock;
  #left = TURN_BYTES;
  #turn: Promise<void> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when so many bytes may go. More than a turn's go in one turn. */
  async pass(bytes: number): Promise<void> {
    while (this.#left <= 0) await this.#turn;
    this.#left -= bytes;
    this.#turn ??= this.#clock.yield().then(() => {
      this.#left = TURN_BYTES;
      this.#turn = null;
    });
  }
}

/** Resolves when all of the body has been given to the connection, or the connection was broken off. */
export async function sendStream(
  raw: ServerResponse,
  headers: Readonly<Record<string, OutgoingHttpHeaders[string]>>,
  body: BodyStream,
  clock: Clock,
  pace: SendPace,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) raw.setHeader(name, value);
  if (body.length !== null) raw.setHeader('content-length', body.length);
  const watch = new StallWatch(clock, () => raw.destroy());
  try {
    for await (const chunk of body) {
      await pace.pass(chunk.parts.reduce((sum, part) => sum + part.length, 0));
      writeChunk(raw, chunk, watch);
      if (raw.destroyed) break;
    }
    raw.end();
  } catch {
    raw.destroy(); // The beginning must not pass for the whole.
    watch.stop();
  }
}

function writeChunk(raw: ServerResponse, { parts, release }: BodyChunk, watch: StallWatch): void {
  watch.begin();
  raw.cork(); // one system call for all parts
  for (const part of parts.slice(0, -1)) raw.write(part);
  raw.write(parts[parts.length - 1], () => {
    watch.progress();
    release();
  });
  raw.uncork();
}

/** Calls back when something is under way and nothing of it arrives for STALL_MS. */
class StallWatch {
  readonly #clock: Clock;
  readonly #onStall: () => void;
  #underWay = 0;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, onStall: () => void) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  begin(): void {
    this.#underWay++;
    this.#cancel ??= this.#clock.after(STALL_MS, this.#onStall);
  }

  progress(): void {
    this.stop();
    this.#underWay--;
    if (this.#underWay > 0) this.#cancel = this.#clock.after(STALL_MS, this.#onStall);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
