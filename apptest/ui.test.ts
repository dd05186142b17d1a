// The page in a real browser, in front of the real HTTP door with made-up series behind it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { ApiServer } from '../src/api/index.ts';
import { pageServer } from '../test/api/page-server.ts';
import { until } from '../test/support/program.ts';
import { browserMissing, pageRoot, TestBrowser } from './browser.ts';

const WAIT_MS = 20_000;
const skip = browserMissing();
if (skip) console.log(`skipped: browser tests of the page: ${skip}`);

let server: ApiServer;
let browser: TestBrowser;
let base = '';

before(async () => {
  if (skip) return;
  server = await pageServer(pageRoot, () => Date.now());
  base = await server.start('127.0.0.1', 0);
  browser = await TestBrowser.start();
});

after(async () => {
  await browser?.stop();
  await server?.stop();
});

const visit = (path: string): Promise<Page> => browser.visit(base + path);
const noProblems = (page: Page): Promise<void> => browser.noProblems(page);

test('the first visit shows live data without a question', { skip }, async () => {
  const page = await visit('/');
  await page.waitForSelector('.u-over');
  assert.equal(await page.locator('.legend tbody tr').count(), 7);
  assert.match((await page.locator('.facts').textContent()) ?? '', /^7 series · 5s step/);
  await noProblems(page);
});

test('the address holds panels, tabs, range, end and step, and Back returns to the one before', { skip }, async () => {
  const page = await visit(
    '/query?g0.expr=up&g0.tab=1&g0.range_input=2h&g0.end_input=2026-03-01%2012:00:00&g0.step_input=1m&g1.expr=many&g1.tab=0',
  );
  await page.waitForSelector('.u-over');
  assert.equal(await page.locator('.panel').count(), 2);
  assert.equal(await page.locator('.result tbody tr').count(), 5);
  assert.equal(await page.getByLabel('Range').inputValue(), '2h');
  assert.equal(await page.getByLabel('Step').inputValue(), '1m');
  await page.getByRole('button', { name: '15m' }).click();
  await page.waitForURL(/g0\.range_input=15m/);
  await page.goBack();
  await until('the range is back', WAIT_MS, async () => (await page.getByLabel('Range').inputValue()) === '2h');
  await noProblems(page);
});

test('an expression is typed with completion and run with Enter', { skip }, async () => {
  const page = await visit('/query?g0.expr=&g0.tab=graph');
  await page.locator('.editor').click();
  await page.keyboard.type('node_c');
  await page.getByText('node_cpu_seconds_total').first().waitFor();
  await page.waitForTimeout(150); // CodeMirror takes no completion in the first moments, so that no key is taken for one.
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.u-over');
  assert.equal(new URL(page.url()).searchParams.get('g0.expr'), 'node_cpu_seconds_total');
  await noProblems(page);
});

test('errors show the place, warnings and infos the text', { skip }, async () => {
  const page = await visit('/query?g0.expr=sum(bad(up)))&g1.expr=rate(up[5m])&g2.expr=quantile(7,up)');
  const error = page.locator('.message.error');
  await error.waitFor();
  assert.match((await error.textContent()) ?? '', /bad_data: invalid parameter "query": 1:12: parse error/);
  assert.equal(await error.locator('pre').textContent(), `sum(bad(up)))\n${' '.repeat(11)}^`);
  assert.match((await page.locator('.message.info').textContent()) ?? '', /might not be a counter.*\(1:6\)/);
  assert.match((await page.locator('.message.warning').textContent()) ?? '', /got 7 \(1:10\)/);
  await noProblems(page);
});

test('dragging over the graph chooses a range, the legend chooses series', { skip }, async () => {
  const page = await visit('/query?g0.expr=up&g0.range_input=1h');
  const plot = page.locator('.u-over');
  await plot.waitFor();
  const box = await plot.boundingBox();
  assert.ok(box);
  await page.locator('.legend tbody tr').nth(1).click();
  assert.equal(await page.locator('.legend tr.off').count(), 4);
  await page.mouse.move(box.x + box.width / 4, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + 100, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/end_input/);
  assert.match(await page.getByLabel('Range').inputValue(), /^1[45]m/);
  await until('four are off', WAIT_MS, async () => (await page.locator('.legend tr.off').count()) === 4);
  await noProblems(page);
});

test('targets show health and the last error, and can be filtered', { skip }, async () => {
  const page = await visit('/targets');
  await page.waitForSelector('.badge');
  assert.equal(await page.locator('.badge').count(), 6);
  await page.getByRole('button', { name: 'down 1' }).click();
  assert.equal(await page.locator('.badge').count(), 1);
  assert.match((await page.locator('.item-error').textContent()) ?? '', /ECONNREFUSED/);
  await noProblems(page);
});

test('the status page shows all parts, also by the addresses Prometheus has for them', { skip }, async () => {
  const page = await visit('/flags');
  await page.waitForSelector('#config');
  assert.match(page.url(), /\/status#flags$/);
  await page.waitForSelector('[aria-busy]', { state: 'detached' });
  for (const id of ['runtime', 'build', 'head', 'storage', 'alertmanagers', 'flags'])
    assert.equal(await page.locator(`#${id}`).count(), 1);
  assert.equal(await page.locator('.message.error').count(), 0);
  await noProblems(page);
});

test('the theme follows the system and can be chosen', { skip }, async () => {
  const page = await visit('/query?g0.expr=up');
  const isTheme = (name: string) => page.waitForSelector(`html[data-theme="${name}"]`);
  await page.emulateMedia({ colorScheme: 'dark' });
  await isTheme('dark');
  await page.getByLabel('Theme').selectOption('light');
  await isTheme('light');
  await page.reload();
  await isTheme('light');
  await noProblems(page);
});
