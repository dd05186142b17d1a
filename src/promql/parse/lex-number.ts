// Where a number or a duration ends, and what it is worth. Prometheus scans loosely and lets the conversion refuse the
// rest: `0x` is scanned as a number and refused as one, `1h2y` is a duration token and no duration.
//
// Forms: 12 012 (octal) 0x1F 1_000 1.5 .5 1. 1e9 and durations such as 1h30m.

export const isDigit = (character: string): boolean => character >= '0' && character <= '9' && character.length === 1;
export const isAlpha = (character: string): boolean =>
  character === '_' || (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');

const DECIMAL = '0123456789';
const HEXADECIMAL = '0123456789abcdefABCDEF';
const UNITS = 'smhdwy';

interface Scan {
  readonly ok: boolean;
  /** Behind the last character looked at and taken. */
  readonly end: number;
}

/** A cursor that takes characters out of a set; nothing matches at the end of the text. */
class Cursor {
  readonly text: string;
  at: number;
  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }
  is(set: string): boolean {
    return this.at < this.text.length && set.includes(this.text[this.at]);
  }
  take(set: string): boolean {
    if (!this.is(set)) return false;
    this.at++;
    return true;
  }
  get atEnd(): boolean {
    return this.at >= this.text.length;
  }
  get atWord(): boolean {
    const character = this.text[this.at] ?? '';
    return isAlpha(character) || isDigit(character);
  }
}

/** Scans a number at `start`. Not ok where what follows makes it none; a duration may then go on from `end`. */
export function scanNumber(text: string, start: number): Scan {
  const cursor = new Cursor(text, start);
  let digits = DECIMAL;
  if (cursor.take('0') && cursor.take('xX')) {
    cursor.take('_');
    digits = HEXADECIMAL;
  }
  cursor.take('.');
  cursor.take(digits);
  const ok = scanTail(cursor, digits) && !cursor.atWord;
  return { ok, end: cursor.at };
}

function scanTail(cursor: Cursor, digits: string): boolean {
  let sawDot = false;
  let sawExponent = false;
  while (cursor.is(`${digits}._eE`)) {
    if (cursor.take('.')) {
      if (sawDot || cursor.take('_.') || digits === HEXADECIMAL) return false;
      sawDot = true;
    } else if (cursor.take('eE')) {
      if (sawExponent) return false;
      sawExponent = true;
      cursor.take('+-');
      if (cursor.take('._eE') || cursor.atEnd) return false;
    } else if (cursor.take('_')) {
      if (cursor.take('._eE') || cursor.atEnd) return false;
    } else {
      while (cursor.take(digits));
    }
  }
  return true;
}

/** Goes on behind the digits of a duration's first part. */
export function scanDuration(text: string, from: number): Scan {
  const cursor = new Cursor(text, from);
  if (!cursor.take(UNITS)) return { ok: false, end: cursor.at };
  cursor.take('s');
  while (cursor.take(DECIMAL)) {
    while (cursor.take(DECIMAL));
    if (!cursor.take('smhdw')) return { ok: false, end: cursor.at };
    cursor.take('s');
  }
  return { ok: !cursor.atWord, end: cursor.at + (cursor.atWord ? 1 : 0) };
}

const OCTAL = /^0_?[0-7](?:_?[0-7])*$/;
const HEX = /^0[xX](?:_?[0-9a-fA-F])+$/;
const FLOAT = /^(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?$/;

const INTEGER_MAX = (1n << 63n) - 1n;

/**
 * The value of a scanned number, or what is wrong with it in the words of Prometheus. Whole numbers with a leading 0
 * are octal where they can be; whole numbers beyond 64 bits are floating point, which hexadecimal ones cannot be.
 */
export function numberValue(text: string): number | string {
  const lower = text.toLowerCase();
  if (lower === 'inf') return Number.POSITIVE_INFINITY;
  if (lower === 'nan') return Number.NaN;
  const plain = text.replaceAll('_', '');
  const octal = OCTAL.test(text) ? BigInt(`0o${plain.slice(1)}`) : null;
  if (octal !== null && octal <= INTEGER_MAX) return Number(octal);
  if (HEX.test(text) && BigInt(plain) <= INTEGER_MAX) return Number(plain);
  if (!FLOAT.test(text)) return 'invalid syntax';
  const value = Number(plain);
  return Number.isFinite(value) ? value : 'value out of range';
}
