// OpenMetrics text 1.0.0 and 0.0.1 (application/openmetrics-text), as Prometheus' parser takes it: the twin of the kernel.
// It is stricter on white space than the Prometheus text format and laxer than the specification on families; what the
// specification asks beyond this is checked in openmetrics-check.ts.
//
//   # TYPE name type      # HELP name text      # UNIT name unit
//   name{label="value",...} value [timestamp in seconds] [# {label="value",...} value [timestamp]]
//   # EOF
import { ExpositionLexer, type LexerState } from './exposition-lexer.ts';
import {
  type ExpositionDocument,
  type ExpositionExemplar,
  type ExpositionMetadata,
  type ExpositionSample,
  METRIC_TYPES,
  type MetricType,
  NEWLINE,
  QUOTE,
  type Token,
  asciiText,
  decodeText,
  isMetricStart,
  quoteBytes,
} from './exposition-scan.ts';

const SPACE = 32;
const isWordEnd = (c: number): boolean => c === SPACE || c === NEWLINE;

class OpenMetricsLexer extends ExpositionLexer {
  override next(): Token {
    const { bytes } = this;
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
        return this.#text(c);
      case 'labels':
        return this.labelToken(false, 'labels', 'lvalue', 'value');
      case 'exemplar':
        return this.labelToken(false, 'exemplar', 'evalue', 'evalue');
      case 'lvalue':
        return c === QUOTE ? this.takeString('LVALUE', 'labels', false) : 'INVALID';
      case 'value':
        if (c === 123) return this.take('BOPEN', 1, 'labels');
        return this.#word(c, 'VALUE', 'timestamp');
      case 'evalue':
        if (c === QUOTE) return this.takeString('LVALUE', 'exemplar', false);
        return this.#word(c, 'VALUE', 'etimestamp');
      default:
        return this.#timestamp(c);
    }
  }

  #init(c: number): Token {
    if (c === 123) return this.take('BOPEN', 1, 'labels');
    if (c === 35 && this.bytes[this.start + 1] === SPACE) return this.#comment();
    return isMetricStart(c) ? this.takeName('MNAME', 'value', true) : 'INVALID';
  }

  #comment(): Token {
    const i = this.start + 2;
    const word = asciiText(this.bytes, i, Math.min(i + 5, this.bytes.length));
    if (word === 'HELP ' || word === 'TYPE ' || word === 'UNIT ')
      return this.take(word.slice(0, 4) as Token, 7, 'meta1');
    if (!word.startsWith('EOF')) return 'INVALID';
    return this.take('EOFWORD', this.bytes[i + 3] === NEWLINE ? 6 : 5, 'init');
  }

  /** A space, the rest of the line and its newline. */
  #text(c: number): Token {
    const end = this.bytes.indexOf(NEWLINE, this.start);
    if (c !== SPACE || end < 0) return 'INVALID';
    return this.take('TEXT', end + 1 - this.start, 'init');
  }

  #word(c: number, token: Token, state: LexerState): Token {
    return c === SPACE ? this.takeWord(token, state, this.start + 1, isWordEnd) : 'INVALID';
  }

  #timestamp(c: number): Token {
    const { bytes, start } = this;
    if (c === NEWLINE) return this.take('LINEBREAK', 1, 'init');
    const exemplar = c === SPACE && bytes[start + 1] === 35 && bytes[start + 2] === SPACE && bytes[start + 3] === 123;
    if (exemplar && this.state === 'timestamp') return this.take('COMMENT', 4, 'exemplar');
    return this.#word(c, 'TIMESTAMP', this.state);
  }
}

/** Parses a whole document; throws TidemarkError `bad_exposition` with Prometheus' reason and the line. */
export function parseOpenMetricsText(body: Uint8Array): ExpositionDocument {
  return new OpenMetricsParser(body).parse();
}

