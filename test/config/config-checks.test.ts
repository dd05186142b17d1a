// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables and templates of the configuration language
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bad, badJob, job, oneJob, parse } from './config-text.ts';

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
