// What the simulated clients know: which samples they tried to write, and which were acknowledged. A sample's value follows from its
// series and time, so whatever the order of attempts, a time has one value.
export interface ModelSample {
  readonly series: number;
  readonly timeMs: number;
}

/** A value of each kind that the columns encode differently, from series and time alone. */
export function valueAt(series: number, timeMs: number): number {
  const step = Math.floor(timeMs / 1000) % 100_000;
  switch (series % 5) {
    case 0:
      return 7;
    case 1:
      return step * 2;
    case 2:
      return ((timeMs * 2654435761) % 4294967296) / 1e3;
    case 3:
      return Math.floor(step / 50) / 10;
    default:
      return step % 11 === 0 ? Number.NaN : -step;
  }
}

export class Model {
  readonly attempted = new Map<number, Set<number>>();
  readonly acknowledged = new Map<number, Set<number>>();

  #add(to: Map<number, Set<number>>, samples: readonly ModelSample[]): void {
    for (const { series, timeMs } of samples) {
      const times = to.get(series);
      if (times) times.add(timeMs);
      else to.set(series, new Set([timeMs]));
    }
  }

  attempt(samples: readonly ModelSample[]): void {
    this.#add(this.attempted, samples);
  }

  acknowledge(samples: readonly ModelSample[]): void {
    this.#add(this.acknowledged, samples);
  }

  /** Why the samples that a series shows cannot be right, or null. */
  fault(series: number, times: ArrayLike<number>, values: ArrayLike<number>, count: number): string | null {
    const attempted = this.attempted.get(series) ?? new Set();
    const missing = new Set(this.acknowledged.get(series));
    for (let i = 0; i < count; i++) {
      if (i > 0 && times[i] <= times[i - 1]) return `series ${series}: time ${times[i]} follows ${times[i - 1]}`;
      if (!attempted.has(times[i])) return `series ${series}: a sample at ${times[i]} that nobody wrote`;
      const want = valueAt(series, times[i]);
      if (!Object.is(want, values[i])) return `series ${series}: ${values[i]} at ${times[i]} instead of ${want}`;
      missing.delete(times[i]);
    }
    if (missing.size === 0) return null;
    return `series ${series}: ${missing.size} acknowledged samples are missing, such as at ${[...missing][0]}`;
  }
}