class OpenMetricsParser {
  readonly #lexer: OpenMetricsLexer;
  readonly #samples: ExpositionSample[] = [];
  readonly #metadata: ExpositionMetadata[] = [];
  #type: MetricType = 'unknown';
  /** Of the line at hand. */
  #exemplarSeen: ExpositionExemplar | undefined;
  #named = false;

  constructor(bytes: Uint8Array) {
    this.#lexer = new OpenMetricsLexer(bytes);
  }

  parse(): ExpositionDocument {
    const lexer = this.#lexer;
    for (;;) {
      lexer.entryStart = lexer.at;
      const token = lexer.next();
      if (token === 'EOF') throw this.#noEof();
      if (token === 'EOFWORD') {
        if (lexer.next() !== 'EOF') throw lexer.fail('unexpected data after # EOF');
        return { samples: this.#samples, metadata: this.#metadata };
      }
      if (token === 'HELP' || token === 'TYPE' || token === 'UNIT') this.#meta(token);
      else if (token === 'MNAME' || token === 'BOPEN') this.#sample(token);
      else throw lexer.unexpected('expected a valid start token', token);
    }
  }

  #noEof(): Error {
    return this.#lexer.fail('data does not end with # EOF');
  }

  #meta(kind: 'HELP' | 'TYPE' | 'UNIT'): void {
    const lexer = this.#lexer;
    const { bytes } = lexer;
    const token = lexer.next();
    if (token !== 'MNAME') throw lexer.unexpected(`expected metric name after ${kind}`, token);
    const quoted = bytes[lexer.start] === QUOTE ? 1 : 0;
    const nameStart = lexer.start + quoted;
    const nameEnd = lexer.at - quoted;
    const after = lexer.next();
    if (after !== 'TEXT') throw lexer.fail(`expected text in ${kind}, got ${after}`);
    const textStart = lexer.start + 1;
    const textEnd = lexer.at - 1;
    const text = bytes.subarray(textStart, textEnd);
    if (kind === 'TYPE') this.#setType(textStart, textEnd);
    if (kind === 'HELP' && decodeText(text) === undefined) {
      throw lexer.fail(`help text ${quoteBytes(text)} is not a valid utf8 string`);
    }
    if (kind === 'UNIT') this.#checkUnit(bytes.subarray(nameStart, nameEnd), text);
    this.#metadata.push({ kind: KINDS[kind], nameStart, nameEnd, textStart, textEnd });
  }

  #setType(start: number, end: number): void {
    const text = asciiText(this.#lexer.bytes, start, end) as MetricType;
    if (!METRIC_TYPES.includes(text)) {
      throw this.#lexer.fail(`invalid metric type ${quoteBytes(this.#lexer.bytes.subarray(start, end))}`);
    }
    this.#type = text;
  }

  /** A unit must be the last part of the name, after an underscore. */
  #checkUnit(name: Uint8Array, unit: Uint8Array): void {
    if (unit.length === 0) return;
    const at = name.length - unit.length;
    if (at >= 1 && name[at - 1] === 95 && unit.every((c, i) => name[at + i] === c)) return;
    throw this.#lexer.fail(`unit ${quoteBytes(unit)} not a suffix of metric ${quoteBytes(name)}`);
  }

  #sample(token: 'MNAME' | 'BOPEN'): void {
    const lexer = this.#lexer;
    const start = lexer.start;
    let end = lexer.at;
    this.#named = token === 'MNAME';
    let next: Token = token === 'MNAME' ? lexer.next() : token;
    if (next === 'BOPEN') {
      this.#labels(false);
      end = lexer.at;
      next = lexer.next();
    }
    if (!this.#named) throw lexer.whileParsing('metric name not set');
    const value = this.#value(next, 'metric');
    this.#exemplarSeen = undefined;
    const timestampMs = this.#rest();
    const exemplar = this.#exemplarSeen;
    const sample = { start, length: end - start, value, timestampMs, type: this.#type };
    this.#samples.push(exemplar ? { ...sample, exemplar } : sample);
  }

  #value(token: Token, after: string): number {
    const lexer = this.#lexer;
    if (token !== 'VALUE') throw lexer.unexpected(`expected value after ${after}`, token);
    return lexer.float(lexer.start + 1, lexer.at);
  }

  /** Timestamp, exemplar and newline after a value. */
  #rest(): number | undefined {
    const lexer = this.#lexer;
    let token = lexer.next();
    if (token === 'EOF') throw this.#noEof();
    if (token === 'LINEBREAK') return undefined;
    let timestampMs: number | undefined;
    if (token === 'TIMESTAMP') {
      timestampMs = this.#seconds('timestamp');
      token = lexer.next();
      if (token === 'EOF') throw this.#noEof();
      if (token === 'LINEBREAK') return timestampMs;
      if (token !== 'COMMENT') throw lexer.unexpected('expected next entry after timestamp', token);
    }
    if (token !== 'COMMENT') throw lexer.unexpected('expected timestamp or # symbol', token);
    this.#exemplar();
    return timestampMs;
  }

  #seconds(what: string): number {
    const lexer = this.#lexer;
    const seconds = lexer.float(lexer.start + 1, lexer.at);
    if (!Number.isFinite(seconds)) {
      const shown = Number.isNaN(seconds) ? 'NaN' : seconds > 0 ? '+Inf' : '-Inf';
      throw lexer.fail(`invalid ${what} ${shown}`);
    }
    return Math.trunc(seconds * 1000) + 0; // No negative zero.
  }

  #exemplar(): void {
    const lexer = this.#lexer;
    const labels = lexer.at;
    this.#labels(true);
    let token = lexer.next();
    const valueStart = lexer.start + 1;
    const value = this.#value(token, 'exemplar labels');
    this.#exemplarSeen = { labels, valueStart, value, timestampMs: undefined };
    token = lexer.next();
    if (token === 'TIMESTAMP') {
      const timestampMs = this.#seconds('exemplar timestamp');
      this.#exemplarSeen = { labels, valueStart, value, timestampMs };
      token = lexer.next();
      if (token === 'LINEBREAK') return;
      if (token === 'EOF') throw this.#noEof();
      throw lexer.unexpected('expected next entry after exemplar timestamp', token);
    }
    if (token === 'EOF') throw this.#noEof();
    if (token !== 'LINEBREAK') throw lexer.unexpected('expected timestamp or comment', token);
  }

  #labels(exemplar: boolean): void {
    const lexer = this.#lexer;
    let token = lexer.next();
    while (token !== 'BCLOSE') {
      const quoted = token === 'QSTRING';
      if (!quoted && token !== 'LNAME') throw lexer.unexpected('expected label name', token);
      token = lexer.next();
      if (quoted && (token === 'COMMA' || token === 'BCLOSE')) {
        if (exemplar) throw lexer.unexpected('expected label name', token);
        if (this.#named) throw lexer.whileParsing('metric name already set');
        this.#named = true;
        if (token === 'COMMA') token = lexer.next();
        continue;
      }
      if (token !== 'EQUAL') throw lexer.unexpected('expected equal', token);
      this.#labelValue();
      token = lexer.next();
      if (token === 'COMMA') token = lexer.next();
      else if (token !== 'BCLOSE') throw lexer.unexpected('expected comma or brace close', token);
    }
  }

  #labelValue(): void {
    const lexer = this.#lexer;
    const token = lexer.next();
    if (token !== 'LVALUE') throw lexer.unexpected('expected label value', token);
    const value = lexer.bytes.subarray(lexer.start, lexer.at);
    if (decodeText(value) === undefined) throw lexer.fail(`invalid UTF-8 label value: ${quoteBytes(value)}`);
  }
}

const KINDS = { HELP: 'help', TYPE: 'type', UNIT: 'unit' } as const;
