// What is fuzzed: a decoder or parser with inputs that are nearly good.
import { InvariantError, TidemarkError, isCorrupt } from '../src/base/index.ts';
import type { Random } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** Of all inputs, in relation to the others. */
  readonly share: number;
  make(random: Random): string | Uint8Array;
  /** Throws TidemarkError or a corrupt error for a bad input; anything else is a crash. */
  run(input: string | Uint8Array): unknown;
}

/** Whether an error says that the input is bad; else it is a crash. */
export const isExpected = (error: unknown): boolean =>
  !(error instanceof InvariantError) && (error instanceof TidemarkError || isCorrupt(error));

/** A target that takes bytes. */
export const bytesTarget = (
  name: string,
  share: number,
  make: (random: Random) => Uint8Array,
  run: (bytes: Uint8Array) => unknown,
): Target => ({ name, share, make, run: (input) => run(input as Uint8Array) });

/** A target that takes a text. */
export const textTarget = (
  name: string,
  share: number,
  make: (random: Random) => string,
  run: (text: string) => unknown,
): Target => ({ name, share, make, run: (input) => run(input as string) });
