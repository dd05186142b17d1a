// node sim/mutations.ts [--seed N] [--runs K] [--only word]: does the simulation find what it is for? Each mutation plants one bug in a
// copy of the sources; the simulation has to find a violation within so many seeds.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** One planted bug. `find` occurs exactly once in the file. */
export interface Mutation {
  readonly what: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const mutations: readonly Mutation[] = [
  {
    what: 'start times stay behind when runs are merged',
    file: 'src/tsdb/merged-source.ts',
    find: '      if (startsMs) startsMs[out] = startsMs[b];\n',
    replace: '',
  },
  {
    what: 'a compaction forgets start times',
    file: 'src/tsdb/block/merge-samples.ts',
    find: '      this.#starts.copy(input.column.starts, input.at, input.at + count, this.#count);\n',
    replace: '',
  },
  {
    what: 'writes are acknowledged without a sync',
    file: 'src/tsdb/log.ts',
    find: '    await open.file.sync();\n    this.syncSeconds',
    replace: '    this.syncSeconds',
  },
  {
    what: 'the disk lies about sync',
    file: 'src/io/sim-files.ts',
    find: 'if (!disk.lieAboutSync) this.#inode.sync(point);',
    replace: '',
  },
  {
    what: 'a new segment of the log gets no durable name',
    file: 'src/tsdb/log.ts',
    find: '      await file.sync();\n      await files.syncDirectory(logDirectory(shard));',
    replace: '      await file.sync();',
  },
  {
    what: 'the directories above the blocks are not made durable',
    file: 'src/tsdb/block-set.ts',
    find: "    await options.files.syncDirectory('blocks');\n    await options.files.syncDirectory('');\n",
    replace: '',
  },
  {
    what: 'samples leave the head although their blocks could not be written',
    file: 'src/tsdb/life-cycle.ts',
    find: '      if (this.#writeError === null) break;',
    replace: '      break;',
  },
  {
    what: 'samples leave the head before their blocks are written',
    file: 'src/tsdb/life-cycle.ts',
    find: '      await this.#writing;\n      if (this.#writeError === null) break;',
    replace: '      break;',
  },
  {
    what: 'a block is not synced before it gets its name',
    file: 'src/tsdb/block/block-writer.ts',
    find: '    await this.#file.sync();\n',
    replace: '',
  },
  {
    what: 'the last half minute of a window is not written',
    file: 'src/tsdb/cut.ts',
    find: 'const toMs = span.endMs - 1;',
    replace: 'const toMs = span.endMs - 30_000;',
  },
  {
    what: 'late samples of days that are over are lost at a cut',
    file: 'src/tsdb/cut.ts',
    find: 'paths.push(await writeSpan(options, order, span, windows.length));',
    replace: 'if (span.level === 0) paths.push(await writeSpan(options, order, span, windows.length));',
  },
  {
    what: 'readers are not told of a drop',
    file: 'src/tsdb/life-cycle.ts',
    find: '    state.endCut();\n    this.#parts.blocks.generation++;',
    replace: '    state.endCut();',
  },
  {
    what: 'tombstones are ignored when blocks are read',
    file: 'src/tsdb/stores.ts',
    find: 'const gone = goneRanges(index, tenant, tombstones);',
    replace: 'const gone = goneRanges(index, tenant, []);',
  },
  {
    what: 'compaction forgets deletes that it says it has applied',
    file: 'src/tsdb/life-cycle.ts',
    find: 'gone: (block, index, tenant) => goneRanges(index, tenant, deletes(block)),',
    replace: 'gone: () => null,',
  },
  {
    what: 'a delete is noted after the drop whose compaction says that it has applied it',
    file: 'src/tsdb/life-cycle.ts',
    find: "    await this.#insist('note a delete', () => tombstones.add({ position: next, tenant, matchers, minMs, maxMs }));\n    if (state.isCutPending) await this.#drop(true);\n",
    replace:
      "    if (state.isCutPending) await this.#drop(true);\n    await this.#insist('note a delete', () => tombstones.add({ position: next, tenant, matchers, minMs, maxMs }));\n",
  },
  {
    what: 'a tombstone goes when one block has applied it',
    file: 'src/tsdb/tombstones.ts',
    find: 'minMs <= maxMs && positions.some(',
    replace: 'minMs <= maxMs && positions.every(',
  },
  {
    what: 'a delete does not reach the head',
    file: 'src/tsdb/life-cycle.ts',
    find: 'head.deleteRange(selectSeries(head, tenant, matchers), minMs, maxMs);',
    replace: '',
  },
  {
    what: 'of equal times the last logged counts when stores are merged',
    file: 'src/tsdb/merged-source.ts',
    find: '      if (b < end && oldTs[a] === ts[b]) b++;',
    replace:
      '      if (b < end && oldTs[a] === ts[b]) {\n        oldWords[2 * a] = vsWords[2 * b];\n        oldWords[2 * a + 1] = vsWords[2 * b + 1];\n        b++;\n      }',
  },
  {
    what: 'newer blocks go before older ones when they are read',
    file: 'src/tsdb/merged-source.ts',
    find: 'this.#blocks.sort((a, b) => compareAge(a.block.meta, b.block.meta));',
    replace: 'this.#blocks.sort((a, b) => compareAge(b.block.meta, a.block.meta));',
  },
  {
    what: 'newer blocks go before older ones when they are compacted',
    file: 'src/tsdb/compaction.ts',
    find: 'compareAge(a.meta, b.meta) || a.meta.windowStartMs',
    replace: 'compareAge(b.meta, a.meta) || a.meta.windowStartMs',
  },
  {
    what: 'sources are removed before what is made of them is there',
    file: 'src/tsdb/life-cycle.ts',
    find: '    try {\n      const meta = await mergeBlocks({',
    replace:
      '    try {\n      for (const block of inputs) await files.remove(block.path);\n      const meta = await mergeBlocks({',
  },
  {
    what: 'retention looks at the oldest sample of a block',
    file: 'src/tsdb/compaction.ts',
    find: 'meta.maxMs < clockMs - retentionMs',
    replace: 'meta.minMs < clockMs - retentionMs',
  },
  {
    what: 'an image is taken although its checksum is wrong',
    file: 'src/tsdb/image.ts',
    find: 'if (got < to - from || crc32c(into) !== crcs[i]) throw',
    replace: 'if (got < to - from) throw',
  },
  {
    what: 'a log record is taken although its checksum is wrong',
    file: 'src/tsdb/log-record.ts',
    find: '  if (crc !== view.getUint32(8, true)) return null;\n',
    replace: '',
  },
  {
    what: 'the log is truncated as if images could not be lost',
    file: 'src/tsdb/shard.ts',
    find: 'const from = compareLogPositions(needed, oldestImage) < 0 ? needed : oldestImage;',
    replace: 'const from = compareLogPositions(needed, oldestImage) < 0 ? oldestImage : oldestImage;',
  },
  {
    what: 'samples far ahead of the clock do not hold the log',
    file: 'src/tsdb/life-cycle.ts',
    find: 'return range !== null && range.maxMs > clockMs + WINDOW_MS;',
    replace: 'return false;',
  },
  {
    what: 'a replay makes cuts where none were',
    file: 'src/tsdb/life-cycle.ts',
    find: 'const bounds = this.#parts.blocks.isBeyondCuts(next) ? due : known;',
    replace: 'const bounds = due ?? known;',
  },
  {
    what: 'a compaction is not gone on with after a restart',
    file: 'src/tsdb/life-cycle.ts',
    find: 'if (compaction) this.#compacting = this.#compact(compaction);',
    replace: '',
  },
  {
    what: 'a replay compacts again what was compacted',
    file: 'src/tsdb/block-set.ts',
    find: 'return order < 0 || (order === 0 && stage <= last.stage);',
    replace: 'return false;',
  },
  {
    what: 'histograms stay in their places when samples beside them are deleted',
    file: 'src/tsdb/histogram-moves.ts',
    find: '    at.push(from + i);\n',
    replace: '    at.push(moves[i]);\n',
  },
];

const root = new URL('..', import.meta.url).pathname;

/** Why a mutation cannot be planted, or null. */
export function mutationProblem({ file, find }: Mutation): string | null {
  const count = readFileSync(join(root, file), 'utf8').split(find).length - 1;
  return count === 1 ? null : `the pattern occurs ${count} times in ${file}`;
}

/** A copy of the program with one bug, in a temporary directory. */
function plant(mutation: Mutation): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-mutation-'));
  for (const name of ['src', 'sim', 'package.json', 'tsconfig.json'])
    cpSync(join(root, name), join(directory, name), { recursive: true });
  for (const name of ['node_modules', 'build']) symlinkSync(join(root, name), join(directory, name));
  const path = join(directory, mutation.file);
  // A function, for the text may have dollar signs.
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(mutation.find, () => mutation.replace),
  );
  return directory;
}

function run(mutation: Mutation, seed: string, runs: string): boolean {
  const problem = mutationProblem(mutation);
  if (problem) {
    console.log(`BROKEN  ${mutation.what}: ${problem}`);
    return false;
  }
  const directory = plant(mutation);
  try {
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(directory, 'sim/main.ts'), '--seed', seed, '--runs', runs, '--stop'],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const found = status === 0 ? 'MISSED' : 'found ';
    console.log(
      `${found}  ${mutation.what}: ${status === 0 ? `${runs} seeds` : stdout.trim().split('\n')[0].slice(0, 140)}`,
    );
    return status !== 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1000' },
      only: { type: 'string', default: '' },
    },
  });
  const chosen = mutations.filter(({ what }) => what.includes(values.only));
  const missed = chosen.filter((mutation) => !run(mutation, values.seed, values.runs)).length;
  console.log(`${chosen.length - missed} of ${chosen.length} found`);
  process.exitCode = missed > 0 ? 1 : 0;
}
