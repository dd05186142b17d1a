// What the operators and leaves of a query cost, noted while it runs, for who asked for an explanation.
import type { LeafStats } from '../leaf.ts';
import type { LeafNode, PlanNode, SamplesNode } from '../plan/plan.ts';
import { type Value, pointCount, valueBytes } from './vector.ts';

/** What an operator gave. */
export interface NodeCost {
  readonly series: number;
  readonly points: number;
  readonly bytes: number;
  /** Of this operator alone, its turns of waiting for others included. */
  readonly timeMs: number;
}

/** Leaves that ask for the same have one answer. */
export const leafKey = (node: LeafNode | SamplesNode): unknown => ('key' in node && node.key) || node.leaf;

export class Trace {
  readonly #nodes = new Map<PlanNode, NodeCost>();
  readonly #shared = new Set<PlanNode>();
  readonly #leaves = new Map<unknown, (readonly LeafStats[])[]>();

  finished(node: PlanNode, value: Value, timeMs: number): void {
    const series = 'labels' in value ? value.labels.length : value.type === 'scalar' ? 1 : 0;
    this.#nodes.set(node, { series, points: pointCount(value), bytes: valueBytes(value), timeMs });
  }

  /** What the shards said to a leaf, in their order; a leaf may be asked twice, the second time of some shards only. */
  answered(key: unknown, stats: readonly LeafStats[]): void {
    const known = this.#leaves.get(key);
    if (known) known.push(stats);
    else this.#leaves.set(key, [stats]);
  }

  /** A part that another one's value was taken for. */
  shared(node: PlanNode): void {
    this.#shared.add(node);
  }

  isShared(node: PlanNode): boolean {
    return this.#shared.has(node);
  }

  cost(node: PlanNode): NodeCost | null {
    return this.#nodes.get(node) ?? null;
  }

  answers(node: LeafNode | SamplesNode): readonly (readonly LeafStats[])[] {
    return this.#leaves.get(leafKey(node)) ?? [];
  }
}
