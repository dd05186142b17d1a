// Decodes YAML files of rules and of their tests, with the refusals of Go's YAML decoder, which users of promtool know: all of a
// file's misfits at once, each with its line.
//
//   yaml: unmarshal errors:
//     line 8: field annotation not found in type rulefmt.Rule
//
// (The schema kit of config/ has the configuration's own voice and stops at the first fault.)
import {
  type Alias,
  LineCounter,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
} from 'yaml';
import { TidemarkError, errorText } from '../base/index.ts';
import { parseDuration } from '../config/index.ts';
import { goQuote } from '../model/index.ts';

type YamlNode = Scalar | YAMLMap | YAMLSeq | Alias;

/** A place in a file, both from 1; both 0: nowhere. */
export interface FilePlace {
  readonly line: number;
  readonly column: number;
}

/** Decodes one kind of value. */
export interface YamlType<T> {
  /** For messages: the Go type's name. */
  readonly name: string;
  /** What null and absence mean. */
  readonly zero: () => T;
  readonly decode: (node: YamlNode, context: YamlContext) => T;
}

/** What a type decodes to. */
export type YamlValue<T> = T extends YamlType<infer V> ? V : never;

/** Aliases may make a small file stand for a huge one. */
const VALUE_COUNT_MAX = 1_000_000;
const SHOWN_MAX = 10;

const yamlError = (text: string): TidemarkError => new TidemarkError('bad_rules', text);

/** One file under decoding. */
export class YamlContext {
  readonly lines = new LineCounter();
  readonly errors: string[] = [];
  readonly allowsUnknown: boolean;
  readonly #anchors = new Map<string, YamlNode>();
  #count = 0;

  constructor(allowsUnknown: boolean) {
    this.allowsUnknown = allowsUnknown;
  }

  place(node: YamlNode): FilePlace {
    const { line, col } = this.lines.linePos(node.range?.[0] ?? 0);
    return { line, column: col };
  }

  misfit(node: YamlNode, text: string): void {
    this.errors.push(`line ${this.place(node).line}: ${text}`);
  }

  /** The node itself, or what it stands for; null if it is null. */
  resolve(node: unknown): YamlNode | null {
    if (++this.#count > VALUE_COUNT_MAX) throw yamlError(`yaml: document contains more than ${VALUE_COUNT_MAX} values`);
    let found = node as YamlNode | null;
    if (isAlias(found)) {
      const { source } = found;
      found = this.#anchors.get(source) ?? null;
      if (found === null) throw yamlError(`yaml: unknown anchor '${source}' referenced`);
    } else if (found?.anchor) this.#anchors.set(found.anchor, found);
    return isNull(found) ? null : found;
  }

  decode<T>(type: YamlType<T>, node: unknown): T {
    const found = this.resolve(node);
    return found === null ? type.zero() : type.decode(found, this);
  }
}

function isNull(node: unknown): boolean {
  if (node === null || node === undefined) return true;
  if (!isScalar(node) || node.tag) return false;
  return node.type === 'PLAIN' && /^(?:|~|null|Null|NULL)$/.test(String(node.value ?? ''));
}

const scalarOf = (node: Scalar): string => String(node.value ?? '');

/** The short tag that Go's decoder resolves a node to. */
function tagOf(node: YamlNode): string {
  if (isMap(node)) return '!!map';
  if (isSeq(node)) return '!!seq';
  const scalar = node as Scalar;
  if (scalar.type !== 'PLAIN') return '!!str';
  const value = scalarOf(scalar);
  if (/^(?:true|True|TRUE|false|False|FALSE)$/.test(value)) return '!!bool';
  if (/^[-+]?(?:0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*)$/.test(value)) return '!!int';
  if (/^[-+]?(?:\.inf|\.Inf|\.INF|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?)$/.test(value))
    return '!!float';
  return /^\.(?:nan|NaN|NAN)$/.test(value) ? '!!float' : '!!str';
}

function misfit<T>(type: YamlType<T>, node: YamlNode, context: YamlContext): T {
  let shown = '';
  if (isScalar(node)) {
    const value = scalarOf(node);
    shown = ` \`${value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX - 3)}...` : value}\``;
  }
  context.misfit(node, `cannot unmarshal ${tagOf(node)}${shown} into ${type.name}`);
  return type.zero();
}

/** A text; other scalars count as they are written. */
export const yamlText: YamlType<string> = {
  name: 'string',
  zero: () => '',
  decode: (node, context) => (isScalar(node) ? scalarOf(node) : misfit(yamlText, node, context)),
};

/** A whole number. */
export const yamlInt: YamlType<number> = {
  name: 'int',
  zero: () => 0,
  decode(node, context) {
    if (tagOf(node) !== '!!int') return misfit(yamlInt, node, context);
    const text = scalarOf(node as Scalar).replaceAll('_', '');
    return Number(text.replace(/^[-+]/, '')) * (text.startsWith('-') ? -1 : 1);
  },
};

