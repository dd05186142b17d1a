// Matchers of one side of a binary operator that hold for the other side, too: in `a{x="1"} and on (x) b` only b's series with x="1" can
// have a partner. The other side then selects fewer series. Only where nothing else changes:
//
//   - Both sides are plain selectors: they have no annotations about series that find no partner.
//   - The label is one by which series are matched.
//   - `and`: both ways. `unless`: to the right.
//
// Not across arithmetic and comparisons: there, two series of one match group on the side that has to be unique are an error, unless the
// other side is empty at that step. Fewer series on either side make errors go away.
import { METRIC_NAME, type Matcher } from '../../model/index.ts';
import type { Binary, VectorMatching } from '../ast.ts';
import { isReservedLabel } from '../leaf.ts';
import type { LeafNode, PlanNode } from './plan.ts';

const isPlain = (node: PlanNode): node is LeafNode =>
  node.kind === 'leaf' &&
  node.leaf.kind === 'instant' &&
  node.leaf.fold === null &&
  !node.leaf.timestamps &&
  node.leaf.extension === null &&
  !node.leaf.refuseHistograms;

const isMatched = ({ on, labels }: VectorMatching, name: string): boolean =>
  name !== METRIC_NAME && !isReservedLabel(name) && labels.includes(name) === on;

/** Which side may get the other's matchers. */
const RECEIVERS: Partial<Record<Binary['op'], { readonly left: boolean; readonly right: boolean }>> = {
  and: { left: true, right: true },
  unless: { left: false, right: true },
};

const same = (a: Matcher, b: Matcher): boolean => a.name === b.name && a.op === b.op && a.value === b.value;

/** Both sides, one with matchers of the other. `withMatchers` makes a leaf like another. */
export function pushMatchers(
  op: Binary['op'],
  matching: VectorMatching,
  left: PlanNode,
  right: PlanNode,
  withMatchers: (leaf: LeafNode, matchers: readonly Matcher[]) => LeafNode,
): readonly [PlanNode, PlanNode] {
  const to = RECEIVERS[op];
  if (!to || !isPlain(left) || !isPlain(right)) return [left, right];
  const given = (from: LeafNode, into: LeafNode): PlanNode => {
    const own = into.leaf.matchers;
    const more = from.leaf.matchers.filter(
      (matcher) => isMatched(matching, matcher.name) && !own.some((each) => same(each, matcher)),
    );
    return more.length === 0 ? into : withMatchers(into, [...own, ...more]);
  };
  return [to.left ? given(right, left) : left, to.right ? given(left, right) : right];
}
