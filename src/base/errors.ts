// Two kinds of error. A broken invariant is a bug of ours: it is never caught and ends the process. Everything else that
// can go wrong is expected: a TidemarkError with a code from its folder's closed list, a text in one voice
// ("cannot <verb> <object>: <fact>; got <value>"), and the cause kept.

/** A bug of ours. Nobody catches it. */
export class InvariantError extends Error {
  override name = 'InvariantError';
}

/** Throws InvariantError with `text` and `data` unless `condition` holds. */
export function invariant(condition: unknown, text: string, data?: unknown): asserts condition {
  if (condition) return;
  throw new InvariantError(data === undefined ? text : `${text}: ${JSON.stringify(data)}`);
}

const corruptErrors = new WeakSet<object>();

/** Expected trouble. `code` comes from the closed list of the folder that throws it, such as `log_full` or `bad_data`. */
export class TidemarkError extends Error {
  override name = 'TidemarkError';
  readonly code: string;
  constructor(code: string, text: string, options: { cause?: unknown; corrupt?: boolean } = {}) {
    super(text, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.corrupt) corruptErrors.add(this);
  }
}

/** An error about stored or received bytes that are not what they should be. */
export function corruptError(text: string, cause?: unknown): TidemarkError {
  return new TidemarkError('corrupt', text, { cause, corrupt: true });
}

/** Whether an error (or one of its causes) says that bytes are corrupt. Never read from the text. */
export function isCorrupt(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) if (corruptErrors.has(e)) return true;
  return false;
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
