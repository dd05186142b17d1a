import { bad } from './support.ts';

const NONE: ReadonlySet<string> = new Set();
const at = (place: string, text: string): string => `${place}: parse error: ${text}`;

// Nothing.
bad('', at('unknown position', 'no expression found in input'));
bad('   ', at('1:1', 'no expression found in input'));
bad('# only a comment', at('1:1', 'no expression found in input'));

// Characters and tokens.
bad('.', at('1:1', "unexpected character: '.'"));
bad('€', at('1:1', "unexpected character: '€'"));
bad('up ; up', at('1:4', "unexpected character: ';'"));
bad('2.5.', at('1:1', 'bad number or duration syntax: "2.5."'));
bad('100..4', at('1:1', 'bad number or duration syntax: "100.."'));
bad('1__0', at('1:1', 'bad number or duration syntax: "1__"'));
bad('1e', at('1:1', 'bad number or duration syntax: "1e"'));
bad('0x', at('1:1', 'error parsing number: strconv.ParseFloat: parsing "0x": invalid syntax'));
bad('1e400', at('1:1', 'error parsing number: strconv.ParseFloat: parsing "1e400": value out of range'));
bad('up offset 5x', at('1:11', 'bad number or duration syntax: "5"'));
bad('up[1h2y]', at('1:4', 'bad number or duration syntax: "1h2"'));
bad('up[5s1m]', at('1:4', 'not a valid duration string: "5s1m"'));
bad('up[300y]', at('1:4', 'duration out of range'));
bad('1 = 2', at('1:3', 'unexpected "="'));
bad('up =~ 1', at('1:4', "unexpected character after '=': '~'"));
bad('up ! 1', at('1:4', "unexpected character after '!': ' '"));
bad('"unclosed', at('1:1', 'unterminated quoted string'));
bad("'unclosed", at('1:1', 'unterminated quoted string'));
bad('"line\nbreak"', at('1:1', 'unterminated quoted string'));
bad('`unclosed', at('1:1', 'unterminated raw string'));
bad('"\\q"', at('1:1', "unknown escape sequence U+0071 'q'"));
bad('"\\xZ1"', at('1:1', "illegal character U+005A 'Z' in escape sequence"));
bad('"\\ud800"', at('1:1', 'escape sequence is an invalid Unicode code point'));
bad('"\\400"', at('1:1', 'escape sequence is an invalid Unicode code point'));
bad('"\\U00110000"', at('1:1', 'escape sequence is an invalid Unicode code point'));
bad('"\\', at('1:1', 'escape sequence not terminated'));
bad('"\ud800"', at('1:1', 'invalid UTF-8 rune'));

// Brackets.
bad('(', at('1:2', 'unclosed left parenthesis'));
bad('((1)', at('1:5', 'unclosed left parenthesis'));
bad('(1))', at('1:5', "unexpected right parenthesis ')'"));
bad(')(', at('1:2', "unexpected right parenthesis ')'"));
bad('()', at('1:2', 'unexpected ")"'));
bad('sum(', at('1:5', 'unclosed left parenthesis'));
bad('sum by (job', at('1:12', 'unclosed left parenthesis'));
bad('up{', at('1:4', 'unexpected end of input inside braces'));
bad('up{{', at('1:4', "unexpected left brace '{'"));
bad('up}', at('1:3', "unexpected character: '}'"));
bad('up]', at('1:3', "unexpected right bracket ']'"));
bad('up[', at('1:4', 'unexpected end of input in duration expression'));
bad('up[5m', at('1:6', 'unclosed left bracket'));
bad('up[5m:', at('1:7', 'unclosed left bracket'));
bad('up[[5m]]', at('1:4', "unexpected left bracket '['"));

// Order of tokens.
bad('1+', at('1:3', 'unexpected end of input'));
bad('*1', at('1:1', 'unexpected <op:*>'));
bad('1 /', at('1:4', 'unexpected end of input'));
bad('foo bar', at('1:5', 'unexpected identifier "bar"'));
bad('foo 5', at('1:5', 'unexpected number "5"'));
bad('foo 5m', at('1:5', 'unexpected duration "5m"'));
bad('foo a:b', at('1:5', 'unexpected metric identifier "a:b"'));
bad('foo "x"', at('1:5', 'unexpected string "\\"x\\""'));
bad('foo "0123456789abc"', at('1:5', 'unexpected string "\\"012345678"...'));
bad('foo sum', at('1:5', 'unexpected <aggr:sum>'));
bad('foo by', at('1:5', 'unexpected <by>'));
bad('foo bool 1', at('1:5', 'unexpected <bool>'));
bad('on', at('1:1', 'unexpected <on>'));
bad('bool', at('1:1', 'unexpected <bool>'));
bad('a atan2', at('1:8', 'unexpected end of input'));
bad('up{job="x"} {job="y"}', at('1:13', 'unexpected "{"'));
bad('a\n+ b c', at('2:5', 'unexpected identifier "c"'));
bad('"ä" b', at('1:6', 'unexpected identifier "b"'));
bad('sum(foo bar)', at('1:9', 'unexpected identifier "bar" in aggregation'));
bad('sum(rate(foo bar))', at('1:14', 'unexpected identifier "bar" in aggregation'));
bad('rate(foo bar)', at('1:10', 'unexpected identifier "bar"'));
bad('sum(a) b', at('1:8', 'unexpected identifier "b"'));
bad('a - on(b) ignoring(c) d', at('1:11', 'unexpected <ignoring>'));
bad('a + group_left b', at('1:5', 'unexpected <group_left>'));
bad('a on(b) + c', at('1:3', 'unexpected <on>'));
bad('a + on(x) bool b', at('1:11', 'unexpected <bool>'));

