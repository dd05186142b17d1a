// Splits a template into texts and the tokens of its actions, as Go's text/template does:
//
//   text {{- action | action -}} text {{/* comment */}}
//
// `{{-` and `-}}` (with a space inside) cut the white space of the text beside them. Positions are offsets in UTF-16 units;
// messages turn them into lines and bytes.

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'identifier'
  | 'keyword'
  | 'field'
  | 'variable'
  | 'number'
  | 'char'
  | 'string'
  | 'rawString'
  | 'bool'
  | 'dot'
  | 'nil'
  | '|'
  | '('
  | ')'
  | ':='
  | '='
  | 'other'
  | 'eof'
  | 'error';

export interface Token {
  readonly kind: TokenKind;
  readonly pos: number;
  /** Text as written; of an error, what is wrong. */
  readonly text: string;
}

const KEYWORDS: ReadonlySet<string> = new Set('block break continue define else end if range template with'.split(' '));
const SPACE = /[ \t\r\n]/;
const WORD = /[\p{L}\p{Nd}_]/u;

/** A token as messages show it. */
export function describeToken({ kind, text }: Token): string {
  if (kind === 'eof') return 'EOF';
  if (kind === 'error') return text;
  if (kind === 'keyword') return `<${text}>`;
  return text.length > 10 ? `${JSON.stringify(text.slice(0, 10))}...` : JSON.stringify(text);
}

/** All tokens of a template; the last one is `eof` or `error`. */
export function lexTemplate(input: string): Token[] {
  return new Lexer(input).run();
}

class Lexer {
  readonly #input: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #parens = 0;

  constructor(input: string) {
    this.#input = input;
  }

  run(): Token[] {
    const input = this.#input;
    let trimNext = false;
    for (;;) {
      const open = input.indexOf('{{', this.#at);
      const end = open < 0 ? input.length : open;
      const trimsBefore = open >= 0 && input[open + 2] === '-' && SPACE.test(input[open + 3] ?? '');
      this.#text(end, trimNext, trimsBefore);
      this.#at = end;
      if (open < 0) break;
      this.#at += trimsBefore ? 3 : 2;
      const closed = input.startsWith('/*', this.#at + (trimsBefore ? 1 : 0))
        ? this.#comment(trimsBefore)
        : this.#action(open);
      if (closed === null) return this.#tokens;
      trimNext = closed;
    }
    this.#push('eof', input.length, '');
    return this.#tokens;
  }

  #push(kind: TokenKind, pos: number, text: string): void {
    this.#tokens.push({ kind, pos, text });
  }

  #error(text: string, pos = this.#at): null {
    this.#push('error', pos, text);
    return null;
  }

