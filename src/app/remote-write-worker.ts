// The worker thread of remote write: all destinations. Requests go out through the main thread, which has the credentials.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { constants, setPriority } from 'node:os';
import { type Logger, errorText, invariant } from '../base/index.ts';
import { type Clock, type Files, type LogPosition, createRealWorld } from '../io/index.ts';
import type { WireMetadata } from '../wire/index.ts';
import { portLogger } from './port-logger.ts';
import { RemoteWriteDestination } from './remote-write-destination.ts';
import {
  type DestinationSettings,
  type RemoteWriteCommand,
  type RemoteWriteEvent,
  type RemoteWriteWorkerData,
  type SendOutcome,
  destinationText,
} from './remote-write-settings.ts';

const METRICS_MS = 2000;

class RemoteWriteHost {
  readonly #port: MessagePort;
  readonly #data: RemoteWriteWorkerData;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #destinations = new Map<string, RemoteWriteDestination>();
  readonly #requests = new Map<number, (outcome: SendOutcome) => void>();
  /** Commands are obeyed one after another. */
  #work: Promise<void> = Promise.resolve();
  #metadata: readonly WireMetadata[] = [];
  #nextId = 1;

  constructor(port: MessagePort, data: RemoteWriteWorkerData) {
    const { files, clock } = createRealWorld(data.directory);
    this.#port = port;
    this.#data = data;
    this.#files = files;
    this.#clock = clock;
    this.#logger = portLogger(port);
    this.#reportLater();
  }

  command(command: RemoteWriteCommand): void {
    switch (command.type) {
      case 'apply':
        this.#then(() => this.#apply(command.destinations, command.ends));
        return;
      case 'sent':
        this.#requests.get(command.id)?.(command.outcome);
        this.#requests.delete(command.id);
        return;
      case 'metadata':
        this.#metadata = command.metadata;
        for (const destination of this.#destinations.values()) destination.setMetadata(command.metadata);
        return;
      case 'stop':
        this.#then(() => this.#apply([], []));
        this.#then(async () => this.#post({ type: 'stopped' }));
    }
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work);
  }

  #post(event: RemoteWriteEvent): void {
    this.#port.postMessage(event);
  }

  /** Stops what is not wanted any more, starts what is new, leaves the rest alone. */
  async #apply(wanted: readonly DestinationSettings[], ends: readonly LogPosition[]): Promise<void> {
    const keys = new Set(wanted.map(({ key }) => key));
    const gone = [...this.#destinations].filter(([key]) => !keys.has(key));
    await Promise.all(gone.map(([, destination]) => destination.stop(this.#data.flushDeadlineMs)));
    for (const [key] of gone) this.#destinations.delete(key);
    for (const settings of wanted) if (!this.#destinations.has(settings.key)) await this.#start(settings, ends);
  }

  async #start(settings: DestinationSettings, ends: readonly LogPosition[]): Promise<void> {
    const { key, version } = settings;
    const destination = new RemoteWriteDestination({
      settings,
      files: this.#files,
      clock: this.#clock,
      logger: this.#logger,
      ends,
      isAgent: this.#data.isAgent,
      send: (body, attempt) => this.#send({ key, version, body, attempt }),
    });
    try {
      await destination.start();
    } catch (error) {
      this.#logger.error('cannot start remote write', { remote: destinationText(settings), error: errorText(error) });
      return;
    }
    destination.setMetadata(this.#metadata);
    this.#destinations.set(key, destination);
  }

  #send(request: Pick<Extract<RemoteWriteEvent, { type: 'send' }>, 'key' | 'version' | 'body' | 'attempt'>) {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<SendOutcome>();
    this.#requests.set(id, resolve);
    this.#post({ type: 'send', id, ...request });
    return promise;
  }

  #reportLater(): void {
    this.#clock.after(METRICS_MS, () => {
      const destinations = Array.from(this.#destinations.values(), (destination) => destination.metrics());
      this.#post({ type: 'metrics', destinations });
      this.#reportLater();
    });
  }
}

invariant(parentPort, 'remote write runs in a worker thread');
// On Linux this is the thread's own priority: samples that come in go first.
setPriority(0, constants.priority.PRIORITY_LOW);
const host = new RemoteWriteHost(parentPort, workerData as RemoteWriteWorkerData);
parentPort.on('message', (command: RemoteWriteCommand) => host.command(command));
