// Prometheus text format 0.0.4 and 1.0.0 (text/plain), as the server's own parser takes it: the twin of the kernel.
//
//   # HELP name text      # TYPE name counter|gauge|histogram|summary|untyped      # comment
//   name{label="value",...} value [timestamp in ms]
//   {"name with any UTF-8","label"="value"} value                                  (1.0.0, accepted everywhere)
//
// Blanks (spaces, tabs) separate tokens freely. Label values escape \\ \" \n and may hold raw newlines and NUL bytes.
// Deviation: a NUL byte at the start of a line is an error here; Prometheus silently ends the document there.
import { ExpositionLexer } from './exposition-lexer.ts';
import {
  type ExpositionDocument,
  type ExpositionMetadata,
  type ExpositionSample,
  type MetricType,
  NEWLINE,
  QUOTE,
  type Token,
  asciiText,
  decodeText,
  isDigit,
  isMetricStart,
  quoteBytes,
} from './exposition-scan.ts';

const TYPES: Record<string, MetricType> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'unknown',
};
const INT64_MAX = 2n ** 63n - 1n;

class TextLexer extends ExpositionLexer {
  override next(): Token {
    const { bytes } = this;
    while (this.state !== 'meta2' && this.at < bytes.length && this.isBlank(bytes[this.at])) this.at++;
    this.start = this.at;
    if (this.at >= bytes.length) return 'EOF';
    const c = bytes[this.start];
    switch (this.state) {
      case 'init':
        return this.#init(c);
      case 'meta1':
        if (c === QUOTE) return this.takeString('MNAME', 'meta2', true);
        return isMetricStart(c) ? this.takeName('MNAME', 'meta2', true) : 'INVALID';
      case 'meta2':
        return this.take('TEXT', this.#lineEnd() - this.start, 'init');
      case 'labels':
        return this.labelToken(true, 'labels', 'lvalue', 'value');
      case 'lvalue':
        return c === QUOTE ? this.takeString('LVALUE', 'labels', true) : 'INVALID';
      case 'value':
        if (c === 123) return this.take('BOPEN', 1, 'labels');
        return this.takeWord('VALUE', 'timestamp', this.start, (b) => b === 123 || this.isBlank(b) || b === NEWLINE);
      default:
        return this.#timestamp(c);
    }
  }

  #init(c: number): Token {
    if (c === NEWLINE) return this.take('LINEBREAK', 1, 'init');
    if (c === 35) return this.#comment();
    if (c === 123) return this.take('BOPEN', 1, 'labels');
    return isMetricStart(c) ? this.takeName('MNAME', 'value', true) : 'INVALID';
  }

  /** `#`, blanks, HELP or TYPE, blanks; anything else after `#` is a comment to the end of the line. */
  #comment(): Token {
    const { bytes } = this;
    let i = this.start + 1;
    while (i < bytes.length && this.isBlank(bytes[i])) i++;
    const word = asciiText(bytes, i, Math.min(i + 4, bytes.length));
    if (i > this.start + 1 && (word === 'HELP' || word === 'TYPE') && this.isBlank(bytes[i + 4])) {
      i += 5;
      while (i < bytes.length && this.isBlank(bytes[i])) i++;
      return this.take(word, i - this.start, 'meta1');
    }
    return this.take('COMMENT', this.#lineEnd() - this.start, 'init');
  }

  #timestamp(c: number): Token {
    if (c === NEWLINE) return this.take('LINEBREAK', 1, 'init');
    let i = this.start + (c === 45 ? 1 : 0);
    const from = i;
    while (i < this.bytes.length && isDigit(this.bytes[i])) i++;
    return i === from ? 'INVALID' : this.take('TIMESTAMP', i - this.start, 'timestamp');
  }

  #lineEnd(): number {
    const end = this.bytes.indexOf(NEWLINE, this.start);
    return end < 0 ? this.bytes.length : end;
  }
}

/** Parses a whole document; throws TidemarkError `bad_exposition` with Prometheus' reason and the line. */
export function parseExpositionText(body: Uint8Array): ExpositionDocument {
  // The format wants a newline at the end of the last line but Prometheus supplies one.
  const bytes = new Uint8Array(body.length + 1);
  bytes.set(body);
  bytes[body.length] = NEWLINE;
  return new TextParser(bytes).parse();
}

class TextParser {
  readonly #lexer: TextLexer;
  readonly #samples: ExpositionSample[] = [];
  readonly #metadata: ExpositionMetadata[] = [];
  #type: MetricType = 'unknown';
  #named = false;

  constructor(bytes: Uint8Array) {
    this.#lexer = new TextLexer(bytes);
  }

