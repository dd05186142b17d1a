// What a shard sends of the groups that it has folded.
import type { Accumulator } from '../../kernel/index.ts';
import type { Labels } from '../../model/index.ts';
import { LabelsPacker, type PackedLabels } from '../leaf.ts';
import type { HoldBytes } from './row-block.ts';

/** Labels and states of the groups that have a value, one state after the other. `accumulator` is null if there are no groups. */
export function packGroups(
  groups: readonly Labels[],
  hasValue: Uint8Array,
  accumulator: Accumulator | null,
  hold: HoldBytes,
): { readonly labels: PackedLabels; readonly states: Float64Array } {
  const packer = new LabelsPacker();
  const length = accumulator?.stateLength ?? 0;
  const filled = hasValue.reduce((sum, value) => sum + value, 0);
  hold(length * filled * 8);
  const states = new Float64Array(length * filled);
  let used = 0;
  for (let g = 0; g < groups.length; g++) {
    if (hasValue[g] === 0) continue;
    packer.add(groups[g]);
    accumulator?.exportState(g, states, used);
    used += length;
  }
  return { labels: packer.finish(), states };
}
