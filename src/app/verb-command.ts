// Runs the verbs of the command line (`tidemark check config ...`) as promtool does: help, errors of the command line, and an
// exit code. Each verb says what it takes and gives a function.
import { TidemarkError, errorText } from '../base/index.ts';
import { type HostFiles, hostFiles } from '../config/index.ts';
import { type Clock, createRealWorld } from '../io/index.ts';
import { VerbArguments, type VerbUsage, shown, verbHelp } from './tsdb-options.ts';

/** promtool's exit codes. */
export const EXIT_CODES = { good: 0, failed: 1, lint: 3 } as const;

/** The world as verbs see it; tests give their own. */
export interface Tool {
  readonly clock: Clock;
  readonly files: HostFiles;
  /** Text to standard output. */
  readonly print: (text: string) => void;
  /** A line to standard error. */
  readonly say: (line: string) => void;
  readonly readInput: () => Promise<Uint8Array>;
}

/** A verb and what runs it; the result is the exit code. */
export interface ToolVerb extends VerbUsage {
  readonly run: (tool: Tool, args: VerbArguments) => Promise<number>;
}

/** Everything that standard input holds. */
async function readInput(): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of process.stdin as AsyncIterable<Uint8Array>) parts.push(part);
  return Buffer.concat(parts);
}

function realTool(): Tool {
  const { clock, files } = createRealWorld('/');
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_CODES.good);
    throw error;
  });
  return {
    clock,
    files: hostFiles(files, process.cwd()),
    print: (text) => void process.stdout.write(text),
    say: (line) => void process.stderr.write(`${line}\n`),
    readInput,
  };
}

function commandHelp(command: string, about: string, verbs: readonly ToolVerb[]): string {
  const lines = verbs.flatMap(({ verb, args, help }) => [
    `${verb} [<flags>]${args.map((name) => ` ${shown(name)}`).join('')}`,
    `    ${help}`,
    '',
  ]);
  return [`usage: tidemark ${command} <command> [<args> ...]`, '', about, '', 'Subcommands:', ...lines].join('\n');
}

/** The verb that the words begin with, and what follows it. */
function findVerb(verbs: readonly ToolVerb[], words: readonly string[]): { verb: ToolVerb; rest: string[] } | null {
  for (const verb of verbs) {
    const names = verb.verb.split(' ');
    if (names.every((name, i) => words[i] === name)) return { verb, rest: words.slice(names.length) };
  }
  return null;
}

/** Runs one of the verbs of a command with the arguments behind the command's name; returns the exit code. */
export async function runVerbs(
  command: string,
  about: string,
  verbs: readonly ToolVerb[],
  args: readonly string[],
  tool: Tool = realTool(),
): Promise<number> {
  try {
    const found = findVerb(verbs, [command, ...args]);
    if (!found) {
      if (args.length > 0 && !/^(?:-h|--help|help)$/.test(args[0]))
        throw new TidemarkError('bad_flag', `expected command but got "${args.slice(0, 2).join(' ')}"`);
      tool.print(commandHelp(command, about, verbs));
      return EXIT_CODES.good;
    }
    const parsed = new VerbArguments(found.verb, found.rest);
    if (!parsed.isHelp) return await found.verb.run(tool, parsed);
    tool.print(verbHelp(found.verb));
    return EXIT_CODES.good;
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    const hint = error.code === 'bad_flag' ? ', try --help' : '';
    tool.say(`tidemark: error: ${errorText(error)}${hint}`);
    return EXIT_CODES.failed;
  }
}
