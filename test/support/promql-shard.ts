// The generated queries' samples in a real shard: most of them in blocks, the newest in the head, some late ones in both.
import { silentLogger } from '../../src/base/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import { loadKernel } from '../../src/kernel/index.ts';
import { STALE_NAN_BITS, type SeriesSource, histogramToBytes } from '../../src/model/index.ts';
import { encodeCommand } from '../../src/tsdb/command.ts';
import { LocalShardPort, SegmentLog, Shard } from '../../src/tsdb/index.ts';
import { BatchBuilder, type TestHistogram, type TestSample } from './batch-builder.ts';
import type { Sample } from './promql-data.ts';

/** Every so many samples come after all others. */
const LATE_EVERY = 37;
/** Of the samples in order, this part is in blocks. */
const IN_BLOCKS = 0.7;

/** A shard in a directory; close() it before the directory goes. */
export async function shardOf(
  samples: readonly Sample[],
  directory: string,
): Promise<{ source: SeriesSource; close(): Promise<void> }> {
  const { files, clock } = createRealWorld(directory);
  const [module, blockModule] = [await loadKernel('head'), await loadKernel('block')];
  const shard = await Shard.open({ files, clock, shard: 0, module, blockModule, logger: silentLogger });
  const port = new LocalShardPort(shard);
  const log = await SegmentLog.open({
    files,
    clock,
    shard: 0,
    onDurable: (group) => port.push(group),
    onFailure: () => {},
    logger: silentLogger,
    afterSegment: port.startSegment,
  });
  const numbers = new Map<string, number>();
  const series: { labels: [string, string][] }[] = [];
  for (const { labels } of samples) {
    if (numbers.has(labels.key)) continue;
    numbers.set(labels.key, series.push({ labels: [...labels] as [string, string][] }) - 1);
  }
  const builder = new BatchBuilder(series);
  const write = async (part: readonly Sample[]): Promise<void> => {
    const floats: TestSample[] = [];
    const histograms: TestHistogram[] = [];
    for (const { labels, timeMs, value } of part) {
      const at = { series: numbers.get(labels.key) as number, timeMs };
      if (value === 'stale') floats.push({ ...at, value: 0, bits: STALE_NAN_BITS });
      else if (typeof value === 'number') floats.push({ ...at, value });
      else histograms.push({ ...at, bytes: histogramToBytes(value) });
    }
    await log.append(builder.build('anonymous', floats, [], histograms));
    await port.settled();
  };
  const late = samples.filter((_, i) => i % LATE_EVERY === 0);
  const inOrder = samples.filter((_, i) => i % LATE_EVERY !== 0);
  const middle = Math.floor(inOrder.length * IN_BLOCKS);
  await write(inOrder.slice(0, middle));
  await write(late.slice(0, late.length >> 1));
  await log.append(encodeCommand({ type: 'flush' }));
  await port.settled();
  await write(inOrder.slice(middle));
  await write(late.slice(late.length >> 1));
  const close = async (): Promise<void> => {
    await log.close();
    await shard.close();
  };
  return { source: shard.source, close };
}
