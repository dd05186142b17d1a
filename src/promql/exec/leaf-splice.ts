// Parts of leaf results: steps of one that was kept, followed by the steps of one that was worked out anew.
import { foldShape, stateLength, type FoldOperator } from '../../kernel/index.ts';
import { METRIC_NAME, type Labels } from '../../model/index.ts';
import { LabelsPacker, type LeafPlan, type LeafResult, unpackLabels } from '../leaf.ts';
import { labelBytes } from './leaf-executor.ts';

/** A result of one shard with floats only: rows of series or of groups of one series, or states of groups. */
export interface KeptResult {
  readonly kind: 'series' | 'singles' | 'groups';
  readonly op: FoldOperator | null;
  readonly labels: readonly Labels[];
  readonly steps: number;
  /** Rows or states, one after the other. */
  readonly values: Float64Array;
  /** Of rows. */
  readonly present: Uint8Array;
}

/** Some steps of a result. */
export interface Part {
  readonly of: KeptResult;
  readonly from: number;
  readonly steps: number;
}

/** Null for a result that is not kept: what it says is more than its steps say. */
export function keptResult(result: LeafResult, { fold, wantNames, matchers, steps }: LeafPlan): KeptResult | null {
  const { facts } = result;
  if (result.kind === 'samples' || facts.hasHistograms || facts.remarks.length > 0) return null;
  const labels = unpackLabels(result.labels);
  if (result.kind === 'series') {
    if (fold !== null || result.histograms !== null) return null;
    return { kind: 'series', op: null, labels, steps, values: result.values, present: result.present };
  }
  // Groups do not tell the names of their series, unless there is one that all have.
  const name = matchers.find((matcher) => matcher.name === METRIC_NAME && matcher.op === '=')?.value;
  if (wantNames && facts.names.some(([each, type]) => each !== name || type !== '')) return null;
  if (result.kind === 'singles') {
    return { kind: 'singles', op: null, labels, steps, values: result.values, present: result.present };
  }
  const op = fold?.op ?? null;
  return { kind: 'groups', op, labels, steps, values: result.states, present: new Uint8Array(0) };
}

/** What is kept of a result, in a memory of its own: the buffers of the result itself go to another thread. */
export const copyOf = (kept: KeptResult): KeptResult => ({
  ...kept,
  values: kept.values.slice(),
  present: kept.present.slice(),
});

export function keptBytes({ labels, values, present }: KeptResult): number {
  return labels.reduce((sum, { pairs }) => sum + labelBytes(pairs.length), values.byteLength + present.byteLength);
}

/** How a row or state of so many steps lies in `values`: words of presence bits, then planes. */
function layout(
  { op }: KeptResult,
  steps: number,
): { readonly words: number; readonly planes: number; length: number } {
  if (op === null) return { words: 0, planes: 1, length: steps };
  const shape = foldShape(op);
  return { words: shape.counted ? 0 : Math.ceil(steps / 32), planes: shape.planes, length: stateLength(shape, steps) };
}

function isPresent(kept: KeptResult, row: number, step: number): boolean {
  if (kept.op === null) return kept.present[row * kept.steps + step] !== 0;
  const { words, length } = layout(kept, kept.steps);
  const at = row * length;
  if (words === 0) return kept.values[at + step] !== 0;
  return ((kept.values[at + (step >>> 5)] >>> (step & 31)) & 1) === 1;
}

/** Copies which steps of a row have a value to row `into` of the target, from step `at` on; returns how many have. */
function copyPresence({ of, from, steps }: Part, row: number, target: KeptResult, into: number, at: number): number {
  let found = 0;
  if (target.op === null) {
    const begin = row * of.steps + from;
    for (let i = begin; i < begin + steps; i++) found += of.present[i];
    target.present.set(of.present.subarray(begin, begin + steps), into * target.steps + at);
    return found;
  }
  const { words, length } = layout(target, target.steps);
  for (let i = 0; i < steps; i++) {
    if (!isPresent(of, row, from + i)) continue;
    found++;
    if (words > 0) target.values[into * length + ((at + i) >>> 5)] += 2 ** ((at + i) & 31);
  }
  return found;
}

/** Likewise the steps themselves. */
function copyRow(part: Part, row: number, target: KeptResult, into: number, at: number): number {
  const { of, from, steps } = part;
  const [a, b] = [layout(of, of.steps), layout(target, target.steps)];
  const [source, sink] = [row * a.length, into * b.length];
  for (let p = 0; p < a.planes; p++) {
    const plane = source + a.words + p * of.steps + from;
    target.values.set(of.values.subarray(plane, plane + steps), sink + b.words + p * target.steps + at);
  }
  return copyPresence(part, row, target, into, at);
}

function hasSteps({ of, from, steps }: Part, row: number): boolean {
  for (let i = 0; i < steps; i++) if (isPresent(of, row, from + i)) return true;
  return false;
}

/** The steps of all parts, one part after the other, and how many values there are. */
export function splice(parts: readonly Part[]): { readonly result: KeptResult; readonly points: number } {
  const rows = new Map<string, number>();
  const labels: Labels[] = [];
  for (const part of parts) {
    part.of.labels.forEach((each, row) => {
      if (!rows.has(each.key) && hasSteps(part, row)) rows.set(each.key, labels.push(each) - 1);
    });
  }
  const steps = parts.reduce((sum, part) => sum + part.steps, 0);
  const { kind, op } = parts[0].of;
  const empty = { kind, op, labels, steps, values: new Float64Array(0), present: new Uint8Array(0) };
  const result: KeptResult = {
    ...empty,
    values: new Float64Array(labels.length * layout(empty, steps).length),
    present: new Uint8Array(kind === 'groups' ? 0 : labels.length * steps),
  };
  let points = 0;
  let at = 0;
  for (const part of parts) {
    part.of.labels.forEach((each, row) => {
      const into = rows.get(each.key);
      if (into !== undefined) points += copyRow(part, row, result, into, at);
    });
    at += part.steps;
  }
  return { result, points };
}

/** As a leaf answers, with what it cost to get there. */
export function asLeafResult(
  kept: KeptResult,
  { wantNames, matchers }: LeafPlan,
  stats: LeafResult['stats'],
): LeafResult {
  const packer = new LabelsPacker();
  for (const each of kept.labels) packer.add(each);
  const labels = packer.finish();
  const names = new Map<string, readonly [string, string]>();
  if (wantNames && kept.kind === 'series') {
    for (const each of kept.labels) {
      const pair = [each.get(METRIC_NAME), each.get('__type__')] as const;
      names.set(pair.join('\0'), pair);
    }
  } else if (wantNames && kept.labels.length > 0) {
    names.set('', [matchers.find(({ name }) => name === METRIC_NAME)?.value ?? '', '']);
  }
  const facts = { names: [...names.values()], remarks: [], hasHistograms: false };
  const { values, present } = kept;
  if (kept.kind === 'groups') return { kind: 'groups', labels, states: values, facts, stats };
  if (kept.kind === 'singles') return { kind: 'singles', labels, values, present, facts, stats };
  return { kind: 'series', labels, values, present, histograms: null, facts, stats };
}
