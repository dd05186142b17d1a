// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables and templates of the configuration language
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, parseConfig, printConfig, printScrapeConfig, unsupported } from '../../src/config/index.ts';

const FILE = '/etc/tm/prometheus.yml';
const parse = (text: string, env = {}): Config => parseConfig(text, { file: FILE, env });

/** The text is refused with this message after file, line and column. */
function bad(text: string, place: string, message: string): void {
  const [line, column] = place.split(':');
  assert.throws(() => parse(text), {
    code: 'bad_config',
    message: `cannot read ${FILE}: line ${line}, column ${column}: ${message}`,
  });
}

const job = (fields: string): string => `scrape_configs:\n- job_name: x\n${fields.replace(/^/gm, '  ')}`;

/** A job with one wrong field on line 3. */
const badJob = (fields: string, place: string, message: string): void =>
  bad(job(fields), place, `scrape_configs[0]${message}`);

const oneJob = (fields: string) => parse(job(fields)).scrapeConfigs[0];

test('an empty file is a configuration of defaults', () => {
  for (const text of ['', '# nothing\n', '{}', 'global:\n', 'global: {}\nscrape_configs: []\n']) {
    const config = parse(text);
    assert.equal(config.global.scrapeIntervalMs, 60_000);
    assert.equal(config.global.scrapeTimeoutMs, 10_000);
    assert.equal(config.global.evaluationIntervalMs, 60_000);
    assert.equal(config.global.metricNameValidationScheme, 'utf8');
    assert.equal(config.runtime.gogc, 75);
    assert.equal(config.otlp.translationStrategy, 'UnderscoreEscapingWithSuffixes');
    assert.deepEqual(config.scrapeConfigs, []);
  }
});

test('a job takes what it does not say from the defaults', () => {
  const x = oneJob('');
  assert.equal(x.metricsPath, '/metrics');
  assert.equal(x.scheme, 'http');
  assert.equal(x.honorTimestamps, true);
  assert.equal(x.honorLabels, false);
  assert.equal(x.enableCompression, true);
  assert.equal(x.followRedirects, true);
  assert.equal(x.enableHttp2, true);
  assert.equal(x.scrapeIntervalMs, 60_000);
  assert.equal(x.scrapeTimeoutMs, 10_000);
  assert.equal(x.bodySizeLimitBytes, 0);
  assert.equal(x.metricNameEscapingScheme, 'allow-utf-8');
  assert.deepEqual(x.scrapeProtocols, [
    'OpenMetricsText1.0.0',
    'OpenMetricsText0.0.1',
    'PrometheusText1.0.0',
    'PrometheusText0.0.4',
  ]);
});

test('a job takes limits, protocols and switches from global', () => {
  const config = parse(`
global: {scrape_interval: 5s, sample_limit: 7, body_size_limit: 1KB, target_limit: 2, label_limit: 3, keep_dropped_targets: 9,
  extra_scrape_metrics: true, scrape_native_histograms: true, always_scrape_classic_histograms: true, scrape_failure_log_file: f.log}
scrape_configs: [{job_name: a}, {job_name: b, sample_limit: 8, scrape_native_histograms: false, scrape_interval: 3s}]`);
  const [a, b] = config.scrapeConfigs;
  assert.equal(a.scrapeIntervalMs, 5000);
  assert.equal(a.scrapeTimeoutMs, 5000);
  assert.equal(b.scrapeTimeoutMs, 3000);
  assert.deepEqual([a.sampleLimit, b.sampleLimit], [7, 8]);
  assert.equal(a.bodySizeLimitBytes, 1024);
  assert.equal(a.keepDroppedTargets, 9);
  assert.equal(a.extraScrapeMetrics, true);
  assert.equal(a.alwaysScrapeClassicHistograms, true);
  assert.equal(a.scrapeFailureLogFile, '/etc/tm/f.log');
  assert.equal(a.scrapeProtocols[0], 'PrometheusProto');
  assert.equal(b.scrapeProtocols[0], 'OpenMetricsText1.0.0');
});

test('escaping follows the own validation scheme before the global escaping', () => {
  const schemes = (global: string, own: string) =>
    parse(`global: {${global}}\nscrape_configs: [{job_name: x${own}}]`).scrapeConfigs[0].metricNameEscapingScheme;
  assert.equal(schemes('', ''), 'allow-utf-8');
  assert.equal(schemes('metric_name_validation_scheme: legacy', ''), 'underscores');
  assert.equal(schemes('metric_name_validation_scheme: legacy, metric_name_escaping_scheme: dots', ''), 'dots');
  assert.equal(
    schemes('metric_name_escaping_scheme: values', ', metric_name_validation_scheme: legacy'),
    'underscores',
  );
  assert.equal(
    schemes('metric_name_validation_scheme: legacy', ', metric_name_validation_scheme: utf8'),
    'allow-utf-8',
  );
});

