// What unit tests expect and what they got, as texts and as values.
import { type NativeHistogram, compact, compareUtf8, formatG, goQuote } from '../model/index.ts';
import { exponentialText } from './template/float-text.ts';

/** Names and values, sorted by name; values may be empty. */
export type Pairs = readonly (readonly [string, string])[];

/** An alert by what identifies and describes it. */
export interface ComparedAlert {
  readonly labels: Pairs;
  readonly annotations: Pairs;
}

/** A sample of an instant query's answer. */
export interface ComparedSample {
  readonly labels: Pairs;
  readonly value: number;
  /** In the test language; '': it is a float. */
  readonly histogram: string;
}

export const sortedPairs = (source: Iterable<readonly [string, string]>): Pairs =>
  [...source].sort(([a], [b]) => compareUtf8(a, b));

function comparePairs(a: Pairs, b: Pairs): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareUtf8(a[i][0], b[i][0]) || compareUtf8(a[i][1], b[i][1]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export const compareAlerts = (a: ComparedAlert, b: ComparedAlert): number =>
  comparePairs(a.labels, b.labels) || comparePairs(a.annotations, b.annotations);

export const compareSamples = (a: ComparedSample, b: ComparedSample): number => comparePairs(a.labels, b.labels);

export const alertsAreEqual = (a: readonly ComparedAlert[], b: readonly ComparedAlert[]): boolean =>
  a.length === b.length && a.every((alert, i) => compareAlerts(alert, b[i]) === 0);

const bits = new DataView(new ArrayBuffer(8));

/** A float's place among all floats, in order. */
function ordinal(value: number): bigint {
  bits.setFloat64(0, value);
  const word = bits.getBigInt64(0);
  return word >= 0n ? word : -(word & 0x7fffffffffffffffn);
}

/** Whether two floats are the same, or (fuzzy) neighbours. */
export function floatsAreEqual(a: number, b: number, isFuzzy: boolean): boolean {
  if (a === b) return true;
  if (!isFuzzy || Number.isNaN(a) || Number.isNaN(b)) return false;
  const distance = ordinal(a) - ordinal(b);
  return distance >= -1n && distance <= 1n;
}

export function samplesAreEqual(a: readonly ComparedSample[], b: readonly ComparedSample[], isFuzzy: boolean): boolean {
  return (
    a.length === b.length &&
    a.every(
      (sample, i) =>
        compareSamples(sample, b[i]) === 0 &&
        sample.histogram === b[i].histogram &&
        floatsAreEqual(sample.value, b[i].value, isFuzzy),
    )
  );
}

function pairsText(pairs: Pairs): string {
  const parts = pairs.map(([name, value]) => {
    const shown = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : goQuote(name);
    return `${shown}=${goQuote(value)}`;
  });
  return `{${parts.join(', ')}}`;
}

const indent = (text: string, by: string): string => text.replaceAll('\n', `\n${by}`);

/** Alerts as promtool lists them. */
export function alertsText(alerts: readonly ComparedAlert[]): string {
  if (alerts.length === 0) return '[]';
  const texts = alerts.map(({ labels, annotations }, i) => {
    const text = `\nLabels:${pairsText(labels)}\nAnnotations:${pairsText(annotations)}`;
    return `${i}:${indent(text, '  ')}`;
  });
  return `[\n${texts.join(',\n')}\n]`;
}

/** Indents all lines but the first. */
export const indentRest = indent;

/** Samples as promtool lists them. */
export function samplesText(samples: readonly ComparedSample[]): string {
  if (samples.length === 0) return 'nil';
  const texts = samples.map(({ labels, value, histogram }) => {
    const shown = histogram === '' ? exponentialText(value, null).replace('e', 'E') : histogram;
    return `${pairsText(labels)} ${shown}`;
  });
  return texts.join(', ');
}

/** A histogram in the test language. */
export function histogramExpression(histogram: NativeHistogram): string {
  const h = compact(histogram);
  const fields: string[] = [];
  const number = (name: string, value: number) => value !== 0 && fields.push(`${name}:${formatG(value)}`);
  const list = (values: ArrayLike<number>) => `[${Array.from(values, (value) => formatG(value)).join(' ')}]`;
  number('schema', h.schema);
  number('count', h.count);
  number('sum', h.sum);
  number('z_bucket', h.zeroCount);
  number('z_bucket_w', h.zeroThreshold);
  if (h.customBounds.length > 0) fields.push(`custom_values:${list(h.customBounds)}`);
  if (h.resetHint !== 'unknown') fields.push(`counter_reset_hint:${h.resetHint}`);
  for (const [buckets, name, offset] of [
    [h.positive, 'buckets', 'offset'],
    [h.negative, 'n_buckets', 'n_offset'],
  ] as const) {
    const { indexes, counts } = buckets;
    if (indexes.length === 0) continue;
    const run = new Array<number>(indexes[indexes.length - 1] - indexes[0] + 1).fill(0);
    indexes.forEach((index, i) => (run[index - indexes[0]] = counts[i]));
    if (indexes[0] !== 0) fields.push(`${offset}:${indexes[0]}`);
    fields.push(`${name}:${list(run)}`);
  }
  return `{{${fields.join(' ')}}}`;
}
