// Parsers of what people write: PromQL, configuration, rules, templates, durations, regular expressions.
import { TidemarkError, errorText } from '../src/base/index.ts';
import {
  parseConfig,
  parseDuration,
  parseSize,
  parseTargetGroups,
  parseWebConfig,
  printConfig,
} from '../src/config/index.ts';
import { Labels, compileRegex, compileRelabelRegex, expandTemplate, parseTemplate } from '../src/model/index.ts';
import {
  ALL_PARSER_FEATURES,
  parseDuration as parsePromqlDuration,
  parseExpr,
  parseSelector,
  parseSeriesLine,
  prettyPrint,
  printExpr,
} from '../src/promql/index.ts';
import { AlertTemplate, ExpansionWorld } from '../src/rules/template/expand.ts';
import { parseRuleFile, parseUnitTestFile } from '../src/rules/index.ts';
import { type Random, mutateText, one } from './mutate.ts';
import { type Target, textTarget } from './target.ts';

const mutated =
  (seeds: readonly string[], words: readonly string[]) =>
  (random: Random): string =>
    mutateText(random, one(random, seeds), words);

const QUERIES = [
  'sum by (job, le) (rate(http_requests_total{code=~"5..", path!="/x"}[5m] offset 1h)) / on (job) group_left (env) up > bool 0.5',
  'histogram_quantile(0.9, sum without (instance) (rate(h_bucket[1m:15s] @ end())))',
  'topk(5, {"dotted.name", "é"="x"}) or vector(1) and ignoring (a) -x ^ 2 ^ 3 % 4',
  'label_replace(up{a="b",}, "dst", "$1", "src", "(.*)") unless absent_over_time(m[1h] offset -5m)',
  'count_values("v", m) atan2 (1.5e3 + 0x1F + 1_000 + Inf - NaN) == 5m',
  'm anchored + rate(m[5m] smoothed) + m[step() * 2] fill(0)',
  '"a\\n\\u00e9" # comment',
  'predict_linear(m[1d1h], 3600) >= scalar(sum(x)) != m{__name__=~".+"} @ 1609746000.5',
];
const QUERY_WORDS = [
  ...'sum by without rate ( ) [5m] [5m:] {a="b"} offset @ start() end() bool on ignoring group_left + - * / ^ == =~ !~ and or unless'.split(' '),
  ...'0x1F 1e400 .5 1_0 Inf NaN "x" `y` \'z\' 5m 1d -1h max_of( step() range() quantile limitk info( fill(1) smoothed </ >/ __name__'.split(' '),
  '((', '-', '{', '"', '\\',
]; // biome-ignore format: a table

/** An infinite literal is printed with a sign, as Prometheus does; before a power it is read again as an operator of its own. */
const withoutSigns = (text: string): string => text.replace(/\++Inf/g, 'Inf');

/** Prints and parses again: the printed text must be a fixed point. */
function query(text: string): void {
  const tree = parseExpr(text, { features: ALL_PARSER_FEATURES });
  const printed = printExpr(tree);
  const pretty = prettyPrint(tree);
  for (const again of [printed, pretty]) {
    let back: string;
    try {
      back = printExpr(parseExpr(again, { features: ALL_PARSER_FEATURES }));
    } catch (error) {
      throw new Error(`what is printed cannot be parsed: ${again}: ${errorText(error)}`, { cause: error });
    }
    if (withoutSigns(back) !== withoutSigns(printed)) throw new Error(`printed: ${printed}; and again: ${back}`);
  }
}

const CONFIG = `global:
  scrape_interval: 15s
  external_labels: {region: "eu-\${X}", b: c}
rule_files: [rules/*.yml]
alerting:
  alert_relabel_configs: [{action: labeldrop, regex: replica}]
  alertmanagers:
    - scheme: https
      timeout: 5s
      tls_config: {ca_file: ca.pem, insecure_skip_verify: false}
      static_configs: [{targets: ['a:9093']}]
remote_write:
  - url: http://x/write
    name: w
    write_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]
    queue_config: {capacity: 10, max_shards: 4, batch_send_deadline: 5s}
storage: {tsdb: {out_of_order_time_window: 10m}}
scrape_configs:
  - job_name: &name a
    honor_labels: true
    params: {x: [y]}
    sample_limit: 100
    body_size_limit: 10MB
    basic_auth: {username: u, password: p}
    static_configs: [{targets: ['h:1', 'h:2'], labels: {env: x}}]
    relabel_configs:
      - {source_labels: [a, b], separator: ';', regex: '(.*);(.*)', target_label: c, replacement: '$1\${2}'}
      - {action: hashmod, modulus: 8, source_labels: [a], target_label: h}
  - job_name: b
    kubernetes_sd_configs: [{role: pod, namespaces: {names: [x]}}]
    oauth2: {client_id: i, client_secret: s, token_url: http://t}
    http_headers: {X-A: {values: [v]}}
`;
const YAML_WORDS = [
  ...'null ~ true 1e3 -1 0x10 [] {} - : ? | > & * ! !!str !!binary --- ... << *name &a 15s 1m30s .nan "" \'\' # job_name: regex: url:'.split(' '),
  '\n', '\n  ', '\t', '\n- ', ': ', '"\\x', '%YAML 1.1\n', 'a: &a [*a, *a]\n',
]; // biome-ignore format: a table

