// Three habits of Go's standard library that users see through relabelling: expansion of `$1` and `${name}` in
// replacements (regexp.Expand), case mapping one code point at a time (strings.ToUpper), and quoting (%q).
import type { RE2JS } from 're2js';

/** Literal text, or the index of a group. */
export type TemplatePart = string | number;

const NAME = /^(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/u;

/** Index of the group a template names; -1 for a name the pattern lacks. */
function groupIndex(name: string, regex: RE2JS): number {
  if (/^(?:0|[1-9][0-9]{0,7})$/.test(name)) return Number(name);
  return (regex.namedGroups() as Record<string, number>)[name] ?? -1;
}

/**
 * Parses a replacement: `$name` takes the longest name, `${name}` ends it, `$$` is a dollar, a dollar that begins no name
 * stands for itself. Groups the pattern lacks expand to nothing.
 */
export function parseTemplate(template: string, regex: RE2JS): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let text = '';
  for (let at = 0; at < template.length; ) {
    const dollar = template.indexOf('$', at);
    if (dollar < 0) {
      text += template.slice(at);
      break;
    }
    text += template.slice(at, dollar);
    const rest = template.slice(dollar + 1);
    const found = NAME.exec(rest);
    if (!found) {
      text += '$';
      at = dollar + (rest.startsWith('$') ? 2 : 1);
      continue;
    }
    const index = groupIndex(found[1] ?? found[2], regex);
    if (index >= 0 && index <= regex.groupCount()) {
      if (text !== '') parts.push(text);
      text = '';
      parts.push(index);
    }
    at = dollar + 1 + found[0].length;
  }
  if (text !== '') parts.push(text);
  return parts;
}

/** The text of a parsed template; `groups[0]` is the whole match, groups that took no part are ''. */
export function expandTemplate(parts: readonly TemplatePart[], groups: readonly string[]): string {
  let out = '';
  for (const part of parts) out += typeof part === 'number' ? (groups[part] ?? '') : part;
  return out;
}

// JavaScript applies the special mappings that change a text's length ('ß' to 'SS'); Go does not. Where a simple mapping
// exists beside the special one (Greek with iota), it is an offset.
function simpleUpper(char: string): string {
  const upper = char.toUpperCase();
  if ([...upper].length === 1) return upper;
  const code = char.codePointAt(0) as number;
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8);
  return code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3 ? String.fromCodePoint(code + 9) : char;
}

const simpleLower = (char: string): string => (char === 'İ' ? 'i' : char.toLowerCase());

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/** Upper case as Go maps it: one code point to one. */
export const goUpper = (text: string): string =>
  isAscii(text) ? text.toUpperCase() : Array.from(text, simpleUpper).join('');

/** Lower case as Go maps it: one code point to one, no final sigma. */
export const goLower = (text: string): string =>
  isAscii(text) ? text.toLowerCase() : Array.from(text, simpleLower).join('');

const ESCAPES: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

function quoteChar(char: string): string {
  if (ESCAPES[char]) return ESCAPES[char];
  const code = char.codePointAt(0) as number;
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`; // A byte that was no UTF-8.
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x7f || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char)) return char;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** A text in quotes as Go's %q prints it. */
export const goQuote = (text: string): string => `"${Array.from(text, quoteChar).join('')}"`;
