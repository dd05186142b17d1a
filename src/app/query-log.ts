// The query log (global.query_log_file): one JSON object per line for each query that was evaluated, with Prometheus' fields.
import { resolve } from 'node:path';
import type { InstantRequest, QueryRequest, RangeRequest, RuleRequest } from '../api/index.ts';
import type { Logger } from '../base/index.ts';
import type { Clock, Files } from '../io/index.ts';
import { LineFile } from './line-file.ts';
import type { QueryCost } from './query-protocol.ts';

/** Requests that are told of. */
export type LoggedRequest = InstantRequest | RangeRequest | RuleRequest;

export const isLogged = (request: QueryRequest): request is LoggedRequest =>
  request.kind === 'instant' || request.kind === 'range' || request.kind === 'rule';

/** Such as queries that cannot be parsed: they are not evaluated, and not logged. */
const BAD_REQUEST = 400;

export interface QueryLogOptions {
  /** Rooted at '/'. */
  readonly files: Files;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class QueryLog {
  readonly #options: QueryLogOptions;
  #file: LineFile | null = null;

  constructor(options: QueryLogOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#file !== null;
  }

  /** Goes over to a file; '': none. The same one is opened anew, as after it was moved away. */
  async configure(path: string): Promise<void> {
    const wanted = path === '' ? '' : resolve(path);
    if (this.#file?.path === wanted) return this.#file.reopen();
    const before = this.#file;
    const { files, logger } = this.#options;
    this.#file = wanted === '' ? null : new LineFile(wanted, files, logger);
    await before?.close();
  }

  log(request: LoggedRequest, status: number, cost: QueryCost): void {
    if (status === BAD_REQUEST) return;
    const time = new Date(this.#options.clock.nowMs()).toISOString();
    const head = { time, level: 'INFO', msg: 'promql query logged' };
    this.#file?.write(JSON.stringify({ ...head, ...queryFields(request), ...costFields(cost), ...originOf(request) }));
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

function queryFields(request: LoggedRequest): object {
  const isRange = request.kind === 'range';
  const [startMs, endMs] = isRange ? [request.startMs, request.endMs] : [request.timeMs, request.timeMs];
  const step = isRange ? Math.trunc(request.stepMs / 1000) : 0;
  const [start, end] = [startMs, endMs].map(isoTime);
  return { params: { end, query: request.query, start, step } };
}

/** Times may be beyond what dates can be. */
function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms / 1000) : date.toISOString();
}

function costFields({ queueMs, runMs, samplesRead, peakSamples, error }: QueryCost): object {
  const timings = {
    evalTotalTime: runMs / 1000,
    resultSortTime: 0,
    queryPreparationTime: 0,
    innerEvalTime: runMs / 1000,
    execQueueTime: queueMs / 1000,
    execTotalTime: (queueMs + runMs) / 1000,
  };
  const stats = { timings, samples: { totalQueryableSamples: samplesRead, peakSamples } };
  return error === '' ? { stats } : { stats, error };
}

function originOf(request: LoggedRequest): object {
  if (request.kind === 'rule') return request.group ? { ruleGroup: request.group } : {};
  const { origin } = request;
  if (!origin) return {};
  return { httpRequest: { clientIP: origin.clientIp, method: origin.method, path: origin.path } };
}
