// Label sets. A Labels value is an immutable list of name and value in turns, sorted by name in byte order of UTF-8, with
// no empty value and no name twice. Hot paths never make one: they carry symbol ids or references (DESIGN §5).

/** The label that holds the name of the metric. */
export const METRIC_NAME = '__name__';

/**
 * Byte order of UTF-8, which is code point order. JavaScript's `<` compares UTF-16 units and differs where one side has a
 * surrogate and the other a unit above 0xdfff.
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      // Surrogates (code points from 0x10000) sort after the units 0xe000-0xffff.
      if (x < 0xe000) x += 0x2000;
      else x -= 0x800;
      if (y < 0xe000) y += 0x2000;
      else y -= 0x800;
    }
    return x < y ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

/** An immutable label set: sorted, no name twice, no empty value. Equal sets have equal `key`s. */
export class Labels {
  /** name, value, name, value, ... */
  readonly pairs: readonly string[];
  #key: string | undefined;

  private constructor(pairs: readonly string[]) {
    this.pairs = pairs;
  }

  static readonly empty: Labels = new Labels([]);

  /** From pairs that are already sorted by name, unique and without empty values. Not checked. */
  static fromSortedPairs(pairs: readonly string[]): Labels {
    return pairs.length === 0 ? Labels.empty : new Labels(pairs);
  }

  /** From any pairs: sorts, drops empty values; of a name given twice the last one counts. */
  static from(source: Record<string, string> | Iterable<readonly [string, string]>): Labels {
    const entries = Symbol.iterator in source ? [...source] : Object.entries(source);
    const map = new Map<string, string>();
    for (const [name, value] of entries) map.set(name, value);
    const names = [...map.keys()].filter((name) => map.get(name) !== '').sort(compareUtf8);
    return Labels.fromSortedPairs(names.flatMap((name) => [name, map.get(name) as string]));
  }

  get size(): number {
    return this.pairs.length / 2;
  }

  /** The label's value, or '' if there is none: PromQL does not tell the two apart. */
  get(name: string): string {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1];
    return '';
  }

  has(name: string): boolean {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return true;
    return false;
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    for (let i = 0; i < this.pairs.length; i += 2) yield [this.pairs[i], this.pairs[i + 1]];
  }

  /** A text that equal label sets share and different ones do not: a key for maps. The separator is no text of UTF-8. */
  get key(): string {
    this.#key ??= this.pairs.join('\udfff');
    return this.#key;
  }

  /** Without the named labels. */
  without(names: ReadonlySet<string>): Labels {
    return this.#filter((name) => !names.has(name));
  }

  /** Only the named labels. */
  only(names: ReadonlySet<string>): Labels {
    return this.#filter((name) => names.has(name));
  }

  /** With a label set, or removed if the value is empty. */
  with(name: string, value: string): Labels {
    return Labels.from([...this, [name, value]]);
  }

  #filter(keep: (name: string) => boolean): Labels {
    const { pairs } = this;
    const out: string[] = [];
    for (let i = 0; i < pairs.length; i += 2) if (keep(pairs[i])) out.push(pairs[i], pairs[i + 1]);
    return out.length === pairs.length ? this : Labels.fromSortedPairs(out);
  }

  toObject(): Record<string, string> {
    return Object.fromEntries(this);
  }

  /** `{a="b", c="d"}` as Prometheus prints it; quoted where a name is not a legacy identifier. */
  toString(): string {
    const parts = [...this].map(([name, value]) => {
      const shown = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
      return `${shown}=${JSON.stringify(value)}`;
    });
    return `{${parts.join(', ')}}`;
  }
}

/** Order of label sets as Prometheus sorts series: name by name, value by value, the shorter first. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.pairs.length, b.pairs.length);
  for (let i = 0; i < length; i++) {
    if (a.pairs[i] !== b.pairs[i]) return compareUtf8(a.pairs[i], b.pairs[i]);
  }
  return a.pairs.length - b.pairs.length;
}
