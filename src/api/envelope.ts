// The API's envelope: {"status":"success","data":...} or {"status":"error","errorType":...,"error":...}, with warnings and
// infos where there are any, at most ten of each.
import { TidemarkError, errorText } from '../base/index.ts';
import { goQuote } from '../model/index.ts';
import { JsonWriter } from './json-writer.ts';

/** What kind of trouble an error is; decides its status. */
export type ErrorType =
  | 'bad_data'
  | 'not_found'
  | 'not_acceptable'
  | 'execution'
  | 'canceled'
  | 'timeout'
  | 'internal'
  | 'unavailable';

const STATUS: Readonly<Record<ErrorType, number>> = {
  bad_data: 400,
  not_found: 404,
  not_acceptable: 406,
  execution: 422,
  canceled: 499,
  timeout: 503,
  internal: 500,
  unavailable: 500,
};

const ANNOTATIONS_MAX = 10;

/** HTTP status of an error type. */
export const errorStatus = (type: ErrorType): number => STATUS[type];

/** The error type of anything thrown: a TidemarkError's code where it is one of the API's, else internal. */
export function errorTypeOf(error: unknown): ErrorType {
  if (error instanceof TidemarkError && Object.hasOwn(STATUS, error.code)) return error.code as ErrorType;
  return 'internal';
}

/** `invalid parameter "limit": ...` as an error. */
export function invalidParameter(name: string, error: unknown): TidemarkError {
  return new TidemarkError('bad_data', `invalid parameter ${goQuote(name)}: ${errorText(error)}`, {
    cause: error,
  });
}

/** At most ten, then how many more there were. `kind`: warning or info. */
export function limitAnnotations(texts: readonly string[], kind: 'warning' | 'info'): readonly string[] {
  if (texts.length <= ANNOTATIONS_MAX) return texts;
  const omitted = texts.length - ANNOTATIONS_MAX;
  return [...texts.slice(0, ANNOTATIONS_MAX), `${omitted} more ${kind} annotations omitted`];
}

/** Writes warnings and infos (if any) and closes the envelope. */
export function closeEnvelope(json: JsonWriter, warnings: readonly string[], infos: readonly string[]): void {
  if (warnings.length > 0) {
    json.raw(',"warnings":');
    json.strings(limitAnnotations(warnings, 'warning'));
  }
  if (infos.length > 0) {
    json.raw(',"infos":');
    json.strings(limitAnnotations(infos, 'info'));
  }
  json.raw('}');
}

/** The body of a success whose data is a small plain value. */
export function successBody(data: unknown, warnings: readonly string[] = []): Uint8Array {
  const json = new JsonWriter(1024);
  json.raw('{"status":"success","data":');
  json.rawBytes(new TextEncoder().encode(JSON.stringify(data)));
  closeEnvelope(json, warnings, []);
  return json.take();
}

/** Texts of errors repeat what was sent: at most so much of it goes back, from both ends. */
const ERROR_LENGTH_MAX = 2000;

/** The text of an error, without its middle where it is very long. */
export const errorExcerpt = (text: string): string =>
  text.length <= ERROR_LENGTH_MAX
    ? text
    : `${text.slice(0, ERROR_LENGTH_MAX / 2)}...${text.slice(-ERROR_LENGTH_MAX / 2)}`;

/** The body of an error. */
export function errorBody(type: ErrorType, text: string): Uint8Array {
  const json = new JsonWriter(256);
  json.raw(`{"status":"error","errorType":"${type}","error":`);
  json.string(errorExcerpt(text));
  json.raw('}');
  return json.take();
}