/** A number. */
export const yamlFloat: YamlType<number> = {
  name: 'float64',
  zero: () => 0,
  decode(node, context) {
    const tag = tagOf(node);
    if (tag === '!!int') return yamlInt.decode(node, context);
    if (tag !== '!!float') return misfit(yamlFloat, node, context);
    const text = scalarOf(node as Scalar).replaceAll('_', '');
    if (/nan/i.test(text)) return Number.NaN;
    if (/inf/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
    return Number(text);
  },
};

/** true or false. */
export const yamlBool: YamlType<boolean> = {
  name: 'bool',
  zero: () => false,
  decode(node, context) {
    const value = isScalar(node) && node.type === 'PLAIN' ? scalarOf(node) : '';
    if (/^(?:y|Y|yes|Yes|YES|on|On|ON|true|True|TRUE)$/.test(value)) return true;
    if (/^(?:n|N|no|No|NO|off|Off|OFF|false|False|FALSE)$/.test(value)) return false;
    return misfit(yamlBool, node, context);
  },
};

/** A duration in milliseconds. */
export const yamlDuration: YamlType<number> = {
  name: 'string',
  zero: () => 0,
  decode(node, context) {
    const text = yamlText.decode(node, context);
    if (!isScalar(node)) return 0;
    try {
      return parseDuration(text);
    } catch (error) {
      throw yamlError(errorText(error));
    }
  },
};

/** Null where there is no value. */
export function yamlOptional<T>(type: YamlType<T>): YamlType<T | null> {
  return { name: type.name, zero: () => null, decode: (node, context) => type.decode(node, context) };
}

/** A value and where it stands; at 0:0 if it is absent. */
export function yamlPlaced<T>(type: YamlType<T>): YamlType<{ readonly value: T; readonly place: FilePlace }> {
  return {
    name: type.name,
    zero: () => ({ value: type.zero(), place: { line: 0, column: 0 } }),
    decode: (node, context) => ({ value: type.decode(node, context), place: context.place(node) }),
  };
}

/** A list. */
export function yamlList<T>(item: YamlType<T>): YamlType<T[]> {
  const type: YamlType<T[]> = {
    name: `[]${item.name}`,
    zero: () => [],
    decode(node, context) {
      if (!isSeq(node)) return misfit(type, node, context);
      return node.items.map((child) => context.decode(item, child));
    },
  };
  return type;
}

type Entry = readonly [name: string, key: YamlNode, value: unknown];

/** The entries of a mapping; those that `<<` merges in count where the mapping has none of its own. */
function entriesOf(map: YAMLMap, context: YamlContext, depth = 0): Entry[] {
  const own = new Map<string, Entry>();
  const merged: Entry[] = [];
  for (const { key, value } of map.items) {
    const keyNode = key as YamlNode;
    const name = isScalar(key) ? scalarOf(key) : String(key);
    if (name === '<<' && isScalar(key) && key.type === 'PLAIN') {
      merged.push(...mergedEntries(value, context, depth));
      continue;
    }
    const before = own.get(name);
    if (before) {
      const { line } = context.place(before[1]);
      context.misfit(keyNode, `mapping key ${goQuote(name)} already defined at line ${line}`);
    } else own.set(name, [name, keyNode, value]);
  }
  for (const entry of merged) if (!own.has(entry[0])) own.set(entry[0], entry);
  return [...own.values()];
}

function mergedEntries(value: unknown, context: YamlContext, depth: number): Entry[] {
  const node = context.resolve(value);
  const maps = isSeq(node) ? node.items.map((item) => context.resolve(item)) : [node];
  return maps.flatMap((map) => {
    if (!isMap(map) || depth > 10) throw yamlError('yaml: map merge requires map or sequence of maps as the value');
    return entriesOf(map, context, depth + 1);
  });
}

/** A mapping of any names. */
export function yamlMap<T>(item: YamlType<T>): YamlType<Record<string, T>> {
  const type: YamlType<Record<string, T>> = {
    name: `map[string]${item.name}`,
    zero: () => ({}),
    decode(node, context) {
      if (!isMap(node)) return misfit(type, node, context);
      const out: Record<string, T> = Object.create(null);
      for (const [name, , value] of entriesOf(node, context)) out[name] = context.decode(item, value);
      return out;
    },
  };
  return type;
}

type Fields = Record<string, YamlType<unknown>>;
type StructValue<F extends Fields> = { readonly [K in keyof F]: YamlValue<F[K]> };

/** A mapping of fixed fields; `name` is the Go type that messages speak of. */
export function yamlStruct<F extends Fields>(name: string, fields: F): YamlType<StructValue<F>> {
  const known = new Map(Object.entries(fields));
  const empty = (): Record<string, unknown> =>
    Object.fromEntries(Object.entries(fields).map(([field, type]) => [field, type.zero()]));
  const self: YamlType<StructValue<F>> = {
    name,
    zero: () => empty() as StructValue<F>,
    decode(node, context) {
      if (!isMap(node)) return misfit(self, node, context);
      const out = empty();
      for (const [field, key, value] of entriesOf(node, context)) {
        const type = known.get(field);
        if (type) out[field] = context.decode(type, value);
        else if (!context.allowsUnknown) context.misfit(key, `field ${field} not found in type ${name}`);
      }
      return out as StructValue<F>;
    },
  };
  return self;
}

/** Decodes the first document of a text. Throws TidemarkError `bad_rules` with Go's text. */
export function decodeYaml<T>(type: YamlType<T>, text: string, allowsUnknown = false): T {
  const context = new YamlContext(allowsUnknown);
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: context.lines,
    uniqueKeys: false,
    prettyErrors: false,
    keepSourceTokens: false,
    logLevel: 'error',
  });
  const problem = document.errors.find(({ code }) => code !== 'MULTIPLE_DOCS');
  if (problem) {
    const { line } = context.lines.linePos(problem.pos[0]);
    throw yamlError(
      `yaml: line ${line}: ${problem.message.replace('Maximum call stack size exceeded', 'nested too deeply')}`,
    );
  }
  const value = context.decode(type, document.contents);
  if (context.errors.length > 0) throw yamlError(`yaml: unmarshal errors:\n  ${context.errors.join('\n  ')}`);
  return value;
}
