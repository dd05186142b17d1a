// The command line, read as Prometheus reads it: `--flag=value` or `--flag value`, `--switch` and `--no-switch`, no positional
// arguments. The program prints an error with usage and exits with code 2.
import { TidemarkError, errorText } from '../base/index.ts';
import type { Config } from './config.ts';
import { FLAGS, type Flag, type FlagName, type FlagValues } from './flag-table.ts';

/** Exit code of a command line that cannot be read. */
export const BAD_FLAGS_EXIT_CODE = 2;
const RETENTION_DEFAULT_MS = 15 * 86_400_000;

/** A command line that was understood. */
export interface ParsedFlags {
  readonly values: FlagValues;
  /** Flags that were given. */
  readonly given: ReadonlySet<FlagName>;
  /** One text per given flag that has no effect here, and per feature that is not known. */
  readonly warnings: readonly string[];
  /** What is asked for instead of running. */
  readonly show?: 'help' | 'version';
}

/** Features that Prometheus knows. Those of no use here are accepted: they tune its own machinery. */
export const FEATURES: ReadonlySet<string> = new Set(
  `exemplar-storage memory-snapshot-on-shutdown promql-per-step-stats promql-experimental-functions
   promql-delayed-name-removal promql-extended-range-selectors promql-binop-fill-modifiers promql-duration-expr
   created-timestamp-zero-ingestion st-storage st-synthesis use-start-timestamps histograms-st-encoding
   concurrent-rule-eval metadata-wal-records delayed-compaction otlp-deltatocumulative otlp-native-delta-ingestion
   type-and-unit-labels use-uncached-io search-api fast-startup old-ui extra-scrape-metrics xor2-encoding
   native-histograms ooo-native-histograms auto-reload-config`.split(/\s+/),
);

const bad = (text: string) => new TidemarkError('bad_flag', `Error parsing command line arguments: ${text}`);

interface Reading {
  values: Record<string, unknown>;
  given: Set<FlagName>;
}

const table = FLAGS as Record<string, Flag<unknown>>;
const isFlag = (name: string): name is FlagName => Object.hasOwn(FLAGS, name);

function put(reading: Reading, name: FlagName, value: string): void {
  const flag = table[name];
  if (reading.given.has(name) && !flag.isList) throw bad(`flag '${name}' cannot be repeated`);
  let parsed: unknown;
  try {
    parsed = flag.parse(value);
  } catch (error) {
    throw bad(`${errorText(error)} (--${name})`);
  }
  const before = reading.given.has(name) ? (reading.values[name] as unknown[]) : [];
  reading.values[name] = flag.isList ? [...before, ...(parsed as unknown[])] : parsed;
  reading.given.add(name);
}

/** Reads one argument (and the next, if it is the value). Returns how many were taken. */
function readArgument(reading: Reading, argument: string, next: string | undefined): number {
  if (!argument.startsWith('--')) {
    throw bad(
      argument.startsWith('-') && argument !== '-' ? `unknown short flag '${argument}'` : `unexpected ${argument}`,
    );
  }
  const equals = argument.indexOf('=');
  const name = equals < 0 ? argument.slice(2) : argument.slice(2, equals);
  const value = equals < 0 ? undefined : argument.slice(equals + 1);
  const positive = name.startsWith('no-') ? name.slice(3) : '';
  if (!isFlag(name) && isFlag(positive) && table[positive].isSwitch && value === undefined) {
    put(reading, positive, 'false');
    return 1;
  }
  if (!isFlag(name)) throw bad(`unknown long flag '--${name}'`);
  if (table[name].isSwitch) {
    put(reading, name, value ?? 'true');
    return 1;
  }
  const given = value ?? next;
  if (given === undefined) throw bad(`expected argument for flag '--${name}'`);
  put(reading, name, given);
  return value === undefined ? 2 : 1;
}

/** Names of `--enable-feature`, split at commas. */
export const enabledFeatures = (values: FlagValues): string[] =>
  values['enable-feature'].flatMap((names) => names.split(',')).filter((name) => name !== '');

function warningsOf(reading: Reading): string[] {
  const out: string[] = [];
  for (const name of reading.given) {
    const why = table[name].ignored;
    if (why !== undefined) out.push(`--${name} is ignored: ${why}`);
  }
  for (const feature of enabledFeatures(reading.values as FlagValues))
    if (!FEATURES.has(feature)) out.push(`unknown option for --enable-feature: ${feature}`);
  return out;
}

