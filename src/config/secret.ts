// Texts that are never printed: logs, errors, JSON and the configuration page show `<secret>`.

/** A secret. Only reveal() gives its text. */
export class Secret {
  readonly #text: string;
  static readonly none = new Secret('');

  constructor(text: string) {
    this.#text = text;
  }

  /** The text, for the one place that sends it. */
  reveal(): string {
    return this.#text;
  }

  get isEmpty(): boolean {
    return this.#text === '';
  }

  /** Whether two secrets are the same text. */
  equals(other: Secret): boolean {
    return this.#text === other.#text;
  }

  toString(): string {
    return this.isEmpty ? '' : '<secret>';
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
