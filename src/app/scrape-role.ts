import type { ActiveTarget, DroppedTarget, TargetMetadata } from '../api/index.ts';
import type { Config } from '../config/index.ts';
export class ScrapeRole {
  constructor(_parts: unknown) {}
  async apply(_config: Config): Promise<void> {}
  async stop(): Promise<void> {}
  active(): readonly ActiveTarget[] { return []; }
  dropped(): readonly DroppedTarget[] { return []; }
  droppedCounts(): Record<string, number> { return {}; }
  scrapePools(): string[] { return []; }
  metadata(): Iterable<TargetMetadata> { return []; }
}
