// `tidemark check rules`: reads rule files as the server would and says what is wrong with them. Output and exit codes are
// promtool's.
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import { goQuote } from '../model/index.ts';
import { type RuleFileOptions, duplicateRulesText, parseRuleFile } from '../rules/index.ts';
import type { CheckRuleFiles } from './check-config.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb } from './verb-command.ts';

const LINTS = ['all', 'duplicate-rules', 'none'];

/** What promtool takes for --enable-feature. */
export const toolFeatures = (args: VerbArguments): ReadonlySet<string> =>
  new Set(args.list('enable-feature').flatMap((text) => text.split(',').map((name) => name.trim())));

/** Refuses files that are not there before anything is done. */
export async function mustExist(tool: Tool, files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (!(await tool.files.stat(file))) throw new TidemarkError('bad_flag', `path '${file}' does not exist`);
  }
}

interface Outcome {
  hasErrors: boolean;
  hasLint: boolean;
}

/** Checks one file's text and prints what promtool prints. */
function checkText(tool: Tool, text: string, prefix: string, options: RuleFileOptions & { lint: string }): Outcome {
  const { groups, errors } = parseRuleFile(text, options);
  if (errors.length > 0) {
    tool.say('  FAILED:');
    for (const error of errors) tool.say(prefix + error);
    return { hasErrors: true, hasLint: false };
  }
  const duplicates = options.lint === 'none' ? null : duplicateRulesText(groups);
  if (duplicates === null) {
    const count = groups.reduce((sum, { rules }) => sum + rules.length, 0);
    tool.print(`  SUCCESS: ${count} rules found\n`);
  } else {
    tool.say('  FAILED:');
    tool.say(`lint error ${duplicates}`);
  }
  tool.print('\n');
  return { hasErrors: false, hasLint: duplicates !== null };
}

async function readText(tool: Tool, file: string): Promise<string> {
  try {
    return utf8Text(await tool.files.readFile(file));
  } catch (cause) {
    throw new TidemarkError('bad_rules', `${file}: ${errorText(cause)}`, { cause });
  }
}

/** Checks rule files that a configuration names, or the command line. */
export const checkRuleFiles: CheckRuleFiles &
  ((...args: [...Parameters<CheckRuleFiles>, RuleFileOptions]) => Promise<Outcome>) = async (
  tool,
  files,
  { lint, isUnknownFieldIgnored },
  more: RuleFileOptions = {},
) => {
  const outcome: Outcome = { hasErrors: false, hasLint: false };
  const options = { ...more, allowsUnknownFields: isUnknownFieldIgnored, lint };
  for (const file of files) {
    tool.print(`Checking ${file}\n`);
    let found: Outcome;
    try {
      found = checkText(tool, await readText(tool, file), `${file}: `, options);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      tool.say('  FAILED:');
      tool.say(errorText(error));
      found = { hasErrors: true, hasLint: false };
    }
    outcome.hasErrors ||= found.hasErrors;
    outcome.hasLint ||= found.hasLint;
  }
  return outcome;
};

async function run(tool: Tool, args: VerbArguments): Promise<number> {
  const lint = args.text('lint');
  if (!LINTS.includes(lint)) throw new TidemarkError('bad_flag', `unknown lint option ${goQuote(lint)}`);
  await mustExist(tool, args.positional);
  const features = toolFeatures(args);
  const settings = { lint, isUnknownFieldIgnored: args.has('ignore-unknown-fields') };
  let outcome: Outcome;
  if (args.positional.length > 0) outcome = await checkRuleFiles(tool, args.positional, settings, { features });
  else {
    tool.print('Checking standard input\n');
    const options = { features, allowsUnknownFields: settings.isUnknownFieldIgnored, lint };
    outcome = checkText(tool, utf8Text(await tool.readInput()), '', options);
  }
  if (outcome.hasErrors) return EXIT_CODES.failed;
  return outcome.hasLint && args.has('lint-fatal') ? EXIT_CODES.lint : EXIT_CODES.good;
}

/** `check rules`. */
export const checkRulesVerb: ToolVerb = {
  verb: 'check rules',
  help: 'Check if the rule files are valid or not.',
  args: ['[rule-files...]'],
  flags: {
    lint: { kind: 'text', absent: 'duplicate-rules', help: `Linting checks to apply: ${LINTS.join(', ')}.` },
    'lint-fatal': { kind: 'switch', help: 'Make lint errors exit with exit code 3.' },
    'ignore-unknown-fields': { kind: 'switch', help: 'Ignore unknown fields in the rule files.' },
    'enable-feature': { kind: 'list', help: 'Feature names to enable, separated by commas.' },
  },
  run,
};