// Grouping.
bad('sum(up) by', at('1:11', 'unexpected end of input in grouping opts, expected "("'));
bad('sum(up) by job', at('1:12', 'unexpected identifier "job" in grouping opts, expected "("'));
bad('sum by (1) (up)', at('1:9', 'unexpected number "1" in grouping opts, expected label'));
bad('sum by (a b) (up)', at('1:11', 'unexpected identifier "b" in grouping opts, expected "," or ")"'));
bad('sum by (,) (up)', at('1:9', 'unexpected "," in grouping opts, expected label'));
bad('sum by (a,,) (up)', at('1:11', 'unexpected "," in grouping opts, expected label'));
bad('sum by (a:b) (up)', at('1:9', 'invalid label name for grouping: "a:b"'));
bad('sum by ("") (up)', at('1:9', 'invalid label name for grouping: ""'));
bad('sum by (a) (up) by (b)', at('1:17', 'unexpected <by>'));
bad('sum without (a) by (b) (up)', at('1:17', 'unexpected <by> in aggregation'));
bad('a + on b', at('1:8', 'unexpected identifier "b" in grouping opts, expected "("'));

// Label matching.
bad('up{job="x",,}', at('1:12', 'unexpected "," in label matching, expected identifier or "}"'));
bad('up{,}', at('1:4', 'unexpected "," in label matching, expected identifier or "}"'));
bad('up{job}', at('1:7', 'unexpected "}" in label matching, expected label matching operator'));
bad('up{job=}', at('1:8', 'unexpected "}" in label matching, expected string'));
bad('up{job=x}', at('1:8', 'unexpected identifier "x" in label matching, expected string'));
bad('up{job="x" a="y"}', at('1:12', 'unexpected identifier "a" in label matching, expected "," or "}"'));
bad('up{="x"}', at('1:4', 'unexpected "=" in label matching, expected identifier or "}"'));
bad('up{job!x}', at('1:7', "unexpected character after '!' inside braces: 'x'"));
bad('up{job>"x"}', at('1:7', "unexpected character inside braces: '>'"));
bad('up{1="x"}', at('1:4', "unexpected character inside braces: '1'"));
bad('{"a" "b"}', at('1:6', 'unexpected string "\\"b\\"" in label matching, expected "," or "}"'));
bad('up{job=\'x"}', at('1:8', 'unterminated quoted string'));
bad('{}', at('1:1', 'vector selector must contain at least one non-empty matcher'));
bad('{job=""}', at('1:1', 'vector selector must contain at least one non-empty matcher'));
bad('{job=~".*"}', at('1:1', 'vector selector must contain at least one non-empty matcher'));
bad('{job!="x"}', at('1:1', 'vector selector must contain at least one non-empty matcher'));
bad('1 + {a=~"x?",b!~"y"}', at('1:5', 'vector selector must contain at least one non-empty matcher'));
bad('foo{__name__="bar"}', at('1:1', 'metric name must not be set twice: "foo" or "bar"'));
bad('foo{"bar"}', at('1:1', 'metric name must not be set twice: "foo" or "bar"'));
bad('sum(foo{__name__=~"b.*"})', at('1:5', 'metric name must not be set twice: "foo" or "b.*"'));