  #text(end: number, trimLeft: boolean, trimRight: boolean): void {
    let text = this.#input.slice(this.#at, end);
    let pos = this.#at;
    if (trimLeft) {
      const rest = text.replace(/^[ \t\r\n]+/, '');
      pos += text.length - rest.length;
      text = rest;
    }
    if (trimRight) text = text.replace(/[ \t\r\n]+$/, '');
    if (text !== '') this.#push('text', pos, text);
  }

  /** Whether the text behind is to be trimmed; null: an error ended it. */
  #comment(trimsBefore: boolean): boolean | null {
    const start = this.#at + (trimsBefore ? 1 : 0);
    const end = this.#input.indexOf('*/', start);
    if (end < 0) return this.#error('unclosed comment', start);
    const rest = this.#input.slice(end + 2, end + 6);
    const close = /^(?:[ \t\r\n]-)?\}\}/.exec(rest);
    if (!close) return this.#error('comment ends before closing delimiter', end);
    this.#at = end + 2 + close[0].length;
    return close[0].length > 2;
  }

  #action(open: number): boolean | null {
    this.#push('open', open, '{{');
    this.#parens = 0;
    for (;;) {
      const close = /^(?:[ \t\r\n]-)?\}\}/.exec(this.#input.slice(this.#at, this.#at + 4));
      if (close) {
        if (this.#parens > 0) return this.#error('unclosed left paren');
        this.#push('close', this.#at, close[0]);
        this.#at += close[0].length;
        return close[0].length > 2;
      }
      if (!this.#token()) return null;
    }
  }

  #take(kind: TokenKind, length: number): true {
    this.#push(kind, this.#at, this.#input.slice(this.#at, this.#at + length));
    this.#at += length;
    return true;
  }

  /** False: an error was found. */
  #token(): boolean {
    const input = this.#input;
    const char = input[this.#at];
    if (char === undefined) return this.#error('unclosed action') !== null;
    if (SPACE.test(char)) return this.#space();
    if (char === '=') return this.#take('=', 1);
    if (char === ':') {
      if (input[this.#at + 1] === '=') return this.#take(':=', 2);
      return this.#error('expected :=') !== null;
    }
    if (char === '|') return this.#take('|', 1);
    if (char === '"') return this.#quoted('string', /^"(?:\\[^\n]|[^"\\\n])*"/, 'unterminated quoted string');
    if (char === '`') return this.#quoted('rawString', /^`[^`]*`/, 'unterminated raw quoted string');
    if (char === "'") return this.#quoted('char', /^'(?:\\[^\n]|[^'\\\n])*'/, 'unterminated character constant');
    if (char === '$') return this.#name('variable', 1);
    if (char === '.') {
      if (!/[0-9]/.test(input[this.#at + 1] ?? '')) return this.#field();
      return this.#number();
    }
    if (/[-+0-9]/.test(char)) return this.#number();
    return this.#symbol(char);
  }

  #symbol(char: string): boolean {
    const point = String.fromCodePoint(this.#input.codePointAt(this.#at) as number);
    if (WORD.test(point)) return this.#identifier();
    if (char === '(') {
      this.#parens++;
      return this.#take('(', 1);
    }
    if (char === ')') {
      if (--this.#parens < 0) return this.#error('unexpected right paren') !== null;
      return this.#take(')', 1);
    }
    if (char > ' ' && char < '\x7f') return this.#take('other', 1);
    const code = (point.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
    return this.#error(`unrecognized character in action: U+${code}${char > ' ' ? ` '${point}'` : ''}`) !== null;
  }

  #space(): true {
    let length = 1;
    while (SPACE.test(this.#input[this.#at + length] ?? '')) length++;
    // White space before a trim marker belongs to the marker.
    if (this.#input.startsWith('-}}', this.#at + length)) length--;
    return length === 0 ? true : this.#take('space', length);
  }

  #quoted(kind: TokenKind, pattern: RegExp, problem: string): boolean {
    const found = pattern.exec(this.#input.slice(this.#at));
    return found ? this.#take(kind, found[0].length) : this.#error(problem) !== null;
  }

  #wordLength(from: number): number {
    let at = from;
    for (;;) {
      const code = this.#input.codePointAt(at);
      if (code === undefined || !WORD.test(String.fromCodePoint(code))) return at - from;
      at += code > 0xffff ? 2 : 1;
    }
  }

  /** What may stand behind a name. */
  #isTerminated(at: number): boolean {
    const char = this.#input[at];
    if (char === undefined || SPACE.test(char) || '.,|:()='.includes(char)) return true;
    return this.#input.startsWith('}}', at);
  }

  #name(kind: TokenKind, prefix: number): boolean {
    const length = prefix + this.#wordLength(this.#at + prefix);
    if (!this.#isTerminated(this.#at + length)) return this.#badCharacter(length);
    return this.#take(kind, length);
  }

  #badCharacter(length: number): boolean {
    const code = this.#input.codePointAt(this.#at + length) as number;
    const shown = `U+${code.toString(16).toUpperCase().padStart(4, '0')} '${String.fromCodePoint(code)}'`;
    return this.#error(`bad character ${shown}`, this.#at + length) !== null;
  }

  #field(): boolean {
    if (this.#isTerminated(this.#at + 1)) return this.#take('dot', 1);
    return this.#name('field', 1);
  }

  #identifier(): boolean {
    const length = this.#wordLength(this.#at);
    if (!this.#isTerminated(this.#at + length)) return this.#badCharacter(length);
    const word = this.#input.slice(this.#at, this.#at + length);
    if (KEYWORDS.has(word)) return this.#take('keyword', length);
    if (word === 'true' || word === 'false') return this.#take('bool', length);
    return this.#take(word === 'nil' ? 'nil' : 'identifier', length);
  }

  #number(): boolean {
    const rest = this.#input.slice(this.#at);
    const found =
      /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9_]+\.?[0-9_]*(?:[eE][+-]?[0-9_]+)?|\.[0-9_]+(?:[eE][+-]?[0-9_]+)?)/.exec(
        rest,
      );
    const length = found?.[0].length ?? 1;
    const next = this.#input.codePointAt(this.#at + length);
    if (!found || (next !== undefined && WORD.test(String.fromCodePoint(next)))) {
      const word = rest.slice(0, length) + this.#input.slice(this.#at + length, this.#at + length + 1);
      return this.#error(`bad number syntax: ${JSON.stringify(word)}`) !== null;
    }
    return this.#take('number', length);
  }
}
