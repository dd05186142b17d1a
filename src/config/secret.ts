// Texts that are never printed: logs, errors, JSON and the configuration page show `<secret>`.
import { createHmac, randomBytes } from 'node:crypto';

// Configurations are compared field by field, and a field that only a method gives would always be equal: this one stands for the
// text. It is keyed with what this process alone knows, and lasts as long as it.
const KEY = randomBytes(32);
const FINGERPRINT = Symbol('fingerprint');

/** A secret. Only reveal() gives its text. */
export class Secret {
  readonly #text: string;
  static readonly none = new Secret('');
  readonly [FINGERPRINT]: string;

  constructor(text: string) {
    this.#text = text;
    this[FINGERPRINT] = text === '' ? '' : createHmac('sha256', KEY).update(text).digest('base64');
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
