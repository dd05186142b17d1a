// The functions that Prometheus adds to templates of alerts.
import { TidemarkError, errorText } from '../../base/index.ts';
import { compareUtf8, expandTemplate, goLower, goQuote, goUpper, parseTemplate } from '../../model/index.ts';
import { parseDuration } from '../../config/index.ts';
import { RE2JS } from 're2js';
import { fixedText, generalText } from './float-text.ts';
import { type TemplateFunction, type TemplateFunctions, queryEscape } from './functions.ts';
import { FunctionError } from './template-error.ts';
import {
  GoDuration,
  GoMap,
  GoTime,
  type GoValue,
  type QuerySample,
  QuerySamples,
  printValue,
  typeName,
} from './values.ts';

/** What the functions know of the world. */
export interface FunctionWorld {
  /** The moment that is evaluated. */
  readonly timeMs: number;
  /** Without a slash at its end. */
  readonly externalUrl: string;
  /** Answers an instant query at that moment. May throw anything; a FunctionError is the template's. */
  readonly query: (expression: string) => QuerySamples;
}

const g4 = (value: number): string => generalText(value, 4);
const isPlain = (value: number): boolean => value === 0 || !Number.isFinite(value);

/** strconv.ParseFloat of what users write. */
function parseFloatText(text: string): number {
  const digits = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
  if (digits.test(text)) return Number(text);
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special) return special[2].toLowerCase() === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  const hexadecimal = /^([+-]?)(0x[0-9a-f]+)p([+-]?\d+)$/i.exec(text);
  if (hexadecimal) return Number(hexadecimal[2]) * 2 ** Number(hexadecimal[3]) * (hexadecimal[1] === '-' ? -1 : 1);
  throw new FunctionError(`strconv.ParseFloat: parsing ${goQuote(text)}: invalid syntax`);
}

function toFloat(value: GoValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') return parseFloatText(value);
  if (value instanceof GoDuration) return Number(value.nanoseconds) / 1e9;
  throw new FunctionError(`can't convert ${value === null ? '<nil>' : typeName(value)} to float`);
}

const BIG_PREFIXES = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const BINARY_PREFIXES = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];
const SMALL_PREFIXES = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];

function shrink(start: number, base: number, prefixes: readonly string[]): string {
  let value = start;
  let prefix = '';
  for (const next of prefixes) {
    if (Math.abs(value) < base) break;
    prefix = next;
    value /= base;
  }
  return g4(value) + prefix;
}

function enlarge(start: number): string {
  let value = start;
  let prefix = '';
  for (const next of SMALL_PREFIXES) {
    if (Math.abs(value) >= 1) break;
    prefix = next;
    value *= 1000;
  }
  return g4(value) + prefix;
}

function humanize(value: number): string {
  if (isPlain(value)) return g4(value);
  return Math.abs(value) >= 1 ? shrink(value, 1000, BIG_PREFIXES) : enlarge(value);
}

const humanize1024 = (value: number): string =>
  Math.abs(value) <= 1 || !Number.isFinite(value) ? g4(value) : shrink(value, 1024, BINARY_PREFIXES);

function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return g4(value);
  if (value === 0) return `${g4(value)}s`;
  if (Math.abs(value) < 1) return `${enlarge(value)}s`;
  const sign = value < 0 ? '-' : '';
  const total = Math.trunc(Math.abs(value));
  const [seconds, minutes] = [total % 60, Math.floor(total / 60) % 60];
  const [hours, days] = [Math.floor(total / 3600) % 24, Math.floor(total / 86_400)];
  if (days > 0) return `${sign}${fixedText(days, 0)}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m ${seconds}s` : `${sign}${g4(Math.abs(value))}s`;
}

/** Nanoseconds of seconds, if 64 bits hold them. */
function nanoseconds(seconds: number, what: string): bigint {
  const value = seconds * 1e9;
  if (value > 2 ** 63 || value < -(2 ** 63))
    throw new FunctionError(`${generalText(seconds, null)} cannot be represented as ${what} since it overflows int64`);
  return BigInt.asIntN(64, BigInt(Math.trunc(value)));
}

/** Whole milliseconds, as Prometheus keeps times. */
function timeOf(seconds: number): GoTime {
  const value = nanoseconds(seconds, 'a nanoseconds timestamp');
  return new GoTime((value / 1_000_000n) * 1_000_000n);
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new FunctionError('value is NaN or Inf');
  return value;
}

function compilePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, 0);
  } catch (error) {
    throw new FunctionError(errorText(error));
  }
}

