// What can go wrong with a template, in the words of Go's text/template, which users know from Prometheus.
import { TidemarkError } from '../../base/index.ts';

/** A template that does not parse or whose execution failed. `text` is whole: `template: name:1:22: ...`. */
export const templateError = (text: string, cause?: unknown): TidemarkError =>
  new TidemarkError('bad_template', text, { cause });

/** What a function called by a template complains of; the executor adds the place. */
export class FunctionError extends Error {
  override name = 'FunctionError';
}
