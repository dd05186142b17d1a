// `tidemark query ...`: asks a server and prints the answer as promtool does. `-o json` prints the data of the answer.
import { TidemarkError } from '../base/index.ts';
import { parseDuration } from '../config/index.ts';
import { printExplain } from '../promql/index.ts';
import { ApiClient, type ApiValue, parseCommandTime } from './query-api.ts';
import { valueText } from './query-print.ts';
import { toolClient, toolClientFlags } from './tool-client.ts';
import type { VerbArguments, VerbFlag } from './tsdb-options.ts';
import { EXIT_CODES, type Tool, type ToolVerb, runVerbs } from './verb-command.ts';

const RANGE_MS_DEFAULT = 300_000;
/** Points that a range query has if no step is given. */
const POINTS = 250;
const ALL_TIME_MS = 9999 * 3_600_000;

const common: Readonly<Record<string, VerbFlag>> = {
  ...toolClientFlags,
  format: { kind: 'text', absent: 'promql', short: 'o', help: 'Output format: promql, json.' },
  header: { kind: 'list', help: 'Extra header to send: name=value.' },
};
const times: Readonly<Record<string, VerbFlag>> = {
  start: { kind: 'text', help: 'Start time (RFC3339 or Unix timestamp).' },
  end: { kind: 'text', help: 'End time (RFC3339 or Unix timestamp).' },
};
const match: VerbFlag = { kind: 'list', help: 'Series selector. Can be specified multiple times.' };

type Ask = (api: ApiClient, args: VerbArguments, nowMs: number) => Promise<ApiValue>;

const seconds = (ms: number): string => String(ms / 1000);

function timeFlag(args: VerbArguments, name: string, absentMs: number): string {
  const text = args.text(name);
  return seconds(text === '' ? absentMs : parseCommandTime(text, name));
}

const selection = (args: VerbArguments, nowMs: number): [string, string][] => [
  ...args.list('match').map((selector): [string, string] => ['match[]', selector]),
  ['start', timeFlag(args, 'start', nowMs - ALL_TIME_MS)],
  ['end', timeFlag(args, 'end', nowMs + ALL_TIME_MS)],
];

const explainParameter = (args: VerbArguments): [string, string][] =>
  args.has('explain') ? [['explain', 'true']] : [];

const instant: Ask = (api, args, nowMs) =>
  api.ask('POST', 'query', [
    ['query', args.positional[1]],
    ['time', timeFlag(args, 'time', nowMs)],
    ...explainParameter(args),
  ]);

const range: Ask = (api, args, nowMs) => {
  const end = Number(timeFlag(args, 'end', nowMs));
  const start = Number(timeFlag(args, 'start', end * 1000 - RANGE_MS_DEFAULT));
  if (start >= end) throw new TidemarkError('bad_flag', 'start time is not before end time');
  const given = args.text('step');
  const step = given === '' ? Math.max(1, Math.floor((end - start) / POINTS)) : parseDuration(given) / 1000;
  return api.ask('POST', 'query_range', [
    ['query', args.positional[1]],
    ['start', String(start)],
    ['end', String(end)],
    ['step', String(step)],
    ...explainParameter(args),
  ]);
};

const series: Ask = (api, args, nowMs) => api.ask('POST', 'series', selection(args, nowMs));
const labels: Ask = (api, args, nowMs) =>
  api.ask('GET', `label/${encodeURIComponent(args.positional[1])}/values`, selection(args, nowMs));

async function run(ask: Ask, tool: Tool, args: VerbArguments): Promise<number> {
  const format = args.text('format');
  if (format !== 'promql' && format !== 'json')
    throw new TidemarkError('bad_flag', `enum value must be one of promql,json, got '${format}'`);
  const client = await toolClient(tool, args);
  try {
    const api = new ApiClient(client, args.positional[0], args.list('header'));
    const value = await ask(api, args, tool.clock.nowMs());
    for (const warning of value.warnings) tool.say(`query warning: ${warning}`);
    tool.print(format === 'json' ? `${JSON.stringify(value.data)}\n` : valueText(value));
    if (value.explain)
      tool.print(format === 'json' ? `${JSON.stringify(value.explain)}\n` : `\n${printExplain(value.explain)}`);
    return EXIT_CODES.good;
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code === 'bad_flag') throw error;
    tool.say(`query error: ${error.message}`);
    return EXIT_CODES.failed;
  } finally {
    await client.close();
  }
}

const verb = (name: string, help: string, args: string[], flags: ToolVerb['flags'], ask: Ask): ToolVerb => ({
  verb: `query ${name}`,
  help,
  args: ['server', ...args],
  flags: { ...common, ...flags },
  run: (tool, given) => run(ask, tool, given),
});

const time: VerbFlag = { kind: 'text', help: 'Query evaluation time (RFC3339 or Unix timestamp).' };
const explain: VerbFlag = { kind: 'switch', help: 'Print the plan of the query and what its parts cost, too.' };
const step: VerbFlag = { kind: 'text', help: 'Query step size (duration).' };

const VERBS: readonly ToolVerb[] = [
  verb('instant', 'Run instant query.', ['expr'], { time, explain }, instant),
  verb('range', 'Run range query.', ['expr'], { ...times, step, explain }, range),
  verb('series', 'Run series query.', [], { ...times, match }, series),
  verb('labels', 'Run labels query.', ['name'], { ...times, match }, labels),
];

/** Runs `tidemark query` with the arguments behind the word; returns the exit code. */
export const runQuery = (args: readonly string[], tool?: Tool): Promise<number> =>
  runVerbs('query', 'Run query against a server.', VERBS, args, tool);
