// Requests to endpoints of remote read, on their way from the query side to the thread that has the credentials.
import type { RemoteReadAsk, RemoteReadOutcome, RemoteReadSettings } from './remote-read-settings.ts';

/** How the other thread is told. */
export interface AskerPort {
  ask(ask: RemoteReadAsk): void;
  drop(id: number): void;
}

export class RemoteReadAsker {
  readonly #port: AskerPort;
  readonly #waiting = new Map<number, (outcome: RemoteReadOutcome) => void>();
  #nextId = 1;

  constructor(port: AskerPort) {
    this.#port = port;
  }

  /** Sends a request; resolves with what came of it, or, if the signal aborts before, with that. */
  ask(
    { index, generation }: RemoteReadSettings,
    body: Uint8Array,
    bytesMax: number,
    signal: AbortSignal,
  ): Promise<RemoteReadOutcome> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<RemoteReadOutcome>();
    const onAbort = () => {
      this.#port.drop(id);
      this.done({ id, error: 'the query was canceled' });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.set(id, (outcome) => {
      signal.removeEventListener('abort', onAbort);
      resolve(outcome);
    });
    this.#port.ask({ id, index, generation, body, bytesMax });
    if (signal.aborted) onAbort();
    return promise;
  }

  /** The other thread has told. */
  done(outcome: RemoteReadOutcome): void {
    this.#waiting.get(outcome.id)?.(outcome);
    this.#waiting.delete(outcome.id);
  }
}
