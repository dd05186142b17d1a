// Quoting and unquoting of texts as Go does it: PromQL took its string literals from there, and Prometheus' error texts
// and printed expressions use Go's %q.
//
// "..." and '...' know \a \b \f \n \r \t \v \\ and the quote itself, \ooo, \xhh (bytes), \uhhhh and \Uhhhhhhhh
// (code points). `...` is raw.
import { utf8 } from '../../base/index.ts';
import { goQuote } from '../../model/index.ts';

const NAMED_ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** One character in single quotes, as Go's %q of a rune. */
export function quoteRune(character: string): string {
  if (character === '"') return `'"'`;
  return character === "'" ? `'\\''` : `'${goQuote(character).slice(1, -1)}'`;
}

/** One character as Go's %#U: `U+0071 'q'`. */
export function nameRune(character: string): string {
  const code = character.codePointAt(0) as number;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return PRINTABLE.test(character) ? `${name} '${character}'` : name;
}

/** What Go calls printable: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const PRINTABLE = /^[ \p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

const ESCAPE = /\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;

/** The value of a string literal that the lexer accepted, quotes included. */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal[0] === '`' || !body.includes('\\')) return body;
  const bytes: Uint8Array[] = [];
  let end = 0;
  for (const match of body.matchAll(ESCAPE)) {
    if (match.index > end) bytes.push(utf8(body.slice(end, match.index)));
    bytes.push(escapeBytes(match));
    end = match.index + match[0].length;
  }
  bytes.push(utf8(body.slice(end)));
  return joinText(bytes);
}

/**
 * Escapes may spell any bytes. Those that are no UTF-8 become lone surrogates U+DC80-U+DCFF, so that such a text is
 * told from all others (`isWellFormed()` is false) and printed as it was written.
 */
function joinText(parts: readonly Uint8Array[]): string {
  const bytes = concat(parts);
  try {
    return fatalDecoder.decode(bytes);
  } catch {
    return decodeByParts(bytes);
  }
}

const fatalDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const sequenceBytes = (lead: number): number => (lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);

function decodeByParts(bytes: Uint8Array): string {
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const end = at + sequenceBytes(bytes[at]);
    try {
      out += fatalDecoder.decode(bytes.subarray(at, end));
      at = end;
    } catch {
      out += String.fromCharCode(0xdc00 + bytes[at]);
      at++;
    }
  }
  return out;
}

function escapeBytes(match: RegExpMatchArray): Uint8Array {
  const [, octal, hex, short, long, named] = match;
  if (octal !== undefined) return Uint8Array.of(Number.parseInt(octal, 8));
  if (hex !== undefined) return Uint8Array.of(Number.parseInt(hex, 16));
  const code = short ?? long;
  if (code !== undefined) return utf8(String.fromCodePoint(Number.parseInt(code, 16)));
  return utf8(NAMED_ESCAPES[named] ?? named);
}
