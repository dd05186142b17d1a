import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpositionText } from '../../src/wire/exposition-text.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Samples as `series value [timestamp]`. */
function ok(input: string, ...want: string[]): void {
  const body = bytes(input);
  const shown = parseExpositionText(body).samples.map(({ start, length, value, timestampMs }) => {
    const series = String.fromCharCode(...body.subarray(start, start + length));
    return `${series} ${value}${timestampMs === undefined ? '' : ` ${timestampMs}`}`;
  });
  assert.deepEqual(shown, want, input);
}

function bad(input: string, message: string): void {
  assert.throws(() => parseExpositionText(bytes(input)), { code: 'bad_exposition', message }, JSON.stringify(input));
}

test('samples: white space, timestamps, labels, the missing last newline', () => {
  ok('', ...[]);
  ok('\n\n', ...[]);
  ok('a 1', 'a 1');
  ok('  a\t 1 \t 2  \n', 'a 1 2');
  ok('a -1.5e3 -7\n', 'a -1500 -7');
  ok('a { b = "c" , } 1\n', 'a { b = "c" , } 1');
  ok('a{b="c"}1\n', 'a{b="c"} 1');
  ok('a{b="c"d="e"} 1\n', 'a{b="c"d="e"} 1');
  ok('a{b="}{ \\" \\\\ \\n #"} 1\n', 'a{b="}{ \\" \\\\ \\n #"} 1');
  ok('a{b="x\0y"} 1\n', 'a{b="x\0y"} 1');
  ok('a{b="two\nlines"} 1\n', 'a{b="two\nlines"} 1');
  ok('{"a.b"} 1\n', '{"a.b"} 1');
  ok('{b="c","a.b"} 1\n', '{b="c","a.b"} 1');
  ok('a{"l.1"="c"} 1\n', 'a{"l.1"="c"} 1');
  ok('a +Inf\na -inf\na NaN\na infinity\n', 'a Infinity', 'a -Infinity', 'a NaN', 'a Infinity');
});

test('comments and metadata', () => {
  ok('#\n# \n#a\n# a b\n#\tHELP\n# EOF\n# UNIT a b\n', ...[]);
  ok('# HELP a\n# HELP a \n# HELP a b c\n#  \tTYPE  a counter\na 1\n', 'a 1');
  const { metadata } = parseExpositionText(bytes('# HELP "a.b"  two blanks\n# TYPE c untyped\n# HELP d\n'));
  assert.deepEqual(metadata, [
    { kind: 'help', nameStart: 8, nameEnd: 11, textStart: 13, textEnd: 24 },
    { kind: 'type', nameStart: 32, nameEnd: 33, textStart: 34, textEnd: 41 },
    { kind: 'help', nameStart: 49, nameEnd: 50, textStart: 50, textEnd: 50 },
  ]);
});

test('the type in force is that of the last TYPE line', () => {
  const { samples } = parseExpositionText(bytes('a 1\n# TYPE a histogram\na 1\n# TYPE b untyped\na 1\n'));
  assert.deepEqual(
    samples.map(({ type }) => type),
    ['unknown', 'histogram', 'unknown'],
  );
});

test('errors name the reason, as Prometheus words it, and the line', () => {
  bad('a\n', 'expected value after metric, got "\\n" ("INVALID") while parsing: "a\\n" (line 1)');
  bad("hits{path='/'} 2\n", 'expected label value, got "\'" ("INVALID") while parsing: "hits{path=\'" (line 1)');
  bad('x 1\nhits{path=\n', 'expected label value, got "\\n" ("INVALID") while parsing: "hits{path=\\n" (line 2)');
  bad('hits{\xfe="u"} 2\n', 'expected label name, got "\\xfe" ("INVALID") while parsing: "hits{\\xfe" (line 1)');
  bad('hits{path="\xfe"} 2\n', 'invalid UTF-8 label value: "\\"\\xfe\\"" (line 1)');
  bad('hits many\n', 'strconv.ParseFloat: parsing "many": invalid syntax while parsing: "hits many" (line 1)');
  bad('hits{=""} 0', 'expected label name, got "=\\"" ("EQUAL") while parsing: "hits{=\\"" (line 1)');
  bad('hits 3_000\n', 'unsupported character in float while parsing: "hits 3_000" (line 1)');
  bad('hits 0x2p4\n', 'unsupported character in float while parsing: "hits 0x2p4" (line 1)');
  bad('hits 7 3_0\n', 'expected next entry after timestamp, got "_" ("INVALID") while parsing: "hits 7 3_" (line 1)');
  bad('hits 8 x\n', 'expected timestamp or new record, got "x" ("INVALID") while parsing: "hits 8 x" (line 1)');
  bad('{path="/"} 1\n', 'metric name not set while parsing: "{path=\\"/\\"} 1" (line 1)');
  bad('a{"b"} 1\n', 'metric name already set while parsing: "a{\\"b\\"}" (line 1)');
  bad('5 1\n', 'expected a valid start token, got "5" ("INVALID") while parsing: "5" (line 1)');
  bad('# TYPE 7 gauge\n', 'expected metric name after TYPE, got "7" ("INVALID") while parsing: "# TYPE 7" (line 1)');
  bad('# TYPE a nothing\n', 'invalid metric type "nothing" (line 1)');
  bad('# HELP a \xff\n', 'help text "\\xff" is not a valid utf8 string (line 1)');
  bad('a 1e400\n', 'strconv.ParseFloat: parsing "1e400": value out of range while parsing: "a 1e400" (line 1)');
  bad(
    'a 1 9223372036854775808\n',
    'strconv.ParseInt: parsing "9223372036854775808": value out of range while parsing: "a 1 9223372036854775808" (line 1)',
  );
  bad('hits\0{x="y"} 1\n', 'strconv.ParseFloat: parsing "\\x00": invalid syntax while parsing: "hits\\x00" (line 1)');
});
