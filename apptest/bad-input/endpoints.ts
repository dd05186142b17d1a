// Wrong parameters, paths and methods of the other endpoints.
import type { BadCase } from './case.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const cases: BadCase[] = [];

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}... (${text.length})` : text);

function bad(method: string, path: string, statuses: readonly number[], message: RegExp, body?: string): void {
  const headers = body === undefined ? {} : FORM;
  cases.push({ name: `${method} ${shorten(path)}`, request: { method, path, headers, body }, statuses, message });
}

function listings(): void {
  bad('GET', '/api/v1/series', [400], /no match\[\] parameter provided/);
  bad('POST', '/api/v1/series', [400], /no match\[\] parameter provided/, '');
  for (const selector of ['{}', '{a=""}', 'up{', 'sum(up)', '1', 'up[5m]', '"x"', '{a=~"("}', '']) {
    bad('GET', `/api/v1/series?match[]=${encodeURIComponent(selector)}`, [400], /invalid parameter \\"match\[\]\\"/);
    bad('GET', `/api/v1/labels?match[]=${encodeURIComponent(selector)}`, [400], /bad_data/);
    bad('GET', `/api/v1/label/a/values?match[]=${encodeURIComponent(selector)}`, [400], /bad_data/);
  }
  for (const [parameter, text] of [
    ['start', 'x'],
    ['end', 'x'],
    ['limit', '-1'],
    ['limit', '1.5'],
    ['start', '1e99'],
  ]) {
    for (const path of ['series?match[]=up&', 'labels?', 'label/a/values?']) {
      bad('GET', `/api/v1/${path}${parameter}=${text}`, [400], new RegExp(`${parameter}`));
    }
  }
  bad('GET', `/api/v1/labels?${'match[]=up&'.repeat(20_000)}`, [200], /success/);
  bad('GET', '/api/v1/labels?start=2&end=1', [200, 400], /./);
}

function labelPaths(): void {
  for (const name of ['%ff', '%c0%80', '%', '%zz', '%e']) bad('GET', `/api/v1/label/${name}/values`, [400], /./);
  for (const name of [
    'a%2fb',
    '%00',
    '%0d%0a',
    'U__',
    'U___',
    'U__zz',
    'U__d800_',
    'U__110000_',
    '%F0%9F%98%80',
    '..',
    '%2e%2e',
    '__proto__',
    'constructor',
  ]) {
    bad('GET', `/api/v1/label/${name}/values`, [200, 400], /"data":\[\]|invalid label name/);
  }
  bad('GET', '/api/v1/label//values', [400], /invalid label name/);
  bad('GET', `/api/v1/label/${'x'.repeat(5000)}/values`, [400, 414], /url|length|label/i);
  bad('GET', '/api/v1/label/a', [404], /404 page not found/);
  bad('GET', '/api/v1/label/a/b/values', [404], /404 page not found/);
}

function others(): void {
  for (const limit of ['0', '-1', 'x', '10001', '1e3', '99999999999999999999']) {
    bad('GET', `/api/v1/status/tsdb?limit=${limit}`, [400], /invalid parameter \\"limit\\"/);
  }
  bad('GET', '/api/v1/query_exemplars', [400], /parse error/);
  bad('GET', '/api/v1/query_exemplars?query=up&start=x', [400], /start/);
  bad('GET', '/api/v1/query_exemplars?query=up&start=2&end=1', [400], /before start/);
  bad('GET', '/api/v1/format_query', [400], /parse error/);
  bad('GET', '/api/v1/format_query?query=((', [400], /parse error/);
  bad('GET', '/api/v1/format_query?query=' + '('.repeat(10_000), [400], /nested too deeply/);
  bad('GET', '/api/v1/parse_query?query=((', [400, 404], /error/);
  bad('GET', '/api/v1/targets?state=nonsense', [200], /success/);
  bad('GET', '/api/v1/targets/metadata?limit=x', [400], /limit/);
  bad('GET', '/api/v1/targets/metadata?match_target=up{', [400], /bad_data/);
  bad('GET', '/api/v1/metadata?limit=x', [400], /limit/);
  bad('GET', '/api/v1/metadata?limit_per_metric=x', [400], /limit/);
  bad('GET', '/api/v1/nosuch', [404], /404 page not found/);
  bad('GET', '/api/v2/query', [404], /404 page not found/);
  bad('GET', '/../../etc/passwd', [400, 404], /^(?!root:)/);
  bad('GET', '/%2e%2e/%2e%2e/etc/passwd', [400, 404], /^(?!root:)/);
  bad('GET', '/assets/../../../../etc/passwd', [400, 404], /^(?!root:)/);
  bad('GET', '/static/..%2f..%2f..%2fetc%2fpasswd', [400, 404], /^(?!root:)/);
  bad('GET', '/%00', [400, 404], /./);
  bad('DELETE', '/api/v1/query', [405], /Method Not Allowed/);
  bad('GET', '/api/v1/write', [405], /Method Not Allowed/);
  bad('PUT', '/api/v1/write', [405], /Method Not Allowed/, 'x');
  bad('POST', '/api/v1/status/flags', [405], /Method Not Allowed/, 'x');
  bad('POST', '/api/v1/label/a/values', [405], /Method Not Allowed/, 'x');
  bad('GET', '/-/reload', [405], /Method Not Allowed/);
  bad('GET', '/-/quit', [405], /Method Not Allowed/);
  for (const name of ['delete_series', 'clean_tombstones', 'snapshot']) {
    bad('POST', `/api/v1/admin/tsdb/${name}`, [500], /admin APIs disabled/, '');
  }
  bad('POST', '/api/v1/query', [413], /larger than/, `query=${'a'.repeat(11 << 20)}`);
  bad('POST', '/api/v1/query', [400], /parse error/, '='.repeat(100_000));
  bad('POST', '/api/v1/query', [400], /parse error/, '&'.repeat(1_000_000));
  bad('POST', '/api/v1/query', [400], /parse error/, 'a=b&'.repeat(500_000));
  bad('POST', '/api/v1/query', [400], /UTF-8|parse error/, '\ud800');
  bad('POST', '/api/v1/query', [400], /UTF-8|parse error/, 'query=%80');
  for (const tenant of ['a/b', 'ä', '..', 'x'.repeat(151)]) {
    const request = { path: '/api/v1/query?query=up', headers: { 'x-scope-orgid': tenant } };
    cases.push({ name: `query of tenant ${shorten(tenant)}`, request, statuses: [400], message: /tenant ID/ });
  }
  const json = { 'content-type': 'application/json' };
  const request = { method: 'POST', path: '/api/v1/query', headers: json, body: '{"query":"up"}' };
  cases.push({ name: 'a query in JSON', request, statuses: [400], message: /parse error/ });
}

/** All cases. */
export function badEndpoints(): readonly BadCase[] {
  cases.length = 0;
  listings();
  labelPaths();
  others();
  return cases;
}