test('paths start at the directory of the file', () => {
  const config = parse(`
global: {query_log_file: q.log}
rule_files: [a/*.yml, /abs/b.yml]
scrape_configs: [{job_name: x, tls_config: {ca_file: ../ca}, authorization: {credentials_file: t}, file_sd_configs: [{files: [t/*.json]}]}]`);
  const [x] = config.scrapeConfigs;
  assert.equal(config.global.queryLogFile, '/etc/tm/q.log');
  assert.deepEqual(config.ruleFiles, ['/etc/tm/a/*.yml', '/abs/b.yml']);
  assert.equal(x.tlsConfig.caFile, '/etc/ca');
  assert.equal(x.authorization?.credentialsFile, '/etc/tm/t');
  assert.deepEqual(x.fileSdConfigs[0].files, ['/etc/tm/t/*.json']);
});

test('environment variables are put into external labels and nowhere else', () => {
  const labels = { a: '${X}', b: 'p$X-q', c: '$$X', d: '${NOPE}', e: '$', f: '${X', g: 'a$/b' };
  const config = parse(`global: {external_labels: ${JSON.stringify(labels)}, query_log_file: "$X"}`, { X: 'y' });
  assert.deepEqual(
    { ...config.global.externalLabels },
    { a: 'y', b: 'py-q', c: '$X', d: '', e: '$', f: 'X', g: 'a$/b' },
  );
  assert.equal(config.global.queryLogFile, '/etc/tm/$X');
});

test('scalars are read as the YAML decoder of Go reads them', () => {
  assert.equal(oneJob('basic_auth: {username: 12, password: 0x10}').basicAuth?.password.reveal(), '0x10');
  assert.equal(oneJob('honor_labels: yes').honorLabels, true);
  assert.equal(oneJob('honor_timestamps: off').honorTimestamps, false);
  assert.equal(oneJob('honor_timestamps: null').honorTimestamps, false);
  assert.equal(oneJob('sample_limit: 1_000').sampleLimit, 1000);
  assert.equal(oneJob('sample_limit: 0x10').sampleLimit, 16);
  assert.equal(oneJob('sample_limit: 1e3').sampleLimit, 1000);
  assert.equal(oneJob('scrape_interval: null').scrapeIntervalMs, 60_000);
  assert.equal(oneJob('metrics_path: ~').metricsPath, '');
  assert.equal(oneJob('metrics_path: "null"').metricsPath, 'null');
  assert.equal(oneJob('native_histogram_min_bucket_factor: 1.1').nativeHistogramMinBucketFactor, 1.1);
  assert.equal(oneJob('basic_auth:').basicAuth, null);
  assert.equal(oneJob('relabel_configs: [{regex: null, target_label: y}]').relabelConfigs[0].regex, '');
});

test('anchors, aliases and merge keys work', () => {
  const config = parse(`
scrape_configs:
- &base {job_name: a, scheme: https, sample_limit: 3}
- {<<: *base, job_name: b}
- {<<: [*base], job_name: c, scheme: http}
`);
  assert.deepEqual(
    config.scrapeConfigs.map((c) => [c.jobName, c.scheme, c.sampleLimit]),
    [
      ['a', 'https', 3],
      ['b', 'https', 3],
      ['c', 'http', 3],
    ],
  );
});

test('a file that multiplies itself by aliases is refused', () => {
  const list = (anchor: string, alias: string) => `&${anchor} [${Array(80).fill(alias).join(', ')}]`;
  const targets = list('t', 'a:1');
  const many = Array(500).fill('*s').join(', ');
  const text =
    `scrape_configs:\n- job_name: x\n  static_configs: &s\n  - targets: ${targets}\n` +
    Array.from(
      { length: 999 },
      (_, i) => `- {job_name: j${i}, static_configs: [${Array(80).fill('{targets: *t}').join(', ')}]}\n`,
    ).join('') +
    `# ${many}`;
  assert.throws(() => parse(text), /the file expands to more than 2000000 values/);
});

test('merge keys that never end are refused', () => {
  assert.throws(() => parse('global: &a {<<: *a}'), /global: merge keys refer to one another without end/);
});

