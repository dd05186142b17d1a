// Names of OpenTelemetry as names of Prometheus: the translation strategies of Prometheus 3. Escaping: tokens of letters, digits and
// colons, joined by underscores. Suffixes: the unit, `total` of counters, `ratio` of gauges that have the unit 1.
import type { OtlpConfig } from '../config/index.ts';
import type { OtlpMetric } from '../wire/index.ts';

const UNITS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
};

const PER_UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
};

const known = (units: Readonly<Record<string, string>>, unit: string): string =>
  Object.hasOwn(units, unit) ? units[unit] : unit;

/** The words of a unit such as `By/s`: `bytes` and `per_second`. Parts in braces are annotations, no units. */
function unitWords(unit: string): { main: string; per: string } {
  const slash = unit.indexOf('/');
  const isUnit = (text: string): boolean => text !== '' && !/[{}]/.test(text);
  const first = (slash < 0 ? unit : unit.slice(0, slash)).trim();
  const second = slash < 0 ? '' : unit.slice(slash + 1).trim();
  const per = isUnit(second) ? known(PER_UNITS, second) : '';
  return { main: isUnit(first) ? known(UNITS, first) : '', per: per === '' ? '' : `per_${per}` };
}

const clean = (unit: string): string => unit.replace(/[^a-zA-Z0-9]+/g, '_').replace(/^_+|_+$/g, '');

const startsSafe = (name: string): string => (/^\d/.test(name) ? `_${name}` : name);

const isCounter = ({ data }: OtlpMetric): boolean => data.kind === 'sum' && data.isMonotonic;
const isRatio = ({ data, unit }: OtlpMetric): boolean => data.kind === 'gauge' && unit === '1';

function escapedWithSuffixes(metric: OtlpMetric): string {
  let tokens = metric.name.split(/[^a-zA-Z0-9:]+/).filter((token) => token !== '');
  const { main, per } = unitWords(metric.unit);
  const [mainWord, perWord] = [clean(main), clean(per)];
  if (mainWord !== '' && !tokens.includes(mainWord)) tokens.push(mainWord);
  if (perWord !== '' && !tokens.includes(perWord)) tokens.push(perWord);
  for (const [applies, word] of [
    [isCounter(metric), 'total'],
    [isRatio(metric), 'ratio'],
  ] as const) {
    if (applies) tokens = [...tokens.filter((token) => token !== word), word];
  }
  return startsSafe(tokens.join('_'));
}

const escaped = ({ name }: OtlpMetric): string =>
  startsSafe(
    name
      .split(/[^a-zA-Z0-9:_]+/)
      .filter((token) => token !== '')
      .join('_'),
  );

const without = (name: string, suffix: string): string =>
  name.endsWith(`_${suffix}`) ? name.slice(0, -suffix.length - 1) : name;

function utf8WithSuffixes(metric: OtlpMetric): string {
  const { main, per } = unitWords(metric.unit);
  let { name } = metric;
  if (isCounter(metric)) name = without(name, 'total');
  if (isRatio(metric)) name = without(name, 'ratio');
  if (per !== '') name = without(name, per);
  if (main !== '' && !name.endsWith(main)) name += `_${main}`;
  if (per !== '') name += `_${per}`;
  if (isRatio(metric)) name += '_ratio';
  return isCounter(metric) ? `${name}_total` : name;
}

/** The name of a metric; '' if nothing of it can be kept. */
export function metricName(metric: OtlpMetric, strategy: OtlpConfig['translationStrategy']): string {
  switch (strategy) {
    case 'UnderscoreEscapingWithSuffixes':
      return escapedWithSuffixes(metric);
    case 'UnderscoreEscapingWithoutSuffixes':
      return escaped(metric);
    case 'NoUTF8EscapingWithSuffixes':
      return utf8WithSuffixes(metric);
    default:
      return metric.name;
  }
}

/** The unit of metadata. */
export const unitText = ({ unit }: OtlpMetric): string => {
  const { main, per } = unitWords(unit);
  return [clean(main), clean(per)].filter((word) => word !== '').join('_');
};

/** Which names and how they are changed. */
export type LabelNaming = Pick<
  OtlpConfig,
  'translationStrategy' | 'labelNameUnderscoreSanitization' | 'labelNamePreserveMultipleUnderscores'
>;

/** The label name of an attribute's name. */
export function labelName(attribute: string, naming: LabelNaming): string {
  const { translationStrategy: strategy } = naming;
  if (strategy === 'NoTranslation' || strategy === 'NoUTF8EscapingWithSuffixes' || attribute === '') return attribute;
  const plain = Array.from(attribute, (char) => (/^[a-zA-Z0-9_]$/.test(char) ? char : '_')).join('');
  const name = naming.labelNamePreserveMultipleUnderscores ? plain : plain.replace(/_+/g, '_');
  if (/^\d/.test(name)) return `key_${name}`;
  const isPrivate = name.startsWith('_') && !name.startsWith('__');
  return isPrivate && naming.labelNameUnderscoreSanitization ? `key${name}` : name;
}