function config(text: string): void {
  const first = printConfig(parseConfig(text, { file: 'x.yml', env: { X: 'y' } }));
  parseConfig(first, { file: 'printed.yml', env: {} });
}

const RULES = `groups:
  - name: g
    interval: 30s
    limit: 5
    query_offset: 1m
    labels: {team: a}
    rules:
      - record: a:b
        expr: sum by (job) (rate(x[5m]))
      - alert: A
        expr: |
          up == 0
        for: 5m
        keep_firing_for: 10m
        labels: {severity: "{{ $labels.job }}"}
        annotations: {summary: "{{ $value | humanize }}"}
`;
const UNIT_TEST = `rule_files: [a.yml]
evaluation_interval: 1m
group_eval_order: [g]
fuzzy_compare: true
tests:
  - interval: 1m
    name: n
    external_labels: {a: b}
    input_series:
      - series: 'up{job="x"}'
        values: '0 1 2x3 _x4 stale 1+2x5 {{schema:1 sum:3 count:2 buckets:[1 1]}}x3'
    alert_rule_test:
      - eval_time: 10m
        alertname: A
        exp_alerts: [{exp_labels: {a: b}, exp_annotations: {c: d}}]
    promql_expr_test:
      - expr: up
        eval_time: 5m
        exp_samples: [{labels: 'up{job="x"}', value: 1, histogram: '{{count:1}}'}]
`;
const SERIES =
  'm{a="b", c="d"} 0 1 2x3 _x4 stale 1+2x5 1-0.5x3 {{schema:1 sum:3 count:2 z_bucket:1 buckets:[1 1] offset:-1}}+{{sum:1}}x3';
const SERIES_WORDS = [
  '_',
  'stale',
  'x3',
  '+',
  '-',
  '{{',
  '}}',
  '{{schema:-53 custom_values:[1 2] buckets:[1]}}',
  'NaN',
  'Inf',
  'x999999999',
  '1e400',
  'buckets:[',
  'n_offset:9',
  '99',
];
const WEB_CONFIG = `tls_server_config:
  cert_file: c.pem
  key_file: k.pem
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  min_version: TLS12
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  curve_preferences: [X25519]
http_server_config: {http2: true, headers: {X-Frame-Options: deny, Strict-Transport-Security: 'max-age=1'}}
basic_auth_users: {alice: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}
`;

const TEMPLATES = [
  '{{ $labels.job }} {{ $value | humanize }} {{ printf "%.2f|%5d|%q|%v|%x" $value 3 "s" $labels "z" }}',
  '{{ range $i, $s := query "up" | sortByLabel "x" }}{{ $i }}{{ $s.Labels.x }}{{ $s | value | humanizeDuration }}{{ end }}',
  '{{ if and (gt $value 1.0) (eq $labels.job "a" "b") }}a{{ else if not .Value }}b{{ else }}c{{ end }}',
  '{{ with $x := query "up" }}{{ . | first | value }}{{ else }}{{ toUpper "a" | title }}{{ end }}',
  '{{ define "t" }}{{ .arg0 }}{{ template "t" . }}{{ end }}{{ template "t" (args 1 2) }}',
  '{{- /* c */ -}} {{ reReplaceAll "(a+)" "$1b" "caat" }} {{ index $labels "job" }} {{ len "x" }} {{ slice "abc" 1 2 }}',
  '{{ humanizeTimestamp 1.4e9 }} {{ toTime 1.5 }} {{ (toTime 5.0).Year }} {{ parseDuration "5m" }} {{ now }} {{ urlquery "a b" }} {{ html "<" }}',
  '{{ range 3 }}{{ . }}{{ break }}{{ end }}{{ $y := 0 }}{{ $y = 2 }}{{ externalURL }}{{ pathPrefix }}{{ tableLink "up" }}',
];
const TEMPLATE_WORDS = [
  ...'{{ }} {{- -}} | $value $labels . .Labels range end if else with define template block break continue := = ( ) query "up" printf "%d" "%99999d" "%*d"'.split(' '),
  ...'first value humanize 1e308 -1 0x1p-2 1i nil true `r` \'a\' and or not eq lt len index slice html js print call .X $x'.split(' '),
]; // biome-ignore format: a table

