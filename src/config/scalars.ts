// The scalar types of configuration files: texts, numbers, durations, sizes, secrets, paths, URLs, enumerations.
import { isAbsolute, join } from 'node:path';
import { errorText } from '../base/index.ts';
import { compileRelabelRegex, goQuote } from '../model/index.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { type Place, type Type, scalar } from './schema.ts';
import { Secret } from './secret.ts';
import { formatSize, parseSize } from './size.ts';

/** Runs a parser that throws and says where its input is. */
function placed<T>(parse: (text: string) => T): (text: string, at: Place) => T {
  return (text, at) => {
    try {
      return parse(text);
    } catch (error) {
      return at.fail(errorText(error));
    }
  };
}

export const text: Type<string> = scalar({ name: 'a text', zero: '', parse: (value) => value });

// YAML 1.1 words, as Go's decoder takes them.
const TRUE = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'true', 'True', 'TRUE']);
const FALSE = new Set(['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'false', 'False', 'FALSE']);

export const bool: Type<boolean> = scalar({
  name: 'true or false',
  zero: false,
  plain: true,
  parse: (value, at) =>
    TRUE.has(value) || (FALSE.has(value) ? false : at.fail(`want true or false; got ${goQuote(value)}`)),
});

function parseNumber(value: string): number {
  const digits = value.replaceAll('_', '');
  if (/^[-+]?(?:0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+)$/.test(digits)) {
    const sign = digits.startsWith('-') ? -1 : 1;
    return sign * Number(digits.replace(/^[-+]/, ''));
  }
  if (/^[-+]?0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8);
  if (/^[-+]?(?:\.inf|\.Inf|\.INF)$/.test(digits)) return digits.startsWith('-') ? -Infinity : Infinity;
  return /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/.test(digits) ? Number(digits) : Number.NaN;
}

const wholeNumber = (min: number, name: string): Type<number> =>
  scalar({
    name,
    zero: 0,
    plain: true,
    parse: (value, at) => {
      const number = parseNumber(value);
      return Number.isSafeInteger(number) && number >= min ? number : at.fail(`want ${name}; got ${goQuote(value)}`);
    },
  });

export const int: Type<number> = wholeNumber(Number.MIN_SAFE_INTEGER, 'a whole number');
export const uint: Type<number> = wholeNumber(0, 'a whole number that is not negative');

export const float: Type<number> = scalar({
  name: 'a number',
  zero: 0,
  plain: true,
  parse: (value, at) => {
    const number = parseNumber(value);
    return Number.isNaN(number) ? at.fail(`want a number; got ${goQuote(value)}`) : number;
  },
});

/** A duration in milliseconds. */
export const duration: Type<number> = scalar({
  name: 'a duration',
  zero: 0,
  parse: placed(parseDuration),
  encode: formatDuration,
});

/** A size in bytes. */
export const size: Type<number> = scalar({ name: 'a size', zero: 0, parse: placed(parseSize), encode: formatSize });

export const secret: Type<Secret> = scalar({
  name: 'a text',
  zero: Secret.none,
  parse: (value) => (value === '' ? Secret.none : new Secret(value)),
  encode: String,
  isZero: (value) => value.isEmpty,
});

/** A path; a relative one starts at the directory of the file that names it. */
export const joinDirectory = (directory: string, path: string): string =>
  path === '' || isAbsolute(path) ? path : join(directory, path);

export const path: Type<string> = scalar({
  name: 'a path',
  zero: '',
  parse: (value, at) => joinDirectory(at.source.directory, value),
});

/** One of a closed list of texts. `problem` words the refusal. */
export const oneOf = <const V extends string>(
  values: readonly V[],
  problem = (value: string) => `want one of ${values.join(', ')}; got ${goQuote(value)}`,
): Type<V | ''> =>
  scalar<V | ''>({
    name: `one of ${values.join(', ')}`,
    zero: '',
    parse: (value, at) => ((values as readonly string[]).includes(value) ? (value as V) : at.fail(problem(value))),
  });

/** A pattern that must compile; kept as text. Null is the empty pattern. */
export const regex: Type<string> = scalar({
  name: 'a regular expression',
  zero: '',
  parse: placed((value) => {
    compileRelabelRegex(value);
    return value;
  }),
});

/** Refusals of Go's url.Parse that users meet; anything it takes is kept as text. */
export function urlProblem(value: string): string | null {
  const quoted = `parse ${goQuote(value)}`;
  if (/[\x00-\x1f\x7f]/.test(value)) return `${quoted}: net/url: invalid control character in URL`;
  if (value.startsWith(':')) return `${quoted}: missing protocol scheme`;
  const rest = value.replace(/[?#].*$/s, '');
  const badEscape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(rest);
  if (badEscape) return `${quoted}: invalid URL escape ${goQuote(badEscape[0])}`;
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(rest);
  if (!scheme && rest.split('/')[0].includes(':')) return `${quoted}: first path segment in URL cannot contain colon`;
  const authority = /^(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?\/\/([^/]*)/.exec(rest)?.[1];
  if (authority === undefined) return null;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const bad = /[\s"<>\\^`{|}]/.exec(host);
  if (bad) return `${quoted}: invalid character ${goQuote(bad[0])} in host name`;
  if (host.startsWith('[') && !host.includes(']')) return `${quoted}: missing ']' in host`;
  const port = host.startsWith('[')
    ? host.slice(host.indexOf(']') + 1)
    : host.slice(Math.max(host.lastIndexOf(':'), 0));
  if (port.startsWith(':') && !/^:[0-9]*$/.test(port)) return `${quoted}: invalid port ${goQuote(port)} after host`;
  if (!host.startsWith('[') && host.split(':').length > 2)
    return `${quoted}: invalid port ${goQuote(host.slice(host.indexOf(':')))} after host`;
  return null;
}

/** A URL as text; its password is printed as xxxxx. */
export const url: Type<string> = scalar({
  name: 'a URL',
  zero: '',
  parse: (value, at) => {
    const problem = urlProblem(value);
    return problem === null ? value : at.fail(problem);
  },
  encode: (value) => value.replace(/^([a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#@:]*):[^/?#]*@/, '$1:xxxxx@'),
});

/** A text with a type of its own that is checked later. */
export const scalarName = <V extends string>(name: string): Type<V> =>
  scalar<V>({ name, zero: '' as V, parse: (value) => value as V });
