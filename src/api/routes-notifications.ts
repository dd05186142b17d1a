// Notifications: those that are so now, and, as server-sent events, all that changes. Each event is one notification as JSON.
import type { Clock } from '../io/index.ts';
import { type Answer, type Exchange, NO_CONTENT, type Route, successAnswer } from './exchange.ts';
import type { ApiServices, BodyChunk, BodyStream, Notification } from './services.ts';

/** A client that has this many events to take is cut off; it asks again and hears what is so then. */
const WAITING_MAX = 64;
/** A line that says nothing, so that the way between stays open. */
const QUIET_MS = 30_000;
const QUIET_LINE = Buffer.from(':\n\n');

/** Routes of notifications. */
export function notificationRoutes({ status }: ApiServices, clock: Clock): Route[] {
  return [
    {
      path: '/api/v1/notifications',
      methods: ['GET'],
      always: true,
      handle: () => successAnswer(status.notifications.list()),
    },
    {
      path: '/api/v1/notifications/live',
      methods: ['GET'],
      always: true,
      handle: (exchange) => live(status.notifications, exchange, clock),
    },
  ];
}

function live(notifications: ApiServices['status']['notifications'], exchange: Exchange, clock: Clock): Answer {
  const events = new EventStream(clock);
  const end = notifications.subscribe(events);
  if (!end) return NO_CONTENT;
  events.onEnd = end;
  const { signal } = exchange;
  signal.addEventListener('abort', () => events.end(), { once: true });
  if (signal.aborted) events.end();
  return {
    status: 200,
    contentType: 'text/event-stream',
    body: events,
    headers: { 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
  };
}

/** Notifications as the body of an answer that goes on until end(). */
class EventStream implements BodyStream {
  readonly length = null;
  /** Called once, at the end. */
  onEnd: () => void = () => {};
  readonly #clock: Clock;
  readonly #waiting: Uint8Array[] = [QUIET_LINE]; // the head goes out with it
  #wake: (() => void) | null = null;
  #isEnded = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly next = (notification: Notification): void => {
    if (this.#waiting.length >= WAITING_MAX) return this.end();
    this.#push(Buffer.from(`data: ${JSON.stringify(notification)}\n\n`));
  };

  readonly end = (): void => {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.onEnd();
    this.#wake?.();
  };

  #push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BodyChunk> {
    try {
      for (;;) {
        const parts = this.#waiting.splice(0);
        if (parts.length > 0) yield { parts, release: () => {} };
        else if (this.#isEnded) return;
        else await this.#something();
      }
    } finally {
      this.end();
    }
  }

  /** Resolves when there is something to send, or it is over. */
  #something(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(QUIET_MS, () => this.#push(QUIET_LINE));
    this.#wake = () => {
      cancel();
      this.#wake = null;
      resolve();
    };
    return promise;
  }
}
