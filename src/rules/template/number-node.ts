// Numbers and character constants of templates, as Go reads them: 12 012 0x1f 1_000 1.5 1e3 'a'.
import { goQuote } from '../../model/index.ts';
import { unquote } from '../../promql/index.ts';
import type { NumberNode } from './nodes.ts';

/** The node of a constant, or what is wrong with it. */
export function numberNode(text: string, isCharacter: boolean, pos: number): NumberNode | string {
  if (isCharacter) {
    const value = unquote(text);
    if ([...value].length !== 1) return `malformed character constant: ${text}`;
    const code = value.codePointAt(0) as number;
    return { type: 'number', pos, text, int: BigInt(code), float: code, isFloat: false };
  }
  const digits = text.replaceAll('_', '');
  const isFloat = /[.eE]/.test(digits) && !/0[xX]/.test(digits);
  const int = isFloat ? wholeNumber(Number(digits)) : parseInteger(digits);
  if (!isFloat && int === null) return `illegal number syntax: ${goQuote(text)}`;
  if (!isFloat && int !== null && BigInt.asIntN(64, int) !== int) return `integer overflow: ${goQuote(text)}`;
  const float = isFloat ? Number(digits) : Number(int);
  return Number.isNaN(float)
    ? `illegal number syntax: ${goQuote(text)}`
    : { type: 'number', pos, text, int, float, isFloat };
}

const wholeNumber = (value: number): bigint | null => (Number.isSafeInteger(value) ? BigInt(value) : null);

function parseInteger(text: string): bigint | null {
  const [, sign, digits] = /^([+-]?)(.*)$/.exec(text) as RegExpExecArray;
  const legacyOctal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  try {
    return BigInt(legacyOctal) * (sign === '-' ? -1n : 1n);
  } catch {
    return null;
  }
}
