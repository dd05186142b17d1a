// A tool for tests of verbs: real files, everything else at hand.
import { hostFiles } from '../../src/config/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import type { Tool } from '../../src/app/verb-command.ts';

export interface ToolRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Command = (args: readonly string[], tool?: Tool) => Promise<number>;

/** Runs a command as the program would. */
export async function runTool(
  command: Command,
  args: readonly string[],
  input: Uint8Array | string = '',
): Promise<ToolRun> {
  const { clock, files } = createRealWorld('/');
  let out = '';
  let err = '';
  const tool: Tool = {
    clock,
    files: hostFiles(files, process.cwd()),
    print: (text) => void (out += text),
    say: (line) => void (err += `${line}\n`),
    readInput: async () => Buffer.from(input),
  };
  return { code: await command(args, tool), out, err };
}
