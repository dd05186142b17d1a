// Configuration files that cannot be loaded, with what must be said about them. All are said with file, line and column.

/** `place` is the line and column that the message must name; '' where the fault is in no one place. */
export interface ConfigCase {
  readonly name: string;
  readonly text: string | Uint8Array;
  readonly place: string;
  readonly message: RegExp;
}

const cases: ConfigCase[] = [];

function bad(text: string | Uint8Array, place: string, message: RegExp): void {
  const shown = typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
  cases.push({ name: JSON.stringify(shown.slice(0, 60)), text, place, message });
}

const job = (...lines: string[]): string =>
  ['scrape_configs:', '  - job_name: a', ...lines.map((line) => `    ${line}`), ''].join('\n');
const relabel = (...lines: string[]): string => job('relabel_configs:', `  - ${lines.join('\n        ')}`);

bad('global: [', '1:10', /./);
bad('a: b\n', '1:1', /unknown field/);
bad('- 1', '1:1', /want a mapping/);
bad('"text"', '1:1', /want a mapping/);
bad('\tfoo: bar\n', '1:1', /tab/i);
bad('global:\n  scrape_interval: 5x\n', '2:20', /unknown unit/);
bad('global:\n  scrape_interval: -5s\n', '2:20', /duration/);
bad('global:\n  scrape_interval: []\n', '2:20', /./);
bad('global:\n  scrape_interval: 99999999999y\n', '2:20', /duration/);
bad('global:\n  scrape_interval: 1s\n  scrape_timeout: 5s\n', '3:19', /greater than scrape interval/);
bad('global:\n  scrape_interval: 1m\n  scrape_interval: 2m\n', '3:3', /duplicate key/);
bad('global:\n  no_such_setting: 1\n', '2:3', /unknown field/);
bad('global:\n  external_labels:\n    "": x\n', '3:9', /label/);
bad('global:\n  external_labels: 5\n', '2:20', /mapping/);
bad('global:\n  __proto__: {}\n', '2:3', /unknown field/);
bad('global:\n  constructor: {}\n', '2:3', /unknown field/);
bad('scrape_configs: {}\n', '1:17', /list/);
bad('scrape_configs:\n  - {}\n', '2:5', /job_name/);
bad('scrape_configs:\n  - job_name: ""\n', '2:15', /job_name/);
bad('scrape_configs:\n - job_name: a\n - job_name: a\n', '3:14', /multiple scrape configs/);
bad(job('metrics_pathh: /x'), '3:5', /unknown field/);
bad(job('scrape_timeout: 2h'), '3:21', /timeout/);
bad(job('sample_limit: -1'), '3:19', /./);
bad(job('sample_limit: many'), '3:19', /./);
bad(job('honor_labels: maybe'), '3:19', /./);
bad(job('static_configs: [{targets: [1, [2]]}]'), '3:36', /./);
bad(job('static_configs: [{targets: ["a/b"]}]'), '3:21', /not a valid/);
bad(job('params: {a: b}'), '3:17', /./);
bad(job('basic_auth: {username: x}', 'bearer_token: y'), '', /at most one of/);
bad(job('basic_auth: {password: a, password_file: b}'), '3:', /at most one of/);
bad(job('proxy_url: "http://[::1"'), '3:16', /./);
bad(job('file_sd_configs: [{files: [a.txt]}]'), '3:', /./);
bad(job('no_such_sd_configs: []'), '3:5', /unknown field/);
bad(relabel('regex: "(a"'), '4:16', /missing closing \)/);
bad(relabel('regex: "a{2000}"'), '4:16', /repeat/);
bad(relabel('action: explode'), '4:17', /unknown relabel action|action/);
bad(relabel('action: replace'), '', /target_label/);
bad(relabel('action: hashmod', 'target_label: x'), '', /modulus/);
bad(relabel('source_labels: 5'), '4:24', /./);
bad(relabel('separator: []'), '4:20', /./);
bad('rule_files: 5\n', '1:13', /list/);
bad('rule_files: [5, {a: b}]\n', '1:17', /./);
bad('alerting: []\n', '1:11', /mapping/);
bad('alerting:\n  alertmanagers:\n    - timeout: x\n', '3:16', /duration/);
bad('remote_write:\n  - url: ""\n', '2:', /url/);
bad('remote_write:\n  - {}\n', '2:5', /url/);
bad('remote_write:\n  - url: "::::"\n', '2:10', /./);
bad('storage:\n  tsdb:\n    out_of_order_time_window: x\n', '3:31', /duration/);
bad('%YAML 9\n---\n', '1:7', /version/);
bad('global: *nothing\n', '1:', /alias|anchor/i);
bad('&a [*a]', '1:', /./);
bad('global: {}\n---\nglobal: {}\n', '2:', /document/);
bad('global: "unclosed\n', '', /./);
bad('global: {scrape_interval: 5s\n', '', /./);
bad('global:\n  external_labels: {a: !!binary "###"}\n', '', /./);
bad('['.repeat(10_000), '1:', /nested too deeply/);
bad('{a: '.repeat(10_000), '1:', /nested too deeply/);
bad(`a:\n${' '.repeat(100)}b: 1\n${'? '.repeat(5000)}`, '', /./);
bad(`${'x'.repeat(3_000_000)}`, '1:1', /^.{0,1000}$/s);
bad(Buffer.from('global:\n  external_labels:\n    a: "\xff"\n', 'latin1'), '3:9', /UTF-8/);
bad(Uint8Array.of(0xff, 0xfe, 0, 0x67), '1:1', /UTF-8/);
bad(
  Uint8Array.from({ length: 5000 }, (_, i) => (i * 131 + 7) & 255),
  '',
  /./,
);
// Aliases that multiply to a billion nodes.
const laughs = [
  'l0: &l0 [x, x]',
  ...Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}x]`),
];
bad(`global:\n  external_labels:\n${laughs.map((line) => `    ${line}\n`).join('')}`, '', /./);

/** All cases. */
export const configCases: readonly ConfigCase[] = cases;
