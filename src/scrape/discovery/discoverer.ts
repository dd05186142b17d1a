// Discovery finds targets. A discoverer emits the full list of its target groups whenever it changes, never a difference;
// a group it leaves out is gone. On trouble it keeps quiet, so that the last good list stays in force.
import type { Logger, MetricRegistry } from '../../base/index.ts';
import type { Labels } from '../../model/index.ts';

/** Targets with labels in common. */
export interface TargetGroup {
  /** Names the group within its discoverer: stable from one emission to the next. */
  readonly source: string;
  /** One label set per target, at least `__address__`. */
  readonly targets: readonly Labels[];
  /** Added to every target of the group; a target's own labels win. */
  readonly labels: Labels;
}

export type EmitGroups = (groups: readonly TargetGroup[]) => void;

export interface Discoverer {
  /** Begins to look for targets. `emit` is called with the full list, at once or later, any number of times. */
  start(emit: EmitGroups): void;
  /** Ends it; resolves when nothing is under way any more. No emission follows. */
  stop(): Promise<void>;
}

/** What discoverers report to. */
export interface DiscoveryReport {
  readonly logger: Logger;
  readonly metrics?: MetricRegistry;
}
