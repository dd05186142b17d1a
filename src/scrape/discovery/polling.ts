// Discovery by asking again and again: everything is asked for at each refresh interval, and an answer that is not good leaves
// the last good targets in force. Failures are counted per mechanism and told in the log.
import { type Counter, type Histogram, TidemarkError, errorText } from '../../base/index.ts';
import type { Discoverer, EmitGroups, TargetGroup } from './discoverer.ts';
import { Refresher } from './refresher.ts';
import type { DiscoveryWorld } from './world.ts';

/** What a polled mechanism does. */
export interface Polled {
  /** As in `<mechanism>_sd_configs`. */
  readonly mechanism: string;
  readonly refreshIntervalMs: number;
  /** All targets there are. Throws TidemarkError; its text must hold no secret. Ends soon when `signal` aborts. */
  refresh(signal: AbortSignal): Promise<readonly TargetGroup[]>;
  /** Frees what refresh() used, such as HTTP clients. */
  close?(): Promise<void>;
}

const DURATION_BOUNDS_SECONDS = [0.01, 0.1, 1, 10];

/** Runs a polled mechanism. */
export class PollingDiscovery implements Discoverer {
  readonly #polled: Polled;
  readonly #world: DiscoveryWorld;
  readonly #refresher: Refresher;
  readonly #failures: Counter | undefined;
  readonly #durations: Histogram | undefined;
  #emit: EmitGroups = () => {};

  constructor(polled: Polled, world: DiscoveryWorld) {
    this.#polled = polled;
    this.#world = world;
    const { mechanism } = polled;
    this.#failures = refreshFailures(mechanism, world);
    this.#durations = world.metrics?.histogram(
      'prometheus_sd_refresh_duration_histogram_seconds',
      'The duration of a refresh for the given SD mechanism.',
      DURATION_BOUNDS_SECONDS,
      { mechanism },
    );
    this.#refresher = new Refresher(
      world.clock,
      () => polled.refreshIntervalMs,
      (signal) => this.#refresh(signal),
    );
  }

  start(emit: EmitGroups): void {
    this.#emit = emit;
    this.#refresher.start();
  }

  async stop(): Promise<void> {
    await this.#refresher.stop();
    await this.#polled.close?.();
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { clock, logger, jobName } = this.#world;
    const startMs = clock.monotonicMs();
    let groups: readonly TargetGroup[];
    try {
      groups = await this.#polled.refresh(signal);
    } catch (error) {
      if (this.#refresher.stopped) return;
      if (!(error instanceof TidemarkError)) throw error;
      this.#failures?.inc();
      const { mechanism } = this.#polled;
      logger.error('cannot refresh targets: the last good ones stay', {
        mechanism,
        job: jobName,
        error: errorText(error),
      });
      return;
    } finally {
      this.#durations?.observe((clock.monotonicMs() - startMs) / 1000);
    }
    if (!this.#refresher.stopped) this.#emit(groups);
  }
}

/** Counts refreshes of a job's mechanism that failed. */
export const refreshFailures = (mechanism: string, world: DiscoveryWorld): Counter | undefined =>
  world.metrics?.counter(
    'prometheus_sd_refresh_failures_total',
    'Number of refresh failures for the given SD mechanism.',
    { mechanism, config: world.jobName },
  );
