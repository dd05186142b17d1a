// What a function of templates is: the Go types of its parameters, which the executor checks, and what it does. And the functions
// that every Go template has.
import { compareUtf8 } from '../../model/index.ts';
import { FunctionError } from './template-error.ts';
import { sprint, sprintf, sprintln } from './printf.ts';
import { GoMap, type GoValue, QuerySamples, isTrue, printValue, typeName } from './values.ts';

/** Go types of parameters; `any` is interface{}. */
export type ParameterType = 'any' | 'string' | 'int' | 'float64' | '*template.sample' | 'template.queryResult';

export interface TemplateFunction {
  /** Of its parameters; the last one may repeat where `isVariadic`. */
  readonly parameters: readonly ParameterType[];
  readonly isVariadic?: boolean;
  /** The arguments have the types above. May throw FunctionError. */
  readonly call: (args: readonly GoValue[]) => GoValue;
}

export type TemplateFunctions = ReadonlyMap<string, TemplateFunction>;

type Kind = 'bool' | 'int' | 'float' | 'string' | null;

function kindOf(value: GoValue): Kind {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  return typeof value === 'string' ? 'string' : null;
}

const incompatible = (a: GoValue, b: GoValue): FunctionError =>
  new FunctionError(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);

function isEqual(a: GoValue, b: GoValue): boolean {
  if (a === null || b === null) return a === b;
  const [left, right] = [kindOf(a), kindOf(b)];
  if (left !== right) throw incompatible(a, b);
  if (left !== null) return a === b;
  if (typeName(a) !== typeName(b)) throw incompatible(a, b);
  if (a instanceof GoMap || a instanceof QuerySamples)
    throw new FunctionError(`non-comparable type ${printValue(a)}: ${typeName(a)}`);
  return a === b;
}

function isLess(a: GoValue, b: GoValue): boolean {
  const [left, right] = [kindOf(a), kindOf(b)];
  if (left === null || left === 'bool') throw new FunctionError('invalid type for comparison');
  if (left !== right) throw incompatible(a, b);
  if (left === 'string') return compareUtf8(a as string, b as string) < 0;
  return (a as number) < (b as number);
}

function indexValue(value: GoValue, key: GoValue): GoValue {
  if (value === null) throw new FunctionError('index of untyped nil');
  if (value instanceof GoMap) {
    if (typeof key !== 'string') throw new FunctionError(`value has type ${typeName(key)}; should be string`);
    return value.get(key);
  }
  if (!(value instanceof QuerySamples) && typeof value !== 'string')
    throw new FunctionError(`can't index item of type ${typeName(value)}`);
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : null;
  const length = bytes ? bytes.length : (value as QuerySamples).items.length;
  const at = checkedIndex(key, length, false);
  return bytes ? BigInt(bytes[at]) : (value as QuerySamples).items[at];
}

function checkedIndex(key: GoValue, length: number, isEnd: boolean): number {
  if (key === null) throw new FunctionError('cannot index slice/array with nil');
  if (typeof key !== 'bigint') throw new FunctionError(`cannot index slice/array with type ${typeName(key)}`);
  if (key < 0n || key > length || (key === BigInt(length) && !isEnd))
    throw new FunctionError(`index out of range: ${key}`);
  return Number(key);
}

function slice([value, ...indexes]: readonly GoValue[]): GoValue {
  if (value === null) throw new FunctionError('slice of untyped nil');
  if (typeof value !== 'string' && !(value instanceof QuerySamples))
    throw new FunctionError(`can't slice item of type ${typeName(value)}`);
  if (indexes.length > 2 && typeof value === 'string') throw new FunctionError('cannot 3-index slice a string');
  if (indexes.length > 3) throw new FunctionError(`too many slice indexes: ${indexes.length}`);
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : null;
  const length = bytes ? bytes.length : (value as QuerySamples).items.length;
  const [from = 0, to = length] = indexes.map((index) => checkedIndex(index, length, true));
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`);
  if (bytes) return bytes.subarray(from, to).toString('utf8');
  return new QuerySamples((value as QuerySamples).items.slice(from, to));
}

function length(value: GoValue): GoValue {
  if (value === null) throw new FunctionError('len of nil pointer');
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value, 'utf8'));
  if (value instanceof GoMap) return BigInt(value.entries.size);
  if (value instanceof QuerySamples) return BigInt(value.items.length);
  throw new FunctionError(`len of type ${typeName(value)}`);
}

const HTML: Record<string, string> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\0': '\ufffd',
};
const escapeHtml = (text: string): string => text.replace(/["'&<>\0]/g, (char) => HTML[char]);

const JS: Record<string, string> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};
const escapeJs = (text: string): string =>
  text.replace(/[\\'"<>&=\u0000-\u001f\u007f]/g, (char) => {
    const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return JS[char] ?? `\\u${code}`;
  });

/** Go's url.QueryEscape. */
export const queryEscape = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

const all = (call: TemplateFunction['call']): TemplateFunction => ({ parameters: ['any'], isVariadic: true, call });
const two = (call: (a: GoValue, b: GoValue) => GoValue): TemplateFunction => ({
  parameters: ['any', 'any'],
  call: ([a, b]) => call(a, b),
});
const textOf = (args: readonly GoValue[]): string =>
  typeof args[0] === 'string' && args.length === 1 ? args[0] : sprint(args);

/** The functions of Go's text/template. `and` and `or` are the executor's: they do not evaluate all of their arguments. */
export const BUILTIN_FUNCTIONS: TemplateFunctions = new Map<string, TemplateFunction>([
  [
    'and',
    {
      parameters: ['any', 'any'],
      isVariadic: true,
      call: (args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1) ?? null,
    },
  ],
  [
    'or',
    {
      parameters: ['any', 'any'],
      isVariadic: true,
      call: (args) => args.find((arg) => isTrue(arg)) ?? args.at(-1) ?? null,
    },
  ],
  ['not', { parameters: ['any'], call: ([arg]) => !isTrue(arg) }],
  [
    'eq',
    {
      parameters: ['any', 'any'],
      isVariadic: true,
      call: ([first, ...rest]) => {
        if (rest.length === 0) throw new FunctionError('missing argument for comparison');
        return rest.some((other) => isEqual(first, other));
      },
    },
  ],
  ['ne', two((a, b) => !isEqual(a, b))],
  ['lt', two((a, b) => isLess(a, b))],
  ['le', two((a, b) => isLess(a, b) || isEqual(a, b))],
  ['gt', two((a, b) => !(isLess(a, b) || isEqual(a, b)))],
  ['ge', two((a, b) => !isLess(a, b))],
  ['len', { parameters: ['any'], call: ([arg]) => length(arg) }],
  [
    'index',
    { parameters: ['any', 'any'], isVariadic: true, call: ([first, ...keys]) => keys.reduce(indexValue, first) },
  ],
  ['slice', { parameters: ['any', 'any'], isVariadic: true, call: slice }],
  ['print', all(sprint)],
  ['println', all(sprintln)],
  [
    'printf',
    { parameters: ['string', 'any'], isVariadic: true, call: ([format, ...args]) => sprintf(format as string, args) },
  ],
  ['html', all((args) => escapeHtml(textOf(args)))],
  ['js', all((args) => escapeJs(textOf(args)))],
  ['urlquery', all((args) => queryEscape(textOf(args)))],
  [
    'call',
    {
      parameters: ['any', 'any'],
      isVariadic: true,
      call: ([arg]) => {
        if (arg === null) throw new FunctionError('call of nil');
        throw new FunctionError(`non-function ${printValue(arg)} of type ${typeName(arg)}`);
      },
    },
  ],
]);
