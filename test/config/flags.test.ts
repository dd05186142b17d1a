import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defaultFlags,
  effectiveRetention,
  enabledFeatures,
  flagTexts,
  flagsHelp,
  parseConfig,
  parseFlags,
} from '../../src/config/index.ts';

const parse = (line: string) => parseFlags(line.split(' ').filter((part) => part !== ''));

const bad = (line: string, message: string): void => {
  assert.throws(() => parse(line), { code: 'bad_flag', message: `Error parsing command line arguments: ${message}` });
};

test('no arguments give the defaults', () => {
  const { values, given, warnings } = parse('');
  assert.deepEqual(values, defaultFlags());
  assert.equal(given.size, 0);
  assert.deepEqual(warnings, []);
  assert.equal(values['config.file'], 'prometheus.yml');
  assert.deepEqual(values['web.listen-address'], ['0.0.0.0:9090']);
  assert.equal(values['query.lookback-delta'], 300_000);
  assert.equal(values['query.timeout'], 120_000);
  assert.equal(values['storage.tsdb.retention.time'], null);
  assert.equal(values['web.enable-remote-write-receiver'], true);
});

test('values follow an equals sign or a space', () => {
  const { values } = parse('--config.file=a.yml --storage.tsdb.path b --query.max-samples=1e6 --log.level debug');
  assert.equal(values['config.file'], 'a.yml');
  assert.equal(values['storage.tsdb.path'], 'b');
  assert.equal(values['query.max-samples'], 1_000_000);
  assert.equal(values['log.level'], 'debug');
  assert.equal(parse('--web.external-url=http://x/?a=b').values['web.external-url'], 'http://x/?a=b');
  assert.equal(parse('--web.external-url=').values['web.external-url'], '');
});

test('switches are turned on and off', () => {
  assert.equal(parse('--web.enable-lifecycle').values['web.enable-lifecycle'], true);
  assert.equal(parse('--no-web.enable-remote-write-receiver').values['web.enable-remote-write-receiver'], false);
  assert.equal(parse('--web.enable-remote-write-receiver=false').values['web.enable-remote-write-receiver'], false);
});

test('lists replace their default and grow with each occurrence', () => {
  const { values } = parse('--web.listen-address=:1 --web.listen-address=:2 --enable-feature=a,b --enable-feature c');
  assert.deepEqual(values['web.listen-address'], [':1', ':2']);
  assert.deepEqual(enabledFeatures(values), ['a', 'b', 'c']);
});

test('command lines that cannot be read are refused in the words of Prometheus', () => {
  bad('--nope', "unknown long flag '--nope'");
  bad('--no-config.file', "unknown long flag '--no-config.file'");
  bad('-x', "unknown short flag '-x'");
  bad('stray', 'unexpected stray');
  bad('--config.file', "expected argument for flag '--config.file'");
  bad('--config.file=a --config.file=b', "flag 'config.file' cannot be repeated");
  bad('--query.timeout=5', 'not a valid duration string: "5" (--query.timeout)');
  bad('--query.max-samples=x', 'strconv.ParseInt: parsing "x": invalid syntax (--query.max-samples)');
  bad('--storage.tsdb.retention.size=5', 'units: missing unit in 5 (--storage.tsdb.retention.size)');
  bad('--log.level=loud', "enum value must be one of debug,info,warn,error, got 'loud' (--log.level)");
  bad('--web.enable-lifecycle=maybe', 'strconv.ParseBool: parsing "maybe": invalid syntax (--web.enable-lifecycle)');
  bad('--toString', "unknown long flag '--toString'");
});

test('flags without meaning here are accepted with one warning each', () => {
  const { warnings } = parse(
    '--storage.tsdb.wal-compression --web.console.templates=x --enable-feature=nonsense,native-histograms',
  );
  assert.deepEqual(warnings, [
    '--storage.tsdb.wal-compression is ignored: the store has a format of its own',
    '--web.console.templates is ignored: console templates are not served',
    'unknown option for --enable-feature: nonsense',
  ]);
  assert.deepEqual(parse('--storage.tsdb.no-lockfile').warnings, []);
});

test('help and version come before everything else', () => {
  for (const line of ['-h', '--help', '--help-long', '--config.file=x --help']) assert.equal(parse(line).show, 'help');
  assert.equal(parse('--version').show, 'version');
  const help = flagsHelp();
  assert.match(help, / {2}--config\.file="prometheus\.yml"\n/);
  assert.match(help, / {2}--\[no-\]web\.enable-remote-write-receiver\n/);
  assert.match(help, / {2}--storage\.tsdb\.retention\.time="0s"\n/);
  assert.doesNotMatch(help, /wal-segment-size/);
});

test('every flag is shown as text', () => {
  const texts = flagTexts(parse('--storage.tsdb.retention.size=512MB').values);
  assert.equal(texts['query.lookback-delta'], '5m');
  assert.equal(texts['storage.tsdb.retention.size'], '512MiB');
  assert.equal(texts['storage.tsdb.retention.time'], '0s');
  assert.equal(texts['web.enable-lifecycle'], 'false');
  assert.equal(texts['web.listen-address'], '0.0.0.0:9090');
});

test('retention comes from the file, then from the flags, then it is 15 days', () => {
  const of = (line: string, file: string) => effectiveRetention(parse(line).values, parseConfig(file, { file: 'f' }));
  assert.deepEqual(of('', ''), { timeMs: 15 * 86_400_000, sizeBytes: 0 });
  assert.deepEqual(of('--storage.tsdb.retention.time=90d', ''), { timeMs: 90 * 86_400_000, sizeBytes: 0 });
  assert.deepEqual(of('--storage.tsdb.retention.size=1KB', ''), { timeMs: 0, sizeBytes: 1024 });
  assert.deepEqual(of('--storage.tsdb.retention.time=90d', 'storage: {tsdb: {retention: {time: 1d}}}'), {
    timeMs: 86_400_000,
    sizeBytes: 0,
  });
  const share = parseConfig('storage: {tsdb: {retention: {percentage: 25, size: 1KB}}}', { file: 'f' });
  assert.equal(effectiveRetention(parse('').values, share, 4000).sizeBytes, 1000);
  assert.equal(effectiveRetention(parse('').values, share).sizeBytes, 1024);
});

test('flags of the other mode are refused', () => {
  const ok = (args: string[], want: RegExp | null) =>
    want ? assert.throws(() => parseFlags(args), want) : assert.doesNotThrow(() => parseFlags(args));
  ok(['--agent', '--storage.agent.path=x', '--storage.remote.flush-deadline=1s'], null);
  ok(
    ['--agent', '--storage.tsdb.path=x', '--query.timeout=1m'],
    /in agent mode: \["--storage.tsdb.path" "--query.timeout"\]/,
  );
  ok(['--agent', '--storage.remote.read-sample-limit=1'], /can not be used in agent mode/);
  ok(['--storage.agent.path=x'], /can only be used in agent mode: \["--storage.agent.path"\]/);
});
