// `tidemark check metrics`: reads an exposition from standard input, refuses what is malformed and says what is badly named.
import { TidemarkError, errorText } from '../base/index.ts';
import { goQuote } from '../model/index.ts';
import {
  type ExpositionFormat,
  type ExpositionMetadata,
  type ExpositionSample,
  type MetricType,
  checkOpenMetrics,
  parseExpositionTwin,
  parseSeriesText,
} from '../wire/index.ts';
import { type LintFamily, type LintSample, lintFamilies } from './check-metrics-lint.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb } from './verb-command.ts';

interface Family extends LintFamily {
  type: MetricType;
  help: string;
  readonly kinds: Set<string>;
  readonly samples: LintSample[];
}

/** What samples of a type may add to the family's name. */
const SUFFIXES: Readonly<Partial<Record<MetricType, readonly string[]>>> = {
  histogram: ['_bucket', '_sum', '_count', '_created'],
  gaugehistogram: ['_bucket', '_gsum', '_gcount'],
  summary: ['_sum', '_count', '_created'],
};
const OPEN_SUFFIXES: typeof SUFFIXES = { ...SUFFIXES, counter: ['_total', '_created'], info: ['_info'] };
/** How a family of OpenMetrics is called by those who read its samples. */
const SHOWN_SUFFIX: Readonly<Partial<Record<MetricType, string>>> = { counter: '_total', info: '_info' };
const UNKNOWN: MetricType = 'unknown';

/** The rows of a body by family, in the order of their first lines. Throws TidemarkError on metadata that comes too late or twice. */
class Families {
  readonly #body: Uint8Array;
  readonly #isOpen: boolean;
  readonly byName = new Map<string, Family>();

  constructor(body: Uint8Array, format: ExpositionFormat) {
    this.#body = body;
    this.#isOpen = format === 'openmetrics';
    const { samples, metadata } = parseExpositionTwin(body, format);
    const rows = [...samples, ...metadata].sort((a, b) => offsetOf(a) - offsetOf(b));
    for (const row of rows) {
      if ('kind' in row) this.#metadata(row);
      else this.#sample(row);
    }
  }

  #text(start: number, end: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#body.subarray(start, end));
  }

  #family(name: string): Family {
    let family = this.byName.get(name);
    if (!family) {
      family = { name, type: UNKNOWN, help: '', kinds: new Set(), samples: [] };
      this.byName.set(name, family);
    }
    return family;
  }

  #metadata({ kind, nameStart, nameEnd, textStart, textEnd }: ExpositionMetadata): void {
    const family = this.#family(this.#text(nameStart, nameEnd));
    const word = kind.toUpperCase();
    const fail = (fact: string) => {
      throw new TidemarkError('bad_exposition', `${fact} (line ${this.#lineOf(nameStart)})`);
    };
    if (family.kinds.has(kind)) fail(`second ${word} line for metric name ${goQuote(family.name)}`);
    if (kind === 'type' && family.samples.length > 0)
      fail(`second TYPE line for metric name ${goQuote(family.name)}, or TYPE reported after samples`);
    family.kinds.add(kind);
    const text = this.#text(textStart, textEnd);
    if (kind === 'type') family.type = text === 'untyped' ? UNKNOWN : (text as MetricType);
    if (kind === 'help') family.help = text;
  }

  #lineOf(offset: number): number {
    return this.#text(0, offset).split('\n').length;
  }

  #sample(row: ExpositionSample): void {
    const labels = parseSeriesText(this.#body.subarray(row.start, row.start + row.length), UNKNOWN);
    const name = labels.get('__name__') ?? '';
    labels.delete('__name__');
    this.#owner(name).samples.push({ name, labels, timestampMs: row.timestampMs });
  }

  #owner(name: string): Family {
    const table = this.#isOpen ? OPEN_SUFFIXES : SUFFIXES;
    const cut = name.lastIndexOf('_');
    const family = cut > 0 ? this.byName.get(name.slice(0, cut)) : undefined;
    return family && table[family.type]?.includes(name.slice(cut)) ? family : this.#family(name);
  }

  /** As the rules look at them: with the labels that belong to the metric itself, not to the format of its type. */
  *shown(): Generator<LintFamily> {
    for (const family of this.byName.values()) {
      if (family.samples.length === 0) continue;
      const suffix = this.#isOpen ? (SHOWN_SUFFIX[family.type] ?? '') : '';
      yield suffix === '' || family.name.endsWith(suffix) ? family : { ...family, name: family.name + suffix };
    }
  }
}

const offsetOf = (row: ExpositionSample | ExpositionMetadata): number => ('kind' in row ? row.nameStart : row.start);

/** Series per family, the largest first, as promtool's table. */
function cardinalityTable(families: Iterable<LintFamily>): string {
  const rows = [...families].map(({ name, samples }) => ({ name, count: samples.length }));
  rows.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  const total = rows.reduce((sum, { count }) => sum + count, 0);
  const cells = [
    ['Metric', 'Cardinality', 'Percentage'],
    ...rows.map(({ name, count }) => [name, String(count), `${((count / total) * 100).toFixed(2)}%`]),
    ['Total', String(total), '100%'],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column].length)) + 4);
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]))
          .join('')
          .trimEnd()}\n`,
    )
    .join('');
}

const oneOf = (args: VerbArguments, flag: string, values: readonly string[]): string => {
  const value = args.text(flag);
  if (values.includes(value)) return value;
  throw new TidemarkError('bad_flag', `enum value must be one of ${values.join(',')}, got '${value}'`);
};

async function run(tool: Tool, args: VerbArguments): Promise<number> {
  const format = oneOf(args, 'format', ['prometheus', 'openmetrics']) === 'openmetrics' ? 'openmetrics' : 'text';
  const isLinting = oneOf(args, 'lint', ['all', 'none']) === 'all';
  const body = await tool.readInput();
  let families: Families;
  try {
    if (format === 'openmetrics') checkOpenMetrics(body);
    families = new Families(body, format);
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    tool.say(`error while linting: ${errorText(error)}`);
    return EXIT_CODES.failed;
  }
  const problems = isLinting ? lintFamilies(families.shown()) : [];
  for (const { metric, text } of problems) tool.say(`${metric} ${text}`);
  if (problems.length > 0) return EXIT_CODES.lint;
  if (args.has('extended')) tool.print(cardinalityTable(families.shown()));
  return EXIT_CODES.good;
}

/** `check metrics`. */
export const checkMetricsVerb: ToolVerb = {
  verb: 'check metrics',
  help: 'Check metrics from standard input: curl -s http://localhost:9090/metrics | tidemark check metrics',
  args: [],
  flags: {
    extended: { kind: 'switch', help: 'Print how many series each metric has.' },
    format: { kind: 'text', absent: 'prometheus', help: 'Format of the input: prometheus, openmetrics.' },
    lint: { kind: 'text', absent: 'all', help: 'Checks of names to apply: all, none.' },
  },
  run,
};