// Ranges and subqueries.
bad('up[0s]', at('1:4', 'duration must be greater than 0'));
bad('up[0]', at('1:4', 'duration must be greater than 0'));
bad('up[-5m]', at('1:4', 'duration must be greater than 0'));
bad('up[5m:0s]', at('1:7', 'duration must be greater than 0'));
bad('up[NaN]', at('1:4', "unexpected character in duration expression: 'N'"));
bad('up[5m][5m]', at('1:7', 'ranges only allowed for vector selectors'));
bad('rate(up[5m])[5m]', at('1:13', 'ranges only allowed for vector selectors'));
bad('1[5m]', at('1:2', 'ranges only allowed for vector selectors'));
bad('(up)[5m]', at('1:5', 'ranges only allowed for vector selectors'));
bad('up offset 1m [5m]', at('1:14', 'no offset modifiers allowed before range'));
bad('up @ 1 [5m]', at('1:8', 'no @ modifiers allowed before range'));
bad('up[5m 5m]', at('1:7', 'unexpected duration "5m" in subquery or range, expected ":" or "]"'));
bad('up[]', at('1:4', 'unexpected "]" in subquery or range selector, expected number, duration, step(), or range()'));
bad('up[5m:1m 1m]', at('1:10', 'unexpected duration "1m" in subquery selector, expected "]"'));
bad('up[:5m]', at('1:5', 'unexpected colon before duration in duration expression'));
bad('up[5m:1m:1m]', at('1:9', "unexpected colon ':'"));
bad('up[foo]', at('1:4', "unexpected character in duration expression: 'f'"));
bad('up[5m foo]', at('1:7', "unexpected character: 'f', expected ':'"));
bad('up[5m / 0]', at('1:7', 'division by zero'));
bad('up[5m % 0s]', at('1:7', 'modulo by zero'));
bad('up[5m][5m:]', at('1:1', 'subquery is only allowed on instant vector, got matrix instead'));
bad('1[5m:]', at('1:1', 'subquery is only allowed on instant vector, got scalar instead'));
bad('"x"[5m:]', at('1:1', 'subquery is only allowed on instant vector, got string instead'));
bad(
  'up[step]',
  at('1:8', 'unexpected "]" in subquery or range selector, expected number, duration, step(), or range()'),
);

// Modifiers.
bad('up offset', at('1:10', 'unexpected end of input in offset, expected number, duration, step(), or range()'));
bad('up offset x', at('1:11', 'unexpected identifier "x" in offset, expected number, duration, step(), or range()'));
bad('up offset 1m offset 2m', at('1:1', 'offset may not be set multiple times'));
bad('up @ 1 @ 2', at('1:1', '@ <timestamp> may not be set multiple times'));
bad('up @ start() @ 2', at('1:1', '@ <timestamp> may not be set multiple times'));
bad('up @ x', at('1:6', 'unexpected identifier "x" in @, expected timestamp'));
bad('up @ start', at('1:11', 'unexpected end of input in @, expected timestamp'));
bad('up @ Inf', at('1:1', 'timestamp out of bounds for @ modifier: +Inf'));
bad('up @ NaN', at('1:1', 'timestamp out of bounds for @ modifier: NaN'));
const PLACES = 'must be preceded by an instant vector selector or range vector selector or a subquery';
bad('1 offset 1d', at('1:1', `offset modifier ${PLACES}`));
bad('rate(up[5m]) offset 1m', at('1:1', `offset modifier ${PLACES}`));
bad('(up) offset 1m', at('1:1', `offset modifier ${PLACES}`));
bad('sum(up) @ 1', at('1:1', `@ modifier ${PLACES}`));
bad('up anchored smoothed', at('1:1', 'anchored and smoothed modifiers cannot be used together'));
bad('up[5m:] smoothed', at('1:1', 'smoothed modifier is not supported for subqueries'));
bad('sum(up) anchored', at('1:1', 'anchored modifier not implemented'));

// Aggregations.
bad('sum()', at('1:1', 'no arguments for aggregate expression provided'));
bad('sum(a, b)', at('1:1', 'wrong number of arguments for aggregate expression provided, expected 1, got 2'));
bad('topk(up)', at('1:1', 'wrong number of arguments for aggregate expression provided, expected 2, got 1'));
bad('topk(up,)', at('1:8', 'trailing commas not allowed in function call args'));
bad('sum(5)', at('1:5', 'expected type instant vector in aggregation expression, got scalar'));
bad('sum(up[5m])', at('1:5', 'expected type instant vector in aggregation expression, got range vector'));
bad('sum("x")', at('1:5', 'expected type instant vector in aggregation expression, got string'));
bad('topk(up, up)', at('1:6', 'expected type scalar in aggregation parameter, got instant vector'));
bad('count_values(5, up)', at('1:14', 'expected type string in aggregation parameter, got scalar'));
bad('quantile("0.5", up)', at('1:10', 'expected type scalar in aggregation parameter, got string'));

