// Templates as users of Prometheus write them: texts and messages as promtool gives them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../../src/base/index.ts';
import { Labels, newHistogram } from '../../../src/model/index.ts';
import { AlertTemplate, ExpansionWorld } from '../../../src/rules/template/expand.ts';

const LABELS = Labels.from({ __name__: 'up', job: 'test', instance: 'host.example.com:9090', n: '12' });
const SERIES: Record<string, [Labels, number][]> = {
  z: [
    [Labels.from({ __name__: 'z', x: 'b' }), 2],
    [Labels.from({ __name__: 'z', x: 'a' }), 1],
  ],
};

const WORLD = new ExpansionWorld({
  timeMs: 1_435_065_584_128,
  externalLabels: { region: 'eu' },
  externalUrl: 'http://ex.org/p',
  query: async (expression) => {
    if (expression === 'bad(') throw new TidemarkError('bad_data', '1:5: parse error: unclosed left parenthesis');
    return (SERIES[expression] ?? []).map(([labels, value]) => ({ labels, value }));
  },
});

const expand = (text: string, value = 1_234_567.5) => AlertTemplate.parse('A', text).expand(LABELS, value, WORLD);

function cases(title: string, table: readonly (readonly [string, string])[]): void {
  test(title, async () => {
    for (const [text, want] of table) assert.equal(await expand(text), want, text);
  });
}

cases('variables, fields and missing labels', [
  ['plain', 'plain'],
  ['{{ $value }} {{ $labels.job }}|{{ $labels.nope }}|{{ .Labels.n }}', '1.2345675e+06 test||12'],
  ['{{ $externalLabels.region }} {{ $externalURL }} {{ .ExternalURL }}', 'eu http://ex.org/p http://ex.org/p'],
  ['{{ $labels }}', 'map[__name__:up instance:host.example.com:9090 job:test n:12]'],
  ['{{- /* c */ -}} a {{- 1 -}} b {{ 2 }} c', 'a1b 2 c'],
  ["{{ 1e6 }} {{ 100000.0 }} {{ 0x10 }} {{ 'a' }} {{ 1_000 }} {{ 07 }}", '1e+06 100000 16 97 1000 7'],
  ['{{ "q\\"\\u00e9" }} {{ `raw\\n` }} {{ true }}', 'q"é raw\\n true'],
]);

cases('control structures', [
  ['{{ if gt $value 100.0 }}big{{ else }}small{{ end }}', 'big'],
  ['{{ if eq $labels.job "x" }}a{{ else if eq 1 1 }}b{{ end }}', 'b'],
  ['{{ range query "z" }}{{ .Labels.x }}={{ .Value }};{{ end }}', 'b=2;a=1;'],
  ['{{ range $i, $s := query "z" | sortByLabel "x" }}{{ $i }}{{ $s.Labels.x }}{{ value $s }};{{ end }}', '0a1;1b2;'],
  ['{{ with query "no" }}{{ . | first | value }}{{ else }}none{{ end }}', 'none'],
  ['{{ range $k, $v := $labels }}{{ $k }},{{ end }}', '__name__,instance,job,n,'],
  ['{{ range 3 }}{{ if eq . 1 }}{{ break }}{{ end }}{{ . }}{{ end }}', '0'],
  ['{{ $x := 1 }}{{ range query "z" }}{{ $x = 2 }}{{ continue }}{{ end }}{{ $x }}', '2'],
  ['{{ define "t" }}[{{ .arg0 }} {{ .arg1 }}]{{ end }}{{ template "t" (args 1 "a") }}', '[1 a]'],
  ['{{ block "b" $value }}({{ . }}){{ end }}', '(1.2345675e+06)'],
  ['{{ and 1 0 }} {{ or 0 "x" }} {{ not 0 }}', '0 x true'],
]);

