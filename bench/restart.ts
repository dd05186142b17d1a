// kill -9, start, and how long until a query sees every series again: behind an image, and from the log alone.
import { send } from '../apptest/client.ts';
import { Program } from '../test/support/program.ts';
import { type Bench, INTERVAL_MS, bodiesOf, count, load, sendBodies, seriesSeen } from './traffic.ts';

const SERIES = 200_000;
const TICKS = 4;

/** What a crash costs. */
export const restart: Bench = async (scale, say) => {
  const seriesCount = Math.round(SERIES * scale);
  const startMs = Date.now() - (TICKS + 1) * INTERVAL_MS;
  const program = await Program.start(null);
  try {
    await load(program, seriesCount, TICKS, startMs);
    const again = async (what: string): Promise<void> => {
      await program.kill();
      const beginMs = performance.now();
      await program.start();
      const readyMs = performance.now() - beginMs;
      const seen = await seriesSeen(program, startMs + (TICKS + 1) * INTERVAL_MS);
      const completeMs = performance.now() - beginMs;
      const seconds = `ready after ${(readyMs / 1000).toFixed(2)} s, complete answer after ${(completeMs / 1000).toFixed(2)} s`;
      say(`${what}: ${seconds}, ${count(seen)} of ${count(seriesCount)} series`);
      if (seen !== seriesCount) throw new Error(`series are lost: ${seen} of ${seriesCount}`);
    };
    await again(`kill -9, all of ${count(seriesCount * TICKS)} samples to be replayed`);
    await send(program, { method: 'POST', path: '/api/v1/admin/tsdb/flush' });
    await sendBodies(program, bodiesOf(seriesCount, TICKS, TICKS + 1, startMs));
    await again('kill -9, an image and one scrape behind it');
  } finally {
    await program.dispose();
  }
};
