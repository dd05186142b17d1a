// Relabelling rules in configuration files. They are checked once the naming scheme is known (checkRelabelRules).
import {
  DEFAULT_RELABEL,
  type NameScheme,
  RELABEL_ACTIONS,
  type RelabelConfig,
  goQuote,
  relabelProblem,
} from '../model/index.ts';
import { regex, text, uint } from './scalars.ts';
import { type Source, type Type, list, scalar, struct, withDefault } from './schema.ts';

type Action = RelabelConfig['action'];

const action: Type<Action> = scalar<Action>({
  name: 'a relabelling action',
  zero: '' as Action,
  parse: (value, at) => {
    const known = value.toLowerCase() as Action;
    return RELABEL_ACTIONS.includes(known) ? known : at.fail(`unknown relabel action ${goQuote(value)}`);
  },
});

const names = list(text);
// null (not given) differs from an empty list for labeldrop and labelkeep.
const sourceLabels: Type<readonly string[] | null> = {
  ...(names as Type<readonly string[] | null>),
  zero: null,
  isZero: (value) => value === null || value.length === 0,
};

// Prometheus leaves the default pattern out when it prints a rule.
const pattern: Type<string> = { ...regex, isZero: (value) => value === DEFAULT_RELABEL.regex };

const rule = struct({
  sourceLabels,
  separator: withDefault(text, ';'),
  regex: withDefault(pattern, '(.*)'),
  modulus: uint,
  targetLabel: text,
  replacement: withDefault(text, '$1'),
  action: withDefault(action, 'replace'),
});

/** Relabelling rules; `place` names the list in the refusal of an empty rule: `target relabeling rule in scrape config`. */
export const relabelRules = (place: string): Type<RelabelConfig[]> => list(rule, `empty or null ${place}`);

/** Refuses rules that Prometheus refuses. */
export function checkRelabelRules(rules: readonly RelabelConfig[], scheme: NameScheme, source: Source): void {
  for (const config of rules) {
    const problem = relabelProblem(config, scheme);
    if (problem) source.placeOf(config).fail(problem);
  }
}
