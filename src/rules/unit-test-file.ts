// Files of rule unit tests, in promtool's format.
//
//   rule_files: [rules.yml]
//   evaluation_interval: 1m
//   group_eval_order: [first, second]
//   fuzzy_compare: false          true: neighbouring floats are equal
//   tests:
//   - name: text
//     interval: 1m                of the input series
//     start_timestamp: 2024-01-01T00:00:00Z
//     input_series: [{series: 'up{job="a"}', values: '1 1x5 _ stale {{count:1}}'}]
//     external_labels: {}
//     external_url: http://...
//     alert_rule_test: [{eval_time: 5m, alertname: Down, exp_alerts: [{exp_labels: {}, exp_annotations: {}}]}]
//     promql_expr_test: [{expr: up, eval_time: 5m, exp_samples: [{labels: 'up{}', value: 1, histogram: '{{}}'}]}]
import { TidemarkError } from '../base/index.ts';
import { goQuote } from '../model/index.ts';
import {
  type YamlType,
  type YamlValue,
  decodeYaml,
  yamlBool,
  yamlDuration,
  yamlFloat,
  yamlList,
  yamlMap,
  yamlStruct,
  yamlText,
} from './yaml-decode.ts';

/** A time as RFC 3339 or in seconds since the epoch, to milliseconds. */
const startTimestamp: YamlType<number> = {
  name: 'main.testStartTimestamp',
  zero: () => 0,
  decode(node, context) {
    const text = yamlText.decode(node, context);
    const seconds = Number(text);
    if (text !== '' && Number.isFinite(seconds)) return Math.round(seconds * 1000);
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i.test(text);
    const timeMs = isTime ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(timeMs)) {
      const fact = `invalid start_timestamp format: ${goQuote(text)}, want RFC 3339 or a Unix timestamp`;
      throw new TidemarkError('bad_rules', fact);
    }
    return timeMs;
  },
};

const alertType = yamlStruct('main.alert', { exp_labels: yamlMap(yamlText), exp_annotations: yamlMap(yamlText) });

const alertCaseType = yamlStruct('main.alertTestCase', {
  eval_time: yamlDuration,
  alertname: yamlText,
  exp_alerts: yamlList(alertType),
});

const sampleType = yamlStruct('main.sample', { labels: yamlText, value: yamlFloat, histogram: yamlText });

const expressionCaseType = yamlStruct('main.promqlTestCase', {
  expr: yamlText,
  eval_time: yamlDuration,
  exp_samples: yamlList(sampleType),
});

const groupType = yamlStruct('main.testGroup', {
  interval: yamlDuration,
  input_series: yamlList(yamlStruct('main.series', { series: yamlText, values: yamlText })),
  alert_rule_test: yamlList(alertCaseType),
  promql_expr_test: yamlList(expressionCaseType),
  external_labels: yamlMap(yamlText),
  external_url: yamlText,
  name: yamlText,
  start_timestamp: startTimestamp,
});

const fileType = yamlStruct('main.unitTestFile', {
  rule_files: yamlList(yamlText),
  evaluation_interval: yamlDuration,
  group_eval_order: yamlList(yamlText),
  tests: yamlList(groupType),
  fuzzy_compare: yamlBool,
});

/** A whole file. */
export type UnitTestFile = YamlValue<typeof fileType>;
/** One of its `tests`. */
export type UnitTestGroup = YamlValue<typeof groupType>;
export type AlertTestCase = YamlValue<typeof alertCaseType>;
export type ExpressionTestCase = YamlValue<typeof expressionCaseType>;

/** Reads a file. Throws TidemarkError `bad_rules`. */
export function parseUnitTestFile(text: string, allowsUnknownFields: boolean): UnitTestFile {
  const file = decodeYaml(fileType, text, allowsUnknownFields);
  const seen = new Set<string>();
  for (const name of file.group_eval_order) {
    if (seen.has(name)) throw new TidemarkError('bad_rules', `group name repeated in evaluation order: ${name}`);
    seen.add(name);
  }
  return file;
}