cases('numbers for people', [
  [
    '{{ humanize $value }} {{ humanize 0 }} {{ humanize 0.00012 }} {{ humanize -1234567890123.0 }}',
    '1.235M 0 120u -1.235T',
  ],
  ['{{ humanize 1000.5 }} {{ humanize 999.95 }} {{ humanize "12" }} {{ humanize $labels.n }}', '1k 1000 12 12'],
  ['{{ humanize1024 1048576 }} {{ humanize1024 0.5 }} {{ humanizePercentage 0.12345 }}', '1Mi 0.5 12.35%'],
  [
    '{{ humanizeDuration 59.99 }} {{ humanizeDuration 3601 }} {{ humanizeDuration -90061.5 }}',
    '59.99s 1h 0m 1s -1d 1h 1m 1s',
  ],
  [
    '{{ humanizeDuration 1e-6 }} {{ humanizeDuration 0.0 }} {{ humanizeTimestamp 1435065584.128 }}',
    '1us 0s 2015-06-23 13:19:44.128 +0000 UTC',
  ],
  [
    '{{ printf "%.0f %.0f %.1f %5d|%-5d|%05d %x %q %v" 0.5 1.5 0.25 3 3 3 255 "a" 1.5 }}',
    '0 2 0.2     3|3    |00003 ff "a" 1.5',
  ],
  [
    '{{ printf "%d" "x" }} {{ printf "%d %d" 1 }} {{ printf "a" 1 }} {{ printf "%" }}',
    '%!d(string=x) 1 %!d(MISSING) a%!(EXTRA int=1) %!(NOVERB)',
  ],
]);

cases('texts, links and times', [
  ['{{ title "hello foo-bar it\'s" }} {{ toUpper "aß" }} {{ toLower "ÀÉ" }}', "Hello Foo-Bar It's Aß àé"],
  [
    '{{ reReplaceAll "(.*)\\\\.example\\\\.(.*):.*" "$1-$2" $labels.instance }} {{ match "^host" $labels.instance }}',
    'host-com true',
  ],
  [
    '{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripDomain "10.0.0.1:80" }}',
    'host.example.com host:9090 10.0.0.1:80',
  ],
  [
    '{{ graphLink "up == 0" }} {{ tableLink "a(b)" }}',
    '/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=a%28b%29&g0.tab=1',
  ],
  ['{{ pathPrefix }} {{ externalURL }} {{ urlQueryEscape "a b&c/ü~!" }}', '/p http://ex.org/p a+b%26c%2F%C3%BC~%21'],
  [
    '{{ parseDuration "1h30m" }} {{ toDuration 3661.5 }} {{ (toDuration 90).Minutes }} {{ now }}',
    '5400 1h1m1.5s 1.5 1.435065584128e+09',
  ],
  ['{{ toTime 1435065584.128 }} {{ (toTime 0).Year }}', '2015-06-23 13:19:44.128 +0000 UTC 1970'],
  ['{{ (toTime 1435065584.128).Format "Mon Jan 2 15:04:05.000 MST 2006" }}', 'Tue Jun 23 13:19:44.128 UTC 2015'],
  [
    '{{ html "<a>&" }} {{ js "a\'b" }} {{ len "äb" }} {{ index "abc" 1 }} {{ slice "abcdef" 1 3 }}',
    "&lt;a&gt;&amp; a\\'b 3 98 bc",
  ],
]);

test('the value may be a native histogram', async () => {
  const none = { indexes: new Int32Array(0), counts: new Float64Array(0) };
  const one = { indexes: Int32Array.of(0), counts: Float64Array.of(2) };
  const histogram = newHistogram({
    schema: 0,
    resetHint: 'unknown',
    count: 2,
    sum: 1.5,
    zeroCount: 0,
    zeroThreshold: 0,
    positive: one,
    negative: none,
    customBounds: new Float64Array(0),
  });
  const template = AlertTemplate.parse('A', '{{ $value }} {{ $value.Count }}');
  assert.equal(await template.expand(LABELS, histogram, WORLD), '{count:2, sum:1.5, (0.5,1]:2} 2');
});

