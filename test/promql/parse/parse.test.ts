import { ok } from './support.ts';

// Numbers.
ok('1');
ok('+1', '1');
ok('-1');
ok('.5', '0.5');
ok('5.', '5');
ok('1e3', '1000');
ok('1E-2', '0.01');
ok('1_000', '1000');
ok('1_0.2_5', '10.25');
ok('0x1F', '31');
ok('0X1f', '31');
ok('0755', '493');
ok('0_17', '15');
ok('089', '89');
ok('Inf', '+Inf');
ok('+iNf', '+Inf');
ok('-inf', '-Inf');
ok('nan', 'NaN');
ok('NaN');
ok('5m');
ok('1h30m');
ok('90m', '1h30m');
ok('-5m');
ok('5ms');
ok('1e30', '1000000000000000000000000000000');
ok('1e-7', '0.0000001');

// Strings.
ok('"text"');
ok("'text'", '"text"');
ok('`raw \\n`', '"raw \\\\n"');
ok('"a\\tb\\x41\\101\\u00e4\\U0001F600"', '"a\\tbAAä😀"');
ok('"\\xc3\\xa4"', '"ä"');
ok('"\\xff"');
ok("'it\\'s'", '"it\'s"');
ok('`two\nlines`', '"two\\nlines"');
ok("'\"'", '"\\""');

// Selectors.
ok('up');
ok('up{}', 'up');
ok('job:up:sum');
ok(':odd');
ok('_');
ok('up{job="x"}');
ok('up{job="x",}', 'up{job="x"}');
ok("up{job='x',instance!=`y`}", 'up{instance!="y",job="x"}');
ok('up{job=~"a|b",job!~".*c"}', 'up{job!~".*c",job=~"a|b"}');
ok('{job="x"}');
ok('{__name__="up"}');
ok('{__name__=~"up.*"}');
ok('{"up"}', '{__name__="up"}');
ok('{"up.time","my.label"="v"}', '{"my.label"="v",__name__="up.time"}');
ok('up{"my.label"="v"}');
ok('{"a","b"}', '{__name__="a",__name__="b"}');
ok('up{job="ä😀"}');
ok('{or="x",sum="y",on="z"}', '{on="z",or="x",sum="y"}');

// Keywords as names.
for (const word of ['sum', 'by', 'without', 'and', 'or', 'unless', 'offset', 'start', 'end', 'step', 'range', 'fill'])
  ok(word);
for (const word of ['anchored', 'smoothed', 'limitk', 'quantile', 'min_of', 'max_of', 'rate', 'fill_left', 'Count'])
  ok(word);
ok('sum{job="x"}');
ok('sum + avg');
ok('or or or');
ok('and and and');
ok('offset offset 5m');
ok('fill + fill');
ok('rate{a="b"}');
ok('start @ start()');

// Aggregations.
ok('sum(up)');
ok('SUM(up)', 'sum(up)');
ok('sum(up) by (job)', 'sum by (job) (up)');
ok('sum by (job) (up)');
ok('sum by(job,instance,)(up)', 'sum by (job, instance) (up)');
ok('sum without () (up)');
ok('sum by () (up)', 'sum(up)');
ok('avg without (a, b) (up)');
ok('topk(5, up)');
ok('bottomk(1 + 1, up) without (x)', 'bottomk without (x) (1 + 1, up)');
ok('quantile(0.5, up)');
ok('count_values("v", up)');
ok('limitk(2, up)');
ok('limit_ratio(-0.5, up)');
ok('group(up)');
ok('stddev(up)');
ok('stdvar by (a) (up)');
ok('sum by ("my.label", job) (up)');
ok('sum by (sum, on, by, bool, group_left) (up)');
ok('sum(sum(sum(up)))');

// Functions.
ok('rate(up[5m])');
ok('time()');
ok('vector(1)');
ok('vector(time())');
ok('round(up)');
ok('round(up, 5)');
ok('hour()');
ok('hour(up)');
ok('label_join(up, "d", "-")');
ok('label_join(up, "d", "-", "a", "b", "c")');
ok('label_replace(up, "d", "$1", "s", "(.*)")');
ok('histogram_quantile(0.9, rate(x_bucket[5m]))');
ok('histogram_fraction(0, 0.2, x)');
ok('histogram_quantiles(x, "q", 0.1, 0.5)');
ok('quantile_over_time(0.5, up[5m])');
ok('predict_linear(up[1h], 3600)');
ok('clamp(up, 0, 1)');
ok('absent(up{job="x"})');
ok('sort_by_label(up, "a", "b")');
ok('sort_by_label(up)');
ok('info(up)');
ok('info(up, {data="x"})');
ok('info(up, {})');
ok('double_exponential_smoothing(up[5m], 0.5, 0.5)');
ok('start()');
ok('end() - start()');
ok('step() + range()');
ok('max_of(1, min_of(2, 3))');
ok('start_timestamp(up)');
ok('scalar(up) + pi()');
ok('first_over_time(up[5m])');

