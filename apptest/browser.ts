// Headless Chromium for tests of the web page. Scripts that fail and what the security policy refuses are collected.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** build/ui. */
export const pageRoot = fileURLToPath(new URL('../build/ui', import.meta.url));

/** Why there can be no such test; false: there can. */
export function browserMissing(): string | false {
  if (!existsSync(CHROMIUM)) return `no ${CHROMIUM}`;
  return existsSync(`${pageRoot}/app.js`) ? false : 'build/ui is absent';
}

export class TestBrowser {
  readonly #browser: Browser;
  readonly #problems: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }));
  }

  stop(): Promise<void> {
    return this.#browser.close();
  }

  /** Opens an address. `prepare` may change what the page is told. */
  async visit(url: string, prepare: (page: Page) => Promise<unknown> = () => Promise.resolve()): Promise<Page> {
    const page = await this.#browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => this.#problems.push(error.message));
    page.on('dialog', (dialog) => {
      this.#problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      const isExpected = /status of [45]\d\d|net::ERR_FAILED/.test(message.text());
      if (message.type() === 'error' && !isExpected) this.#problems.push(message.text());
    });
    await prepare(page);
    await page.goto(url);
    return page;
  }

  /** Closes the page; nothing may have gone wrong in it. */
  async noProblems(page: Page): Promise<void> {
    await page.close();
    assert.deepEqual(this.#problems.splice(0), []);
  }
}