// Functions.
bad('nosuch(up)', at('1:1', 'unknown function with name "nosuch"'));
bad('RATE(up[5m])', at('1:1', 'unknown function with name "RATE"'));
bad('1 + holt_winters(up[5m], 1, 1)', at('1:5', 'unknown function with name "holt_winters"'));
bad('rate()', at('1:1', 'expected 1 argument(s) in call to "rate", got 0'));
bad('rate(a[5m], b[5m])', at('1:1', 'expected 1 argument(s) in call to "rate", got 2'));
bad('time(1)', at('1:1', 'expected 0 argument(s) in call to "time", got 1'));
bad('round(up, 1, 2)', at('1:1', 'expected at most 2 argument(s) in call to "round", got 3'));
bad('round()', at('1:1', 'expected at least 1 argument(s) in call to "round", got 0'));
bad('label_join(up, "d")', at('1:1', 'expected at least 3 argument(s) in call to "label_join", got 2'));
bad('hour(1)', at('1:6', 'expected type instant vector in call to function "hour", got scalar'));
bad('rate(up)', at('1:6', 'expected type range vector in call to function "rate", got instant vector'));
bad('abs(up[5m])', at('1:5', 'expected type instant vector in call to function "abs", got range vector'));
bad('abs("x")', at('1:5', 'expected type instant vector in call to function "abs", got string'));
bad('vector(up)', at('1:8', 'expected type scalar in call to function "vector", got instant vector'));
bad('clamp(up, 1)', at('1:1', 'expected 3 argument(s) in call to "clamp", got 2'));
bad('rate(rate(up[5m]))', at('1:6', 'expected type range vector in call to function "rate", got instant vector'));
bad('label_join(up, "d", "-", 5)', at('1:26', 'expected type string in call to function "label_join", got scalar'));
bad(
  'histogram_quantile(up, 1)',
  at('1:20', 'expected type scalar in call to function "histogram_quantile", got instant vector'),
);
bad('rate(up[5m],)', at('1:12', 'trailing commas not allowed in function call args'));
bad('info(up, up)', at('1:10', 'expected label selectors only, got vector selector instead'));
bad('info(up, abs(up))', at('1:10', 'expected label selectors only'));
bad('info(up, 1)', at('1:1', 'expected type instant vector in call to function "info", got scalar'));

// Operators.
bad('1 == 1', at('1:3', 'comparisons between scalars must use BOOL modifier'));
bad('1   != 1', at('1:5', 'comparisons between scalars must use BOOL modifier'));
bad('up + bool up', at('1:4', 'bool modifier can only be used on comparison operators'));
bad('a and bool b', at('1:3', 'bool modifier can only be used on comparison operators'));
bad('1 and 1', at('1:1', 'set operator "and" not allowed in binary scalar expression'));
bad('up or 1', at('1:1', 'set operator "or" not allowed in binary scalar expression'));
bad('1 unless up', at('1:1', 'set operator "unless" not allowed in binary scalar expression'));
bad('up + "x"', at('1:6', 'binary expression must contain only scalar and instant vector types'));
bad('up[5m] + 1', at('1:1', 'binary expression must contain only scalar and instant vector types'));
bad('1 + on(a) 2', at('1:1', 'vector matching only allowed between instant vectors'));
bad('up + ignoring(a) 2', at('1:1', 'vector matching only allowed between instant vectors'));
bad('a and on(b) group_left(c) d', at('1:1', 'no grouping allowed for "and" operation'));
bad('a or ignoring(b) group_right() d', at('1:1', 'no grouping allowed for "or" operation'));
bad('a + on(b) group_left(b) c', at('1:3', 'label "b" must not occur in ON and GROUP clause at once'));
bad('a + fill(1) 2', at('1:1', 'filling in missing series only allowed between instant vectors'));
bad('a or fill(1) b', at('1:1', 'filling in missing series not allowed for set operators'));
bad('-"x"', at('1:1', 'unary expression only allowed on expressions of type scalar or instant vector, got "string"'));
bad(
  '-up[5m]',
  at('1:1', 'unary expression only allowed on expressions of type scalar or instant vector, got "range vector"'),
);

// Features that are off.
bad(
  'limitk(1, up)',
  at('1:1', 'limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions'),
  NONE,
);
bad(
  'limit_ratio(1, up)',
  at('1:1', 'limit_ratio() is experimental and must be enabled with --enable-feature=promql-experimental-functions'),
  NONE,
);
bad('sum(info(up))', at('1:5', 'function "info" is not enabled'), NONE);
bad('step()', at('1:1', 'function "step" is not enabled'), NONE);
bad(
  'start_timestamp(up)',
  at('1:1', 'function "start_timestamp" is not enabled'),
  new Set(['promql-experimental-functions']),
);
bad('up anchored', at('1:1', 'anchored modifier is experimental and not enabled'), NONE);
bad('up[5m] smoothed', at('1:1', 'smoothed modifier is experimental and not enabled'), NONE);
bad('a + fill(0) b', at('1:1', 'binop fill modifiers are experimental and not enabled'), NONE);

// Bounds.
bad('('.repeat(5000), at('1:501', 'expression is nested too deeply'));
bad('-'.repeat(5000), at('1:501', 'expression is nested too deeply'));
bad(`a${'+a'.repeat(5000)}`, at('1:1997', 'expression is nested too deeply'));
