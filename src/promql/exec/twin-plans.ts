// Parts of a plan that are the same: evaluated once, their value shared. Two parts are the same if they do the same to the same at the
// same steps; where in the query they stand does not matter, unless they have something to say about it (see evaluate.ts). Leaves are
// not among them: theirs is another way (equal keys).
import { numberText } from '../plan/build.ts';
import { childrenOf } from '../plan/children.ts';
import type { PlanNode } from '../plan/plan.ts';
import type { Value } from './vector.ts';

/** A part that stands in the plan more than once. */
export interface Twins {
  /** The one that is evaluated. */
  readonly first: PlanNode;
  /** How many others there are. */
  others: number;
  readonly value: PromiseWithResolvers<Value>;
}

/** What a node is beside what it works on; null: nothing worth sharing. */
function ownText(node: PlanNode): string | null {
  switch (node.kind) {
    case 'number':
      return numberText(node.value);
    case 'string':
      return JSON.stringify(node.value);
    case 'leaf':
      return node.key && `${node.key} ${node.dropsName} ${node.quantileCheck !== null} ${node.counterCheck !== null}`;
    case 'subqueryCall': {
      const { fn, innerAt, windows, rangeMs, evalOffsetMs, evalOffsetStepMs, dropsName } = node;
      return JSON.stringify([fn, innerAt, windows, rangeMs, evalOffsetMs, evalOffsetStepMs, dropsName]);
    }
    case 'call':
      return node.fn;
    case 'absent':
      return String(node.labels);
    case 'aggregate':
      return JSON.stringify([node.op, node.without, node.grouping, node.param !== null]);
    case 'binary':
      return JSON.stringify([node.op, node.bool, node.matching]);
    case 'spread':
    case 'negate':
      return '';
    // The whole query, or rare.
    case 'samples':
    case 'subquery':
    case 'info':
      return null;
  }
}

const SHARED: ReadonlySet<PlanNode['kind']> = new Set([
  'call',
  'aggregate',
  'binary',
  'subqueryCall',
  'absent',
  'negate',
]);

/** Finds them. */
export class TwinPlans {
  readonly #ids = new Map<string, number>();
  readonly #idOf = new Map<PlanNode, number | null>();
  readonly #firsts = new Map<number, PlanNode>();
  readonly #twins = new Map<PlanNode, Twins>();

  constructor(plan: PlanNode) {
    this.#number(plan);
    this.#visit(plan);
  }

  /** null: it stands alone. */
  of(node: PlanNode): Twins | null {
    return this.#twins.get(node) ?? null;
  }

  /** Equal parts have equal numbers. */
  #number(node: PlanNode): number | null {
    const own = ownText(node);
    const children = childrenOf(node).map((child) => this.#number(child));
    let id: number | null = null;
    if (own !== null && !children.includes(null)) {
      const at = node.kind === 'string' ? '' : `${node.at.startMs} ${node.at.stepMs} ${node.at.steps}`;
      const text = `${node.kind} ${at} ${own} ${children.join(' ')}`;
      id = this.#ids.get(text) ?? this.#ids.size;
      this.#ids.set(text, id);
    }
    this.#idOf.set(node, id);
    return id;
  }

  /** What is below one that is not evaluated does not count. */
  #visit(node: PlanNode): void {
    const id = this.#idOf.get(node) ?? null;
    const first = id === null || !SHARED.has(node.kind) ? undefined : this.#firsts.get(id);
    if (first) {
      const twins = this.#twins.get(first) ?? { first, others: 0, value: Promise.withResolvers<Value>() };
      twins.others++;
      this.#twins.set(first, twins).set(node, twins);
      return;
    }
    if (id !== null) this.#firsts.set(id, node);
    for (const child of childrenOf(node)) this.#visit(child);
  }
}
