// The program: reads the command line, runs the server, stops it cleanly.
import { createRealWorld } from '../io/index.ts';
import { TidemarkError, errorText } from '../base/index.ts';
import { BAD_FLAGS_EXIT_CODE, type ParsedFlags, flagsHelp, parseFlags } from '../config/index.ts';
import { createConsoleLogger } from './console-logger.ts';
import { Server, type ServerOptions } from './server.ts';
import { VERSION } from './version.ts';

/** A second signal, or this long, and the process ends as it is: the log has all that was acknowledged. */
const STOP_MS_MAX = 30_000;

function readFlags(args: readonly string[]): ParsedFlags {
  try {
    return parseFlags(args);
  } catch (error) {
    process.stderr.write(`${errorText(error)}, try --help\n`);
    process.exit(BAD_FLAGS_EXIT_CODE);
  }
}

async function run(args: readonly string[]): Promise<void> {
  const { values: flags, given, warnings, show } = readFlags(args);
  if (show !== undefined) {
    process.stdout.write(show === 'help' ? flagsHelp() : `tidemark, version ${VERSION}\n`);
    return;
  }
  const { clock } = createRealWorld('.');
  const write = (line: string) => process.stderr.write(line);
  const logger = createConsoleLogger({ level: flags['log.level'], format: flags['log.format'], clock, write });
  for (const warning of warnings) logger.warn(warning);
  let isStopping = false;
  const quit = (error: Error | null) => {
    if (isStopping) process.exit(1);
    isStopping = true;
    if (error) {
      logger.error('cannot go on', { error: errorText(error) });
      process.exit(1);
    }
    logger.info('stopping');
    clock.after(STOP_MS_MAX, () => process.exit(1));
    server.stop().then(
      () => process.exit(0),
      (failure: unknown) => {
        logger.error('cannot stop cleanly', { error: errorText(failure) });
        process.exit(1);
      },
    );
  };
  const server = makeServer({ flags, isConfigNamed: given.has('config.file'), logger, onQuit: quit });
  process.on('SIGINT', () => quit(null));
  process.on('SIGTERM', () => quit(null));
  process.on('SIGHUP', () => void server.reload().catch(() => {})); // it has been logged
  try {
    const urls = await server.start();
    logger.info('ready', {
      version: VERSION,
      data: flags[flags.agent ? 'storage.agent.path' : 'storage.tsdb.path'],
      address: urls.join(' '),
    });
    process.stdout.write(`Tidemark is at ${urls.join(' and ')}\n`);
  } catch (error) {
    endOf(error);
  }
}

function makeServer(options: ServerOptions): Server {
  try {
    return new Server(options);
  } catch (error) {
    return endOf(error);
  }
}

/** A start that failed, in one line; a bug of ours with all that is known about it. */
function endOf(error: unknown): never {
  if (!(error instanceof TidemarkError)) throw error;
  process.stderr.write(`tidemark: ${errorText(error)}\n`);
  process.exit(1);
}

/** Commands other than the server, by their first word; each is loaded when it is asked for. */
const COMMANDS: Readonly<Record<string, () => Promise<(args: readonly string[]) => Promise<number>>>> = {
  tsdb: async () => (await import('./tsdb-command.ts')).runTsdb,
  check: async () => (await import('./check-command.ts')).runCheck,
  test: async () => (await import('./test-rules.ts')).runTest,
  query: async () => (await import('./query-verbs.ts')).runQuery,
  push: async () => (await import('./push-verbs.ts')).runPush,
};

const args = process.argv.slice(2);
const [command = '', ...rest] = args;
if (Object.hasOwn(COMMANDS, command)) process.exitCode = await (await COMMANDS[command]())(rest);
else await run(args);
