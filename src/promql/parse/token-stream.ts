// One token of lookahead over the lexer, positions in bytes, and the error for a token that does not fit.
import { goQuote } from '../../model/index.ts';
import type { Span } from '../ast.ts';
import type { Lexer } from './lexer.ts';
import { ParseError } from './parse-error.ts';
import type { Token } from './token.ts';

const SHOWN_CHARACTERS_MAX = 10;

/** A token as Prometheus names it in its errors. */
export function describe(token: Token): string {
  const { kind, text } = token;
  if (kind === 'end') return 'end of input';
  if (kind === 'operator') return `<op:${text}>`;
  if (kind === 'aggregator') return `<aggr:${text}>`;
  if (kind === 'keyword') return `<${text}>`;
  if (kind === 'punctuation' || kind === 'word') return goQuote(text);
  if (kind === 'identifier' || kind === 'metric identifier') return `${kind} ${goQuote(text)}`;
  const characters = [...text];
  if (characters.length <= SHOWN_CHARACTERS_MAX) return `${kind} ${goQuote(text)}`;
  return `${kind} ${goQuote(characters.slice(0, SHOWN_CHARACTERS_MAX).join(''))}...`;
}

export class TokenStream {
  readonly lexer: Lexer;
  current: Token;
  /** UTF-8 offset behind the last token taken. */
  takenEnd = 0;
  /** How many aggregations are open: an unexpected token inside one is reported as `in aggregation`. */
  aggregations = 0;

  constructor(lexer: Lexer) {
    this.lexer = lexer;
    this.current = lexer.next();
  }

  take(): Token {
    const token = this.current;
    this.takenEnd = this.lexer.byteAt(token.end);
    this.current = this.lexer.next();
    return token;
  }

  at(id: string): boolean {
    return this.current.id === id;
  }

  /** Takes the token if it is `id`. */
  accept(id: string): boolean {
    if (this.current.id !== id) return false;
    this.take();
    return true;
  }

  /** Takes the token `id` or fails. */
  expect(id: string, context?: string, expected?: string): Token {
    if (this.current.id !== id) this.unexpected(context, expected);
    return this.take();
  }

  start(): number {
    return this.lexer.byteAt(this.current.start);
  }

  span(token: Token): Span {
    return { start: this.lexer.byteAt(token.start), end: this.lexer.byteAt(token.end) };
  }

  unexpected(context?: string, expected?: string): never {
    const where = context ?? (this.aggregations > 0 ? 'aggregation' : undefined);
    let text = `unexpected ${describe(this.current)}`;
    if (where) text += ` in ${where}`;
    if (expected) text += `, expected ${expected}`;
    return this.fail(this.span(this.current), text);
  }

  fail(span: Span, text: string, cause?: unknown): never {
    throw new ParseError(this.lexer.text, span, text, cause);
  }
}
