import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bcryptMatches } from '../../src/api/bcrypt.ts';

const giveWay = () => Promise.resolve();
const ok = async (password: string, hash: string, want = true) =>
  assert.equal(await bcryptMatches(password, hash, giveWay), want, `${password.slice(0, 20)} ${hash}`);

test('passwords match the hashes that other programs made of them', async () => {
  await ok('U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW');
  await ok('', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy');
  await ok('x'.repeat(100), '$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q');
  await ok('x'.repeat(72), '$2y$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q');
});

test('other passwords do not', async () => {
  await ok('U*V', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', false);
  await ok('x'.repeat(71), '$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q', false);
});

test('work is done in slices', async () => {
  let slices = 0;
  await bcryptMatches('a', '$2a$08$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', async () => void slices++);
  assert.ok(slices >= 8, `${slices} slices`);
});

test('what is no hash is refused', async () => {
  await assert.rejects(bcryptMatches('a', 'a', giveWay), { code: 'bad_data' });
});
