// A schema kit that keeps positions. A Type decodes one YAML node to a plain value; a struct is a list of fields with
// defaults. Three rules come from Go's YAML decoder, because users' files rely on them:
//   absent      -> the field's default
//   null        -> the type's zero value, whatever the default; a list item or pointer that is null stays null
//   a scalar    -> any scalar is text for a text field (`password: 1234`), but numbers and booleans must be unquoted
// Field names are the camel-case keys of a struct without their unit (`scrapeIntervalMs` reads `scrape_interval`).
// Decoded objects remember their node, so that a check that runs later can still name line, column and path.
import { type Alias, type Document, LineCounter, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { isAlias, isMap, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';
import { TidemarkError } from '../base/index.ts';
import { compareUtf8, goQuote } from '../model/index.ts';

export type YamlNode = Scalar | YAMLMap | YAMLSeq | Alias;

/** Decodes and prints one kind of value. */
export interface Type<T> {
  /** What null decodes to. */
  readonly zero: T;
  /** For messages: `a whole number`. */
  readonly name: string;
  /** `node` is neither null nor an alias. */
  decode(node: YamlNode, at: Place): T;
  /** A plain value for the YAML printer. */
  encode(value: T): unknown;
  /** Whether a field of this value is left out when printed. */
  isZero(value: T): boolean;
}

/** A struct's field: its type, what its absence means, whether it is printed even if zero. */
export interface Field<T> {
  readonly field: Type<T>;
  readonly absent: T;
  readonly keep: boolean;
  /** Name in the file, where it is not the key's. */
  readonly as?: string;
}

/** The fields of a struct by key. */
export type Fields = Record<string, Type<unknown> | Field<unknown>>;
/** The value a type decodes to. */
export type Infer<T> = T extends Type<infer V> ? V : never;
type FieldValue<F> = F extends Field<infer V> ? V : F extends Type<infer V> ? V : never;
/** What a struct of these fields decodes to. */
export type StructValue<F extends Fields> = { -readonly [K in keyof F]: FieldValue<F[K]> };

// Aliases may make a small file stand for a huge one; no honest configuration comes near this many values.
const VALUE_COUNT_MAX = 2_000_000;
const MERGE_DEPTH_MAX = 50;
/** What the YAML parser's own words for it mean. */
const TOO_DEEP = 'the values are nested too deeply';
/** Messages repeat what the file says: at most so much of it. */
const FACT_LENGTH_MAX = 500;

/** One file under decoding: where it is, what its decoded objects came from. */
export class Source {
  /** Name for messages. */
  readonly file: string;
  /** Relative paths in the file start here. */
  readonly directory: string;
  readonly lines = new LineCounter();
  readonly document: Document.Parsed;
  readonly #places = new WeakMap<object, Place>();
  readonly #targets = new Map<Alias, YamlNode>();
  #valueCount = 0;

  constructor(text: string, file: string, directory: string) {
    this.file = file;
    this.directory = directory;
    this.document = parseDocument(text, {
      schema: 'failsafe',
      lineCounter: this.lines,
      uniqueKeys: false,
      prettyErrors: false,
      keepSourceTokens: false,
      logLevel: 'error',
    }) as Document.Parsed;
    const [error] = this.document.errors;
    if (error)
      throw this.errorAt(error.pos[0], '', error.message.replace('Maximum call stack size exceeded', TOO_DEEP));
    if (text.includes('*')) this.#findTargets();
  }

  // One walk for all aliases: an alias means the last node before it with its anchor.
  #findTargets(): void {
    const anchors = new Map<string, YamlNode>();
    visit(this.document, {
      Alias: (_, alias) => {
        const target = anchors.get(alias.source);
        if (target) this.#targets.set(alias, target);
      },
      Node: (_, node) => {
        if (!isAlias(node) && node.anchor) anchors.set(node.anchor, node as YamlNode);
      },
    });
  }

  /** What an alias stands for; undefined if there is no such anchor before it. */
  targetOf(alias: Alias): YamlNode | undefined {
    return this.#targets.get(alias);
  }

  get root(): Place {
    return new Place(this, this.document.contents as YamlNode | null, '');
  }

  count(place: Place): void {
    if (++this.#valueCount > VALUE_COUNT_MAX) place.fail(`the file expands to more than ${VALUE_COUNT_MAX} values`);
  }

  remember(value: object, place: Place): void {
    this.#places.set(value, place);
  }

  placeOf(value: object): Place {
    return this.#places.get(value) ?? this.root;
  }

  errorAt(offset: number, path: string, fact: string): TidemarkError {
    const { line, col } = this.lines.linePos(offset);
    const where = path === '' ? '' : `${path}: `;
    const cut = fact.length <= FACT_LENGTH_MAX ? fact : `${fact.slice(0, FACT_LENGTH_MAX)}...`;
    return new TidemarkError('bad_config', `cannot read ${this.file}: line ${line}, column ${col}: ${where}${cut}`);
  }
}

/** A node and the path to it. */
export class Place {
  readonly source: Source;
  readonly node: YamlNode | null;
  readonly path: string;
  readonly #offset: number;

  constructor(source: Source, node: YamlNode | null, path: string, offset = node?.range?.[0] ?? 0) {
    this.source = source;
    this.node = node;
    this.path = path;
    this.#offset = offset;
  }

  /** The place of a field's value; of the struct itself if the field is not there. */
  at(name: string): Place {
    if (!isMap(this.node)) return this;
    const pair = pairsOf(this.node, this).find((p) => keyText(p) === name);
    return pair ? this.child(pair.value, joinPath(this.path, name), pair) : this;
  }

  child(node: unknown, path: string, pair?: Pair): Place {
    const value = node as YamlNode | null;
    const key = pair?.key as YamlNode | undefined;
    // An empty value has no extent of its own: its key says more.
    const range = value?.range && value.range[1] > value.range[0] ? value.range : (key?.range ?? value?.range);
    return new Place(this.source, value, path, range?.[0] ?? this.#offset);
  }

  /** Throws `bad_config` with the file, line, column and path. */
  fail(fact: string): never {
    throw this.source.errorAt(this.#offset, this.path, fact);
  }
}

const joinPath = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Whether a node is null: absent, empty, `null` or `~`, unquoted. */
export function isNull(node: unknown): boolean {
  if (node === null || node === undefined) return true;
  if (!isScalar(node)) return false;
  return node.type === 'PLAIN' && !node.tag && /^(?:|~|null|Null|NULL)$/.test(String(node.value ?? ''));
}

function resolve(node: unknown, at: Place): YamlNode | null {
  if (!isAlias(node)) return node as YamlNode | null;
  const target = at.source.targetOf(node);
  return target ?? at.fail(`unknown anchor '${node.source}' referenced`);
}

/** Bytes of a `!!binary` scalar as text; a byte that is not UTF-8 becomes a lone surrogate, which no name or value may hold. */
function binaryText(value: string, at: Place): string {
  const base64 = value.replace(/\s/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64))
    at.fail('!!binary value contains invalid base64 data');
  const bytes = Buffer.from(base64, 'base64');
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return text;
  return Array.from(bytes, (b) => String.fromCharCode(b < 128 ? b : 0xdc00 + b)).join('');
}

/** A scalar's text as written, unquoted. */
export function scalarText(node: YamlNode, at: Place, want: string): string {
  if (!isScalar(node)) return at.fail(`want ${want}; got ${isSeq(node) ? 'a list' : 'a mapping'}`);
  return node.tag === 'tag:yaml.org,2002:binary' ? binaryText(String(node.source ?? ''), at) : String(node.value ?? '');
}

/** The text of an unquoted scalar, for numbers and booleans. */
function plainText(node: YamlNode, at: Place, want: string): string {
  const text = scalarText(node, at, want);
  if ((node as Scalar).type !== 'PLAIN') at.fail(`want ${want}; got the text ${goQuote(text)}`);
  return text;
}

function keyText(pair: Pair): string {
  const { key } = pair;
  return isScalar(key) ? String(key.value ?? '') : String(key);
}

/** The pairs of a mapping with its merge keys (`<<`) resolved: own keys win. Duplicate keys are refused. */
function pairsOf(map: YAMLMap, at: Place, depth = 0): Pair[] {
  at.source.count(at);
  if (depth > MERGE_DEPTH_MAX) at.fail('merge keys refer to one another without end');
  const own = new Map<string, Pair>();
  const merged: Pair[] = [];
  for (const pair of map.items) {
    if (!isPair(pair)) continue;
    const name = keyText(pair);
    if (name === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
      merged.push(...mergedPairs(pair, at, depth));
      continue;
    }
    if (own.has(name)) at.child(pair.key, joinPath(at.path, name)).fail('duplicate key');
    own.set(name, pair);
  }
  for (const pair of merged) if (!own.has(keyText(pair))) own.set(keyText(pair), pair);
  return [...own.values()];
}

function mergedPairs(pair: Pair, at: Place, depth: number): Pair[] {
  const value = resolve(pair.value, at);
  const maps = isSeq(value) ? value.items.map((item) => resolve(item, at)) : [value];
  return maps.flatMap((map) =>
    isMap(map) ? pairsOf(map, at, depth + 1) : at.fail('map merge requires map or sequence of maps'),
  );
}

/** Decodes any node with a type: aliases are followed, null is the type's zero. */
export function decodeNode<T>(type: Type<T>, place: Place): T {
  place.source.count(place);
  const node = resolve(place.node, place);
  if (isNull(node)) return cloneZero(type.zero);
  return type.decode(node as YamlNode, place);
}

// Zero values are shared constants; what a file decodes to is owned by it.
function cloneZero<T>(zero: T): T {
  if (Array.isArray(zero)) return [...zero] as T;
  if (zero !== null && typeof zero === 'object' && Object.getPrototypeOf(zero) === Object.prototype) {
    return Object.fromEntries(Object.entries(zero).map(([k, v]) => [k, cloneZero(v)])) as T;
  }
  return zero;
}

const isField = (spec: Type<unknown> | Field<unknown>): spec is Field<unknown> => 'field' in spec;

/** A field with a default. */
export const withDefault = <T>(field: Type<T>, absent: T, as?: string): Field<T> => ({
  field,
  absent,
  keep: false,
  as,
});

/** A field that is printed even when it is zero. */
export const kept = <T>(field: Type<T>, absent: T = field.zero, as?: string): Field<T> => ({
  field,
  absent,
  keep: true,
  as,
});

/** A field whose name in the file does not follow from its key. */
export const named = <T>(as: string, field: Type<T>, absent: T = field.zero): Field<T> => ({
  field,
  absent,
  keep: false,
  as,
});

/** `scrapeIntervalMs` -> `scrape_interval`: snake case, without the unit. */
export const yamlName = (key: string): string =>
  key.replace(/(?:Ms|Bytes)$/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Checks a decoded struct; `at` is its place. May fill in values. */
export type Check<V> = (value: V, at: Place) => void;

/** A mapping with a fixed set of fields; unknown ones are refused. */
export function struct<F extends Fields>(fields: F, check?: Check<StructValue<F>>): Type<StructValue<F>> {
  type V = StructValue<F>;
  const specs = Object.entries(fields).map(([key, spec]) => {
    const field = isField(spec) ? spec : { field: spec, absent: spec.zero, keep: false, as: undefined };
    return { key, name: field.as ?? yamlName(key), type: field.field, absent: field.absent, keep: field.keep };
  });
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  return {
    name: 'a mapping',
    zero: Object.fromEntries(specs.map(({ key, type }) => [key, type.zero])) as V,
    decode(node, at) {
      if (!isMap(node)) return at.fail(`want a mapping; got ${isSeq(node) ? 'a list' : goQuote(String(node))}`);
      const value: Record<string, unknown> = {};
      for (const spec of specs) value[spec.key] = cloneZero(spec.absent);
      for (const pair of pairsOf(node, at)) {
        const name = keyText(pair);
        const spec = byName.get(name);
        if (!spec) return at.child(pair.key, joinPath(at.path, name)).fail('unknown field');
        value[spec.key] = decodeNode(spec.type, at.child(pair.value, joinPath(at.path, name), pair));
      }
      at.source.remember(value, new Place(at.source, node, at.path));
      check?.(value as V, new Place(at.source, node, at.path));
      return value as V;
    },
    encode(value) {
      const out: Record<string, unknown> = {};
      for (const { key, name, type, keep } of specs) {
        const field = value[key as keyof V];
        if (keep || !type.isZero(field)) out[name] = type.encode(field);
      }
      return out;
    },
    isZero: (value) => specs.every(({ key, type }) => type.isZero(value[key as keyof V])),
  };
}

/** A value that may be missing: null where the file says nothing. */
export function optional<T>(type: Type<T>): Type<T | null> {
  return {
    name: type.name,
    zero: null,
    decode: (node, at) => type.decode(node, at),
    encode: (value) => (value === null ? null : type.encode(value)),
    isZero: (value) => value === null,
  };
}

/** A list. `emptyItem`: what to say of a null item; without it, null items are the item's zero. */
export function list<T>(item: Type<T>, emptyItem?: string): Type<T[]> {
  return {
    name: 'a list',
    zero: [],
    decode(node, at) {
      if (!isSeq(node)) return at.fail(`want a list; got ${isMap(node) ? 'a mapping' : goQuote(String(node))}`);
      return node.items.map((child, i) => {
        const place = at.child(child, `${at.path}[${i}]`);
        if (emptyItem !== undefined && isNull(child)) place.fail(emptyItem);
        return decodeNode(item, place);
      });
    },
    encode: (values) => values.map((value) => item.encode(value)),
    isZero: (values) => values.length === 0,
  };
}

const sortedKeys = (value: object): string[] => Object.keys(value).sort(compareUtf8);

/** A mapping from any names to values of one type. */
export function mapOf<T>(item: Type<T>): Type<Record<string, T>> {
  return {
    name: 'a mapping',
    zero: {},
    decode(node, at) {
      if (!isMap(node)) return at.fail(`want a mapping; got ${isSeq(node) ? 'a list' : goQuote(String(node))}`);
      const out: Record<string, T> = Object.create(null);
      for (const pair of pairsOf(node, at)) {
        const key = scalarText(pair.key as YamlNode, at.child(pair.key, at.path), 'a text');
        out[key] = decodeNode(item, at.child(pair.value, joinPath(at.path, key), pair));
      }
      at.source.remember(out, new Place(at.source, node, at.path));
      return out;
    },
    encode: (value) => Object.fromEntries(sortedKeys(value).map((key) => [key, item.encode(value[key])])),
    isZero: (value) => Object.keys(value).length === 0,
  };
}

/** A scalar type from a parser of its text that throws Error with the fact. `plain`: quoted texts are refused. */
export function scalar<T>(options: {
  name: string;
  zero: T;
  parse: (text: string, at: Place) => T;
  encode?: (value: T) => unknown;
  isZero?: (value: T) => boolean;
  plain?: boolean;
}): Type<T> {
  const { name, zero, parse, encode = (value: T): unknown => value, isZero = (value: T) => value === zero } = options;
  return {
    name,
    zero,
    decode(node, at) {
      const text = options.plain ? plainText(node, at, name) : scalarText(node, at, name);
      return parse(text, at);
    },
    encode,
    isZero,
  };
}
