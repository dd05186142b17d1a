// `tidemark tsdb verify`: reads everything and says what is damaged.
import { loadKernel } from '../kernel/index.ts';
import { verifyStore } from '../tsdb/index.ts';
import { type ToolWorld, blockKernel, withDirectory } from './tsdb-directory.ts';
import type { ProgressOutputOf } from './tsdb-import.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { humanSize } from './tsdb-list.ts';
import { Progress } from './tsdb-progress.ts';

/** Returns the exit code: 1 if anything is damaged. */
export async function verifyVerb(world: ToolWorld, args: VerbArguments, output: ProgressOutputOf): Promise<number> {
  const path = args.positional[0] ?? args.text('storage.tsdb.path');
  return withDirectory(world, path, false, async ({ files, manifest }) => {
    const { shards } = manifest;
    const options = { files, shards, kernel: await blockKernel(), headModule: await loadKernel('head') };
    const progress = new Progress('verify', await storedBytes(files), output, world.clock);
    const bad: string[] = [];
    let bytes = 0;
    let count = 0;
    for await (const file of verifyStore(options)) {
      for (const problem of file.problems) bad.push(problem.includes(file.path) ? problem : `${file.path}: ${problem}`);
      progress.add(file.sizeBytes);
      bytes += file.sizeBytes;
      count++;
    }
    progress.finish();
    for (const problem of bad) await world.print(`${problem}\n`);
    const verdict = bad.length === 0 ? 'all is well' : `${bad.length} problems`;
    world.say(`${path}: ${count} blocks, logs and images, ${humanSize(bytes)}: ${verdict}`);
    return bad.length === 0 ? 0 : 1;
  });
}

async function storedBytes(files: Parameters<typeof verifyStore>[0]['files']): Promise<number> {
  let bytes = 0;
  for (const part of ['blocks', 'log', 'head']) {
    for (const shard of await files.list(part)) {
      for (const name of await files.list(`${part}/${shard}`)) {
        bytes += (await files.stat(`${part}/${shard}/${name}`))?.sizeBytes ?? 0;
      }
    }
  }
  return bytes;
}
