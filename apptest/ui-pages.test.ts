// The pages of alerts, rules and status in a real browser, in front of the real program with rules that fire, wait and fail.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { Program, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { browserMissing, TestBrowser } from './browser.ts';
import { oneSeries, send, write } from './client.ts';

const skip = browserMissing();
if (skip) console.log(`skipped: browser tests of alerts, rules and status: ${skip}`);

const WAIT_MS = 20_000;
const HOSTILE = '"><img src=x onerror="alert(1)"><script>alert(2)</script>';
const BROKEN = 'm * on () m';
const RULES = {
  groups: [
    {
      name: '<b>first</b>',
      interval: '1s',
      rules: [
        {
          alert: 'Fires',
          expr: 'm > 1',
          labels: { severity: 'page' },
          annotations: {
            summary: 'value {{ $value }} of {{ $labels.path }}',
            runbook: 'https://runbooks.example.com/fires',
            trap: 'javascript:alert(3)',
          },
        },
        { alert: 'Waits', expr: 'm > 1', for: '1h', keep_firing_for: '10m' },
      ],
    },
    {
      name: 'second',
      interval: '1s',
      rules: [
        { alert: 'Sleeps', expr: 'm > 100' },
        { alert: 'Breaks', expr: BROKEN },
        { record: 'm:sum', expr: 'sum(m)', labels: { team: '<i>infra</i>' } },
      ],
    },
  ],
};

let home = '';
let program: Program;
let browser: TestBrowser;

before(async () => {
  if (skip) return;
  program = await Program.start(null, { args: ['--web.enable-lifecycle'] });
  home = path.dirname(program.configFile);
  await fs.writeFile(path.join(home, 'rules.yml'), JSON.stringify(RULES));
  const alerting = `alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9']}]}]}\n`;
  await fs.writeFile(program.configFile, `rule_files: ['${home}/rules.yml']\n${alerting}`);
  assert.equal((await send(program, { method: 'POST', path: '/-/reload' })).status, 200);
  const nowMs = Date.now();
  await write(program, 1, [
    oneSeries('m', { path: HOSTILE }, [[nowMs, 2]]),
    oneSeries('m', { path: 'b' }, [[nowMs, 3]]),
  ]);
  await until('rules are evaluated', WAIT_MS, async () => {
    const { text } = await send(program, { path: '/api/v1/rules' });
    return text.includes('"firing"') && text.includes('"pending"') && text.includes('many-to-many');
  });
  browser = await TestBrowser.start();
});

after(async () => {
  await browser?.stop();
  await program?.dispose();
});

const visit = (address: string): Promise<Page> => browser.visit(program.url + address);
const textOf = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).allTextContents()).join('\n');

/** Opens a rule; its details are there a moment after the click. */
async function openRule(page: Page, name: string): Promise<Locator> {
  const rule = page.locator('.rule', { has: page.locator(`.rule-name:text-is("${name}")`) });
  await rule.locator('summary').press('Enter');
  await rule.locator('.facts-table').waitFor();
  return rule;
}

/** Nothing of what data says has become an element. */
async function noForeignElements(page: Page): Promise<void> {
  assert.equal(await page.locator('main img, main script, main b, main i').count(), 0);
  assert.equal(await page.locator('main a[href^="javascript:"]').count(), 0);
}

test('alerts are shown by group and state, with what they say, as text', { skip }, async () => {
  const page = await visit('/alerts');
  await page.waitForSelector('.rule');
  assert.equal(await textOf(page, '.presets button:visible'), 'all 4\nfiring 1\npending 1\ninactive 2');
  assert.deepEqual(await page.locator('.group h2').allTextContents(), ['<b>first</b>1 firing1 pending', 'second']);
  assert.match(await textOf(page, '.group-facts'), /rules\.ymlevery 1s · evaluated .* · took/);
  const fires = await openRule(page, 'Fires');
  const texts = (await fires.textContent()) ?? '';
  assert.ok(texts.includes(`path="${HOSTILE}"`), texts);
  assert.ok(texts.includes(`summaryvalue 2 of ${HOSTILE}`), texts);
  assert.equal(await fires.locator('.alerts tbody tr').count(), 2);
  assert.match(texts, /severity="page".*healthokevaluated (?:now|\ds ago), took/);
  assert.equal(await fires.locator('a[href="https://runbooks.example.com/fires"]').count(), 3);
  await openRule(page, 'Breaks');
  assert.match(await textOf(page, '.rule[open] .item-error'), /many-to-many matching not allowed/);
  const waits = await openRule(page, 'Waits');
  assert.match((await waits.textContent()) ?? '', /for1hkeep_firing_for10m/);
  await noForeignElements(page);
  await browser.noProblems(page);
});

