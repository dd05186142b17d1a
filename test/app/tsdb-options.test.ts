import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VerbArguments, type VerbUsage, verbHelp } from '../../src/app/tsdb-options.ts';

const usage: VerbUsage = {
  verb: 'tsdb try',
  help: 'Tries.',
  args: ['file', '[db path]'],
  flags: {
    match: { kind: 'list', help: 'Selectors.' },
    'min-time': { kind: 'number', help: 'From.' },
    tenant: { kind: 'text', absent: 'anonymous', help: 'Whose.' },
    'human-readable': { kind: 'switch', short: 'r', help: 'For people.' },
  },
};
const parse = (...args: string[]) => new VerbArguments(usage, args);

describe('arguments of verbs', () => {
  test('flags come with = or as the next argument, in any place', () => {
    const args = parse('--match', 'a', 'f', '--match={b="--c"}', '-r', '--min-time=-5', 'dir');
    assert.deepEqual(args.list('match'), ['a', '{b="--c"}']);
    assert.deepEqual(args.positional, ['f', 'dir']);
    assert.equal(args.has('human-readable'), true);
    assert.equal(args.number('min-time', 0), -5);
    assert.equal(args.number('min-time', 7), -5);
    assert.equal(args.text('tenant'), 'anonymous');
    assert.equal(parse('-', '--min-time=99999999999999999999').number('min-time', 0), 2 ** 53);
    assert.deepEqual(parse('--', '--match').positional, ['--match']);
    assert.equal(parse('--help', '--tenant', 'x').isHelp, true);
  });

  test("what is wrong is told in promtool's words", () => {
    const bad = (args: string[], message: string) => assert.throws(() => parse(...args), { code: 'bad_flag', message });
    bad(['f', '--foo=1'], "unknown long flag '--foo'");
    bad(['f', '-x'], "unknown short flag '-x'");
    bad(['f', '-match=a'], "unknown short flag '-match'");
    bad(['f', '--match'], "expected argument for flag '--match'");
    bad(['f', '--human-readable=1'], "unexpected value for flag '--human-readable'");
    bad(['f', '--min-time=1.5'], 'strconv.ParseInt: parsing "1.5": invalid syntax');
    bad(['f', '--tenant=a', '--tenant=b'], "flag 'tenant' cannot be repeated");
    bad(['f', 'g', 'h'], 'unexpected h');
    bad([], "required argument 'file' not provided");
  });

  test('help shows arguments, flags and what they are when absent', () => {
    const text = verbHelp(usage);
    assert.match(text, /^usage: tidemark tsdb try \[<flags>\] <file> \[<db path>\]$/m);
    assert.match(text, /^ {2}--match=MATCH \.\.\.$/m);
    assert.match(text, /^ {2}--tenant="anonymous"$/m);
    assert.match(text, /^ {2}-r, --human-readable$/m);
  });
});