  parse(): ExpositionDocument {
    const lexer = this.#lexer;
    for (;;) {
      lexer.entryStart = lexer.at;
      const token = lexer.next();
      if (token === 'EOF') return { samples: this.#samples, metadata: this.#metadata };
      if (token === 'LINEBREAK') continue;
      if (token === 'HELP' || token === 'TYPE') this.#meta(token);
      else if (token === 'COMMENT') this.#lineBreak('linebreak expected after comment');
      else if (token === 'MNAME' || token === 'BOPEN') this.#sample(token);
      else throw lexer.unexpected('expected a valid start token', token);
    }
  }

  #lineBreak(expected: string): void {
    const token = this.#lexer.next();
    if (token !== 'LINEBREAK') throw this.#lexer.unexpected(expected, token);
  }

  #meta(kind: 'HELP' | 'TYPE'): void {
    const lexer = this.#lexer;
    const { bytes } = lexer;
    const token = lexer.next();
    if (token !== 'MNAME') throw lexer.unexpected(`expected metric name after ${kind}`, token);
    const quoted = bytes[lexer.start] === QUOTE ? 1 : 0;
    const nameStart = lexer.start + quoted;
    const nameEnd = lexer.at - quoted;
    lexer.next(); // TEXT: one separator and the rest of the line.
    const textStart = this.#blankText() ? lexer.at : Math.min(lexer.start + 1, lexer.at);
    const textEnd = lexer.at;
    const text = bytes.subarray(textStart, textEnd);
    if (kind === 'TYPE') {
      const type = TYPES[asciiText(bytes, textStart, textEnd)];
      if (type === undefined) throw lexer.fail(`invalid metric type ${quoteBytes(text)}`);
      this.#type = type;
    } else if (decodeText(text) === undefined) {
      throw lexer.fail(`help text ${quoteBytes(text)} is not a valid utf8 string`);
    }
    this.#lineBreak('linebreak expected after metadata');
    this.#metadata.push({ kind: kind === 'TYPE' ? 'type' : 'help', nameStart, nameEnd, textStart, textEnd });
  }

  #blankText(): boolean {
    const { bytes, start, at } = this.#lexer;
    for (let i = start; i < at; i++) if (!this.#lexer.isBlank(bytes[i])) return false;
    return true;
  }

  #sample(token: 'MNAME' | 'BOPEN'): void {
    const lexer = this.#lexer;
    const start = lexer.start;
    let end = lexer.at;
    this.#named = token === 'MNAME';
    let next: Token = token === 'MNAME' ? lexer.next() : token;
    if (next === 'BOPEN') {
      this.#labels();
      end = lexer.at;
      next = lexer.next();
    }
    if (!this.#named) throw lexer.whileParsing('metric name not set');
    if (next !== 'VALUE') throw lexer.unexpected('expected value after metric', next);
    const value = lexer.float(lexer.start, lexer.at);
    const timestampMs = this.#timestamp();
    this.#samples.push({ start, length: end - start, value, timestampMs, type: this.#type });
  }

  #labels(): void {
    const lexer = this.#lexer;
    let token = lexer.next();
    while (token !== 'BCLOSE') {
      const quoted = token === 'QSTRING';
      if (!quoted && token !== 'LNAME') throw lexer.unexpected('expected label name', token);
      token = lexer.next();
      if (quoted && (token === 'COMMA' || token === 'BCLOSE')) {
        if (this.#named) throw lexer.whileParsing('metric name already set');
        this.#named = true;
        if (token === 'COMMA') token = lexer.next();
        continue;
      }
      if (token !== 'EQUAL') throw lexer.unexpected('expected equal', token);
      token = lexer.next();
      if (token !== 'LVALUE') throw lexer.unexpected('expected label value', token);
      const value = lexer.bytes.subarray(lexer.start, lexer.at);
      if (decodeText(value) === undefined) throw lexer.fail(`invalid UTF-8 label value: ${quoteBytes(value)}`);
      token = lexer.next();
      if (token === 'COMMA') token = lexer.next();
    }
  }

  #timestamp(): number | undefined {
    const lexer = this.#lexer;
    const token = lexer.next();
    if (token === 'LINEBREAK') return undefined;
    if (token !== 'TIMESTAMP') throw lexer.unexpected('expected timestamp or new record', token);
    const text = asciiText(lexer.bytes, lexer.start, lexer.at);
    const value = text.length > 20 ? undefined : BigInt(text);
    if (value === undefined || value > INT64_MAX || value < -INT64_MAX) {
      throw lexer.whileParsing(`strconv.ParseInt: parsing "${text.slice(0, 64)}": value out of range`);
    }
    this.#lineBreak('expected next entry after timestamp');
    return Number(value);
  }
}
