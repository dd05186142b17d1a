// Remote write into the real program: processor time per sample and time per request, for new series and for known ones.
import { Program } from '../test/support/program.ts';
import { type Bench, type Body, INTERVAL_MS, bodiesOf, count, sendBodies, spread } from './traffic.ts';

const SERIES = 50_000;
const STEADY_TICKS = 12;

/** What it costs to take series in. */
export const ingest: Bench = async (scale, say) => {
  const seriesCount = Math.round(SERIES * scale);
  const startMs = Date.now() - STEADY_TICKS * INTERVAL_MS;
  const program = await Program.start(null);
  try {
    const measure = async (what: string, bodies: readonly Body[]): Promise<void> => {
      const beforeSeconds = await program.cpuSeconds();
      const elapsedMs = await sendBodies(program, bodies);
      const microseconds = ((await program.cpuSeconds()) - beforeSeconds) * 1e6;
      const samples = bodies.reduce((sum, body) => sum + body.samples, 0);
      say(
        `${what}: ${(microseconds / samples).toFixed(2)} µs of processor time per sample, ${spread(elapsedMs)} per request`,
      );
    };
    say(`${count(seriesCount)} series, requests of 2,000 samples on 2 connections, log synced before each answer`);
    await measure('new series', bodiesOf(seriesCount, 0, 1, startMs));
    await measure('warm-up', bodiesOf(seriesCount, 1, 2, startMs));
    const steady: Body[] = [];
    for (let tick = 2; tick < STEADY_TICKS; tick++) steady.push(...bodiesOf(seriesCount, tick, tick + 1, startMs));
    await measure('known series', steady);
  } finally {
    await program.dispose();
  }
};