test('alerts can be filtered by state and text, also by the address', { skip }, async () => {
  const page = await visit('/alerts?state=pending');
  await page.waitForSelector('.rule');
  const names = (): Promise<string[]> => page.locator('.rule-name').allTextContents();
  assert.deepEqual(await names(), ['Waits']);
  await page.getByRole('button', { name: 'inactive 2' }).click();
  assert.deepEqual(await names(), ['Sleeps', 'Breaks']);
  assert.match(page.url(), /\?state=inactive$/);
  await page.getByLabel('Filter').fill('m > 100');
  assert.deepEqual(await names(), ['Sleeps']);
  await page.getByLabel('Filter').fill('no such thing');
  assert.equal(await textOf(page, '.empty'), 'No alert matches.');
  await page.reload();
  await page.waitForSelector('.empty:text("No alert matches.")');
  await browser.noProblems(page);
});

test('a refresh keeps what is open and where the focus is', { skip }, async () => {
  const page = await visit('/alerts');
  await page.waitForSelector('.rule');
  await openRule(page, 'Fires');
  const old = await page.locator('.rule[open] .rule-body').elementHandle();
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
  await page.waitForFunction((element) => element?.isConnected === false, old);
  assert.equal(await page.locator('.rule[open] .alerts tbody tr').count(), 2);
  assert.equal(await page.locator('summary:focus', { hasText: 'Fires' }).count(), 1);
  await browser.noProblems(page);
});

test('rules are shown with their health, and their expressions lead to the query page', { skip }, async () => {
  const page = await visit('/rules');
  await page.waitForSelector('.rules');
  assert.equal(await textOf(page, '.presets button'), 'all 5\nok 4\nerr 1\nunknown 0');
  assert.match(await textOf(page, '.rules .item-error'), /many-to-many matching not allowed/);
  assert.ok((await textOf(page, '.rules .chip')).includes('team="<i>infra</i>"'));
  assert.match(await textOf(page, '.rules td.number'), /^(?:now|\ds ago)\n(?:<1|\d+)ms\n/);
  await noForeignElements(page);
  await page.getByRole('button', { name: 'err 1' }).click();
  assert.deepEqual(await page.locator('.rule-name').allTextContents(), ['Breaks']);
  await page.locator('a.expression').click();
  await page.waitForSelector('.message.error');
  assert.equal(new URL(page.url()).searchParams.get('g0.expr'), BROKEN);
  await page.goBack();
  await page.locator('a.rule-name', { hasText: 'Breaks' }).click();
  await page.waitForSelector('.rule');
  assert.match(page.url(), /\/alerts\?search=Breaks$/);
  await browser.noProblems(page);
});

