// `tidemark test rules`: runs unit tests of rules. Formats, output and exit codes are promtool's.
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { TidemarkError, errorText, utf8, utf8Text } from '../base/index.ts';
import { globFiles } from '../config/index.ts';
import { createRealWorld } from '../io/index.ts';
import { createExecWasm, loadKernel } from '../kernel/index.ts';
import {
  type GroupSpec,
  type UnitTestFile,
  type UnitTestOptions,
  parseRuleFile,
  parseUnitTestFile,
  runUnitTest,
} from '../rules/index.ts';
import { RE2JS } from 're2js';
import { mustExist, toolFeatures } from './check-rules.ts';
import { type JunitSuite, junitXml } from './test-rules-junit.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb, runVerbs } from './verb-command.ts';

interface Settings {
  readonly features: ReadonlySet<string>;
  readonly isUnknownFieldIgnored: boolean;
  /** Names of test groups to run; empty: all. */
  readonly patterns: readonly RE2JS[];
  readonly isDebug: boolean;
  readonly kernel: UnitTestOptions['kernel'];
}

async function readText(tool: Tool, file: string): Promise<string> {
  try {
    return utf8Text(await tool.files.readFile(file));
  } catch (cause) {
    throw new TidemarkError('bad_rules', `${file}: ${errorText(cause)}`, { cause });
  }
}

/** The rule files that a test file names; relative paths start at its directory. */
async function ruleFiles(tool: Tool, file: string, patterns: readonly string[]): Promise<string[]> {
  const out: string[] = [];
  for (const pattern of patterns) {
    const path = pattern !== '' && !isAbsolute(pattern) ? join(dirname(file), pattern) : pattern;
    const found: string[] = [];
    for (const match of await globFiles(path, tool.files.list)) if (await tool.files.stat(match)) found.push(match);
    if (found.length === 0) tool.say(`  WARNING: no file match pattern ${path}`);
    out.push(...found);
  }
  return out;
}

interface LoadedGroup {
  readonly file: string;
  readonly spec: GroupSpec;
}

/** All groups, in the order in which they are to be evaluated. Throws with all that is wrong with the files. */
async function loadGroups(
  tool: Tool,
  files: readonly string[],
  order: readonly string[],
  settings: Settings,
): Promise<LoadedGroup[]> {
  const groups: LoadedGroup[] = [];
  const errors: string[] = [];
  for (const file of files) {
    const { features, isUnknownFieldIgnored: allowsUnknownFields } = settings;
    const parsed = parseRuleFile(await readText(tool, file), { features, allowsUnknownFields });
    errors.push(...parsed.errors.map((text) => `${file}: ${text}`));
    groups.push(...parsed.groups.map((spec) => ({ file, spec })));
  }
  if (errors.length > 0) throw new TidemarkError('bad_rules', errors.join('\n'));
  const rank = new Map(order.map((name, i) => [name, i]));
  const rankOf = ({ spec }: LoadedGroup): number => rank.get(spec.name) ?? 0;
  return groups.sort((a, b) => rankOf(a) - rankOf(b));
}

async function runCases(
  tool: Tool,
  test: UnitTestFile,
  files: readonly string[],
  settings: Settings,
  suite: JunitSuite,
): Promise<string[]> {
  const failures: string[] = [];
  const wanted = test.tests.filter(
    ({ name }) => settings.patterns.length === 0 || settings.patterns.some((pattern) => pattern.matcher(name).find()),
  );
  for (const [i, one] of wanted.entries()) {
    if (settings.isDebug) tool.print(`DEBUG: Starting test ${one.name === '' ? i : one.name}\n`);
    let errors: string[];
    try {
      const groups = await loadGroups(tool, files, test.group_eval_order, settings);
      errors = await runUnitTest(one, {
        groups,
        evaluationIntervalMs: test.evaluation_interval,
        isFuzzy: test.fuzzy_compare,
        features: settings.features,
        clock: tool.clock,
        kernel: settings.kernel,
      });
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      errors = [errorText(error)];
    }
    suite.cases.push({ name: one.name === '' ? `${suite.name}#${i}` : one.name, failures: errors, error: null });
    failures.push(...errors);
  }
  return failures;
}

async function testFile(tool: Tool, file: string, settings: Settings): Promise<JunitSuite & { failed: boolean }> {
  const suite = { name: file, startedMs: tool.clock.nowMs(), cases: [] as JunitSuite['cases'], failed: false };
  let failures: string[];
  try {
    const test = parseUnitTestFile(await readText(tool, file), settings.isUnknownFieldIgnored);
    failures = await runCases(tool, test, await ruleFiles(tool, file, test.rule_files), settings, suite);
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    failures = [errorText(error)];
    suite.cases.push({ name: 'unknown', failures: [], error: failures[0] });
  }
  suite.failed = failures.length > 0;
  if (suite.failed) {
    tool.say('  FAILED:');
    for (const failure of failures) {
      tool.say(failure);
      tool.print('\n');
    }
  } else tool.print('  SUCCESS\n');
  tool.print('\n');
  return suite;
}

function compilePattern(text: string): RE2JS {
  try {
    return RE2JS.compile(text, 0);
  } catch (error) {
    throw new TidemarkError('bad_flag', errorText(error));
  }
}

async function writeReport(path: string, text: string): Promise<void> {
  const { files } = createRealWorld(resolve(dirname(path)));
  await files.writeFileAtomic(basename(path), utf8(text));
}

async function run(tool: Tool, args: VerbArguments): Promise<number> {
  await mustExist(tool, args.positional);
  const module = await loadKernel('exec');
  const settings: Settings = {
    features: toolFeatures(args),
    isUnknownFieldIgnored: args.has('ignore-unknown-fields'),
    patterns: args.list('run').map(compilePattern),
    isDebug: args.has('debug'),
    kernel: () => createExecWasm(module),
  };
  const suites: (JunitSuite & { failed: boolean })[] = [];
  for (const file of args.positional) suites.push(await testFile(tool, file, settings));
  const report = args.text('junit');
  if (report !== '') await writeReport(report, junitXml(suites));
  return suites.some(({ failed }) => failed) ? EXIT_CODES.failed : EXIT_CODES.good;
}

/** `test rules`. */
export const testRulesVerb: ToolVerb = {
  verb: 'test rules',
  help: 'Unit tests for rules.',
  args: ['test-rule-file...'],
  flags: {
    run: { kind: 'list', help: 'Only run test groups whose names match the regular expression. Can be repeated.' },
    'ignore-unknown-fields': { kind: 'switch', help: 'Ignore unknown fields in the test files and rule files.' },
    'enable-feature': { kind: 'list', help: 'Feature names to enable, separated by commas.' },
    junit: { kind: 'text', help: 'File to write the results to, as JUnit XML.' },
    debug: { kind: 'switch', help: 'Say which test begins.' },
    diff: { kind: 'switch', help: "Taken for promtool's sake: results are always shown whole." },
  },
  run,
};

/** Runs `tidemark test` with the arguments behind the word; returns the exit code. */
export const runTest = (args: readonly string[], tool?: Tool): Promise<number> =>
  runVerbs('test', 'Unit testing.', [testRulesVerb], args, tool);
