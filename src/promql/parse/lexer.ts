// Text to tokens, on demand, with the lexical rules of Prometheus (not those of the editor grammar, which is laxer).
//
// Three modes. Outside: operators, names, reserved words. Inside braces every word is an identifier and `=` starts a
// match operator. Inside brackets a word can only be part of a duration expression and `:` splits range and step.
// Whatever is no token of its mode is an error with the text Prometheus users know.
import { goQuote } from '../../model/index.ts';
import { ParseError } from './parse-error.ts';
import { isAlpha, isDigit, scanDuration, scanNumber } from './lex-number.ts';
import { nameRune, quoteRune } from './quote.ts';
import { RESERVED, type Token, type TokenKind } from './token.ts';

const OPERATORS = ['</', '<=', '<', '>/', '>=', '>', '==', '!=', '+', '-', '*', '/', '%', '^', '@'];
const MATCH_OPERATORS = ['=~', '!~', '!=', '='];
const DURATION_WORDS = new Set(['step', 'range', 'min_of', 'max_of']);
const SIMPLE_ESCAPES = 'abfnrtv\\';
const CODE_POINT_MAX = 0x10ffff;

const isSpace = (character: string): boolean =>
  character === ' ' || character === '\t' || character === '\n' || character === '\r';
const isWordPart = (character: string): boolean => isAlpha(character) || isDigit(character);

export class Lexer {
  readonly text: string;
  #at = 0;
  #parenDepth = 0;
  #inBraces = false;
  #inBrackets = false;
  #sawColon = false;
  #sawDuration = false;
  /** Directly after `[`, until the first number: error texts differ there. */
  #expectsDuration = false;
  readonly #bytesBefore: (utf16Offset: number) => number;

  constructor(text: string) {
    this.text = text;
    this.#bytesBefore = byteOffsets(text);
  }

  /** UTF-8 offset of a UTF-16 offset in the query. */
  byteAt(offset: number): number {
    return this.#bytesBefore(offset);
  }

