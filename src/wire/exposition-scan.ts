// What the two text formats share: rows, token names, character classes, strings in quotes, floats as Go reads them, and
// errors with Prometheus' reasons (model/textparse) followed by the line.
//
// A parsed document is rows that point into the body. The twins here are the specification of kernels/intake/exposition.ts
// and write its error texts; scraping itself runs the kernel.
import { TidemarkError } from '../base/index.ts';
import { goQuote } from '../model/index.ts';

/** The text formats: `text` is Prometheus text 0.0.4 and 1.0.0, `openmetrics` is OpenMetrics 0.0.1 and 1.0.0. */
export type ExpositionFormat = 'text' | 'openmetrics';

/** Types of metric families. The index is the kernel's code. */
export const METRIC_TYPES = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'summary',
  'gaugehistogram',
  'info',
  'stateset',
] as const;
/** A type of metric families. */
export type MetricType = (typeof METRIC_TYPES)[number];

/** One sample line. Offsets are bytes of the body. */
export interface ExpositionSample {
  /** The series text: name and labels as they were sent. */
  readonly start: number;
  readonly length: number;
  readonly value: number;
  /** Milliseconds since the epoch; undefined where the line has none. */
  readonly timestampMs: number | undefined;
  /** Type of the last TYPE line before: decides whether `le` and `quantile` are normalised. */
  readonly type: MetricType;
  /** Absent where the line has none. */
  readonly exemplar?: ExpositionExemplar;
}

/** The exemplar of a sample's line. */
export interface ExpositionExemplar {
  /** Where its labels begin, behind the brace, and where its value. */
  readonly labels: number;
  readonly valueStart: number;
  readonly value: number;
  /** Undefined: it has no time of its own. */
  readonly timestampMs: number | undefined;
}

/** A TYPE, HELP or UNIT line. */
export interface ExpositionMetadata {
  readonly kind: 'type' | 'help' | 'unit';
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly textStart: number;
  readonly textEnd: number;
}

/** The rows of a body, in its order. */
export interface ExpositionDocument {
  readonly samples: ExpositionSample[];
  readonly metadata: ExpositionMetadata[];
}

export type Token =
  | 'INVALID'
  | 'EOF'
  | 'LINEBREAK'
  | 'WHITESPACE'
  | 'HELP'
  | 'TYPE'
  | 'UNIT'
  | 'EOFWORD'
  | 'TEXT'
  | 'COMMENT'
  | 'MNAME'
  | 'QSTRING'
  | 'BOPEN'
  | 'BCLOSE'
  | 'LNAME'
  | 'LVALUE'
  | 'COMMA'
  | 'EQUAL'
  | 'TIMESTAMP'
  | 'VALUE';

export const NEWLINE = 10;
export const QUOTE = 34;
export const BACKSLASH = 92;

export const isDigit = (c: number): boolean => c >= 48 && c <= 57;
/** [a-zA-Z_], the first character of a label name. */
export const isLabelStart = (c: number): boolean => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95;
/** [a-zA-Z_:], the first character of a metric name. */
export const isMetricStart = (c: number): boolean => isLabelStart(c) || c === 58;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 text, byte order marks kept; undefined if malformed. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Text for a message: bytes that are no UTF-8 become the lone surrogates that goQuote prints as \xNN. */
function lenientText(bytes: Uint8Array): string {
  const whole = decodeText(bytes);
  if (whole !== undefined) return whole;
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    const c = bytes[i];
    const length = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    const one = decodeText(bytes.subarray(i, Math.min(i + length, bytes.length)));
    out += one ?? String.fromCharCode(0xdc00 + c);
    i += one === undefined ? 1 : length;
  }
  return out;
}

const MESSAGE_BYTES_MAX = 1024;

/** Bytes as Go's %q prints them, shortened where a hostile body would make the message long. */
export function quoteBytes(bytes: Uint8Array): string {
  if (bytes.length <= MESSAGE_BYTES_MAX) return goQuote(lenientText(bytes));
  return `${goQuote(lenientText(bytes.subarray(0, MESSAGE_BYTES_MAX)))}...`;
}

function countLines(bytes: Uint8Array, end: number): number {
  let line = 1;
  for (let i = bytes.indexOf(NEWLINE); i >= 0 && i < end; i = bytes.indexOf(NEWLINE, i + 1)) line++;
  return line;
}

/** An error of code `bad_exposition`: the reason, then the line of byte `offset`. */
export function expositionError(reason: string, bytes: Uint8Array, offset: number): TidemarkError {
  return new TidemarkError('bad_exposition', `${reason} (line ${countLines(bytes, offset)})`);
}

/**
 * End of the string in quotes that begins at `start`; negative: -1 - the offset where it cannot go on. A backslash takes any
 * character but a newline; `newlines` says whether a raw newline may stand inside.
 */
export function scanString(bytes: Uint8Array, start: number, newlines: boolean): number {
  for (let i = start + 1; i < bytes.length; i++) {
    const c = bytes[i];
    if (c === QUOTE) return i + 1;
    if (c === NEWLINE && !newlines) return -1 - i;
    if (c === BACKSLASH) {
      i++;
      if (i >= bytes.length || bytes[i] === NEWLINE) return -1 - i;
    }
  }
  return -1 - bytes.length;
}

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const INFINITE = /^[+-]?inf(?:inity)?$/i;

/** A float as Prometheus reads it (strconv.ParseFloat without hexadecimal and underscores), or the reason why it is none. */
export function parseFloatText(text: string): number | string {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : `strconv.ParseFloat: parsing ${goQuote(text)}: value out of range`;
  }
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (/[pP_]/.test(text)) return 'unsupported character in float';
  return `strconv.ParseFloat: parsing ${goQuote(text)}: invalid syntax`;
}

/** Latin-1 text of ASCII tokens; other bytes make it fail as a float, which is all it is for. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] < 128 ? bytes[i] : 0xdc00 + bytes[i]);
  return text;
}
