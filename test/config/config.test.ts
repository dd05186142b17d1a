// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables and templates of the configuration language
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printConfig, printScrapeConfig, unsupported } from '../../src/config/index.ts';
import { bad, job, oneJob, parse } from './config-text.ts';

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
