// Errors a query can end with. The codes are the HTTP API's error types: bad_data (400), execution (422), timeout (503),
// canceled (499). Texts are Prometheus' where users know them.
import { TidemarkError } from '../base/index.ts';

/** The code of a TidemarkError that a query ends with. */
export type QueryErrorCode = 'bad_data' | 'execution' | 'timeout' | 'canceled' | 'internal';

/** Evaluation failed: the query cannot be answered. */
export const executionError = (text: string, cause?: unknown): TidemarkError =>
  new TidemarkError('execution', text, { cause });

/** The query is wrong in itself. */
export const badData = (text: string, cause?: unknown): TidemarkError => new TidemarkError('bad_data', text, { cause });

export const DUPLICATE_LABELSET = 'vector cannot contain metrics with the same labelset';

const WHERE = 'expression evaluation';

export const tooManySamples = (): TidemarkError =>
  executionError('query processing would load too many samples into memory in query execution');

export const timedOut = (): TidemarkError => new TidemarkError('timeout', `query timed out in ${WHERE}`);

export const wasCanceled = (): TidemarkError => new TidemarkError('canceled', `query was canceled in ${WHERE}`);

export const overBudget = (wantBytes: number, limitBytes: number): TidemarkError =>
  executionError(`cannot execute query: it needs more memory than its limit of ${limitBytes} bytes; got ${wantBytes}`);

/** What an aborted signal means: its reason if that is an error of ours, else that the query was canceled. */
export function abortError(signal: AbortSignal): TidemarkError {
  return signal.reason instanceof TidemarkError ? signal.reason : wasCanceled();
}
