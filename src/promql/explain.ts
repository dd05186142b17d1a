// The explanation of a query: its plan as a tree of plain data, with what each leaf was estimated to cost, shard by shard, and, if the
// query was run, what leaves and operators did cost. printExplain() shows it as text.
import { type Matcher, goQuote } from '../model/index.ts';
import { leafRange } from './exec/leaf-estimate.ts';
import type { NodeCost, Trace } from './exec/trace.ts';
import type { LeafEstimate, LeafStats } from './leaf.ts';
import { formatDuration } from './parse/duration.ts';
import { childrenOf } from './plan/children.ts';
import type { LeafNode, LeafTemplate, PlanNode, SamplesNode } from './plan/plan.ts';

/** Seconds and milliseconds as their names have them; times are Unix times in seconds. */
export interface ExplainNode {
  readonly operator: string;
  /** Evaluated at so many steps. */
  readonly steps: { readonly start: number; readonly step: number; readonly count: number } | null;
  /** null: the query was not run, or the operator had nothing to do. */
  readonly actual: {
    readonly series: number;
    readonly points: number;
    readonly bytes: number;
    readonly milliseconds: number;
  } | null;
  readonly leaf?: ExplainLeaf;
  /** The value of an equal part of the query was used. */
  readonly shared?: true;
  readonly children: readonly ExplainNode[];
}

/** What the shards are asked. */
export interface ExplainLeaf {
  readonly selector: string;
  /** The function of the window, or `newest`, or `samples`. */
  readonly of: string;
  readonly windowSeconds: number;
  /** The times of all samples that are looked at. */
  readonly start: number;
  readonly end: number;
  /** What is aggregated within the shard: `sum by (job)`. */
  readonly fold: string | null;
  readonly shards: readonly {
    readonly estimated: LeafEstimate | null;
    readonly actual: {
      readonly series: number;
      readonly samples: number;
      readonly bytes: number;
      readonly milliseconds: number;
    } | null;
  }[];
}

/** Estimates by leaf and shard. */
export type Estimates = ReadonlyMap<LeafTemplate, readonly (LeafEstimate | null)[]>;

const names = (list: readonly string[]): string => list.join(', ');
const matcher = ({ name, op, value }: Matcher): string => `${name}${op}${goQuote(value)}`;
const by = (mode: string, list: readonly string[]): string =>
  mode === 'by' && list.length === 0 ? '' : ` ${mode} (${names(list)})`;

function operatorOf(node: PlanNode): string {
  switch (node.kind) {
    case 'number':
      return String(node.value);
    case 'string':
      return goQuote(node.value);
    case 'leaf':
    case 'samples':
      return 'leaf';
    case 'subquery':
      return `subquery every ${formatDuration(node.innerAt.stepMs)}`;
    case 'subqueryCall':
      return `${node.fn} over subquery [${formatDuration(node.rangeMs)}:${formatDuration(node.innerAt.stepMs)}]`;
    case 'spread':
      return 'same at every step';
    case 'call':
      return node.fn;
    case 'absent':
      return 'absent';
    case 'aggregate':
      return node.op + by(node.without ? 'without' : 'by', node.grouping);
    case 'binary':
      return binaryText(node);
    case 'info':
      return 'info';
    case 'negate':
      return 'negate';
  }
}

function binaryText({ op, bool, matching }: Extract<PlanNode, { kind: 'binary' }>): string {
  const parts = [op, bool ? 'bool' : ''];
  if (matching && (matching.on || matching.labels.length > 0))
    parts.push(`${matching.on ? 'on' : 'ignoring'} (${names(matching.labels)})`);
  if (matching && /^(many-to-one|one-to-many)$/.test(matching.card))
    parts.push(`${matching.card === 'many-to-one' ? 'group_left' : 'group_right'} (${names(matching.include)})`);
  return parts.filter((part) => part !== '').join(' ');
}

const actualOf = (cost: NodeCost | null): ExplainNode['actual'] =>
  cost && { series: cost.series, points: cost.points, bytes: cost.bytes, milliseconds: cost.timeMs };

function sumOf(stats: readonly LeafStats[]): ExplainLeaf['shards'][number]['actual'] {
  if (stats.length === 0) return null;
  return stats.reduce(
    (sum, one) => ({
      series: Math.max(sum.series, one.series),
      samples: sum.samples + one.samples,
      bytes: Math.max(sum.bytes, one.peakBytes),
      milliseconds: sum.milliseconds + one.timeMs,
    }),
    { series: 0, samples: 0, bytes: 0, milliseconds: 0 },
  );
}

