// `tidemark check web-config`: whether a server would start with these files of --web.config.file.
import { TidemarkError, errorText, silentLogger } from '../base/index.ts';
import { WebProtection } from '../api/index.ts';
import { freshFiles } from '../io/index.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb } from './verb-command.ts';

async function run(tool: Tool, args: VerbArguments): Promise<number> {
  let isFailed = false;
  for (const file of args.positional) {
    try {
      void new WebProtection({ file, files: freshFiles, clock: tool.clock, logger: silentLogger });
      tool.say(`${file} SUCCESS`);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      tool.say(`${file} FAILED: ${errorText(error)}`);
      isFailed = true;
    }
  }
  return isFailed ? EXIT_CODES.failed : EXIT_CODES.good;
}

/** `check web-config`. */
export const checkWebConfigVerb: ToolVerb = {
  verb: 'check web-config',
  help: 'Check if the web config files are valid or not.',
  args: ['web-config-files...'],
  flags: {},
  run,
};
