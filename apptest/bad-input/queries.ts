// Expressions and parameters that cannot be answered, or that would be dear if they were taken at their word.
import type { BadCase } from './case.ts';

const PARSE_ERROR = /"errorType":"bad_data".*parse error/;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const cases: BadCase[] = [];

const shorten = (text: string): string => (text.length > 50 ? `${text.slice(0, 50)}... (${text.length})` : text);

function get(path: string, statuses: readonly number[], message: RegExp): void {
  cases.push({ name: `GET ${shorten(path)}`, request: { path }, statuses, message });
}

/** An expression, in the address where it fits and in a form. */
function bad(expression: string, message: RegExp = PARSE_ERROR, statuses: readonly number[] = [400]): void {
  const form = `query=${encodeURIComponent(expression)}`;
  const name = `expression ${shorten(expression)}`;
  if (form.length < 60_000) cases.push({ name, request: { path: `/api/v1/query?${form}` }, statuses, message });
  else cases.push({ name, request: { path: '/api/v1/query', headers: FORM, body: form }, statuses, message });
}

/** Expressions that must be answered, whatever they look like. */
const dear = (expression: string): void => bad(expression, /"status":"success"/, [200]);

function expressions(): void {
  const deep = 10_000;
  const nested = /nested too deeply|parse error/;
  for (const text of [
    '',
    ' ',
    '#',
    '()',
    '(',
    ')',
    '{',
    '}',
    '[5m]',
    'a b',
    '1 +',
    '+',
    '* 1',
    'sum(',
    'sum)',
    'up{',
    'up{a',
    'up{a=',
    'up{a="b',
    'up{a=b}',
    "up{'a'",
    'up[',
    'up[5m',
    'up[5]x',
    'up[-5m]',
    'up[5m][5m]',
    'up offset',
    'up offset x',
    'up @',
    'up @ x',
    '"',
    "'",
    '`',
    '"\\x"',
    '"\\ud800"',
    'sum by (up',
    'sum by () by () (up)',
    'nosuch(up)',
    'rate(up)',
    'rate(up[5m], 1)',
    'rate()',
    'up and 1',
    '1 and 1',
    'up + on(a) group_left(a) up',
    '1 == 1',
    '{}',
    '{a=""}',
    '{a=~".*"}',
    '{__name__=~".*(.*)*"}',
    'topk(up)',
    'quantile("x", up)',
    'label_replace(up, "a")',
    'up{__name__="x"}',
    '1e',
    '0x',
    '1..2',
    '1m2',
    '5m5m5x',
    'NaN()',
    'up\u0000',
    '\u0000',
    '\u{1f4a9}',
    'up{a=~"("}',
    'up{a=~"[z-a]"}',
    'up{a=~"a**"}',
    'up{a=~"(?P<n>x)(?P<n>y)"}',
    'up{a=~"\\\\8"}',
    'up{a=~"(?=a)"}',
    'up{a=~"a{1001}"}',
    'up{a=~"((((a{100}){100}){100}){100})"}',
    'up{a=~"(?:(?:x{1000}){1000}){1000}"}',
    'sum without (',
    'count_values(up)',
    'holt_winters(up[5m])',
    'up unless',
    'bool 1',
    '1 < bool bool 1',
    'up @ start(',
    'up offset 5m offset 5m',
    'absent()',
    'vector("a")',
    'scalar(1)',
    '-"a"',
    'up[1y:1y:1y]',
    '1[5m]',
  ]) {
    bad(text, text === 'NaN()' ? /error/ : PARSE_ERROR);
  }
  bad('('.repeat(deep), nested);
  bad('('.repeat(deep) + '1' + ')'.repeat(deep), nested);
  bad('-'.repeat(100_000) + '1', nested);
  bad('sum('.repeat(deep) + 'up' + ')'.repeat(deep), nested);
  bad('up['.repeat(deep), nested);
  bad('{'.repeat(deep), nested);
  bad(`up${'[5m:1m]'.repeat(deep)}`, nested);
  bad('1+'.repeat(600_000), /longer than|nested too deeply/);
  bad('a'.repeat((1 << 20) + 1), /longer than/);
  bad(`up{a=~"${'('.repeat(5000)}${')'.repeat(5000)}"}`, /parse error/);
  bad(`"${'x'.repeat(1_000_000)}`, /unterminated|parse error/);
  // RE2 takes linear time: these are fine, and must be quick.
  dear(`up{a=~"${'(a+)+$'.repeat(100)}"}`);
  dear(`bad_input{case=~"${'(.*)*'.repeat(50)}x"}`);
  dear(`bad_input{case=~"(m|mu|mut|muta|.*)*${'(a|aa)+'.repeat(30)}$"}`);
  dear(`up{a=~"${'a|'.repeat(20_000)}b"}`);
  dear(`up{${Array.from({ length: 2000 }, (_, i) => `a${i}="x"`).join(',')}}`);
  dear(`{__name__="up",a!~"${'x?'.repeat(400)}${'x'.repeat(400)}"}`);
  dear('x'.repeat(900_000));
}