// Binary operators: precedence and associativity show in the tree, the printed text keeps the source's order.
ok('1 + 2 * 3');
ok('(1 + 2) * 3');
ok('2 ^ 3 ^ 2');
ok('-1 ^ 2');
ok('-up');
ok('- - up', '--up');
ok('+up');
ok('-(1)');
ok('up atan2 up');
ok('up ATAN2 up', 'up atan2 up');
ok('up % 2');
ok('1 == bool 2');
ok('up == 1');
ok('up > bool 1');
ok('up >= bool on (job) up');
ok('a and b or c unless d');
ok('a AND b', 'a and b');
ok('a + on() b', 'a + on () b');
ok('a + ignoring() b', 'a + b');
ok('a + on(x) b', 'a + on (x) b');
ok('a * on(x,y) group_left b', 'a * on (x, y) group_left () b');
ok('a * on(x) group_left(z) b', 'a * on (x) group_left (z) b');
ok('a * ignoring(x) group_right("my.z") b', 'a * ignoring (x) group_right ("my.z") b');
ok('a * ignoring () group_left (x) b');
ok('a and on(x) b', 'a and on (x) b');
ok('a </ 5');
ok('a >/ 5');
ok('a == bool on (x) group_left () b');
ok('a + fill(0) b', 'a + fill (0) b');
ok('a + fill (-1.5) b');
ok('a + fill_left(1) b', 'a + fill_left (1) b');
ok('a + fill_right(2) fill_left(1) b', 'a + fill_left (1) fill_right (2) b');
ok('a + fill(NaN) b', 'a + fill (NaN) b');
ok('a + on (x) fill (5m) b', 'a + on (x) fill (300) b');

// Ranges, modifiers, subqueries.
ok('up[5m]');
ok('up[300]', 'up[5m]');
ok('up[1.5]', 'up[1s500ms]');
ok('up{a="b"}[1d]');
ok('up offset 5m');
ok('up offset -5m');
ok('up offset +5m', 'up offset 5m');
ok('up OFFSET 5m', 'up offset 5m');
ok('up offset 0s', 'up');
ok('up @ 100', 'up @ 100.000');
ok('up @ -1.5', 'up @ -1.500');
ok('up @ start()');
ok('up @ end() offset 5m');
ok('up offset 5m @ end()', 'up @ end() offset 5m');
ok('up[5m] @ 1e3 offset 1h', 'up[5m] @ 1000.000 offset 1h');
ok('up[5m] anchored');
ok('up smoothed');
ok('up[5m] smoothed offset 1m');
ok('up[5m] offset 1m anchored', 'up[5m] anchored offset 1m');
ok('up[5m:]');
ok('up[5m:1m]');
ok('rate(up[5m])[1h:5m] @ 10 offset 1m', 'rate(up[5m])[1h:5m] @ 10.000 offset 1m');
ok('max_over_time(rate(up[5m])[1h:])');
ok('sum(up)[5m:1m]');
ok('a + b offset 5m');

// Duration expressions.
ok('up[1m+2m]', 'up[1m + 2m]');
ok('up[2m * (10 + 5)]');
ok('up[-5m+35m]', 'up[-5m + 35m]');
ok('up[1h / 2]');
ok('up[2 ^ 3]');
ok('up[(5m)]', 'up[5m]');
ok('up[step()]');
ok('up[STEP() + 1]', 'up[step() + 1]');
ok('up[max_of(step(), 1m) + range()]');
ok('up[5m:step()]');
ok('up[5m + 1m:1m * 2]');
ok('up offset step()');
ok('up offset -(step() * 2)');
ok('up offset (1m + step())');
ok('up offset -step()');
ok('up offset min_of(step(), 1s)');
ok('up offset 100 + 2', 'up offset 1m40s + 2');
ok('up offset -2 ^ 2', 'up offset -2s ^ 2');
ok('up offset step() * 0');

// Blanks and comments.
ok(' \t\r\n up \n', 'up');
ok('up # comment', 'up');
ok('# first\nup{ # inside\njob="x" }', 'up{job="x"}');
ok('up[ 5m ]', 'up[5m]');
ok('sum ( up ) by ( job )', 'sum by (job) (up)');
