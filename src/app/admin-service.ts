// The admin API over a database: deletion, tombstones, snapshots.
import type { AdminService } from '../api/index.ts';
import type { World } from '../io/index.ts';
import type { Database } from './database.ts';

/** Snapshots are named by the time and a random number. */
export const createAdminService = (database: Database, { clock, random }: World): AdminService => ({
  deleteSeries: (...wanted) => database.delete(...wanted),
  cleanTombstones: () => database.cleanTombstones(),
  async snapshot(isHeadSkipped) {
    const time = new Date(clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '');
    const name = `${time}-${Buffer.from(random.bytes(8)).toString('hex')}`;
    await database.snapshot(name, isHeadSkipped);
    return name;
  },
});