/** The flags' defaults. */
export const defaultFlags = (): FlagValues =>
  Object.fromEntries(Object.entries(FLAGS).map(([name, flag]) => [name, flag.absent])) as FlagValues;

/** Flags of what an agent has not. */
const SERVER_ONLY = /^(?:storage\.tsdb|query|rules|alertmanager|storage\.remote\.read-.*)(?:\.|$)/;
const AGENT_ONLY = /^storage\.agent\./;

function refuseContradictions(values: FlagValues, given: ReadonlySet<string>): void {
  const [rule, foreign] = values.agent ? ['can not', SERVER_ONLY] : ['can only', AGENT_ONLY];
  const found = [...given].filter((name) => foreign.test(name)).map((name) => JSON.stringify(`--${name}`));
  if (found.length > 0) throw bad(`the following flag(s) ${rule} be used in agent mode: [${found.join(' ')}]`);
  const features = enabledFeatures(values);
  if (features.includes('otlp-deltatocumulative') && features.includes('otlp-native-delta-ingestion'))
    throw bad('otlp-deltatocumulative and otlp-native-delta-ingestion cannot be enabled at the same time');
}

/** Reads the arguments after the program's name. Throws TidemarkError `bad_flag` in Prometheus' words. */
export function parseFlags(args: readonly string[]): ParsedFlags {
  const reading: Reading = { values: defaultFlags(), given: new Set() };
  for (let i = 0; i < args.length; ) {
    const argument = args[i];
    if (argument === '-h' || /^--help(?:-long|-man)?$/.test(argument))
      return { values: defaultFlags(), given: new Set(), warnings: [], show: 'help' };
    if (argument === '--version') return { values: defaultFlags(), given: new Set(), warnings: [], show: 'version' };
    i += readArgument(reading, argument, args[i + 1]);
  }
  refuseContradictions(reading.values as FlagValues, reading.given);
  return { values: reading.values as FlagValues, given: reading.given, warnings: warningsOf(reading) };
}

/** Each flag and its value as text, for /api/v1/status/flags. */
export function flagTexts(values: FlagValues): Record<string, string> {
  const names = Object.keys(FLAGS).sort() as FlagName[];
  return Object.fromEntries(names.map((name) => [name, table[name].print(values[name])]));
}

function helpLines([name, flag]: [string, Flag<unknown>]): string[] {
  const shown = flag.print(flag.absent);
  const value = flag.isSwitch ? '' : `=${shown === '' ? name.split('.').at(-1)?.toUpperCase() : JSON.stringify(shown)}`;
  const head = flag.isSwitch && flag.absent === true ? `--[no-]${name}` : `--${name}`;
  const note = flag.ignored === undefined ? '' : ` Ignored: ${flag.ignored}.`;
  return [`  ${head}${value}${flag.isList ? ' ...' : ''}`, `      ${flag.help}${note}`];
}

/** The text of --help. */
export function flagsHelp(): string {
  const shown = Object.entries(table).filter(([, flag]) => !flag.hidden);
  return [
    'usage: tidemark [<flags>]',
    '',
    'A metrics platform that speaks Prometheus: scrape, store, query, aggregate and alert.',
    '',
    'Flags:',
    '  -h, --help',
    '      Show this help.',
    '  --version',
    '      Show the version.',
    ...shown.flatMap(helpLines),
    '',
  ].join('\n');
}

/**
 * How long and how much to keep: the configuration file before the flags; 15 days if nothing is said. 0 = no limit.
 * `diskBytes`: of the file system, of which `storage.tsdb.retention.percentage` is a share; it goes before a size.
 */
export function effectiveRetention(
  values: FlagValues,
  config: Config,
  diskBytes = 0,
): { timeMs: number; sizeBytes: number } {
  const file = config.storage.tsdb?.retention;
  const share = Math.floor(((file?.percentage ?? 0) / 100) * diskBytes);
  const sizeBytes = share || file?.sizeBytes || values['storage.tsdb.retention.size'] || 0;
  const timeMs = file?.timeMs || values['storage.tsdb.retention.time'] || 0;
  return { timeMs: timeMs === 0 && sizeBytes === 0 ? RETENTION_DEFAULT_MS : timeMs, sizeBytes };
}
