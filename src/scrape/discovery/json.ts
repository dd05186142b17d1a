// Answers of APIs, read by name without trust: what is missing or null is the zero of its type, as Go's decoder has it; what is
// of another type is an error that names the place.
import { TidemarkError } from '../../base/index.ts';

/** A value of a JSON text and where it is. */
export class Json {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path = '$') {
    this.value = value;
    this.path = path;
  }

  get isNull(): boolean {
    return this.value === null || this.value === undefined;
  }

  /** A member of an object; of null too. */
  at(name: string): Json {
    const map = this.#map();
    return new Json(Object.hasOwn(map, name) ? map[name] : undefined, `${this.path}.${name}`);
  }

  /** at() by a path of names: `metadata.name`. For names that hold a dot, call at(). */
  in(path: string): Json {
    return path.split('.').reduce<Json>((json, name) => json.at(name), this);
  }

  list(): Json[] {
    if (this.isNull) return [];
    if (!Array.isArray(this.value)) throw this.#unlike('a list');
    return this.value.map((item, i) => new Json(item, `${this.path}[${i}]`));
  }

  entries(): [name: string, value: Json][] {
    return Object.entries(this.#map()).map(([name, value]) => [name, new Json(value, `${this.path}.${name}`)]);
  }

  text(absent = ''): string {
    if (this.isNull) return absent;
    if (typeof this.value !== 'string') throw this.#unlike('a text');
    return this.value;
  }

  number(absent = 0): number {
    if (this.isNull) return absent;
    if (typeof this.value !== 'number') throw this.#unlike('a number');
    return this.value;
  }

  bool(absent = false): boolean {
    if (this.isNull) return absent;
    if (typeof this.value !== 'boolean') throw this.#unlike('true or false');
    return this.value;
  }

  /** A text or a number as text, for fields that servers give either way. */
  scalar(absent = ''): string {
    if (this.isNull) return absent;
    if (typeof this.value === 'object') throw this.#unlike('a text or a number');
    return String(this.value);
  }

  texts(): string[] {
    return this.list().map((item) => item.text());
  }

  /** A mapping of texts. */
  textMap(): Record<string, string> {
    return Object.fromEntries(this.entries().map(([name, value]) => [name, value.text()]));
  }

  #map(): Record<string, unknown> {
    if (this.isNull) return {};
    if (typeof this.value !== 'object' || Array.isArray(this.value)) throw this.#unlike('a mapping');
    return this.value as Record<string, unknown>;
  }

  #unlike(want: string): TidemarkError {
    const got = Array.isArray(this.value) ? 'a list' : typeof this.value === 'object' ? 'a mapping' : this.value;
    return new TidemarkError('bad_discovery', `cannot read answer: ${this.path}: want ${want}; got ${String(got)}`);
  }
}