function leafOf(node: LeafNode | SamplesNode, estimates: Estimates, trace: Trace | null): ExplainLeaf {
  const { leaf } = node;
  const { minMs, maxMs } = leafRange(leaf);
  const estimated = estimates.get(leaf) ?? [];
  const [first = [], ...again] = trace?.answers(node) ?? [];
  const shards = estimated.map((one, i) => {
    // Asked again are those that had folded; which these were is not told apart.
    const stats =
      first[i] === undefined ? [] : [first[i], ...again.map((more) => more[i]).filter((each) => each !== undefined)];
    return { estimated: one, actual: sumOf(stats) };
  });
  return {
    selector: `{${leaf.matchers.map(matcher).join(',')}}`,
    of: leaf.kind === 'range' ? (leaf.fn ?? 'range') : leaf.kind === 'instant' ? 'newest' : 'samples',
    windowSeconds: leaf.windowMs / 1000,
    start: minMs / 1000,
    end: maxMs / 1000,
    fold: leaf.fold && leaf.fold.op + by(leaf.fold.mode, leaf.fold.names),
    shards,
  };
}

/** The tree. `trace`: null where the query was not run. */
export function explainPlan(node: PlanNode, estimates: Estimates, trace: Trace | null): ExplainNode {
  const at = node.kind === 'string' ? null : node.at;
  return {
    operator: operatorOf(node),
    steps: at && { start: at.startMs / 1000, step: at.stepMs / 1000, count: at.steps },
    actual: actualOf(trace?.cost(node) ?? null),
    ...(trace?.isShared(node) ? { shared: true as const } : {}),
    ...(node.kind === 'leaf' || node.kind === 'samples' ? { leaf: leafOf(node, estimates, trace) } : {}),
    children: childrenOf(node).map((child) => explainPlan(child, estimates, trace)),
  };
}

const count = (n: number, what: string): string => `${n.toLocaleString('en-US')} ${what}`;
const size = (bytes: number): string =>
  bytes < 10_240
    ? `${bytes} B`
    : bytes < 10 << 20
      ? `${(bytes / 1024).toFixed(0)} KiB`
      : `${(bytes / (1 << 20)).toFixed(0)} MiB`;
const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
const millis = (ms: number): string => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;

function leafLines({ selector, of, windowSeconds, fold, start, end, shards }: ExplainLeaf): string[] {
  const window =
    of === 'newest'
      ? `newest within ${formatDuration(windowSeconds * 1000)}`
      : `${of}[${formatDuration(windowSeconds * 1000)}]`;
  const validTimes = [start, end].every((each) => Math.abs(each) < 8e12);
  const lines = [
    `${fold === null ? '' : `${fold} of `}${window} of ${selector}`,
    ...(validTimes ? [`samples from ${time(start)} to ${time(end)}`] : []),
  ];
  for (const [i, { estimated, actual }] of shards.entries()) {
    const guess = estimated
      ? `estimated ${count(estimated.series, 'series')}, ${count(estimated.samples, 'samples')}, ${size(estimated.bytes)}`
      : 'no estimate';
    const done = actual
      ? `; read ${count(actual.series, 'series')}, ${count(actual.samples, 'samples')}, ${size(actual.bytes)}, ${millis(actual.milliseconds)}`
      : '';
    lines.push(`shard ${i}: ${guess}${done}`);
  }
  return lines;
}

/** The tree as text, an operator a line, what it works on indented below it. */
export function printExplain(node: ExplainNode, depth = 0): string {
  const { operator, steps, actual, leaf, shared, children } = node;
  const indent = '  '.repeat(depth);
  const parts = [operator];
  if (steps && steps.count > 1) parts.push(`${count(steps.count, 'steps')} every ${formatDuration(steps.step * 1000)}`);
  if (actual)
    parts.push(
      `${count(actual.series, 'series')}, ${count(actual.points, 'points')}, ${size(actual.bytes)}, ${millis(actual.milliseconds)}`,
    );
  if (shared) return `${indent}${parts.join(': ')}: evaluated once, as above\n`;
  const own = `${indent}${parts.join(': ')}\n`;
  const below = (leaf ? leafLines(leaf) : []).map((line) => `${indent}    ${line}\n`).join('');
  return own + below + children.map((child) => printExplain(child, depth + 1)).join('');
}