const quotePattern = (pattern: string): string =>
  /[`\u0000-\u0008\u000a-\u001f\u007f]/.test(pattern) ? goQuote(pattern) : `\`${pattern}\``;

function replaceAll(pattern: string, replacement: string, text: string): string {
  let regex: RE2JS;
  try {
    regex = compilePattern(pattern);
  } catch (error) {
    throw new FunctionError(`regexp: Compile(${quotePattern(pattern)}): ${errorText(error)}`);
  }
  const parts = parseTemplate(replacement, regex);
  const matcher = regex.matcher(text);
  const count = regex.groupCount();
  let out = '';
  let end = 0;
  while (matcher.find()) {
    const groups = Array.from({ length: count + 1 }, (_, i) => matcher.group(i) ?? '');
    out += text.slice(end, matcher.start()) + expandTemplate(parts, groups);
    end = matcher.end();
  }
  return out + text.slice(end);
}

/** Host and port of `host:port`, `[host]:port`; null where Go's net.SplitHostPort refuses. */
function splitHostPort(text: string): { host: string; port: string } | null {
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(text);
  return found ? { host: found[1] ?? found[2], port: found[3] } : null;
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Whether a text is an IP address. A zone makes it none, as in Go. */
function isAddress(text: string): boolean {
  if (IPV4.test(text)) return true;
  return text.includes(':') && !text.includes('%') && URL.canParse(`http://[${text}]/`);
}

function stripDomain(text: string): string {
  const split = splitHostPort(text);
  const host = split?.host ?? text;
  if (isAddress(host)) return text;
  const short = host.split('.')[0];
  return split && split.port !== '' ? `${short.includes(':') ? `[${short}]` : short}:${split.port}` : short;
}

/** As Go's strings.Title: the first letter of each word in title case. */
const title = (text: string): string =>
  text.replace(/(^|[^\p{L}\p{Nd}_'])(\p{L})/gu, (_, before: string, letter: string) => before + goUpper(letter));

const linkTo = (expression: string, tab: number): string => `/graph?g0.expr=${queryEscape(expression)}&g0.tab=${tab}`;

function sortByLabel(label: string, { items }: QuerySamples): QuerySamples {
  const key = (sample: QuerySample): string => sample.labels.get(label) as string;
  return new QuerySamples([...items].sort((a, b) => compareUtf8(key(a), key(b))));
}

function first({ items }: QuerySamples): QuerySample {
  if (items.length === 0) throw new FunctionError('first() called on vector with no elements');
  return items[0];
}

function secondsOf(text: string): number {
  try {
    return parseDuration(text) / 1000;
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    throw new FunctionError(errorText(error));
  }
}

/** What a URL's path is, as Go has it. */
function pathOf(url: string): string {
  const path = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? '';
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

const ofText = (call: (text: string) => GoValue): TemplateFunction => ({
  parameters: ['string'],
  call: ([text]) => call(text as string),
});
const ofNumber = (call: (value: number) => GoValue): TemplateFunction => ({
  parameters: ['any'],
  call: ([value]) => call(toFloat(value)),
});

/** The functions for templates that are expanded in `world`. */
export function prometheusFunctions(world: FunctionWorld): TemplateFunctions {
  const { timeMs, externalUrl, query } = world;
  return new Map<string, TemplateFunction>([
    ['query', ofText(query)],
    ['first', { parameters: ['template.queryResult'], call: ([samples]) => first(samples as QuerySamples) }],
    [
      'label',
      {
        parameters: ['string', '*template.sample'],
        call: ([label, sample]) => (sample as QuerySample).labels.get(label as string),
      },
    ],
    ['value', { parameters: ['*template.sample'], call: ([sample]) => (sample as QuerySample).value }],
    [
      'strvalue',
      { parameters: ['*template.sample'], call: ([sample]) => (sample as QuerySample).labels.get('__value__') },
    ],
    [
      'args',
      {
        parameters: ['any'],
        isVariadic: true,
        call: (args) =>
          new GoMap(
            'any',
            args.map((arg, i) => [`arg${i}`, arg] as const),
          ),
      },
    ],
    [
      'reReplaceAll',
      {
        parameters: ['string', 'string', 'string'],
        call: ([pattern, replacement, text]) => replaceAll(pattern as string, replacement as string, text as string),
      },
    ],
    [
      'match',
      {
        parameters: ['string', 'string'],
        call: ([pattern, text]) =>
          compilePattern(pattern as string)
            .matcher(text as string)
            .find(),
      },
    ],
    [
      'sortByLabel',
      {
        parameters: ['string', 'template.queryResult'],
        call: ([label, samples]) => sortByLabel(label as string, samples as QuerySamples),
      },
    ],
    ['safeHtml', ofText((text) => text)],
    ['title', ofText(title)],
    ['toUpper', ofText(goUpper)],
    ['toLower', ofText(goLower)],
    ['graphLink', ofText((expression) => linkTo(expression, 0))],
    ['tableLink', ofText((expression) => linkTo(expression, 1))],
    ['urlQueryEscape', ofText(queryEscape)],
    ['stripPort', ofText((text) => splitHostPort(text)?.host ?? text)],
    ['stripDomain', ofText(stripDomain)],
    ['parseDuration', ofText(secondsOf)],
    ['humanize', ofNumber(humanize)],
    ['humanize1024', ofNumber(humanize1024)],
    ['humanizeDuration', ofNumber(humanizeDuration)],
    ['humanizePercentage', ofNumber((value) => `${g4(value * 100)}%`)],
    ['humanizeTimestamp', ofNumber((value) => (Number.isFinite(value) ? printValue(timeOf(value)) : g4(value)))],
    ['toTime', ofNumber((value) => timeOf(finite(value)))],
    ['toDuration', ofNumber((value) => new GoDuration(nanoseconds(finite(value), 'a duration')))],
    ['now', { parameters: [], call: () => timeMs / 1000 }],
    ['pathPrefix', { parameters: [], call: () => pathOf(externalUrl) }],
    ['externalURL', { parameters: [], call: () => externalUrl }],
  ]);
}

/** A link to the table of an expression, below the external URL. */
export const tableLink = (expression: string): string => linkTo(expression, 1);
