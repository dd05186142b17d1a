import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOpenMetricsText } from '../../src/wire/openmetrics-text.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

function ok(input: string, ...want: string[]): void {
  const body = bytes(input);
  const shown = parseOpenMetricsText(body).samples.map(({ start, length, value, timestampMs }) => {
    const series = String.fromCharCode(...body.subarray(start, start + length));
    return `${series} ${value}${timestampMs === undefined ? '' : ` ${timestampMs}`}`;
  });
  assert.deepEqual(shown, want, input);
}

function bad(input: string, message: string): void {
  assert.throws(() => parseOpenMetricsText(bytes(input)), { code: 'bad_exposition', message }, JSON.stringify(input));
}

test('samples: timestamps in seconds, exemplars are skipped', () => {
  ok('# EOF\n', ...[]);
  ok('# EOF', ...[]);
  ok('a 1 1.5\n# EOF\n', 'a 1 1500');
  ok('a 1 1612345678.901\n# EOF\n', 'a 1 1612345678901');
  ok('a 1 -0.0001\n# EOF\n', 'a 1 0');
  ok('a 1 # {} 2\na 1 3 # {b="c",} 2 4.5\n# EOF\n', 'a 1', 'a 1 3000');
  ok('a{b="c",} 1\n{"a.b",c="d"} 2\n# EOF\n', 'a{b="c",} 1', '{"a.b",c="d"} 2');
  ok('a{b="# {} #"} 1\n# EOF\n', 'a{b="# {} #"} 1');
});

test('metadata, units included', () => {
  const { metadata } = parseOpenMetricsText(
    bytes('# UNIT a_s s\n# HELP a_s \n# TYPE a_s stateset\n# UNIT b \n# EOF\n'),
  );
  assert.deepEqual(
    metadata.map(({ kind, textEnd, textStart }) => [kind, textEnd - textStart]),
    [
      ['unit', 1],
      ['help', 0],
      ['type', 8],
      ['unit', 0],
    ],
  );
});

test('errors name the reason, as Prometheus words it, and the line', () => {
  bad('a 1\n', 'data does not end with # EOF (line 2)');
  bad('', 'data does not end with # EOF (line 1)');
  bad('a 1', 'data does not end with # EOF (line 1)');
  bad('# EOF\n\n', 'unexpected data after # EOF (line 2)');
  bad('# EOFx', 'unexpected data after # EOF (line 1)');
  bad('\n# EOF\n', 'expected a valid start token, got "\\n" ("INVALID") while parsing: "\\n" (line 1)');
  bad('a  1\n# EOF\n', 'expected value after metric, got " " ("INVALID") while parsing: "a " (line 1)');
  bad(
    'hits 4 5 6\n# EOF\n',
    'expected next entry after timestamp, got " 6\\n" ("TIMESTAMP") while parsing: "hits 4 5 6\\n" (line 1)',
  );
  bad("hits{path='/'} 2\n# EOF\n", 'expected label value, got "\'" ("INVALID") while parsing: "hits{path=\'" (line 1)');
  bad('hits{,path="/"} 2\n# EOF\n', 'expected label name, got ",p" ("COMMA") while parsing: "hits{,p" (line 1)');
  bad(
    'hits{path="/"code="5"} 2\n# EOF\n',
    'expected comma or brace close, got "code=" ("LNAME") while parsing: "hits{path=\\"/\\"code=" (line 1)',
  );
  bad(
    'hits{path="/",,code="5"} 2\n# EOF\n',
    'expected label name, got ",c" ("COMMA") while parsing: "hits{path=\\"/\\",,c" (line 1)',
  );
  bad('hits{path="\xfe"} 2\n# EOF\n', 'invalid UTF-8 label value: "\\"\\xfe\\"" (line 1)');
  bad(
    '{"hits","path = "u"}\n# EOF\n',
    'expected equal, got "u\\"" ("LNAME") while parsing: "{\\"hits\\",\\"path = \\"u\\"" (line 1)',
  );
  bad('x{path="\n# EOF\n', 'expected label value, got "\\"\\n" ("INVALID") while parsing: "x{path=\\"\\n" (line 1)');
  bad('# TYPE a_s unit\n# EOF\n', 'invalid metric type "unit" (line 1)');
  bad('# UNIT a_s m\n# EOF\n', 'unit "m" not a suffix of metric "a_s" (line 1)');
  bad('# HELP a\n# EOF\n', 'expected text in HELP, got INVALID (line 1)');
  bad('a 1 NaN\n# EOF\n', 'invalid timestamp NaN (line 1)');
  bad('a 1 # {"b"} 1\n# EOF\n', 'expected label name, got "} " ("BCLOSE") while parsing: "a 1 # {\\"b\\"} " (line 1)');
  bad(
    'a 1 # {b="c"} x\n# EOF\n',
    'strconv.ParseFloat: parsing "x": invalid syntax while parsing: "a 1 # {b=\\"c\\"} x" (line 1)',
  );
  bad(
    'a 1 # {b="c"} 1 2 3\n# EOF\n',
    'expected next entry after exemplar timestamp, got " 3\\n" ("TIMESTAMP") while parsing: "a 1 # {b=\\"c\\"} 1 2 3\\n" (line 1)',
  );
});
