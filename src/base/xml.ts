// XML as APIs answer it: elements, attributes, text, CDATA, comments. A document type is refused, so there are no entities but
// the five of XML itself and characters by number: nothing can grow or be fetched.
import { TidemarkError } from './errors.ts';

const none: ReadonlyMap<string, string> = new Map();

/** Elements within elements. */
const DEPTH_MAX = 200;

/** An element; names are as written, with a prefix if there is one. */
export class XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** The text directly in it, without that of its children. */
  readonly text: string;

  constructor(name: string, attributes: ReadonlyMap<string, string>, children: readonly XmlElement[], text: string) {
    this.name = name;
    this.attributes = attributes;
    this.children = children;
    this.text = text;
  }

  /** The first child of a name, or of a name in that one, and so on. */
  child(...names: readonly [string, ...string[]]): XmlElement | undefined {
    const [first, ...rest] = names;
    const found = this.children.find((one) => one.name === first);
    const [next, ...more] = rest;
    return next === undefined ? found : found?.child(next, ...more);
  }

  childrenOf(name: string): XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }

  /** The element at a path of names (`a/b`); an empty one if there is none. */
  at(path: string): XmlElement {
    return path
      .split('/')
      .reduce<XmlElement>((from, name) => from.child(name) ?? new XmlElement(name, none, [], ''), this);
  }

  /** Trimmed text at a path; '' if there is none. */
  textAt(path: string): string {
    return this.at(path).text.trim();
  }

  /** The elements of the list at a path, whatever they are called. */
  listAt(path: string): readonly XmlElement[] {
    return this.at(path).children;
  }

  /** Trimmed text of child(...names); '' if there is none. */
  textOf(...names: readonly [string, ...string[]]): string {
    return this.child(...names)?.text.trim() ?? '';
  }
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Parses a document and gives its root. Throws TidemarkError `bad_xml` with the offset; never quotes the text. */
export const parseXml = (text: string): XmlElement => new XmlParser(text).document();

interface Open {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

class XmlParser {
  readonly #text: string;
  #at = 0;
  readonly #open: Open[] = [];
  #root: XmlElement | null = null;

  constructor(text: string) {
    this.#text = text;
    if (text.startsWith('\ufeff')) this.#at = 1;
  }

  document(): XmlElement {
    while (this.#at < this.#text.length) this.#step();
    const left = this.#open.at(-1);
    if (left) this.#fail(`element ${left.name} does not end`);
    return this.#root ?? this.#fail('there is no element');
  }

  #step(): void {
    const text = this.#text;
    if (text[this.#at] !== '<') return this.#characters();
    if (text.startsWith('<!--', this.#at)) this.#until('-->');
    else if (text.startsWith('<![CDATA[', this.#at)) this.#cdata();
    else if (text.startsWith('<?', this.#at)) this.#until('?>');
    else if (text.startsWith('<!', this.#at)) this.#fail('a document type is not taken');
    else if (text.startsWith('</', this.#at)) this.#endTag();
    else this.#startTag();
  }

  #characters(): void {
    const end = this.#text.indexOf('<', this.#at);
    const raw = this.#text.slice(this.#at, end < 0 ? undefined : end);
    const open = this.#open.at(-1);
    if (open) open.text += this.#unescaped(raw);
    else if (raw.trim() !== '') this.#fail('there is text outside of the root');
    this.#at += raw.length;
  }

  /** What is before `end`, which is passed by. */
  #until(end: string): string {
    const stop = this.#text.indexOf(end, this.#at);
    if (stop < 0) this.#fail(`there is no ${end}`);
    const inside = this.#text.slice(this.#at, stop);
    this.#at = stop + end.length;
    return inside;
  }

  #cdata(): void {
    const open = this.#open.at(-1) ?? this.#fail('there is text outside of the root');
    open.text += this.#until(']]>').slice('<![CDATA['.length);
  }

  #endTag(): void {
    const name = this.#until('>').slice(2).trim();
    const open = this.#open.pop();
    if (open?.name !== name) this.#fail(`want the end of ${open?.name ?? 'the document'}`);
    this.#close(open);
  }

  #close({ name, attributes, children, text }: Open): void {
    const element = new XmlElement(name, attributes, children, text);
    const parent = this.#open.at(-1);
    if (parent) parent.children.push(element);
    else if (this.#root) this.#fail('there are two roots');
    else this.#root = element;
  }

  #startTag(): void {
    const pattern = /<([^\s<>/=&'"]+)((?:\s+[^\s<>/=&'"]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? this.#fail('a tag is malformed');
    if (this.#open.length >= DEPTH_MAX) this.#fail(`elements are more than ${DEPTH_MAX} deep`);
    const attributes = new Map<string, string>();
    for (const [, name, quoted] of match[2].matchAll(/([^\s=]+)\s*=\s*("[^"]*"|'[^']*')/g)) {
      attributes.set(name, this.#unescaped(quoted.slice(1, -1)));
    }
    const open: Open = { name: match[1], attributes, children: [], text: '' };
    this.#at += match[0].length;
    if (match[3] === '/') this.#close(open);
    else this.#open.push(open);
  }

  #unescaped(raw: string): string {
    if (!raw.includes('&')) return raw;
    return raw.replace(/&([^;&]{0,12};?)/g, (_, body: string) => {
      if (!body.endsWith(';')) this.#fail('an entity does not end');
      const name = body.slice(0, -1);
      const known = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : this.#character(name);
      return known ?? this.#fail('an entity is not known');
    });
  }

  #character(name: string): string | undefined {
    const match = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(name);
    if (!match) return undefined;
    const code = match[1] ? Number.parseInt(match[1], 16) : Number(match[2]);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
  }

  #fail(fact: string): never {
    throw new TidemarkError('bad_xml', `cannot read XML: offset ${this.#at}: ${fact}`);
  }
}
