// What stands behind a dot in a template: fields, keys of maps, methods.
import type { TemplateFunction } from './functions.ts';
import { durationMethod, timeMethod } from './time-methods.ts';
import {
  AlertData,
  GoDuration,
  GoMap,
  GoTime,
  type GoValue,
  QuerySample,
  isHistogram,
  printValue,
  typeName,
} from './values.ts';

/** What messages call the type that a field is looked for in. */
export const fieldType = (value: GoValue): string =>
  value instanceof QuerySample ? '*template.sample' : typeName(value);

/** The value of a field or key; undefined if there can be none. */
export function fieldOf(value: GoValue, field: string): GoValue | undefined {
  if (value instanceof GoMap) return value.get(field);
  if (value instanceof QuerySample) return { Labels: value.labels, Value: value.value }[field];
  if (value instanceof AlertData) {
    const { labels, externalLabels, externalUrl } = value;
    return { Labels: labels, ExternalLabels: externalLabels, ExternalURL: externalUrl, Value: value.value }[field];
  }
  if (isHistogram(value)) {
    const { count, sum, zeroCount, zeroThreshold, schema } = value;
    const fields: Record<string, GoValue> = {
      Count: count,
      Sum: sum,
      ZeroCount: zeroCount,
      ZeroThreshold: zeroThreshold,
    };
    return field === 'Schema' ? BigInt(schema) : fields[field];
  }
  return undefined;
}

/** A method of a value; undefined if there is none of the name. */
export function methodOf(value: GoValue, name: string): TemplateFunction | undefined {
  if (value instanceof GoTime) return timeMethod(value, name);
  if (value instanceof GoDuration) return durationMethod(value, name);
  if (isHistogram(value) && name === 'String') return { parameters: [], call: () => printValue(value) };
  return undefined;
}
