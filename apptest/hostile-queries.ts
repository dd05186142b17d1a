// Queries that want everything: more memory, time or recursion than anybody should get. Over the data of hostileSeries() below;
// hostile-queries.test.ts asks them. Numbers without a unit are seconds.

export interface HostileQuery {
  readonly query: string;
  /** A range query of so many seconds up to the newest sample; absent: an instant query. */
  readonly range?: number;
  readonly step?: number;
}

const all = '{__name__=~".+"}';
const nested = (open: string, core: string, close: string, depth: number): string =>
  open.repeat(depth) + core + close.repeat(depth);
const joined = (part: string, by: string, count: number): string => new Array<string>(count).fill(part).join(by);
const instant = (query: string): HostileQuery => ({ query });
/** At the finest step that a range query may have. */
const fine = (query: string): HostileQuery => ({ query, range: 5400, step: 0.5 });
const coarse = (query: string): HostileQuery => ({ query, range: 5400, step: 30 });

const crossJoins: HostileQuery[] = [
  instant(`requests_total * on() group_left() requests_total`),
  instant(`requests_total * on(job) group_left() requests_total`),
  instant(`requests_total + on(job) requests_total`),
  instant(`${all} + ignoring(__name__) ${all}`),
  fine(`requests_total * on(instance) group_left(path) requests_total`),
  fine(`requests_total == requests_total`),
  fine(`requests_total > bool requests_total offset 1m`),
  coarse(`requests_total * on(job, instance) group_left(version) target_info * on(job, instance) group_left() up`),
  coarse(`requests_total and on() requests_total or latency_bucket unless on(le) requests_total`),
  coarse(joined('requests_total', ' or ', 40)),
  coarse(Array.from({ length: 40 }, (_, i) => `requests_total offset ${i + 1}s`).join(' or ')),
  fine(Array.from({ length: 12 }, (_, i) => `count(abs(requests_total offset ${i + 1}s))`).join(' + ')),
  coarse(joined('requests_total', ' + ', 60)),
  fine(joined('requests_total', ' and ', 20)),
  instant(`up * on() group_right() ${all}`),
  instant(
    `label_replace(requests_total, "x", "same", "", "") / on(x) group_left() label_replace(up, "x", "same", "", "")`,
  ),
  coarse(`topk by (path) (5, requests_total) * on(path) group_left() bottomk by (path) (1, requests_total)`),
];

const regexes: HostileQuery[] = [
  instant(`count({path=~"(a|b|c|d|e)*(x+x+)+y.*z?"})`),
  instant(`count(requests_total{path=~"${'(a?){50}'.repeat(20)}"})`),
  instant(`count({path=~"${nested('(', 'a+', ')+', 200)}"})`),
  instant(`count({path=~"${joined('/p/1..', '|', 5000)}"})`),
  instant(`count({path=~"${joined('.*x.*', '|', 2000)}"})`),
  instant(`count({path=~".{1000}{1000}"})`),
  instant(`count({path=~"(((a{1,100}){1,100}){1,100})"})`),
  instant(`count({path=~"${'.*'.repeat(500)}z"})`),
  instant(`count({path=~"${'.*.*=.*'.repeat(60)}"})`),
  instant(`count({path=~"[${'a-z0-9'.repeat(5000)}]+"})`),
  instant(`count(requests_total{path!~"${joined('[^x]*y', '|', 1000)}",instance!~".*(1|2|3).*.*.*"})`),
  instant(`count({__name__=~".*.*.*.*",job=~".*.*.*.*",path=~".*.*.*.*(p).*.*.*"})`),
  instant(`label_replace(${all}, "a", "$1$1$1$1$1$1$1$1", "path", "(.*)*(.*)*(.*)*")`),
  instant(`label_replace(requests_total, "a", "$1", "path", "${'(a*)*'.repeat(300)}.*")`),
  instant(`label_replace(requests_total, "a", "$1", "path", "(x+x+)+y|(.*)")`),
  instant(`label_replace(requests_total, "a", "$1", "path", "(.{0,900}){0,900}")`),
  coarse(`label_replace(requests_total, "a", "${'$1'.repeat(5000)}", "path", "(.*)")`),
  instant(nested('label_replace(', 'requests_total', ', "a", "$1$1", "path", "(.*)")', 60)),
  instant(nested('label_join(', 'requests_total', ', "path", "/", "path", "path")', 40)),
  instant(nested('label_replace(', 'up', ', "instance", "$1$1", "instance", "(.*)")', 60)),
];

const subqueries: HostileQuery[] = [
  instant(`max_over_time(requests_total[90m:1ms])`),
  instant(`sum(max_over_time(requests_total[90m:100ms]))`),
  instant(`rate(requests_total[1m:1ms])`),
  instant(`${nested('max_over_time(', 'requests_total', '[90m:1s])', 6)}`),
  coarse(`${nested('avg_over_time(', 'up', '[30m:1s])', 5)}`),
  instant(`count_over_time(vector(1)[10y:1ms])`),
  instant(`count_over_time(time()[100y:1s])`),
  instant(`quantile_over_time(0.5, requests_total[90m:1s])`),
  coarse(`quantile_over_time(0.99, sum by (path) (requests_total)[90m:1s])`),
  coarse(`sum_over_time(rate(requests_total[5m])[1h:5s])`),
  instant(`requests_total[90m:10ms]`),
  instant(`up[100y:1s]`),
  instant(`absent_over_time(nothing_at_all[100y:1ms])`),
  instant(`max_over_time((requests_total * 2 + requests_total)[90m:2s])`),
  instant(`stddev_over_time(${all}[90m:500ms])`),
  coarse(`predict_linear(requests_total[80m:10s], scalar(up{instance="i0"}) * 3600)`),
  coarse(`double_exponential_smoothing(requests_total[80m:5s], 0.5, 0.5)`),
  coarse(`max_over_time(topk(1000, requests_total)[1h:10s])`),
];

