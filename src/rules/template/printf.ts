// Go's fmt.Sprintf, Sprint and Sprintln over template values.
import { goQuote } from '../../model/index.ts';
import { exponentialText, fixedText, generalText } from './float-text.ts';
import { type GoValue, QuerySample, printValue, typeName } from './values.ts';

interface Spec {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | null;
  readonly verb: string;
}

/** Wider output is a slip of the pen: Go has the same limit. */
const WIDTH_MAX = 1_000_000;
const SPEC = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(?:\[(\d+)\])?([\s\S]?)/gu;

function pad(text: string, { flags, width }: Spec, isNumber: boolean): string {
  const length = [...text].length;
  if (length >= width) return text;
  if (flags.includes('-')) return text + ' '.repeat(width - length);
  if (!flags.includes('0') || !isNumber) return ' '.repeat(width - length) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(width - length) + text.slice(sign.length);
}

function signed(text: string, { flags }: Spec): string {
  if (text.startsWith('-')) return text;
  const bare = text.startsWith('+') ? text.slice(1) : text;
  if (flags.includes('+')) return `+${bare}`;
  if (flags.includes(' ')) return ` ${bare}`;
  return text === '+Inf' ? text : bare;
}

function floatText(value: number, spec: Spec): string | null {
  const { verb, precision } = spec;
  const hasDigits = Number.isFinite(value);
  switch (verb) {
    case 'v':
    case 'g':
    case 'G':
      return upper(signed(generalText(value, precision), spec), verb === 'G' && hasDigits);
    case 'f':
    case 'F':
      return signed(fixedText(value, precision ?? 6), spec);
    case 'e':
    case 'E':
      return upper(signed(exponentialText(value, precision ?? 6), spec), verb === 'E' && hasDigits);
    default:
      return null;
  }
}

const upper = (text: string, isUpper: boolean): string => (isUpper ? text.toUpperCase() : text);

function intText(value: bigint, spec: Spec): string | null {
  const { verb, flags } = spec;
  const radix = { d: 10, v: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }[verb];
  if (radix !== undefined) {
    const prefix =
      verb === 'O' || (flags.includes('#') && radix !== 10)
        ? { 2: '0b', 8: verb === 'O' ? '0o' : '0', 16: '0x' }[radix]
        : '';
    const digits = (value < 0n ? -value : value).toString(radix).padStart(spec.precision ?? 0, '0');
    return upper(signed(`${value < 0n ? '-' : ''}${prefix}${digits}`, spec), verb === 'X');
  }
  const isPoint = value >= 0n && value <= 0x10ffffn;
  if (verb === 'c') return isPoint ? String.fromCodePoint(Number(value)) : '\ufffd';
  if (verb === 'q') return isPoint ? `'${goQuote(String.fromCodePoint(Number(value))).slice(1, -1)}'` : "'\ufffd'";
  return verb === 'U' ? `U+${value.toString(16).toUpperCase().padStart(4, '0')}` : null;
}

function stringText(value: string, { verb, precision, flags }: Spec): string | null {
  const text = precision === null ? value : [...value].slice(0, precision).join('');
  switch (verb) {
    case 'v':
    case 's':
      return text;
    case 'q':
      return flags.includes('#') && !text.includes('`') ? `\`${text}\`` : goQuote(text);
    case 'x':
    case 'X':
      return upper(Buffer.from(text, 'utf8').toString('hex'), verb === 'X');
    default:
      return null;
  }
}

/** null: the verb does not fit the value. */
function valueText(value: GoValue, spec: Spec): string | null {
  if (spec.verb === 'T') return value === null ? '<nil>' : typeName(value);
  if (typeof value === 'number') return floatText(value, spec);
  if (typeof value === 'bigint') return intText(value, spec);
  if (typeof value === 'string') return stringText(value, spec);
  if (typeof value === 'boolean') return spec.verb === 't' || spec.verb === 'v' ? String(value) : null;
  if (value === null) return spec.verb === 'v' ? '<nil>' : '%!' + `${spec.verb}(<nil>)`;
  const text = value instanceof QuerySample ? `&${printValue(value)}` : printValue(value);
  return 'vsq'.includes(spec.verb) ? stringText(text, spec) : null;
}

const isNumeric = (value: GoValue): boolean =>
  typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));

function misfit(value: GoValue, verb: string): string {
  return `%!${verb}(${typeName(value)}=${printValue(value, true)})`;
}

/** fmt.Sprintf */
export function sprintf(format: string, values: readonly GoValue[]): string {
  let at = 0;
  const star = (text: string | undefined): number | null => {
    if (text === undefined) return null;
    if (text !== '*') return Math.min(Number(text), WIDTH_MAX);
    const value = values[at++];
    return typeof value === 'bigint' ? Math.min(Math.abs(Number(value)), WIDTH_MAX) : 0;
  };
  let isReordered = false;
  const out = format.replace(
    SPEC,
    (_, flags: string, width?: string, precision?: string, index?: string, verb = '') => {
      const spec = { flags, width: star(width) ?? 0, precision: star(precision), verb };
      if (verb === '%') return '%';
      if (verb === '') return '%!(NOVERB)';
      if (index !== undefined) {
        isReordered = true;
        at = Number(index) - 1;
        if (at < 0 || at >= values.length) return `%!${verb}(BADINDEX)`;
      }
      if (at >= values.length) return `%!${verb}(MISSING)`;
      const value = values[at++];
      const text = valueText(value, spec);
      return text === null ? misfit(value, verb) : pad(text, spec, isNumeric(value));
    },
  );
  if (isReordered || at >= values.length) return out;
  const extra = values
    .slice(at)
    .map((value) => (value === null ? '<nil>' : `${typeName(value)}=${printValue(value, true)}`));
  return `${out}%!(EXTRA ${extra.join(', ')})`;
}

const printed = (value: GoValue): string => printValue(value, true);

/** fmt.Sprint: a blank between two operands if neither is a string. */
export function sprint(values: readonly GoValue[]): string {
  let out = '';
  values.forEach((value, i) => {
    const wantsBlank = i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string';
    out += (wantsBlank ? ' ' : '') + printed(value);
  });
  return out;
}

/** fmt.Sprintln */
export const sprintln = (values: readonly GoValue[]): string => `${values.map(printed).join(' ')}\n`;
