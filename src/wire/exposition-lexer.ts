// The state machine under both text formats. A lexer is fed by its parser one token at a time; what a byte means depends on
// the state, exactly as in Prometheus' generated lexers, so that errors name the same token.
//
//   init ─MNAME─► value ─{─► labels ─=─► lvalue ─LVALUE─► labels ─}─► value ─VALUE─► timestamp ─LINEBREAK─► init
//   init ─HELP/TYPE/UNIT─► meta1 ─MNAME─► meta2 ─TEXT─► init
import {
  NEWLINE,
  QUOTE,
  type Token,
  expositionError,
  isDigit,
  isLabelStart,
  isMetricStart,
  parseFloatText,
  asciiText,
  quoteBytes,
  scanString,
} from './exposition-scan.ts';

export type LexerState =
  | 'init'
  | 'meta1'
  | 'meta2'
  | 'labels'
  | 'lvalue'
  | 'value'
  | 'timestamp'
  | 'exemplar'
  | 'evalue'
  | 'etimestamp';

export abstract class ExpositionLexer {
  readonly bytes: Uint8Array;
  /** Where the entry (line) began: what error texts quote. */
  entryStart = 0;
  /** The current token is bytes [start, at). */
  start = 0;
  at = 0;
  state: LexerState = 'init';

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The next token; `start` and `at` tell its bytes. */
  abstract next(): Token;

  /** Takes `length` bytes as a token and changes state. */
  protected take(token: Token, length: number, state: LexerState): Token {
    this.at = this.start + length;
    this.state = state;
    return token;
  }

  protected takeName(token: Token, state: LexerState, colons: boolean): Token {
    const { bytes } = this;
    let i = this.start;
    const part = colons ? isMetricStart : isLabelStart;
    while (i < bytes.length && (part(bytes[i]) || isDigit(bytes[i]))) i++;
    return this.take(token, i - this.start, state);
  }

  /** A string in quotes; where it does not end, INVALID up to the byte that stopped it. */
  protected takeString(token: Token, state: LexerState, newlines: boolean): Token {
    const end = scanString(this.bytes, this.start, newlines);
    if (end >= 0) return this.take(token, end - this.start, state);
    this.at = -1 - end;
    return 'INVALID';
  }

  /** Bytes up to a space, a newline or one more stop byte. */
  protected takeWord(token: Token, state: LexerState, from: number, stops: (c: number) => boolean): Token {
    const { bytes } = this;
    let i = from;
    while (i < bytes.length && !stops(bytes[i])) i++;
    if (i === from) return 'INVALID';
    return this.take(token, i - this.start, state);
  }

  /** Tokens between braces, which the formats share. */
  protected labelToken(newlines: boolean, inside: LexerState, value: LexerState, after: LexerState): Token {
    const c = this.bytes[this.start];
    if (isLabelStart(c)) return this.takeName('LNAME', inside, false);
    if (c === QUOTE) return this.takeString('QSTRING', inside, newlines);
    if (c === 125) return this.take('BCLOSE', 1, after);
    if (c === 61) return this.take('EQUAL', 1, value);
    if (c === 44) return this.take('COMMA', 1, inside);
    return 'INVALID';
  }

  /** `expected X, got "..." ("TOKEN") while parsing: "..."`: both quotes reach one byte beyond the token. */
  unexpected(expected: string, token: Token): Error {
    const end = Math.min(this.bytes.length, this.at + 1);
    const got = `${quoteBytes(this.bytes.subarray(this.start, end))} ("${token}")`;
    return this.fail(`${expected}, got ${got} while parsing: ${quoteBytes(this.bytes.subarray(this.entryStart, end))}`);
  }

  /** `reason while parsing: "..."`. */
  whileParsing(reason: string): Error {
    return this.fail(`${reason} while parsing: ${quoteBytes(this.bytes.subarray(this.entryStart, this.at))}`);
  }

  fail(reason: string): Error {
    return expositionError(reason, this.bytes, this.start);
  }

  /** The float in bytes [start, end) of the current token. */
  float(start: number, end: number): number {
    const value = parseFloatText(asciiText(this.bytes, start, end));
    if (typeof value === 'string') throw this.whileParsing(value);
    return value;
  }

  isBlank(c: number): boolean {
    return c === 32 || c === 9;
  }

  isNewline(c: number): boolean {
    return c === NEWLINE;
  }
}
