// `tidemark tsdb list` and the table of blocks that imports print.
import { formatDuration } from '../config/index.ts';
import { listBlocks } from '../tsdb/index.ts';
import { type HeldDirectory, type ToolWorld, withDirectory } from './tsdb-directory.ts';
import type { VerbArguments } from './tsdb-options.ts';

/** Rows as columns, each as wide as its widest text. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** A block to show. */
export interface ShownBlock {
  readonly name: string;
  readonly meta: Awaited<ReturnType<typeof listBlocks>>[number]['meta'];
  readonly sizeBytes: number;
}

const PREFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** A size for people: `12.3 MiB`. */
export function humanSize(sizeBytes: number): string {
  let power = 0;
  let size = sizeBytes;
  for (; size >= 1024 && power < PREFIXES.length - 1; size /= 1024) power++;
  return `${power === 0 ? size : size.toFixed(1)} ${PREFIXES[power]}B`;
}

const time = (timeMs: number, isReadable: boolean): string =>
  isReadable ? new Date(timeMs).toISOString().replace(/\.000Z$/, 'Z') : String(timeMs);

/** A table of blocks. `isReadable`: times, durations and sizes for people. */
export function blockTable(blocks: readonly ShownBlock[], isReadable: boolean): string {
  const rows = [['SHARD', 'START', 'END', 'DURATION', 'LEVEL', 'SERIES', 'SAMPLES', 'SIZE', 'BLOCK']];
  for (const { name, meta, sizeBytes } of blocks) {
    const size = isReadable ? humanSize(sizeBytes) : String(sizeBytes);
    if (meta === null) {
      rows.push(['-', '-', '-', '-', '-', '-', '-', size, name]);
      continue;
    }
    const { shard, windowStartMs, windowEndMs, level, series, samples } = meta;
    const times = [
      time(windowStartMs, isReadable),
      time(windowEndMs, isReadable),
      formatDuration(windowEndMs - windowStartMs),
    ];
    rows.push([String(shard), ...times, String(level), String(series), String(samples), size, name]);
  }
  return table(rows);
}

/** `list`: returns the exit code. */
export async function listVerb(world: ToolWorld, args: VerbArguments): Promise<number> {
  return withDirectory(world, args.positional[0] ?? args.text('storage.tsdb.path'), false, async (directory) => {
    const blocks = await listBlocks(directory.files, directory.manifest.shards);
    const shown = blocks.map(({ path: name, meta, sizeBytes }) => ({ name, meta, sizeBytes }));
    await world.print(blockTable(shown, args.has('human-readable')));
    for (const { path, problem } of blocks) if (problem !== '') world.say(`${path}: ${problem}`);
    await sayTotals(world, directory, blocks);
    return blocks.some(({ problem }) => problem !== '') ? 1 : 0;
  });
}

async function sayTotals(world: ToolWorld, { path }: HeldDirectory, blocks: Awaited<ReturnType<typeof listBlocks>>) {
  const samples = blocks.reduce((sum, { meta }) => sum + (meta?.samples ?? 0), 0);
  const bytes = blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const each = samples > 0 ? `, ${(bytes / samples).toFixed(3)} bytes per sample` : '';
  world.say(`${path}: ${blocks.length} blocks, ${samples} samples, ${humanSize(bytes)}${each}`);
}
