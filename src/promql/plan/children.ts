// What an operator of the plan works on.
import type { PlanNode } from './plan.ts';

/** In the order in which Prometheus evaluates them. */
export function childrenOf(node: PlanNode): readonly PlanNode[] {
  switch (node.kind) {
    case 'leaf':
      return node.parameters;
    case 'subquery':
      return [node.expr];
    case 'subqueryCall':
      return [node.inner, ...node.parameters];
    case 'spread':
    case 'absent':
    case 'negate':
      return [node.child];
    case 'call':
      return node.args;
    case 'aggregate':
      return node.param ? [node.param, node.child] : [node.child];
    case 'binary':
      return [node.left, node.right];
    case 'info':
      return [node.base, node.info];
    default:
      return [];
  }
}
