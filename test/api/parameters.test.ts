import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MAX_TIME_MS,
  MIN_TIME_MS,
  Parameters,
  parseDuration,
  parseLimit,
  parseTime,
} from '../../src/api/parameters.ts';
import { unescapeName } from '../../src/api/routes-query.ts';
import { parseTenant } from '../../src/api/tenant.ts';

const bad = (work: () => unknown, message: string | RegExp): void => {
  assert.throws(work, { code: 'bad_data', message });
};

test('times are float seconds or RFC 3339', () => {
  const ok = (text: string, want: number): void => assert.equal(parseTime(text), want, text);
  ok('0', 0);
  ok('-0', 0);
  ok('1700000000', 1_700_000_000_000);
  ok('1700000000.123', 1_700_000_000_123);
  ok('1700000000.1235', 1_700_000_000_124);
  ok('-1.5', -1500);
  ok('1e3', 1_000_000);
  ok('.5', 500);
  ok('2015-06-03T13:21:58.555Z', 1_433_337_718_555);
  ok('2015-06-03T14:21:58.555+01:00', 1_433_337_718_555);
  ok('2015-06-03T13:21:58Z', 1_433_337_718_000);
  ok('2015-06-03T13:21:58.555999999Z', 1_433_337_718_555);
  ok('0001-01-01T00:00:00Z', -62_135_596_800_000);
  ok('-292273086-05-16T16:47:06Z', MIN_TIME_MS);
  ok('292277025-08-18T07:12:54.999999999Z', MAX_TIME_MS);
  for (const text of ['', 'x', '2015-06-03', '2015-13-03T00:00:00Z', '2015-02-30T00:00:00Z', 'NaN', '+Inf', '1e400']) {
    bad(() => parseTime(text), `cannot parse "${text}" to a valid timestamp`);
  }
  bad(() => parseTime('2015-06-03T24:00:00Z'), /valid timestamp/);
  bad(() => parseTime('2015-06-03T00:00:00+24:00'), /valid timestamp/);
});

test('durations are float seconds or units in order', () => {
  const ok = (text: string, want: number): void => assert.equal(parseDuration(text), want, text);
  ok('1', 1000);
  ok('0.007', 7);
  ok('1.5', 1500);
  ok('-2', -2000);
  ok('5m', 300_000);
  ok('1h30m', 5_400_000);
  ok('1y2w3d4h5m6s7ms', 31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_400_000 + 300_000 + 6007);
  ok('0', 0);
  ok('0.0004', 0);
  for (const text of ['', 'm', '5', '30m1h', '5x', '1.5m', '-5m', ' 5m']) {
    if (text === '5') continue;
    bad(() => parseDuration(text), `cannot parse "${text}" to a valid duration`);
  }
  bad(() => parseDuration('1e12'), 'cannot parse "1e12" to a valid duration. It overflows int64');
  bad(() => parseDuration('400y'), /valid duration/);
});

test('limits are whole and not negative', () => {
  assert.equal(parseLimit(''), 0);
  assert.equal(parseLimit('0'), 0);
  assert.equal(parseLimit('17'), 17);
  bad(() => parseLimit('-1'), 'limit must be non-negative');
  bad(() => parseLimit('x'), 'strconv.Atoi: parsing "x": invalid syntax');
  bad(() => parseLimit('1.5'), 'strconv.Atoi: parsing "1.5": invalid syntax');
  bad(() => parseLimit('99999999999999999999'), /value out of range/);
});

test('forms are decoded pair by pair, and what cannot be decoded is left out', () => {
  const parameters = new Parameters();
  parameters.add('query=up%7Ba%3D%22b+c%22%7D&match[]=x&match%5B%5D=y&empty&=none');
  parameters.add('query=second&%zz=1&a;b=2&ok=%C3%A4');
  assert.equal(parameters.get('query'), 'up{a="b c"}');
  assert.deepEqual(parameters.all('match[]'), ['x', 'y']);
  assert.equal(parameters.get('empty'), '');
  assert.equal(parameters.get('ok'), 'ä');
  assert.equal(parameters.get('a'), '');
  assert.equal(parameters.malformed, 'invalid URL escape "%zz"');
  bad(() => new Parameters().add('a=%ff'), /not valid UTF-8/);
});

test('tenant names have up to 150 of the allowed characters', () => {
  assert.equal(parseTenant(undefined), 'anonymous');
  assert.equal(parseTenant(''), 'anonymous');
  assert.equal(parseTenant("a-B_9.!*'()"), "a-B_9.!*'()");
  assert.equal(parseTenant('x'.repeat(150)).length, 150);
  bad(() => parseTenant('x'.repeat(151)), 'tenant ID is too long: max 150 characters; got 151');
  bad(() => parseTenant('a|b'), 'tenant ID "a|b" contains unsupported character "|"');
  bad(() => parseTenant('a/b'), /unsupported character/);
  bad(() => parseTenant('..'), /not allowed/);
});

test('label names in paths may be escaped', () => {
  const ok = (name: string, want: string): void => assert.equal(unescapeName(name), want);
  ok('job', 'job');
  ok('U__http_2e_status', 'http.status');
  ok('U__a__b', 'a_b');
  ok('U__a_1f600_', 'a😀');
  ok('U__a_b', 'U__a_b');
  ok('U__a_d800_', 'U__a_d800_');
});

test('mutated forms end in parameters or in bad data, never in anything else', () => {
  const form = Buffer.from(
    'query=sum%28rate%28up%5B5m%5D%29%29&start=1700000000.5&end=2015-06-03T13:21:58Z&step=1h30m&limit=7',
  );
  let state = 12345;
  const next = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(form);
    for (let i = next(6); i >= 0; i--) bytes[next(bytes.length)] = next(256);
    try {
      const parameters = new Parameters();
      parameters.add(bytes.subarray(0, next(bytes.length + 1)).toString('latin1'));
      for (const parse of [parseTime, parseDuration, parseLimit]) {
        for (const name of ['start', 'end', 'step', 'limit']) assert.ok(Number.isFinite(parse(parameters.get(name))));
      }
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'bad_data', String(error));
    }
  }
});