const ranges: HostileQuery[] = [
  fine(all),
  fine(`requests_total`),
  fine(`rate(requests_total[5m])`),
  fine(`rate(requests_total[90m])`),
  fine(`sum by (instance, path, code) (rate(requests_total[90m]))`),
  fine(`quantile_over_time(0.9, requests_total[90m])`),
  fine(`sum(quantile_over_time(0.9, requests_total[90m]))`),
  fine(`abs(-requests_total)`),
  fine(`sort(requests_total)`),
  fine(`stddev by (path) (requests_total)`),
  fine(`sum without (code) (-requests_total)`),
  fine(`round(clamp(requests_total, 1, 100) ^ 0.3, 0.001) % 7`),
  fine(`timestamp(requests_total)`),
  fine(`holt_winters(requests_total[90m], 0.1, 0.9)`),
  fine(`absent(${all})`),
  fine(`scalar(requests_total) + requests_total`),
  instant(`${all}[90m]`),
  instant(`${all}[1000y]`),
];

const aggregations: HostileQuery[] = [
  fine(`count_values("v", ${all})`),
  instant(`count_values("v", ${all})`),
  coarse(`count_values by (path) ("v", requests_total)`),
  coarse(`count_values without () ("v", requests_total)`),
  fine(`topk(1000000, requests_total)`),
  coarse(`bottomk by (path, code) (9e18, requests_total)`),
  coarse(`topk(scalar(count(up)), -requests_total)`),
  fine(`limitk(9223372036854775000, requests_total)`),
  coarse(`limit_ratio(0.99999, ${all})`),
  fine(`quantile(0.99, requests_total)`),
  coarse(`quantile by (path) (0.5, -requests_total)`),
  coarse(`sum by (${joined('path', ', ', 2000)}) (requests_total)`),
  coarse(`sum without (${Array.from({ length: 3000 }, (_, i) => `l${i}`).join(', ')}) (-requests_total)`),
  coarse(`histogram_quantile(0.99, ${all})`),
  fine(`histogram_quantile(0.99, latency_bucket)`),
  fine(`histogram_quantile(0.99, sum by (le, instance) (rate(latency_bucket[90m])))`),
  coarse(`histogram_quantile(0.9, label_replace(requests_total, "le", "$1", "path", ".*?([0-9]+).*"))`),
  coarse(`info(${all})`),
  coarse(`info(requests_total, {__name__=~".+"})`),
  fine(`info(requests_total)`),
  instant(`sort_desc(${all})`),
  instant(`sort_by_label(${all}, "path", "code", "instance", "le", "job")`),
];

const texts: HostileQuery[] = [
  instant(nested('(', '1', ')', 20_000)),
  instant(nested('-', '1', '', 50_000)),
  instant(nested('abs(', 'up', ')', 3000)),
  instant(nested('sum(', 'up', ')', 3000)),
  instant(joined('1', '+', 100_000)),
  instant(joined('2', '^', 20_000)),
  instant(joined('up', ' or ', 3000)),
  instant(joined('up', ' * on() group_left() ', 12)),
  instant(`up == ${'9'.repeat(400_000)}`),
  instant(`up == 0x${'f'.repeat(100_000)}`),
  instant(`"${'x'.repeat(2_000_000)}"`),
  instant(`{${Array.from({ length: 5000 }, (_, i) => `l${i}!="x"`).join(',')}}`),
  instant(`{${Array.from({ length: 200 }, (_, i) => `l${i}!~".*x${i}.*"`).join(',')},__name__=~".+"}`),
  instant(`up offset 9000000000000000000`),
  instant(`sum(rate(requests_total[290y] offset -200y))`),
  instant(`requests_total @ 9e300`),
  coarse(`sum(requests_total @ start() offset -90m) + count_over_time(up[1h] @ 1e9)`),
  instant(`up[1h:1h:1h]`),
  instant(`up[${'1'.repeat(1000)}s]`),
  instant('('.repeat(300_000)),
  instant('{'.repeat(1000)),
  instant(`# ${'x'.repeat(1_000_000)}\nup`),
];

/** All of them. */
export const hostileQueries: readonly HostileQuery[] = [
  ...crossJoins,
  ...regexes,
  ...subqueries,
  ...ranges,
  ...aggregations,
  ...texts,
];

const BOUNDS = ['0.01', '0.05', '0.1', '0.5', '1', '5', '10', '+Inf'];

/** Label sets of the data, about 20,000: 10,000 counters, 8,000 buckets, 2,000 of targets and gauges. */
export function* hostileSeries(): Generator<Record<string, string>> {
  for (let i = 0; i < 10_000; i++) {
    const labels = { job: `j${i % 3}`, instance: `i${i % 100}`, path: `/p/${i}/items`, code: String(200 + (i % 7)) };
    yield { __name__: 'requests_total', ...labels };
  }
  for (let i = 0; i < 8000; i++) {
    const labels = { job: `j${i % 3}`, instance: `i${i % 100}`, handler: `h${Math.floor(i / 800)}` };
    yield { __name__: 'latency_bucket', le: BOUNDS[Math.floor(i / 100) % 8], ...labels };
  }
  for (let i = 0; i < 1000; i++) {
    const target = { job: `j${i % 3}`, instance: `i${i}` };
    yield { __name__: 'up', ...target };
    yield { __name__: 'target_info', version: `v${i % 20}`, ...target };
  }
}
