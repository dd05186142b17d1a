// Bytes per series and per sample: in the head, in resident memory, in the log.
import fs from 'node:fs/promises';
import path from 'node:path';
import { Program } from '../test/support/program.ts';
import { type Bench, INTERVAL_MS, count, load, ownMetrics } from './traffic.ts';

const SERIES_MANY = 100_000;
const SERIES_LONG = 5000;
const TICKS = 480;

/** What data weighs. */
export const size: Bench = async (scale, say) => {
  await measure(Math.round(SERIES_MANY * scale), 1, say, 'series');
  await measure(Math.round(SERIES_LONG * scale), TICKS, say, 'sample');
};

async function measure(
  seriesCount: number,
  ticks: number,
  say: (line: string) => void,
  per: 'series' | 'sample',
): Promise<void> {
  const program = await Program.start(null);
  try {
    const before = await ownMetrics(program);
    const residentBefore = await program.residentBytes();
    const samples = await load(program, seriesCount, ticks, Date.now() - ticks * INTERVAL_MS);
    const unit = per === 'series' ? seriesCount : samples;
    const headBytes =
      ((await ownMetrics(program)).get('tidemark_head_bytes') ?? 0) - (before.get('tidemark_head_bytes') ?? 0);
    const residentBytes = (await program.residentBytes()) - residentBefore;
    const logBytes = await directoryBytes(path.join(program.directory, 'log'));
    const text = [
      `head ${(headBytes / unit).toFixed(2)}`,
      `resident ${(residentBytes / unit).toFixed(2)}`,
      `log ${(logBytes / unit).toFixed(2)}`,
    ];
    say(`${count(seriesCount)} series of ${ticks} samples: bytes per ${per}: ${text.join(', ')}`);
  } finally {
    await program.dispose();
  }
}

async function directoryBytes(directory: string): Promise<number> {
  let sum = 0;
  for (const entry of await fs.readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += (await fs.stat(path.join(entry.parentPath, entry.name))).size;
  }
  return sum;
}
