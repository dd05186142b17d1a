// Which rule files are taken, and in which words the others are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duplicateRulesText, parseRuleFile } from '../../src/rules/index.ts';

const rule = (text: string): string => `groups:\n- name: g\n  rules:\n  - ${text}\n`;

function ok(text: string): void {
  assert.deepEqual(parseRuleFile(text).errors, [], text);
}

function bad(text: string, ...errors: string[]): void {
  assert.deepEqual(parseRuleFile(text).errors, errors, text);
}

test('a file gives its groups with all they say', () => {
  const { groups, errors } = parseRuleFile(`groups:
- name: g
  interval: 30s
  query_offset: 1m
  limit: 5
  labels: {team: a}
  rules:
  - {record: r, expr: 'sum(up)', labels: {x: 1}}
  - {alert: A, expr: 'up == 0', for: 5m, keep_firing_for: 1h, annotations: {s: 'a {{ $value }}'}}
- name: empty
`);
  assert.deepEqual(errors, []);
  assert.deepEqual(
    groups.map(({ name, intervalMs, queryOffsetMs, limit }) => [name, intervalMs, queryOffsetMs, limit]),
    [
      ['g', 30_000, 60_000, 5],
      ['empty', 0, null, 0],
    ],
  );
  assert.deepEqual({ ...groups[0].rules[0].labels }, { x: '1' });
  assert.deepEqual([groups[0].rules[1].forMs, groups[0].rules[1].keepFiringForMs], [300_000, 3_600_000]);
});

test('good files', () => {
  ok('');
  ok('groups: []');
  ok(rule('{record: "a:b", expr: 1}'));
  ok(rule('{record: "süß", expr: vector(1), labels: {"a-b": c}}'));
  ok('groups:\n- name: a\n  rules:\n  - &r {record: r, expr: up}\n- name: b\n  rules: [*r, {<<: *r, record: q}]\n');
});

test('files with wrong fields or types are refused with all their lines', () => {
  bad(
    'a: 1\nb: 2\n',
    'yaml: unmarshal errors:\n  line 1: field a not found in type rulefmt.RuleGroups\n  line 2: field b not found in type rulefmt.RuleGroups',
  );
  bad(
    rule('{alert: A, expr: 1, annotation: {}}'),
    'yaml: unmarshal errors:\n  line 4: field annotation not found in type rulefmt.Rule',
  );
  bad(rule('{record: [a], expr: 1}'), 'yaml: unmarshal errors:\n  line 4: cannot unmarshal !!seq into string');
  bad('groups:\n- name: g\n  limit: x\n', 'yaml: unmarshal errors:\n  line 3: cannot unmarshal !!str `x` into int');
  bad('groups: 1\n', 'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `1` into []rulefmt.RuleGroup');
  bad(
    'groups:\n- name: g\n  name: h\n',
    'yaml: unmarshal errors:\n  line 3: mapping key "name" already defined at line 2',
  );
  bad('groups:\n- name: g\n  interval: 5 minutes\n', 'unknown unit " minutes" in duration "5 minutes"');
  bad('groups: *x\n', `yaml: unknown anchor 'x' referenced`);
  assert.match(parseRuleFile('groups: [').errors[0], /^yaml: line 1: /);
  assert.deepEqual(parseRuleFile('a: 1', { allowsUnknownFields: true }).errors, []);
});

test('rules that contradict themselves are refused', () => {
  const one = (text: string, problem: string, name = 'r', place = '') =>
    bad(rule(text), `${place}group "g", rule 1, "${name}": ${problem}`);
  one('{record: r, alert: A, expr: 1}', `only one of 'record' and 'alert' must be set`, 'A', '4:14: 4:24: ');
  one('{expr: 1}', `one of 'record' or 'alert' must be set`, '', '0:0: 0:0: ');
  one('{record: r}', `field 'expr' must be set in rule`, 'r', '0:0: ');
  one(
    '{record: r, expr: "up +"}',
    'could not parse expression: 1:5: parse error: unexpected end of input',
    'r',
    '4:23: ',
  );
  one('{record: r, expr: up, for: 1m}', `invalid field 'for' in recording rule`, 'r', '4:14: ');
  one('{record: r, expr: up, keep_firing_for: 1m}', `invalid field 'keep_firing_for' in recording rule`, 'r', '4:14: ');
  one('{record: r, expr: up, annotations: {a: b}}', `invalid field 'annotations' in recording rule`, 'r', '4:14: ');
  one(
    '{record: "r{a}", expr: up}',
    'braces present in the recording rule name; should it be in expr?: r{a}',
    'r{a}',
    '4:14: ',
  );
  one('{record: r, expr: up, labels: {__name__: x}}', 'invalid label name: __name__');
  one('{alert: A, expr: up, annotations: {"": x}}', 'invalid annotation name: ', 'A');
  one(
    '{alert: A, expr: up, labels: {a: "{{ $x }}"}}',
    'label "a": template: __alert_A:1: undefined variable "$x"',
    'A',
  );
  const legacy = parseRuleFile(rule('{alert: A, expr: up, annotations: {"a-b": x}}'), { nameScheme: 'legacy' });
  assert.deepEqual(legacy.errors, ['group "g", rule 1, "A": invalid annotation name: a-b']);
});

test('groups need names, each once', () => {
  bad('groups:\n- rules: []\n', '2:3: Groupname must not be empty');
  bad('groups:\n- name: g\n- name: g\n', '3:3: groupname: "g" is repeated in the same file');
  bad('groups:\n- name: g\n  labels: {__name__: x}\n', 'invalid label name: __name__');
});

test('experimental functions need their flag', () => {
  const text = rule('{record: r, expr: "sort_by_label(up, \\"a\\")"}');
  assert.match(parseRuleFile(text).errors[0], /function "sort_by_label" is not enabled/);
  assert.deepEqual(parseRuleFile(text, { features: new Set(['promql-experimental-functions']) }).errors, []);
});

test('equal rules are found, each once', () => {
  const { groups } = parseRuleFile(`groups:
- {name: a, labels: {x: y}, rules: [{record: r, expr: up}, {record: r, expr: up, labels: {x: z}}, {record: r, expr: down}]}
- {name: b, rules: [{record: r, expr: up, labels: {x: y}}]}
`);
  const text =
    '1 duplicate rule(s) found.\nMetric: r\nLabel(s):\n\tx: y\nMight cause inconsistency while recording expressions';
  assert.equal(duplicateRulesText(groups), text);
  assert.equal(duplicateRulesText(groups.slice(1)), null);
});
