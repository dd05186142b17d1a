// Names that are no identifiers in formats whose reader may not know them: the escaping schemes of content negotiation.

/** How names beyond ASCII identifiers are sent. */
export type NameEscaping = 'allow-utf-8' | 'underscores' | 'dots' | 'values';

const IDENTIFIER = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** Whether a name needs neither quotes nor escaping. */
export const isPlainName = (name: string): boolean => IDENTIFIER.test(name);

/** Whether a character may stand at its place of an identifier. */
const isPlainAt = (char: string, isFirst: boolean): boolean =>
  isFirst ? /^[a-zA-Z_:]$/.test(char) : /^[a-zA-Z0-9_:]$/.test(char);

function escapeChar(char: string, isFirst: boolean, escaping: NameEscaping): string {
  const isPlain = isPlainAt(char, isFirst);
  if (escaping === 'underscores') return isPlain ? char : '_';
  if (char === '_') return '__';
  if (escaping === 'dots') return char === '.' ? '_dot_' : isPlain ? char : '__';
  return isPlain ? char : `_${(char.codePointAt(0) as number).toString(16)}_`;
}

/** A name in an escaping scheme; identifiers stay what they are. */
export function escapeName(name: string, escaping: NameEscaping): string {
  if (escaping === 'allow-utf-8' || isPlainName(name)) return name;
  const escaped = Array.from(name, (char, i) => escapeChar(char, i === 0, escaping)).join('');
  return escaping === 'values' ? `U__${escaped}` : escaped;
}
