// This process' own metrics as status/self_metrics gives them: families in the JSON form of Prometheus' protobuf, in which whole
// numbers of 64 bits are texts and what is zero or empty is left out.
import { compileRegex } from '../model/index.ts';
import { type ExpositionMetadata, type ExpositionSample, parseExpositionTwin, parseSeriesText } from '../wire/index.ts';

interface Family {
  readonly name: string;
  help: string;
  type: string;
  readonly samples: { readonly name: string; readonly labels: Map<string, string>; readonly value: number }[];
}

const TYPES: Readonly<Record<string, string>> = { counter: 'COUNTER', gauge: 'GAUGE', histogram: 'HISTOGRAM' };
const HISTOGRAM_SUFFIX = /_(?:bucket|sum|count)$/;

/** Special floats are texts in protobuf's JSON. */
const jsonNumber = (value: number): number | string =>
  Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';

function familiesOf(body: Uint8Array): Family[] {
  const families = new Map<string, Family>();
  const text = (start: number, end: number) => Buffer.from(body.subarray(start, end)).toString('utf8');
  const family = (name: string): Family => {
    let found = families.get(name);
    if (!found) families.set(name, (found = { name, help: '', type: 'untyped', samples: [] }));
    return found;
  };
  const { samples, metadata } = parseExpositionTwin(body, 'text');
  for (const row of metadata) describe(family(text(row.nameStart, row.nameEnd)), row, text);
  for (const row of samples) {
    const sample = sampleOf(body, row);
    family(families.has(sample.name) ? sample.name : sample.name.replace(HISTOGRAM_SUFFIX, '')).samples.push(sample);
  }
  return [...families.values()].filter((one) => one.samples.length > 0);
}

function describe(family: Family, row: ExpositionMetadata, text: (start: number, end: number) => string): void {
  const value = text(row.textStart, row.textEnd);
  if (row.kind === 'help') family.help = value;
  if (row.kind === 'type') family.type = value;
}

function sampleOf(body: Uint8Array, { start, length, value }: ExpositionSample): Family['samples'][number] {
  const labels = parseSeriesText(body.subarray(start, start + length), 'unknown');
  const name = labels.get('__name__') ?? '';
  labels.delete('__name__');
  return { name, labels, value };
}

const labelPairs = (labels: ReadonlyMap<string, string>): object =>
  labels.size === 0 ? {} : { label: [...labels].map(([name, value]) => ({ name, value })) };

/** A histogram's metrics: buckets, sum and count of equal labels together. */
function histograms({ name, samples }: Family): object[] {
  const byLabels = new Map<string, { label: object; histogram: Record<string, unknown>; bucket: object[] }>();
  for (const { name: sample, labels, value } of samples) {
    const bound = labels.get('le') ?? '';
    labels.delete('le');
    const key = JSON.stringify([...labels]);
    let metric = byLabels.get(key);
    if (!metric) byLabels.set(key, (metric = { label: labelPairs(labels), histogram: {}, bucket: [] }));
    const suffix = sample.slice(name.length);
    if (suffix === '_count') metric.histogram.sampleCount = String(value);
    else if (suffix === '_sum') metric.histogram.sampleSum = jsonNumber(value);
    else if (bound !== '+Inf') metric.bucket.push({ cumulativeCount: String(value), upperBound: Number(bound) });
  }
  return [...byLabels.values()].map(({ label, histogram, bucket }) => ({
    ...label,
    histogram: { ...histogram, bucket },
  }));
}

function shownFamily(family: Family): object {
  const { name, help, type, samples } = family;
  const metric =
    type === 'histogram'
      ? histograms(family)
      : samples.map(({ labels, value }) => ({ ...labelPairs(labels), [type]: { value: jsonNumber(value) } }));
  return { name, ...(help !== '' && { help }), type: TYPES[type] ?? 'UNTYPED', metric };
}

/** Families whose names match the pattern (anchored; '' is all). Throws TidemarkError `bad_data` on a malformed pattern. */
export function selfMetrics(exposition: string, pattern: string): object[] {
  const isWanted = pattern === '' ? () => true : compileRegex(pattern);
  return familiesOf(Buffer.from(exposition))
    .filter(({ name }) => isWanted(name))
    .map(shownFamily);
}
