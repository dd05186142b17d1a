// `tidemark tsdb ...`: tools for data directories that no server uses, by promtool's names where it has them.
import { TidemarkError, errorText } from '../base/index.ts';
import { createRealWorld } from '../io/index.ts';
import { createConsoleLogger } from './console-logger.ts';
import { analyzeVerb } from './tsdb-analyze.ts';
import type { ToolWorld } from './tsdb-directory.ts';
import { dumpVerb, exportVerb } from './tsdb-export.ts';
import { type ProgressOutputOf, importOpenMetrics, importPrometheus } from './tsdb-import.ts';
import { listVerb } from './tsdb-list.ts';
import { VerbArguments, type VerbFlag, type VerbUsage, verbHelp } from './tsdb-options.ts';
import { verifyVerb } from './tsdb-verify.ts';

const directory: Record<string, VerbFlag> = {
  'storage.tsdb.path': { kind: 'text', absent: 'data/', help: 'Data directory. No server may use it meanwhile.' },
};
const tenant: Record<string, VerbFlag> = {
  tenant: { kind: 'text', absent: 'anonymous', help: 'Whose series.' },
};
const selection: Record<string, VerbFlag> = {
  match: { kind: 'list', help: 'Series selector. Can be specified multiple times.' },
  'min-time': { kind: 'number', help: 'Earliest time, in milliseconds since the Unix epoch.' },
  'max-time': { kind: 'number', help: 'Latest time, in milliseconds since the Unix epoch.' },
};

type Run = (world: ToolWorld, args: VerbArguments, output: ProgressOutputOf) => Promise<number | void>;

interface Verb extends VerbUsage {
  readonly run: Run;
}

const VERBS: readonly Verb[] = [
  {
    verb: 'tsdb import prometheus',
    help: 'Import a data directory or snapshot of Prometheus, or one of its blocks.',
    args: ['dir'],
    flags: { ...directory, ...tenant },
    run: importPrometheus,
  },
  {
    verb: 'tsdb import openmetrics',
    help: 'Import OpenMetrics text in which every sample has a timestamp; - reads standard input.',
    args: ['file'],
    flags: { ...directory, ...tenant },
    run: importOpenMetrics,
  },
  {
    verb: 'tsdb export',
    help: 'Print samples as OpenMetrics text. Stale markers have no form in it and are left out.',
    args: ['[db path]'],
    flags: { ...directory, ...tenant, ...selection },
    run: exportVerb,
  },
  {
    verb: 'tsdb dump',
    help: 'Print samples, one line each: labels, value, time in milliseconds.',
    args: ['[db path]'],
    flags: { ...directory, ...tenant, ...selection },
    run: dumpVerb,
  },
  {
    verb: 'tsdb list',
    help: 'List the block files.',
    args: ['[db path]'],
    flags: {
      'human-readable': { kind: 'switch', short: 'r', help: 'Print human readable times and sizes.' },
      ...directory,
    },
    run: listVerb,
  },
  {
    verb: 'tsdb analyze',
    help: 'Analyze cardinality, churn and bytes per sample.',
    args: ['[db path]'],
    flags: {
      ...directory,
      ...tenant,
      ...selection,
      limit: { kind: 'number', absent: '20', help: 'How many items to show in each list.' },
    },
    run: analyzeVerb,
  },
  {
    verb: 'tsdb verify',
    help: 'Check every checksum and decode everything. Exit code 1 if anything is damaged.',
    args: ['[db path]'],
    flags: directory,
    run: verifyVerb,
  },
];

/** promtool's names for what is called otherwise here. */
const ALIASES: readonly (readonly [string, string])[] = [
  ['tsdb dump-openmetrics', 'tsdb export'],
  ['tsdb create-blocks-from openmetrics', 'tsdb import openmetrics'],
];

function help(): string {
  const lines = VERBS.flatMap(({ verb, args, help: text }) => {
    const shown = args.map((name) => (name.startsWith('[') ? ` [<${name.slice(1, -1)}>]` : ` <${name}>`)).join('');
    return [`${verb} [<flags>]${shown}`, `    ${text}`, ''];
  });
  return [
    'usage: tidemark tsdb <command> [<args> ...]',
    '',
    'Tools for data directories.',
    '',
    'Subcommands:',
    ...lines,
  ].join('\n');
}

/** The verb that the arguments begin with, and what follows it. */
function findVerb(args: readonly string[]): { verb: Verb; rest: readonly string[] } | undefined {
  const words = ['tsdb', ...args];
  const starts = (name: string) => name.split(' ').every((word, i) => words[i] === word);
  const alias = ALIASES.find(([name]) => starts(name));
  const name = alias?.[1];
  const verb = VERBS.find((candidate) => (name === undefined ? starts(candidate.verb) : candidate.verb === name));
  if (!verb) return undefined;
  return { verb, rest: words.slice((alias?.[0] ?? verb.verb).split(' ').length) };
}

/** Standard output that waits while it is full, and ends the program in peace when its reader has gone. */
function printer(): (text: string) => Promise<void> {
  const { stdout } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return (text) =>
    new Promise((resolve) => {
      if (stdout.write(text)) resolve();
      else stdout.once('drain', resolve);
    });
}

/** Runs `tidemark tsdb` with the arguments behind these words; returns the exit code. */
export async function runTsdb(args: readonly string[]): Promise<number> {
  const { clock } = createRealWorld('.');
  const write = (text: string) => void process.stderr.write(text);
  const logger = createConsoleLogger({ level: 'warn', format: 'logfmt', clock, write });
  const world: ToolWorld = { clock, logger, print: printer(), say: (line) => write(`${line}\n`) };
  const found = findVerb(args);
  try {
    if (!found) {
      if (args.length > 0 && !/^(?:-h|--help|help)$/.test(args[0])) {
        throw new TidemarkError('bad_flag', `expected command but got "${args.slice(0, 2).join(' ')}"`);
      }
      await world.print(help());
      return 0;
    }
    const parsed = new VerbArguments(found.verb, found.rest);
    if (parsed.isHelp) {
      await world.print(verbHelp(found.verb));
      return 0;
    }
    return (await found.verb.run(world, parsed, { write, isTerminal: process.stderr.isTTY === true })) ?? 0;
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    const hint = error.code === 'bad_flag' ? ', try --help' : '';
    write(`tidemark: error: ${errorText(error)}${hint}\n`);
    return 1;
  }
}