const WORLD = new ExpansionWorld({
  timeMs: 1_435_065_584_128,
  externalLabels: { region: 'eu' },
  externalUrl: 'http://ex.org/p',
  query: (expression) => {
    if (expression !== 'up') return Promise.reject(new TidemarkError('bad_data', 'no such query'));
    return Promise.resolve([1, 2, 3].map((value) => ({ labels: Labels.from({ x: `${value}` }), value })));
  },
});
const LABELS = Labels.from({ __name__: 'up', job: 'test', instance: 'host.example.com:9090' });

const REPLACED = compileRelabelRegex('a(?P<name>b)(c)');
const REGEXES = [
  '(a|b)*c+?[x-z\\d]{2,5}',
  '^(?i:ab)\\b$',
  '[[:alpha:]]+\\pL\\x{1F600}',
  '(?P<n>.*);(.+)',
  '\\Qa.b\\E|(?s).*',
  '((((a*)*)*)*)*b',
];
const REGEX_WORDS = [
  '(',
  ')',
  '[',
  ']',
  '*',
  '+',
  '?',
  '{1000}',
  '{2,}',
  '|',
  '\\',
  '(?i)',
  '(?=a)',
  '\\1',
  '\\p{Greek}',
  '[^',
  '-',
  '$',
  '^',
  '.',
  '(?P<x>',
  '\\C',
  '\\z',
];
const SUBJECT = `${'a'.repeat(3000)}!😀\n`;

/** Also with a text that backtracking would not survive. */
function regex(pattern: string): void {
  compileRegex(pattern)(SUBJECT);
  compileRelabelRegex(pattern);
}

const DURATIONS = ['1y2w3d4h5m6s7ms', '15s', '0', '-5m', '1h30m'];
const DURATION_WORDS = ['y', 'w', 'd', 'h', 'm', 's', 'ms', '1', '999999999999999999999', '-', '+', '.5', 'e', ' '];

function durations(text: string): void {
  for (const parse of [parseDuration, parsePromqlDuration, parseSize]) {
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
    }
  }
}

export const TEXT_TARGETS: readonly Target[] = [
  textTarget('promql', 16, mutated(QUERIES, QUERY_WORDS), query),
  textTarget('selector', 4, mutated(['up{job="x", a!~"b.*", "é"=~`c`}', '{"a.b"}'], QUERY_WORDS), parseSelector),
  textTarget('config', 3, mutated([CONFIG], YAML_WORDS), config),
  textTarget('target-groups', 2, mutated(['- targets: [a:1]\n  labels: {b: c}\n'], YAML_WORDS), (text) =>
    parseTargetGroups(text, 'x'),
  ),
  textTarget('rule-file', 4, mutated([RULES], [...YAML_WORDS, ...QUERY_WORDS, ...TEMPLATE_WORDS]), parseRuleFile),
  textTarget('unit-test-file', 3, mutated([UNIT_TEST], [...YAML_WORDS, ...SERIES_WORDS]), (text) =>
    parseUnitTestFile(text, false),
  ),
  textTarget('series-line', 4, mutated([SERIES], SERIES_WORDS), parseSeriesLine),
  textTarget('web-config', 3, mutated([WEB_CONFIG], YAML_WORDS), (text) => parseWebConfig(text, 'web.yml')),
  textTarget('template', 8, mutated(TEMPLATES, TEMPLATE_WORDS), (text) =>
    AlertTemplate.parse('A', text).expand(LABELS, 1.5, WORLD),
  ),
  textTarget('regex', 4, mutated(REGEXES, REGEX_WORDS), regex),
  textTarget('replacement', 2, mutated([`$1-\${name}$$x\${2}`], REGEX_WORDS), (text) =>
    expandTemplate(parseTemplate(text, REPLACED), ['abc', 'b', '']),
  ),
  textTarget('durations', 4, mutated(DURATIONS, DURATION_WORDS), durations),
];
