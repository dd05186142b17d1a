// What promtool says of metrics that are well formed but badly named: one text per breach, in its words. Samples are put into
// families first, as Prometheus' client libraries do: those of a histogram or summary belong to the name before the suffix.
import { compareUtf8 } from '../model/index.ts';
import type { MetricType } from '../wire/index.ts';

/** A family's samples, with the labels that each has besides its name. */
export interface LintFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly samples: readonly LintSample[];
}

export interface LintSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly timestampMs: number | undefined;
}

/** One breach. */
export interface LintProblem {
  readonly metric: string;
  readonly text: string;
}

type Rule = (family: LintFamily) => string[];

const BASE_UNITS: Readonly<Record<string, readonly string[]>> = {
  amperes: ['amperes'],
  bytes: ['bytes', 'bits'],
  celsius: ['celsius', 'fahrenheit', 'rankine'],
  grams: ['grams', 'pounds', 'ounces'],
  joules: ['joules', 'calories'],
  kelvin: ['kelvin', 'kelvins'],
  meters: ['meters', 'metres', 'inches', 'yards', 'miles'],
  moles: ['moles'],
  seconds: ['seconds', 'minutes', 'hours', 'days', 'weeks'],
  volts: ['volts'],
};
const UNIT_BASE = new Map(Object.entries(BASE_UNITS).flatMap(([base, units]) => units.map((unit) => [unit, base])));
UNIT_BASE.set('metres', 'metres'); // either spelling of the base unit will do
const PREFIXES =
  'pico nano micro milli centi deci deca hecto kilo kibi mega mibi mebi giga gibi tera tebi peta pebi'.split(' ');
const ABBREVIATIONS = 's ms us ns sec b kb mb gb tb pb m h d'.split(' ');
const TYPE_NAMES = ['counter', 'gauge', 'summary', 'histogram', 'gauge_histogram'];

/** A unit in a name, and the base unit it should be. */
function unitOf(name: string): { unit: string; base: string } | null {
  for (const part of name.split('_')) {
    const direct = UNIT_BASE.get(part);
    if (direct !== undefined) return { unit: part, base: direct };
    for (const prefix of PREFIXES) {
      const base = part.startsWith(prefix) ? UNIT_BASE.get(part.slice(prefix.length)) : undefined;
      if (base !== undefined) return { unit: part, base };
    }
  }
  return null;
}

const hasWord = (name: string, word: string): boolean => name.includes(`_${word}_`) || name.endsWith(`_${word}`);
const isUntyped = ({ type }: LintFamily): boolean => type === 'unknown';
const isHistogram = ({ type }: LintFamily): boolean => type === 'histogram' || type === 'gaugehistogram';
const isSummary = ({ type }: LintFamily): boolean => type === 'summary';
const perLabel = (family: LintFamily, judge: (label: string) => string | null): string[] =>
  family.samples.flatMap(({ labels }) => [...labels.keys()].map(judge).filter((text) => text !== null));

function help(family: LintFamily): string[] {
  return family.help === '' ? ['no help text'] : [];
}

function baseUnits({ name }: LintFamily): string[] {
  const found = unitOf(name);
  return found && found.unit !== found.base
    ? [`use base unit ${JSON.stringify(found.base)} instead of ${JSON.stringify(found.unit)}`]
    : [];
}

function totals(family: LintFamily): string[] {
  const isTotal = family.name.endsWith('_total');
  if (family.type === 'counter') return isTotal ? [] : ['counter metrics should have "_total" suffix'];
  return isTotal && !isUntyped(family) ? ['non-counter metrics should not have "_total" suffix'] : [];
}

function reservedNames(family: LintFamily): string[] {
  if (isUntyped(family)) return [];
  const { name } = family;
  const out: string[] = [];
  const either = isHistogram(family) || isSummary(family);
  if (!isHistogram(family) && name.endsWith('_bucket'))
    out.push('non-histogram metrics should not have "_bucket" suffix');
  if (!either && name.endsWith('_count'))
    out.push('non-histogram and non-summary metrics should not have "_count" suffix');
  if (!either && name.endsWith('_sum')) out.push('non-histogram and non-summary metrics should not have "_sum" suffix');
  const labels = perLabel(family, (label) => {
    if (label === 'le' && !isHistogram(family)) return 'non-histogram metrics should not have "le" label';
    if (label === 'quantile' && !isSummary(family)) return 'non-summary metrics should not have "quantile" label';
    return null;
  });
  return [...out, ...labels];
}

function typeNames({ name }: LintFamily): string[] {
  const lower = name.toLowerCase();
  return TYPE_NAMES.filter((type) => hasWord(lower, type)).map(
    (type) => `metric name should not include type '${type}'`,
  );
}

const reservedChars = ({ name }: LintFamily): string[] =>
  name.includes(':') ? ["metric names should not contain ':'"] : [];

const CAMEL_CASE = /[a-z][A-Z]/;

function snakeCase(family: LintFamily): string[] {
  const ofLabels = perLabel(family, (label) =>
    CAMEL_CASE.test(label) ? "label names should be written in 'snake_case' not 'camelCase'" : null,
  );
  return CAMEL_CASE.test(family.name)
    ? ["metric names should be written in 'snake_case' not 'camelCase'", ...ofLabels]
    : ofLabels;
}

function unitAbbreviations({ name }: LintFamily): string[] {
  const lower = name.toLowerCase();
  return ABBREVIATIONS.some((unit) => hasWord(lower, unit))
    ? ['metric names should not contain abbreviated units']
    : [];
}

function duplicates({ samples }: LintFamily): string[] {
  const seen = new Set<string>();
  return samples.flatMap(({ name, labels, timestampMs }) => {
    const key = JSON.stringify([name, timestampMs, ...[...labels].sort()]);
    if (seen.has(key)) return ['metric not unique'];
    seen.add(key);
    return [];
  });
}

const RULES: readonly Rule[] = [
  help,
  baseUnits,
  totals,
  reservedNames,
  typeNames,
  reservedChars,
  snakeCase,
  unitAbbreviations,
  duplicates,
];

/** All breaches, by metric, then text. A metric's text comes once per sample or label that it is true of. */
export function lintFamilies(families: Iterable<LintFamily>): LintProblem[] {
  const out: LintProblem[] = [];
  for (const family of families) {
    for (const rule of RULES) for (const text of rule(family)) out.push({ metric: family.name, text });
  }
  return out.sort((a, b) => compareUtf8(a.metric, b.metric) || compareUtf8(a.text, b.text));
}