function escapes(): void {
  for (const text of ['%ff', '%c0%80', '%ed%a0%80', '%f5%80%80%80', 'up%ff', '%c3']) {
    get(`/api/v1/query?query=${text}`, [400], /not valid UTF-8|parse error/);
  }
  for (const text of ['%zz', '%', '%1', 'a;b', '%u0041']) get(`/api/v1/query?query=${text}`, [400], /parse error/);
  get('/api/v1/series?match[]=%zz', [400], /invalid URL escape/);
  get('/api/v1/series?match[]=up;match[]=x', [400], /invalid semicolon separator/);
}

/** Parameters of range queries; those not given are good. */
function range(given: string, message: RegExp, statuses: readonly number[] = [400]): void {
  const names = new Set(given.split('&').map((pair) => pair.split('=')[0]));
  const good = ['query=up', 'start=1700000000', 'end=1700003600', 'step=15'];
  const rest = good.filter((pair) => !names.has(pair.split('=')[0]));
  get(`/api/v1/query_range?${[given, ...rest].join('&')}`, statuses, message);
}

function ranges(): void {
  const step = /invalid parameter \\"step\\"/;
  for (const text of [
    '',
    '0',
    '-1',
    'NaN',
    '%2BInf',
    '-Inf',
    'x',
    '1x',
    '0s',
    '-5m',
    '1e400',
    '1e-9',
    '1m1h',
    '9e99',
    '0x10',
  ]) {
    range(`step=${text}`, text === '1e-9' ? /step|11,000/ : step);
  }
  range('start=0&end=11001&step=1', /exceeded maximum resolution of 11,000 points/);
  range('start=1&end=1700000000&step=0.001', /exceeded maximum resolution/);
  range('start=2&end=1', /end timestamp must not be before start/);
  for (const text of [
    '',
    'x',
    'NaN',
    'Inf',
    '-Inf',
    '1e30',
    '-1e30',
    '2024-13-01T00:00:00Z',
    '2024-02-30T00:00:00Z',
    '2024-01-01',
    '2024-01-01T00:00:00',
    '99999-01-01T00:00:00Z',
    '1_000',
    '0x1',
    '१',
  ]) {
    const escaped = encodeURIComponent(text);
    range(`start=${escaped}`, /invalid parameter \\"start\\"/);
    range(`end=${escaped}`, /invalid parameter \\"end\\"/);
    if (text !== '') get(`/api/v1/query?query=up&time=${escaped}`, [400], /invalid parameter \\"time\\"/);
  }
  range('timeout=x', /invalid parameter \\"timeout\\"/);
  range('limit=-1', /invalid parameter \\"limit\\": limit must be non-negative/);
  range('limit=x', /invalid parameter \\"limit\\"/);
  range('limit=99999999999999999999', /out of range/);
  range('lookback_delta=x', /lookback delta/);
  range('query=up[5m]', /invalid expression type \\"range vector\\" for range query/);
  range('query=%22text%22', /invalid expression type \\"string\\" for range query/);
  range('query=', PARSE_ERROR);
  // As far as times go.
  range('start=-9007199254740&end=-9007199254000&step=10', /success/, [200]);
  range('start=9007199254000&end=9007199254740&step=10', /success/, [200]);
  range('query=up%20offset%20292y&step=60', /success|parse error/, [200, 400]);
  range('query=up%20offset%20-292y&step=60', /success|parse error/, [200, 400]);
  range('query=up%20@%201e300&step=60', /error/, [400]);
  range('query=up%20@%20-1e300&step=60', /error/, [400]);
  range('query=up%20@%20NaN&step=60', /error/, [400]);
  range('query=sum_over_time(vector(1)[100y:1ms])&step=3600', /error/, [400, 422, 503]);
  range('query=count_over_time(up[292y])&step=60', /success/, [200]);
}

/** All cases. */
export function badQueries(): readonly BadCase[] {
  cases.length = 0;
  expressions();
  escapes();
  ranges();
  return cases;
}
