// A body that comes in chunks onto a connection. Each chunk's memory goes back to its maker once the connection has taken it; the maker
// gives no more than a few chunks without that, so nothing piles up here. A receiver that takes nothing for long is cut off: what
// waits for it holds memory.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock } from '../io/index.ts';
import type { BodyChunk, BodyStream } from './services.ts';

/** Takes nothing for so long: gone, though its connection is not closed. */
const STALL_MS = 60_000;

/** Resolves when all of the body has been given to the connection, or the connection was broken off. */
export async function sendStream(
  raw: ServerResponse,
  headers: Readonly<Record<string, OutgoingHttpHeaders[string]>>,
  body: BodyStream,
  clock: Clock,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) raw.setHeader(name, value);
  if (body.length !== null) raw.setHeader('content-length', body.length);
  const watch = new StallWatch(clock, () => raw.destroy());
  try {
    for await (const chunk of body) {
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