test('templates that do not parse are refused in the words of Go', () => {
  const bad = (text: string, problem: string) =>
    assert.throws(() => AlertTemplate.parse('A', text), {
      code: 'bad_template',
      message: `template: __alert_A:1: ${problem}`,
    });
  bad('{{ $foo }}', 'undefined variable "$foo"');
  bad('{{ foo }}', 'function "foo" not defined');
  bad('{{ if true }}x', 'unexpected EOF');
  bad('{{ end }}', 'unexpected {{end}}');
  bad('{{ break }}', '{{break}} outside {{range}}');
  bad('{{ if }}x{{ end }}', 'missing value for if');
  bad('{{ "abc', 'unterminated quoted string');
  bad('{{ $labels', 'unclosed action');
  bad('{{ 1 | 2 }}', 'non executable command in pipeline stage 2');
  bad('{{ $a, $b := 1 }}', 'too many declarations in command');
  bad('{{ template x }}', 'unexpected "x" in template clause');
  bad(`{{${'('.repeat(500)}`, 'pipelines are nested more than 200 deep');
});

test('what fails on the way is told with its place', async () => {
  const bad = async (text: string, column: number, context: string, problem: string) => {
    const message = `error executing template __alert_A: template: __alert_A:1:${column}: executing "__alert_A" at <${context}>: ${problem}`;
    await assert.rejects(expand(text), { code: 'bad_template', message }, text);
  };
  await bad('{{ $labels.job.foo }}', 122, '$labels.job.foo', `can't evaluate field foo in type string`);
  await bad(
    '{{ if gt $value 100 }}{{ end }}',
    118,
    'gt $value 100',
    'error calling gt: incompatible types for comparison: float64 and int',
  );
  await bad(
    '{{ query "no" | first | value }}',
    128,
    'first',
    'error calling first: first() called on vector with no elements',
  );
  await bad(
    '{{ query "bad(" }}',
    115,
    'query "bad("',
    'error calling query: 1:5: parse error: unclosed left parenthesis',
  );
  await bad(
    '{{ humanize "x" }}',
    115,
    'humanize "x"',
    'error calling humanize: strconv.ParseFloat: parsing "x": invalid syntax',
  );
  await bad('{{ toUpper $value }}', 123, '$value', 'wrong type for value; expected string; got float64');
  await bad('{{ humanize 1 2 }}', 115, 'humanize', 'wrong number of args for humanize: want 1 got 2');
  await bad('{{ range $value }}x{{ end }}', 121, '$value', `range can't iterate over 1.2345675e+06`);
  await bad('{{ template "x" . }}', 124, '{{template "x" .}}', 'template "x" not defined');
});

test('no template runs without end or grows without bound', async () => {
  const endless = '{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}';
  await assert.rejects(expand(endless), /exceeded maximum template depth/);
  await assert.rejects(expand('{{ range 1000000000 }}{{ end }}'), /takes more than 2000000 steps/);
  await assert.rejects(expand('{{ range 1000000 }}{{ printf "%100d" 1 }}{{ end }}'), /grows beyond 4194304 characters/);
});

test('texts cut and changed anywhere end in a text or a template error', async () => {
  const source =
    '{{ range $i, $s := query "z" | sortByLabel "x" }}{{ if gt $s.Value 1.5 }}{{ printf "%5.2f" $s.Value }}{{ else }}-{{ end }}{{ end }}';
  const alphabet = '{}()|$."`\\%x1 -:=,end';
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  for (let i = 0; i < 1500; i++) {
    const at = next(source.length);
    const text = source.slice(0, at) + alphabet[next(alphabet.length)].repeat(next(3)) + source.slice(at + next(4));
    try {
      await expand(text);
    } catch (error) {
      assert.ok(error instanceof TidemarkError && error.code === 'bad_template', `${text}: ${error}`);
    }
  }
});