  /** The next token; `end` for ever at the end of the query. Throws ParseError. */
  next(): Token {
    this.#skipBlanks();
    const character = this.#peek();
    if (character === '') return this.#end();
    if (this.#inBraces) return this.#inside(character);
    return this.#inBrackets ? this.#bracketed(character) : this.#outside(character);
  }

  #peek(): string {
    const code = this.text.codePointAt(this.#at);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  #skipBlanks(): void {
    const { text } = this;
    for (;;) {
      while (isSpace(text[this.#at] ?? '')) this.#at++;
      if (text[this.#at] !== '#') return;
      while (this.#at < text.length && text[this.#at] !== '\n' && text[this.#at] !== '\r') this.#at++;
    }
  }

  #fail(start: number, text: string): never {
    const span = { start: this.byteAt(start), end: this.byteAt(this.text.length) };
    throw new ParseError(this.text, span, text);
  }

  #token(kind: TokenKind, end: number, id?: string): Token {
    const start = this.#at;
    const text = this.text.slice(start, end);
    this.#at = end;
    return { kind, id: id ?? text.toLowerCase(), text, start, end };
  }

  #end(): Token {
    if (this.#inBraces) this.#fail(this.#at, 'unexpected end of input inside braces');
    if (this.#expectsDuration) this.#fail(this.#at, 'unexpected end of input in duration expression');
    if (this.#parenDepth !== 0) this.#fail(this.#at, 'unclosed left parenthesis');
    if (this.#inBrackets) this.#fail(this.#at, 'unclosed left bracket');
    return this.#token('end', this.#at, 'end of input');
  }

  #outside(character: string): Token {
    if (isDigit(character) || (character === '.' && isDigit(this.text[this.#at + 1] ?? ''))) return this.#number();
    if (character === '"' || character === "'" || character === '`') return this.#string(character);
    if (isAlpha(character) || character === ':') return this.#word();
    if (character === '{') {
      this.#inBraces = true;
      return this.#token('punctuation', this.#at + 1);
    }
    return this.#common(character);
  }

  /** What is the same outside and inside brackets. */
  #common(character: string): Token {
    const { text } = this;
    const start = this.#at;
    if (character === '(' || character === ')') return this.#paren(character);
    if (character === '[') return this.#openBracket();
    if (character === ']') return this.#closeBracket();
    if (character === ',') return this.#token('punctuation', start + 1);
    if (character === '=' && text[start + 1] === '~') this.#fail(start, "unexpected character after '=': '~'");
    if (character === '!' && text[start + 1] !== '=') {
      const after = text.codePointAt(start + 1);
      const shown = after === undefined ? "'\ufffd'" : quoteRune(String.fromCodePoint(after));
      this.#fail(start, `unexpected character after '!': ${shown}`);
    }
    for (const operator of OPERATORS) {
      if (text.startsWith(operator, start)) return this.#token('operator', start + operator.length);
    }
    if (character === '=') return this.#token('punctuation', start + 1);
    return this.#fail(start, `unexpected character: ${quoteRune(character)}`);
  }

  #paren(character: string): Token {
    this.#parenDepth += character === '(' ? 1 : -1;
    // Reported behind the parenthesis, as Prometheus does.
    if (this.#parenDepth < 0) this.#fail(this.#at + 1, "unexpected right parenthesis ')'");
    return this.#token('punctuation', this.#at + 1);
  }

  #openBracket(): Token {
    if (this.#inBrackets) this.#fail(this.#at, "unexpected left bracket '['");
    this.#inBrackets = true;
    this.#sawColon = false;
    this.#sawDuration = false;
    this.#expectsDuration = true;
    return this.#token('punctuation', this.#at + 1);
  }

  #closeBracket(): Token {
    if (!this.#inBrackets) this.#fail(this.#at, "unexpected right bracket ']'");
    this.#inBrackets = false;
    this.#expectsDuration = false;
    return this.#token('punctuation', this.#at + 1);
  }

  #bracketed(character: string): Token {
    if (isDigit(character) || (character === '.' && isDigit(this.text[this.#at + 1] ?? ''))) {
      this.#expectsDuration = false;
      this.#sawDuration = true;
      return this.#number();
    }
    if (character === ':') return this.#colon();
    if (isAlpha(character)) return this.#durationWord(character);
    const known = this.#expectsDuration ? '()[]+-*/%^,' : '()[]+-*/%^,=!<>@';
    if (!known.includes(character) && this.#expectsDuration) this.#failDuration(character);
    return this.#common(character);
  }

  #colon(): Token {
    if (!this.#sawDuration) {
      this.#fail(this.#at + 1, 'unexpected colon before duration in duration expression');
    }
    if (this.#sawColon) this.#fail(this.#at, "unexpected colon ':'");
    this.#sawColon = true;
    return this.#token('punctuation', this.#at + 1);
  }

  #durationWord(character: string): Token {
    let end = this.#at;
    while (isAlpha(this.text[end] ?? '')) end++;
    const word = this.text.slice(this.#at, end).toLowerCase();
    if (DURATION_WORDS.has(word)) {
      this.#sawDuration = true;
      return this.#token('word', end);
    }
    if (this.#expectsDuration) return this.#failDuration(character);
    return this.#fail(this.#at, `unexpected character: ${quoteRune(character)}, expected ':'`);
  }

  #failDuration(character: string): never {
    return this.#fail(this.#at, `unexpected character in duration expression: ${quoteRune(character)}`);
  }

  #inside(character: string): Token {
    const { text } = this;
    const start = this.#at;
    if (isAlpha(character)) {
      let end = start;
      while (isWordPart(text[end] ?? '')) end++;
      return this.#token('identifier', end, 'identifier');
    }
    if (character === '"' || character === "'" || character === '`') return this.#string(character);
    if (character === ',') return this.#token('punctuation', start + 1);
    if (character === '}') {
      this.#inBraces = false;
      return this.#token('punctuation', start + 1);
    }
    for (const operator of MATCH_OPERATORS) {
      if (!text.startsWith(operator, start)) continue;
      return this.#token(operator === '=' ? 'punctuation' : 'operator', start + operator.length);
    }
    if (character === '!') {
      const after = text.codePointAt(start + 1);
      const shown = after === undefined ? "'\ufffd'" : quoteRune(String.fromCodePoint(after));
      this.#fail(start, `unexpected character after '!' inside braces: ${shown}`);
    }
    if (character === '{') this.#fail(start, "unexpected left brace '{'");
    return this.#fail(start, `unexpected character inside braces: ${quoteRune(character)}`);
  }

  #word(): Token {
    const { text } = this;
    let end = this.#at;
    while (isWordPart(text[end] ?? '') || text[end] === ':') end++;
    const word = text.slice(this.#at, end);
    const lower = word.toLowerCase();
    const kind = RESERVED.get(lower);
    if (kind === 'number') return this.#token('number', end, 'number');
    if (kind && !(lower.startsWith('fill') && !this.#opensParen(end))) return this.#token(kind, end);
    return word.includes(':')
      ? this.#token('metric identifier', end, 'metric identifier')
      : this.#token('identifier', end, 'identifier');
  }

  #opensParen(at: number): boolean {
    let next = at;
    while (isSpace(this.text[next] ?? '')) next++;
    return this.text[next] === '(';
  }

  #number(): Token {
    const start = this.#at;
    const number = scanNumber(this.text, start);
    if (number.ok) return this.#token('number', number.end, 'number');
    const duration = scanDuration(this.text, number.end);
    if (duration.ok) return this.#token('duration', duration.end, 'duration');
    return this.#fail(start, `bad number or duration syntax: ${goQuote(this.text.slice(start, duration.end))}`);
  }

  #string(delimiter: string): Token {
    const { text } = this;
    const start = this.#at;
    let at = start + 1;
    for (;;) {
      const code = text.codePointAt(at);
      if (code === 0xfffd || (code !== undefined && code >= 0xd800 && code <= 0xdfff)) {
        this.#fail(start, 'invalid UTF-8 rune');
      }
      const character = text[at];
      if (delimiter === '`') {
        if (character === undefined) this.#fail(start, 'unterminated raw string');
      } else {
        if (character === undefined || character === '\n') this.#fail(start, 'unterminated quoted string');
        if (character === '\\') {
          at = this.#escape(start, at + 1, delimiter);
          continue;
        }
      }
      at += code !== undefined && code > 0xffff ? 2 : 1;
      if (character === delimiter) return this.#token('string', at, 'string');
    }
  }

  /** Checks the escape whose backslash ends at `at`; the offset behind it. */
  #escape(start: number, at: number, delimiter: string): number {
    const character = this.text[at];
    if (character === undefined) return this.#fail(start, 'escape sequence not terminated');
    if (SIMPLE_ESCAPES.includes(character) || character === delimiter) return at + 1;
    if (character >= '0' && character <= '7') return this.#codeEscape(start, at, 3, 8, 255);
    if (character === 'x') return this.#codeEscape(start, at + 1, 2, 16, 255);
    if (character === 'u') return this.#codeEscape(start, at + 1, 4, 16, CODE_POINT_MAX);
    if (character === 'U') return this.#codeEscape(start, at + 1, 8, 16, CODE_POINT_MAX);
    const rune = String.fromCodePoint(this.text.codePointAt(at) as number);
    return this.#fail(start, `unknown escape sequence ${nameRune(rune)}`);
  }

  #codeEscape(start: number, from: number, digits: number, base: number, max: number): number {
    let value = 0;
    for (let at = from; at < from + digits; at++) {
      const character = this.text[at];
      if (character === undefined) this.#fail(start, 'escape sequence not terminated');
      const digit = /[0-9a-fA-F]/.test(character) ? Number.parseInt(character, 16) : 16;
      if (digit >= base) {
        const rune = String.fromCodePoint(this.text.codePointAt(at) as number);
        this.#fail(start, `illegal character ${nameRune(rune)} in escape sequence`);
      }
      value = value * base + digit;
    }
    if (value > max || (value >= 0xd800 && value < 0xe000)) {
      this.#fail(start, 'escape sequence is an invalid Unicode code point');
    }
    return from + digits;
  }
}

/** UTF-16 offset to UTF-8 offset; the identity where the text is ASCII, which queries mostly are. */
function byteOffsets(text: string): (offset: number) => number {
  if (!/[^\x00-\x7f]/.test(text)) return (offset) => offset;
  const offsets = new Uint32Array(text.length + 1);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const high = code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    const low = i > 0 && code >= 0xdc00 && code < 0xe000 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;
    offsets[i + 1] = offsets[i] + (high ? 4 : low ? 0 : code < 0x80 ? 1 : code < 0x800 ? 2 : 3);
  }
  return (offset) => offsets[offset];
}
