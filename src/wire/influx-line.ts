// InfluxDB's line protocol:
//
//   measurement[,tag=value ...] field=value[,field=value ...] [timestamp]
//
// Commas, spaces and (outside the measurement) equals signs are escaped by a backslash; a backslash before anything else stands for
// itself. Field values: 1.5 float · 1i and 1u integers · t, true ... booleans · "..." texts, which have no place in a series. Lines
// that begin with # are comments. A line that cannot be read is told of, and the lines around it count.

/** A field of a line. */
export interface InfluxPoint {
  readonly measurement: string;
  readonly tags: readonly (readonly [name: string, value: string])[];
  readonly field: string;
  readonly value: number;
  /** In the request's precision, as a whole number; null: the line has none. */
  readonly time: bigint | null;
}

/** What a body holds. */
export interface InfluxLines {
  readonly points: readonly InfluxPoint[];
  readonly badLines: number;
  /** Of the first bad line, with its number. */
  readonly reason: string;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER = /^[+-]?\d+[iu]$/;
const TRUE = new Set(['t', 'T', 'true', 'True', 'TRUE']);
const FALSE = new Set(['f', 'F', 'false', 'False', 'FALSE']);

class LineReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  accept(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  skipSpaces(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  rest(): string {
    const rest = this.#text.slice(this.#at).trim();
    this.#at = this.#text.length;
    return rest;
  }

  /** Up to one of the stops that is not escaped. `escapable`: what a backslash may stand before. */
  token(stops: string, escapable: string): string {
    const from = this.#at;
    let hasEscapes = false;
    while (this.#at < this.#text.length && !stops.includes(this.#text[this.#at])) {
      const isEscape = this.#text[this.#at] === '\\' && escapable.includes(this.#text[this.#at + 1] ?? '\0');
      if (isEscape) hasEscapes = true;
      this.#at += isEscape ? 2 : 1;
    }
    const raw = this.#text.slice(from, this.#at);
    return hasEscapes
      ? raw.replace(/\\([, =\\])/g, (all, char: string) => (escapable.includes(char) ? char : all))
      : raw;
  }

  /** A text in quotes, passed over. False: it does not end. */
  skipString(): boolean {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      if (this.#text[this.#at] === '\\') this.#at++;
      else if (this.#text[this.#at] === '"') {
        this.#at++;
        return true;
      }
    }
    return false;
  }

  get isString(): boolean {
    return this.#text[this.#at] === '"';
  }
}

/** The value of a field; null: it is none. */
function numberOf(text: string): number | null {
  if (NUMBER.test(text)) return Number(text);
  if (INTEGER.test(text)) return Number(text.slice(0, -1));
  if (TRUE.has(text)) return 1;
  return FALSE.has(text) ? 0 : null;
}

function readTags(line: LineReader): [string, string][] | string {
  const tags: [string, string][] = [];
  while (line.accept(',')) {
    const name = line.token('=, ', ',= ');
    if (name === '' || !line.accept('=')) return 'a tag has no name or no value';
    tags.push([name, line.token(', ', ',= ')]);
  }
  return tags;
}

function readFields(line: LineReader): [string, number][] | string {
  const fields: [string, number][] = [];
  do {
    const name = line.token('=, ', ',= ');
    if (name === '' || !line.accept('=')) return 'a field has no name or no value';
    if (line.isString) {
      if (!line.skipString()) return `the text of field ${name} does not end`;
      continue;
    }
    const text = line.token(', ', '');
    const value = numberOf(text);
    if (value === null) return `field ${name} has no number; got ${text.slice(0, 40)}`;
    fields.push([name, value]);
  } while (line.accept(','));
  return fields;
}

/** The points of a line, or what is wrong with it. */
function readLine(text: string): InfluxPoint[] | string {
  const line = new LineReader(text);
  const measurement = line.token(', ', ', ');
  if (measurement === '') return 'it has no measurement';
  const tags = readTags(line);
  if (typeof tags === 'string') return tags;
  line.skipSpaces();
  if (line.isEnd) return 'it has no fields';
  const fields = readFields(line);
  if (typeof fields === 'string') return fields;
  const rest = line.rest();
  if (rest !== '' && !/^-?\d{1,19}$/.test(rest)) return `its timestamp is no whole number; got ${rest.slice(0, 40)}`;
  const time = rest === '' ? null : BigInt(rest);
  return fields.map(([field, value]) => ({ measurement, tags, field, value, time }));
}

/** Lines end at a newline outside of quotes: texts may hold some. */
function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const plainEnd = newline < 0 ? text.length : newline;
    const quote = text.indexOf('"', from);
    const end = quote >= 0 && quote < plainEnd ? quotedEnd(text, quote) : plainEnd;
    yield text.slice(from, end).trim();
    from = end + 1;
  }
}

/** The end of a line whose first quote is at `from`. A quote that follows no equals sign opens nothing. */
function quotedEnd(text: string, from: number): number {
  let isInside = false;
  for (let i = from; i < text.length; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (char === '"' && (isInside || text[i - 1] === '=')) isInside = !isInside;
    else if (char === '\n' && !isInside) return i;
  }
  return text.length;
}

/** Reads a body. */
export function readInfluxLines(text: string): InfluxLines {
  const points: InfluxPoint[] = [];
  let [badLines, number, reason] = [0, 0, ''];
  for (const line of linesOf(text)) {
    number++;
    if (line === '' || line.startsWith('#')) continue;
    const found = readLine(line);
    if (typeof found !== 'string') for (const point of found) points.push(point);
    else if (badLines++ === 0) reason = `cannot read line ${number}: ${found}`;
  }
  return { points, badLines, reason };
}
