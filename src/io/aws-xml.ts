// The XML of AWS' query APIs: elements and text. Attributes and comments are passed over, document types and entities of one's
// own refused.
import { TidemarkError } from '../base/index.ts';

const DEPTH_MAX = 64;
const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([\w:.-]+)((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>|([^<]+)/gy;

const bad = (fact: string) =>
  new TidemarkError('bad_body', `cannot read answer: it is not the XML that is wanted: ${fact}`);

/** An element of a document. */
export class XmlElement {
  readonly name: string;
  readonly children: XmlElement[] = [];
  content = '';

  constructor(name: string) {
    this.name = name;
  }

  /** The element at a path of names; an empty one if there is none. */
  in(path: string): XmlElement {
    const step = (from: XmlElement, name: string): XmlElement =>
      from.children.find((child) => child.name === name) ?? new XmlElement(name);
    return path.split('/').reduce(step, this);
  }

  /** The text at a path; '' if there is none. */
  text(path: string): string {
    return this.in(path).content.trim();
  }

  /** The elements of the list at a path, whatever they are called. */
  list(path: string): XmlElement[] {
    return this.in(path).children;
  }
}

function decoded(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    if (code > 0x10ffff) throw bad(`there is no character ${whole}`);
    return String.fromCodePoint(code);
  });
}

/** The root element of a document. Throws TidemarkError `bad_body`. */
export function parseXml(text: string): XmlElement {
  const open = [new XmlElement('')];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw bad(`at character ${at}; got ${JSON.stringify(text.slice(at, at + 20))}`);
    const [, cdata, closing, name, , empty, characters] = match;
    const current = open.at(-1) as XmlElement;
    if (characters !== undefined) current.content += decoded(characters);
    else if (cdata !== undefined) current.content += cdata;
    else if (closing === '/') {
      if (current.name !== name) throw bad(`</${name}> ends <${current.name}>`);
      open.pop();
    } else if (name !== undefined) {
      const element = new XmlElement(name);
      current.children.push(element);
      if (empty !== '/') open.push(element);
      if (open.length > DEPTH_MAX) throw bad(`it is nested deeper than ${DEPTH_MAX}`);
    }
  }
  const [{ children }] = open;
  if (open.length !== 1 || children.length !== 1) throw bad('it has no end, or more than one root');
  return children[0];
}