test('the status page names Alertmanagers, and what has gone wrong', { skip }, async () => {
  const good = await fs.readFile(program.configFile, 'utf8');
  await fs.writeFile(program.configFile, 'no such field: 1\n');
  assert.equal((await send(program, { method: 'POST', path: '/-/reload' })).status, 500);
  const page = await visit('/alertmanager-discovery');
  await page.waitForSelector('[aria-busy]', { state: 'detached' });
  assert.match(page.url(), /\/status#alertmanagers$/);
  assert.equal(await textOf(page, '#alertmanagers td'), 'in use\nhttp://127.0.0.1:9/api/v2/alerts');
  assert.match(await textOf(page, '#notifications .message'), /^Configuration reload has failed/);
  assert.ok((await textOf(page, '#config pre')).includes('rules.yml'));
  for (const [id, text] of Object.entries({ runtime: 'Hostname', build: 'Version', head: 'Series', flags: '--web.' })) {
    assert.ok((await textOf(page, `#${id}`)).includes(text), id);
  }
  assert.ok((await textOf(page, '#storage')).includes('Series by metric'));
  assert.equal(await page.locator('.message.error').count(), 0);
  await fs.writeFile(program.configFile, good);
  assert.equal((await send(program, { method: 'POST', path: '/-/reload' })).status, 200);
  await browser.noProblems(page);
});

test('all pages say what the server refuses, and that it cannot be reached', { skip }, async () => {
  const json = { status: 'error', errorType: 'internal', error: `<img src=x onerror="alert(4)">` };
  for (const address of ['/alerts', '/rules', '/targets', '/status']) {
    const refused = await browser.visit(program.url + address, (page) =>
      page.route('**/api/v1/**', (route) => route.fulfill({ status: 500, json })),
    );
    await refused.waitForSelector('.message.error');
    assert.ok((await textOf(refused, '.message.error')).includes(json.error));
    await noForeignElements(refused);
    await browser.noProblems(refused);
    const broken = await browser.visit(program.url + address, (page) =>
      page.route('**/api/v1/**', (route) => route.abort()),
    );
    await broken.waitForSelector('.message.error');
    assert.match(await textOf(broken, '.message.error'), /the server cannot be reached/);
    await browser.noProblems(broken);
  }
});

test('what was shown stays when the server fails later', { skip }, async () => {
  const page = await visit('/alerts');
  await page.waitForSelector('.rule');
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
  await page.waitForSelector('.message.error');
  assert.equal(await page.locator('.rule').count(), 4);
  await browser.noProblems(page);
});

test('of very many rules the first are shown until all are asked for', { skip }, async () => {
  const rules = Array.from({ length: 100 }, (_, i) => ({
    ...{ type: 'recording', name: `r${i}`, query: 'sum(m)', labels: {}, health: 'ok' },
    ...{ evaluationTime: 0.001, lastEvaluation: '2026-03-01T12:00:00Z' },
  }));
  const group = {
    file: 'f.yml',
    rules,
    interval: 60,
    limit: 0,
    evaluationTime: 0,
    lastEvaluation: '0001-01-01T00:00:00Z',
  };
  const groups = Array.from({ length: 9 }, (_, i) => ({ ...group, name: `g${i}` }));
  const page = await browser.visit(`${program.url}/rules`, (made) =>
    made.route('**/api/v1/rules*', (route) => route.fulfill({ json: { status: 'success', data: { groups } } })),
  );
  await page.waitForSelector('.group');
  assert.equal(await page.locator('.group').count(), 5);
  assert.match(await textOf(page, '.group-facts'), /evaluated never\n/);
  await page.getByRole('button', { name: 'Show all 9 groups' }).click();
  assert.equal(await page.locator('.group').count(), 9);
  await browser.noProblems(page);
});

test('navigation leads to every page and keeps the tenant', { skip }, async () => {
  const page = await visit('/alerts?tenant=other');
  await page.waitForSelector('.empty:text("No alerting rules")');
  for (const name of ['Query', 'Rules', 'Targets', 'Status', 'Alerts']) {
    await page.getByRole('link', { name, exact: true }).click();
    await page.waitForSelector(`nav a[aria-current]:text-is("${name}")`);
    const { pathname, searchParams } = new URL(page.url());
    assert.deepEqual([pathname, searchParams.get('tenant')], [`/${name.toLowerCase()}`, 'other']);
    await until('the title follows', WAIT_MS, async () => (await page.title()) === `${name} · Tidemark`);
  }
  await browser.noProblems(page);
});

test('an agent shows targets and status, and nothing that it has not', { skip }, async (t) => {
  const config = `remote_write: [{url: 'http://127.0.0.1:9/api/v1/write'}]\n`;
  const agent = await Program.start(t, {
    config,
    args: ['--agent', `--storage.agent.path=${await temporaryDirectory(t)}`],
  });
  const page = await browser.visit(`${agent.url}/status`);
  await page.waitForSelector('[aria-busy]', { state: 'detached' });
  assert.equal(await textOf(page, 'header nav a'), 'Targets\nStatus');
  assert.equal(await page.locator('.message.error').count(), 0);
  assert.equal((await send(agent, { path: '/alerts' })).status, 404);
  await browser.noProblems(page);
});