test('a damaged file is read or refused with its place, and never crashes', () => {
  const text = `global: &g {scrape_interval: 15s, external_labels: {a: "b", c: !!binary "aGk="}}
scrape_configs:
- &x {job_name: x, static_configs: [{targets: ["a:1"], labels: {b: c}}], relabel_configs: [{regex: "(a|b)+", target_label: c}]}
- {<<: *x, job_name: y, tls_config: {min_version: TLS12}, params: {a: [b]}, body_size_limit: 10MB}
remote_write: [{url: "http://a:1/b?c=d", headers: {x: y}}]
`;
  let seed = 42;
  const random = (below: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below;
  const alphabet = '{}[]:,-&*!|>\'"%@` \n\t#<~0aé\u0000';
  for (let run = 0; run < 400; run++) {
    const chars = [...text];
    for (let i = 0; i <= random(4); i++)
      chars.splice(random(chars.length), random(3), alphabet[random(alphabet.length)]);
    try {
      parse(chars.join(''));
    } catch (error) {
      assert.match(String(error), /^TidemarkError: cannot read .*: line \d+, column \d+: /s, chars.join(''));
    }
  }
});

test('the file as a whole is strict', () => {
  bad('nonsense: 1', '1:1', 'nonsense: unknown field');
  bad('global:\n  foo: 1', '2:3', 'global.foo: unknown field');
  bad('global: {}\nglobal: {}', '2:1', 'global: duplicate key');
  bad('global:\n  scrape_interval: 1s\n  scrape_interval: 2s', '3:3', 'global.scrape_interval: duplicate key');
  bad('- a', '1:1', 'want a mapping; got a list');
  bad('just text', '1:1', 'want a mapping; got "just text"');
  bad('global: [1]', '1:9', 'global: want a mapping; got a list');
  bad('scrape_configs: {a: 1}', '1:17', 'scrape_configs: want a list; got a mapping');
  bad('scrape_configs: abc', '1:17', 'scrape_configs: want a list; got "abc"');
  bad('scrape_configs:\n-', '2:2', 'scrape_configs[0]: empty or null scrape config section');
  bad('rule_files: *nope', '1:13', "rule_files: unknown anchor 'nope' referenced");
  assert.throws(() => parse('global: {a: [}'), /^TidemarkError: cannot read .*: line 1, column \d+: /);
  assert.throws(() => parse('global:\n\tx: 1'), /cannot read .*: line 2, column 1: /);
});

test('global is checked', () => {
  bad('global:\n  scrape_interval: 5', '2:20', 'global.scrape_interval: not a valid duration string: "5"');
  bad('global:\n  scrape_interval: 1m1h', '2:20', 'global.scrape_interval: not a valid duration string: "1m1h"');
  bad('global:\n  scrape_interval: 5x', '2:20', 'global.scrape_interval: unknown unit "x" in duration "5x"');
  bad('global:\n  scrape_interval: 400y', '2:20', 'global.scrape_interval: duration out of range');
  bad('global:\n  scrape_interval: ""', '2:20', 'global.scrape_interval: empty duration string');
  bad('global:\n  scrape_interval: [1s]', '2:20', 'global.scrape_interval: want a duration; got a list');
  bad(
    'global:\n  scrape_timeout: 2m',
    '2:19',
    'global.scrape_timeout: global scrape timeout greater than scrape interval',
  );
  bad('global:\n  sample_limit: -1', '2:17', 'global.sample_limit: want a whole number that is not negative; got "-1"');
  bad(
    'global:\n  sample_limit: 1.5',
    '2:17',
    'global.sample_limit: want a whole number that is not negative; got "1.5"',
  );
  bad(
    'global:\n  sample_limit: "5"',
    '2:17',
    'global.sample_limit: want a whole number that is not negative; got the text "5"',
  );
  bad('global:\n  body_size_limit: 10', '2:20', 'global.body_size_limit: units: missing unit in 10');
  bad('global:\n  body_size_limit: 10XB', '2:20', 'global.body_size_limit: units: unknown unit XB in 10XB');
  bad('global:\n  body_size_limit: big', '2:20', 'global.body_size_limit: units: invalid big');
  bad(
    'global:\n  extra_scrape_metrics: "true"',
    '2:25',
    'global.extra_scrape_metrics: want true or false; got the text "true"',
  );
  bad('global:\n  extra_scrape_metrics: 1', '2:25', 'global.extra_scrape_metrics: want true or false; got "1"');
  bad('global:\n  external_labels: {"": x}', '2:25', 'global.external_labels.: "" is not a valid label name');
  bad(
    'global:\n  metric_name_validation_scheme: legacy\n  external_labels: {a-b: x}',
    '3:26',
    'global.external_labels.a-b: "a-b" is not a valid label name',
  );
  bad(
    'global:\n  external_labels:\n    a: !!binary "/w=="',
    '3:17',
    'global.external_labels.a: "\\xff" is not a valid label value',
  );
  bad('global:\n  external_labels: {a: [b]}', '2:24', 'global.external_labels.a: want a text; got a list');
  bad(
    'global:\n  metric_name_escaping_scheme: x',
    '2:32',
    `global.metric_name_escaping_scheme: unknown global name escaping method specified, must be one of 'allow-utf-8', 'underscores', 'dots', or 'values', got "x"`,
  );
  bad(
    'global:\n  metric_name_validation_scheme: x',
    '2:34',
    'global.metric_name_validation_scheme: unrecognized ValidationScheme: "x"',
  );
  bad(
    'global:\n  scrape_protocols: [A]',
    '2:21',
    'global.scrape_protocols: scrape_protocols: unknown scrape protocol A, supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto PrometheusText0.0.4 PrometheusText1.0.0] for global config',
  );
  bad(
    'global:\n  scrape_protocols: []',
    '2:21',
    'global.scrape_protocols: scrape_protocols cannot be empty for global config',
  );
});

test('jobs are checked', () => {
  bad('scrape_configs:\n- scheme: http', '2:3', 'scrape_configs[0]: job_name is empty');
  bad('scrape_configs:\n- job_name: ""', '2:13', 'scrape_configs[0].job_name: job_name is empty');
  bad(
    'scrape_configs:\n- job_name: a\n- job_name: a',
    '3:13',
    'scrape_configs[1].job_name: found multiple scrape configs with job name "a"',
  );
  badJob('foo: 1', '3:3', '.foo: unknown field');
  badJob(
    'scrape_timeout: 2m',
    '3:19',
    '.scrape_timeout: scrape timeout greater than scrape interval for scrape config with job name "x"',
  );
  badJob(
    'scrape_interval: 5s\nscrape_timeout: 6s',
    '4:19',
    '.scrape_timeout: scrape timeout greater than scrape interval for scrape config with job name "x"',
  );
  badJob('params: {a: b}', '3:15', '.params.a: want a list; got "b"');
  badJob('params: [a]', '3:11', '.params: want a mapping; got a list');
  badJob(
    'native_histogram_min_bucket_factor: x',
    '3:39',
    '.native_histogram_min_bucket_factor: want a number; got "x"',
  );
  badJob(
    'scrape_protocols: [PrometheusProto, PrometheusProto]',
    '3:21',
    '.scrape_protocols: duplicated protocol in scrape_protocols, got [PrometheusProto PrometheusProto] for scrape config with job name "x"',
  );
  badJob(
    'fallback_scrape_protocol: x',
    '3:29',
    '.fallback_scrape_protocol: invalid fallback_scrape_protocol for scrape config with job name "x": unknown scrape protocol x, supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto PrometheusText0.0.4 PrometheusText1.0.0]',
  );
  badJob(
    'metric_name_validation_scheme: legacy\nmetric_name_escaping_scheme: allow-utf-8',
    '4:32',
    '.metric_name_escaping_scheme: utf8 metric names requested but validation scheme is not set to UTF8',
  );
  badJob(
    'metric_name_escaping_scheme: no',
    '3:32',
    `.metric_name_escaping_scheme: unknown scrape config name escaping method specified, must be one of 'allow-utf-8', 'underscores', 'dots', or 'values', got "no"`,
  );
  badJob('job_name: y', '3:3', '.job_name: duplicate key');
  badJob('static_configs: [{targets: ["http://x"]}]', '3:19', '.static_configs: "http://x" is not a valid hostname');
  badJob('static_configs: [{targets: x}]', '3:30', '.static_configs[0].targets: want a list; got "x"');
  badJob('static_configs: [{target: [x]}]', '3:21', '.static_configs[0].target: unknown field');
  badJob('static_configs: [{labels: {"": x}}]', '3:34', '.static_configs[0].labels.: "" is not a valid label name');
  badJob('static_configs: [null]', '3:20', '.static_configs[0]: empty or null section in static_configs');
  assert.equal(oneJob('static_configs: [{targets: ["http://x"]}]\nrelabel_configs: [{target_label: a}]').jobName, 'x');
});

test('file and HTTP discovery are checked', () => {
  badJob(
    'file_sd_configs: [{}]',
    '3:21',
    '.file_sd_configs[0]: file service discovery config must contain at least one path name',
  );
  badJob(
    'file_sd_configs: [{files: [a.txt]}]',
    '3:29',
    '.file_sd_configs[0].files: path name "/etc/tm/a.txt" is not valid for file discovery',
  );
  badJob(
    'file_sd_configs: [{files: [a/*/b.json]}]',
    '3:29',
    '.file_sd_configs[0].files: path name "/etc/tm/a/*/b.json" is not valid for file discovery',
  );
  badJob(
    'file_sd_configs: [{files: [a.json], refresh_interval: x}]',
    '3:57',
    '.file_sd_configs[0].refresh_interval: not a valid duration string: "x"',
  );
  badJob('http_sd_configs: [{}]', '3:21', '.http_sd_configs[0]: URL is missing');
  badJob('http_sd_configs: [{url: ftp://x}]', '3:27', ".http_sd_configs[0].url: URL scheme must be 'http' or 'https'");
  badJob('http_sd_configs: [{url: "http://"}]', '3:27', '.http_sd_configs[0].url: host is missing in URL');
  badJob(
    'http_sd_configs: [{url: "http://x:port"}]',
    '3:27',
    '.http_sd_configs[0].url: parse "http://x:port": invalid port ":port" after host',
  );
  badJob(
    'http_sd_configs: [{url: "http://x/%zz"}]',
    '3:27',
    '.http_sd_configs[0].url: parse "http://x/%zz": invalid URL escape "%zz"',
  );
  badJob('http_sd_configs: [null]', '3:21', '.http_sd_configs[0]: empty or null section in http_sd_configs');
  assert.equal(oneJob('http_sd_configs: [{url: "http://x"}]').httpSdConfigs[0].refreshIntervalMs, 60_000);
  assert.equal(oneJob('file_sd_configs: [{files: [x.YAML]}]').fileSdConfigs[0].refreshIntervalMs, 300_000);
});

test('HTTP client options are checked', () => {
  const basic = 'basic_auth: {username: u}';
  badJob('basic_auth: {user: x}', '3:16', '.basic_auth.user: unknown field');
  badJob(
    'basic_auth: {username: a, username_file: b}',
    '3:15',
    '.basic_auth: at most one of basic_auth username, username_file & username_ref must be configured',
  );
  badJob(
    'basic_auth: {password: a, password_file: b}',
    '3:15',
    '.basic_auth: at most one of basic_auth password, password_file & password_ref must be configured',
  );
  badJob(
    'authorization: {type: Basic}',
    '3:25',
    '.authorization.type: authorization type cannot be set to "basic", use "basic_auth" instead',
  );
  badJob(
    'authorization: {credentials: a, credentials_file: b}',
    '3:18',
    '.authorization: at most one of authorization credentials & credentials_file must be configured',
  );
  badJob(
    `${basic}\nauthorization: {credentials: x}`,
    '2:3',
    ': at most one of basic_auth, oauth2 & authorization must be configured',
  );
  badJob(
    'bearer_token: a\nbearer_token_file: b',
    '3:17',
    '.bearer_token: at most one of bearer_token & bearer_token_file must be configured',
  );
  badJob(
    `bearer_token: a\n${basic}`,
    '2:3',
    ': at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured',
  );
  badJob(
    'bearer_token: a\nauthorization: {credentials: b}',
    '4:18',
    '.authorization: authorization is not compatible with bearer_token & bearer_token_file',
  );
  badJob('oauth2: {token_url: x}', '3:11', '.oauth2: oauth2 client_id must be configured');
  badJob('oauth2: {client_id: x}', '3:11', '.oauth2: oauth2 token_url must be configured');
  badJob(
    'oauth2: {client_id: x, token_url: y, client_secret: a, client_secret_file: b}',
    '3:11',
    '.oauth2: at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured',
  );
  badJob(
    'tls_config: {ca: a, ca_file: b}',
    '3:15',
    '.tls_config: at most one of ca, ca_file & ca_ref must be configured',
  );
  badJob(
    'tls_config: {cert_file: b}',
    '3:15',
    '.tls_config: exactly one of key or key_file must be configured when a client certificate is configured',
  );
  badJob(
    'tls_config: {key_file: b}',
    '3:15',
    '.tls_config: exactly one of cert or cert_file must be configured when a client key is configured',
  );
  badJob('tls_config: {min_version: TLS9}', '3:29', '.tls_config.min_version: unknown TLS version: TLS9');
  badJob(
    'tls_config: {min_version: TLS13, max_version: TLS12}',
    '3:15',
    '.tls_config: tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified',
  );
  badJob('proxy_url: "a b:c"', '3:14', '.proxy_url: parse "a b:c": first path segment in URL cannot contain colon');
  badJob('no_proxy: x', '3:13', '.no_proxy: if no_proxy is configured, proxy_url must also be configured');
  badJob(
    'proxy_url: http://p\nproxy_from_environment: true',
    '3:14',
    '.proxy_url: if proxy_from_environment is configured, proxy_url must not be configured',
  );
  badJob(
    'proxy_connect_header: {a: [b]}',
    '3:25',
    '.proxy_connect_header: if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured',
  );
  badJob(
    'http_headers: {user-agent: {values: [x]}}',
    '3:30',
    '.http_headers.user-agent: setting header "User-Agent" is not allowed',
  );
  badJob('http_headers: {x: {value: [x]}}', '3:22', '.http_headers.x.value: unknown field');
  badJob('follow_redirects: maybe', '3:21', '.follow_redirects: want true or false; got "maybe"');
});

test('a bearer token becomes an authorization', () => {
  const x = oneJob('bearer_token: abc');
  assert.equal(x.authorization?.type, 'Bearer');
  assert.equal(x.authorization?.credentials.reveal(), 'abc');
  assert.equal(x.bearerToken.isEmpty, true);
  assert.equal(oneJob('bearer_token_file: t').authorization?.credentialsFile, '/etc/tm/t');
  assert.equal(oneJob('authorization: {credentials: x, type: " Token "}').authorization?.type, 'Token');
});

test('relabelling rules are checked with the scheme of their job', () => {
  const rule = (fields: string, place: string, message: string) =>
    badJob(`relabel_configs:\n- {${fields}}`, place, `.relabel_configs[0]${message}`);
  rule('foo: 1', '4:6', '.foo: unknown field');
  rule('action: nope', '4:14', '.action: unknown relabel action "nope"');
  rule('regex: "a("', '4:13', '.regex: error parsing regexp: missing closing ): `^(?s:a()$`');
  rule('regex: "a{2,1}"', '4:13', '.regex: error parsing regexp: invalid repeat count: `{2,1}`');
  rule('source_labels: a', '4:21', '.source_labels: want a list; got "a"');
  rule('modulus: -1', '4:15', '.modulus: want a whole number that is not negative; got "-1"');
  rule('action: hashmod, target_label: a', '4:5', ': relabel configuration for hashmod requires non-zero modulus');
  rule('action: labeldrop, source_labels: []', '4:5', ": labeldrop action requires only 'regex', and no other fields");
  bad(
    job('metric_name_validation_scheme: legacy\nmetric_relabel_configs:\n- {target_label: a-b}'),
    '5:5',
    `scrape_configs[0].metric_relabel_configs[0]: "a-b" is invalid 'target_label' for replace action`,
  );
  assert.equal(oneJob('relabel_configs: [{target_label: a-b, action: RePlace}]').relabelConfigs[0].action, 'replace');
});

test('remote write and remote read are checked', () => {
  bad('remote_write: [{}]', '1:16', 'remote_write[0]: url for remote_write is empty');
  bad('remote_write: [null]', '1:16', 'remote_write[0]: empty or null remote write config section');
  bad(
    'remote_write: [{url: "http://a", headers: {Authorization: x}}]',
    '1:59',
    'remote_write[0].headers.Authorization: authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter',
  );
  bad(
    'remote_write: [{url: "http://a", headers: {Host: x}}]',
    '1:50',
    'remote_write[0].headers.Host: Host is a reserved header. It must not be changed',
  );
  bad(
    'remote_write: [{url: "http://a", basic_auth: {username: x}, sigv4: {}}]',
    '1:16',
    'remote_write[0]: at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: [basic_auth sigv4]',
  );
  bad(
    'remote_write: [{url: "http://a", name: n}, {url: "http://b", name: n}]',
    '1:68',
    'remote_write[1].name: found multiple remote write configs with job name "n"',
  );
  bad(
    'remote_write: [{url: "http://a", queue_config: {max_shards: 1, min_shards: 2}}]',
    '1:76',
    'remote_write[0].queue_config.min_shards: min_shards must not be greater than max_shards; got 2 and 1',
  );
  bad(
    'remote_write: [{url: "http://a", sigv4: {access_key: x}}]',
    '1:41',
    'remote_write[0].sigv4: must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config',
  );
  bad(
    'remote_write: [{url: "http://a", sigv4: {external_id: x}}]',
    '1:55',
    'remote_write[0].sigv4.external_id: external_id can only be used with role_arn',
  );
  bad(
    'remote_write: [{url: "http://a", azuread: {cloud: x}}]',
    '1:51',
    'remote_write[0].azuread.cloud: must provide a valid cloud in the Azure AD config',
  );
  bad(
    'remote_write: [{url: "http://a", write_relabel_configs: [null]}]',
    '1:58',
    'remote_write[0].write_relabel_configs[0]: empty or null relabeling rule in remote write config',
  );
  bad('remote_read: [{}]', '1:15', 'remote_read[0]: url for remote_read is empty');
  bad('remote_read: [{url: ":x"}]', '1:21', 'remote_read[0].url: parse ":x": missing protocol scheme');
  const [write] = parse('remote_write: [{url: "http://a"}]').remoteWrite;
  assert.equal(write.enableHttp2, false);
  assert.deepEqual(write.queueConfig, {
    capacity: 10_000,
    maxShards: 50,
    minShards: 1,
    maxSamplesPerSend: 2000,
    batchSendDeadlineMs: 5000,
    minBackoffMs: 30,
    maxBackoffMs: 5000,
    retryOnHttp429: false,
    sampleAgeLimitMs: 0,
  });
  assert.equal(write.metadataConfig.send, true);
});

test('alerting, rules, storage, tracing and otlp are checked', () => {
  bad('rule_files: ["a/*/b"]', '1:14', 'rule_files[0]: invalid rule file path "a/*/b"');
  bad('scrape_config_files: ["a/*/b"]', '1:23', 'scrape_config_files[0]: invalid scrape config file path "a/*/b"');
  bad(
    'alerting: {alertmanagers: [{api_version: v1}]}',
    '1:42',
    'alerting.alertmanagers[0].api_version: expected Alertmanager api version to be one of [v2] but got v1',
  );
  bad(
    'alerting: {alertmanagers: [{static_configs: [{targets: [a/b]}]}]}',
    '1:45',
    'alerting.alertmanagers[0].static_configs: "a/b" is not a valid hostname',
  );
  bad(
    'alerting: {alertmanagers: [{basic_auth: {username: a}, sigv4: {}}]}',
    '1:28',
    'alerting.alertmanagers[0]: at most one of basic_auth, authorization, oauth2, & sigv4 must be configured',
  );
  bad(
    'alerting: {alert_relabel_configs: [null]}',
    '1:36',
    'alerting.alert_relabel_configs[0]: empty or null alert relabeling rule',
  );
  bad('storage: {tsdb: {retention: {size: 5}}}', '1:36', 'storage.tsdb.retention.size: units: missing unit in 5');
  bad(
    'storage: {tsdb: {retention: {percentage: 101}}}',
    '1:42',
    "storage.tsdb.retention.percentage: 'storage.tsdb.retention.percentage' must be in the range [0, 100]; got 101",
  );
  bad('storage: {tsdb: {foo: 1}}', '1:18', 'storage.tsdb.foo: unknown field');
  bad(
    'storage: {exemplars: {max_exemplars: x}}',
    '1:38',
    'storage.exemplars.max_exemplars: want a whole number; got "x"',
  );
  bad(
    'tracing: {client_type: udp}',
    '1:24',
    'tracing.client_type: expected tracing client type to be to be http or grpc, but got udp',
  );
  bad('tracing: {insecure: true}', '1:10', 'tracing: tracing endpoint must be set');
  bad(
    'otlp: {translation_strategy: X}',
    '1:30',
    'otlp.translation_strategy: unsupported OTLP translation strategy "X"',
  );
  bad(
    'otlp: {promote_resource_attributes: [a, ""]}',
    '1:37',
    "otlp.promote_resource_attributes: invalid 'promote_resource_attributes': empty promoted OTel resource attribute",
  );
  bad(
    'otlp: {promote_resource_attributes: [a, " a"]}',
    '1:37',
    `otlp.promote_resource_attributes: invalid 'promote_resource_attributes': duplicated promoted OTel resource attribute "a"`,
  );
  bad('runtime: {gogc: x}', '1:17', 'runtime.gogc: want a whole number; got "x"');
});

test('discovery mechanisms that do not run yet are still checked', () => {
  const sd = (name: string, fields: string, message: string) => {
    assert.throws(
      () => parse(job(`${name}_sd_configs:\n- {${fields}}`)),
      (error: Error) => {
        assert.ok(error.message.endsWith(message), error.message);
        return /: line \d+, column \d+: scrape_configs\[0\]\./.test(error.message);
      },
    );
  };
  sd('dns', '', 'DNS-SD config must contain at least one SRV record name');
  sd('dns', 'names: [a], type: A', 'a port is required in DNS-SD configs for all record types except SRV');
  sd('dns', 'names: [a], type: X', 'invalid DNS-SD records type X');
  sd('consul', 'server: ""', 'consul SD configuration requires a server address');
  sd(
    'consul',
    'username: a, basic_auth: {username: b}',
    'at most one of consul SD configuration username and password and basic auth can be configured',
  );
  sd('kubernetes', '', 'role missing (one of: pod, service, endpoints, endpointslice, node, ingress)');
  sd('kubernetes', 'role: foo', 'unknown Kubernetes SD role "foo"');
  sd(
    'kubernetes',
    'role: pod, proxy_url: "http://x"',
    "to use custom HTTP client configuration please provide the 'api_server' URL explicitly",
  );
  sd('kubernetes', 'role: pod, selectors: [{role: pod, label: "a in (b"}]', 'unable to parse requirement: a in (b');
  sd('docker', '', 'host missing');
  sd('dockerswarm', 'host: "unix:///x"', 'role missing (one of: tasks, services, nodes)');
  sd('dockerswarm', 'host: "unix:///x", role: y', 'invalid role y, expected tasks, services, or nodes');
  sd('gce', '', 'GCE SD configuration requires a project');
  sd('gce', 'project: a', 'GCE SD configuration requires a zone');
  sd('kuma', '', 'kuma SD server must not be empty and have a scheme: ');
  sd('marathon', '', 'marathon_sd: must contain at least one Marathon server');
  sd('nerve', 'servers: [a]', 'nerve SD config must contain at least one path');
  sd('serverset', 'servers: [a], paths: [b]', "serverset SD config paths must begin with '/': b");
  sd('nomad', 'server: ""', 'nomad SD configuration requires a server address');
  sd('triton', '', 'triton SD configuration requires an account');
  sd('uyuni', 'server: "http://x"', 'uyuni SD configuration requires a username');
  sd('openstack', 'role: instance', 'openstack SD configuration requires a region');
  sd('aws', 'region: x', 'unknown AWS SD role ""');
  sd('aws', 'region: x, role: y', 'unknown AWS SD role "y"');
  sd(
    'azure',
    'authentication_method: x',
    'unknown authentication_type "x". Supported types are "OAuth", "ManagedIdentity", "SDK", "WorkloadIdentity"',
  );
  sd('scaleway', 'role: instance', 'project_id is mandatory');
  sd('hetzner', '', 'role missing (one of: robot, hcloud)');
  sd('digitalocean', 'nonsense: 1', 'nonsense: unknown field');
  sd(
    'vultr',
    'bearer_token: a, bearer_token_file: b',
    'at most one of bearer_token & bearer_token_file must be configured',
  );
});

test('what does not run is named once per section', () => {
  const config = parse(`
runtime: {gogc: 50}
rule_files: [a.yml]
alerting: {alertmanagers: [{static_configs: [{targets: [a:1]}]}]}
remote_write: [{url: "http://a"}]
remote_read: [{url: "http://a"}]
tracing: {endpoint: a}
storage: {tsdb: {out_of_order_time_window: 1h, retention: {percentage: 5}}, exemplars: {max_exemplars: 5}}
scrape_configs: [{job_name: x, scrape_native_histograms: true, scrape_failure_log_file: f, dns_sd_configs: [{names: [a]}, {names: [b]}]}]`);
  assert.deepEqual(
    unsupported(config).map((u) => u.path),
    [
      'runtime.gogc',
      'tracing',
      'alerting',
      'rule_files',
      'remote_write',
      'remote_read',
      'storage.tsdb.out_of_order_time_window',
      'storage.exemplars',
      'scrape_configs[job_name=x].dns_sd_configs',
    ],
  );
  assert.equal(
    unsupported(config, new Set(['rule_files'])).some((u) => u.path === 'rule_files'),
    false,
  );
  assert.deepEqual(unsupported(parse(job('static_configs: [{targets: [a:1]}]'))), []);
  const signed = parse(
    'remote_write: [{url: "http://a", sigv4: {}}]\nalerting: {alertmanagers: [{sigv4: {region: r}}]}',
  );
  assert.deepEqual(unsupported(signed, new Set(['remote_write', 'alerting'])), []);
  assert.equal(unsupported(config)[2].text, 'alerting is not supported yet and has no effect');
});

test('the printed configuration has defaults, masks secrets and reads back the same', () => {
  const config = parse(`
global: {external_labels: {b: "1", a: "2"}}
remote_write: [{url: "http://user:pw@host/x", basic_auth: {username: u, password: topsecret}}]
scrape_configs:
- job_name: x
  authorization: {credentials: topsecret}
  http_headers: {h: {secrets: [topsecret]}}
  params: {b: ["1"], a: ["2"]}
  body_size_limit: 1536KB
  scrape_interval: 90s
  relabel_configs: [{source_labels: [a, b], target_label: c}]`);
  const text = printConfig(config);
  assert.doesNotMatch(text, /topsecret|:pw@/);
  assert.doesNotMatch(JSON.stringify(config), /topsecret/);
  assert.match(text, /url: http:\/\/user:xxxxx@host\/x\n/);
  assert.match(text, /external_labels:\n {4}a: "2"\n {4}b: "1"\n/);
  assert.match(text, /scrape_interval: 1m30s\n {2}scrape_timeout: 10s\n/);
  assert.match(text, /body_size_limit: 1MiB512KiB\n/);
  assert.match(
    text,
    /- source_labels: \[a, b\]\n {4}separator: ;\n {4}target_label: c\n {4}replacement: \$1\n {4}action: replace\n/,
  );
  assert.equal(printConfig(parse(text.replaceAll('xxxxx', 'pw'))), text);
  assert.match(printScrapeConfig(config.scrapeConfigs[0]), /^job_name: x\n/);
});
