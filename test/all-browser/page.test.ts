import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import { pageShortcuts } from '../../demo/page-shortcuts.ts';
import { findChromium, missingChromium, startChromium } from '../../playground/browser.ts';
import { openPageWindow, type PageWindow, type PageWindowOptions } from '../../playground/page-window.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { provisioned } from '../support/backends/provisioned.ts';
import { startBot, type StartedBot } from '../support/start-bot.ts';

const executable = findChromium();
const kernelMs = 60_000;

let browser: Browser;
let gateway: KernelGateway;
let playground: Playground;
let bot: StartedBot;

beforeAll(async () => {
  if (executable === undefined) return;
  [browser, gateway, playground] = await Promise.all([
    startChromium(executable),
    startKernelGateway({ provisioned: await provisioned() }),
    startPlayground({ shortcuts: pageShortcuts }),
  ]);
  bot = await startBot({
    playground,
    gateway: { httpUrl: gateway.url, token: gateway.token },
    environment: { DEFAULT_LANGUAGE: 'python3' },
  });
});

afterAll(async () => {
  await bot?.[Symbol.asyncDispose]();
  await playground?.stop();
  await gateway?.stop();
  await browser?.close();
});

/** A test in a window of its own. It fails if the page's script reported an error. */
function inBrowser(
  title: string,
  options: PageWindowOptions,
  body: (window: PageWindow) => Promise<void>,
): void {
  test(title, async ({ skip }) => {
    skip(executable === undefined, missingChromium);
    await using window = await openPageWindow(browser, playground, options);
    window.page.setDefaultTimeout(kernelMs);
    await body(window);
    expect(window.complaints).toEqual([]);
  });
}

inBrowser('a command, its live answer, Stop, the end', {}, async (window) => {
  await window.say('/spark print("counting"); import time; time.sleep(300)');
  await window.openThread('time.sleep(300)');
  await window.thread.locator('pre', { hasText: /^counting$/ }).waitFor();
  await window.thread.getByText(/^Running/).waitFor();
  await window.thread.getByRole('button', { name: 'Stop' }).click();
  await window.thread.getByText(/^Stopped · .* In \[\d+\]/).waitFor();
  await window.thread.getByRole('button', { name: 'Run again' }).waitFor();
  expect(await window.thread.getByRole('button', { name: 'Stop' }).count()).toBe(0);
});

inBrowser('a plot is seen in the thread of a mention', {}, async (window) => {
  await window.say('@sparkthread import matplotlib.pyplot as plt; plt.plot([1, 4, 9]); plt.show()');
  await window.openThread('plt.plot');
  await window.thread.getByText(/^Done · .* In \[\d+\]/).waitFor();
  const picture = window.thread.locator('img');
  await picture.waitFor();
  await expect
    .poll(() => picture.evaluate((image) => 'naturalWidth' in image && Number(image.naturalWidth)))
    .toBeGreaterThan(100);
});

inBrowser('a data frame is a table, its cells in rows', {}, async (window) => {
  await window.say(
    '/spark import pandas; pandas.DataFrame({"city": ["Oslo", "Lima"], "people": [709000, 10092000]})',
  );
  await window.openThread('pandas.DataFrame');
  await window.thread.locator('table').waitFor();
  const rows = await window.thread.locator('table tr').allInnerTexts();
  expect(rows.map((row) => row.split(/\s+/).filter(Boolean))).toEqual([
    ['city', 'people'],
    ['0', 'Oslo', '709000'],
    ['1', 'Lima', '10092000'],
  ]);
});

inBrowser('a code block in the thread runs there', {}, async (window) => {
  await window.say('@sparkthread `answer = 6 * 7`');
  await window.openThread('answer = 6 * 7');
  await window.thread.getByText(/^Done · .* In \[\d+\]/).waitFor();
  await window.reply('```\nanswer\n```');
  await window.thread.locator('pre', { hasText: /^42$/ }).waitFor();
});

inBrowser('a refusal is seen by the one person only', { user: 'gus' }, async (window) => {
  await window.say('/spark 1 + 1');
  await window.whispers.getByText(/Guests may not/).waitFor();
  await window.become('ben');
  await window.whispers.first().waitFor({ state: 'detached' });
  await window.become('gus');
  await window.whispers.getByText(/Guests may not/).waitFor();
});

inBrowser('the editor: a snippet typed in it runs', { user: 'ben' }, async (window) => {
  await window.say('/spark');
  await window.modal.getByLabel(/^Code\b/).fill('for n in range(3):\n    print("row", n)');
  await window.modal.getByRole('button', { name: 'Run', exact: true }).click();
  await window.modal.waitFor({ state: 'detached' });
  await window.openThread('print("row", n)');
  await window.thread.locator('pre', { hasText: 'row 0\nrow 1\nrow 2' }).waitFor();
});

inBrowser(
  'the editor from anywhere begins with the channel that one looks at',
  { at: 'general' },
  async (window) => {
    await window.page.locator('#sidebar').getByText('Run code').click();
    const channel = window.modal.getByLabel('Channel');
    expect(await channel.inputValue()).toBe(playground.channel('general').id);
    await window.modal.getByLabel(/^Code\b/).fill('print("from", "anywhere")');
    await window.modal.getByRole('button', { name: 'Run', exact: true }).click();
    await window.openThread('print("from", "anywhere")');
    await window.thread.locator('pre', { hasText: /^from anywhere/ }).waitFor();
  },
);

inBrowser('on a phone the one pane that is open has the whole width', { width: 390 }, async (window) => {
  const widthOf = async (id: string) => (await window.page.locator(id).boundingBox())?.width;
  expect(await widthOf('#messages')).toBeGreaterThan(360);
  await window.say('/spark "as seen on a phone"');
  await window.openThread('as seen on a phone');
  await window.thread.getByText(/^Done · .* In \[\d+\]/).waitFor();
  expect(await widthOf('#thread')).toBeGreaterThan(360);
  expect(await window.page.locator('main').isVisible()).toBe(false);
});
