import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findChromium, startChromium } from '../../playground/browser.ts';
import { startPlayground, type Playground } from '../../playground/playground.ts';
import { startSocketApp } from './bolt-app.ts';

const browserPath = findChromium();
/** On a machine at work a browser and an app may take longer than Slack waits. */
const unhurried = {
  shortcuts: [{ type: 'message', callbackId: 'run_message', name: 'Run this code' }],
  ackTimeoutMs: 100_000,
  triggerLifeMs: 100_000,
} as const;

let browser: Browser | undefined;

beforeAll(async () => {
  if (browserPath !== undefined) browser = await startChromium(browserPath);
});

afterAll(async () => {
  await browser?.close();
});

test.skipIf(browserPath === undefined)(
  'a command, its thread, Stop, a refusal in private, in a real browser',
  async () => {
    await using playground = await startPlayground(unhurried);
    const app = await startSocketApp(playground, (bolt) => {
      bolt.command('/spark', async ({ ack, command, client, respond }) => {
        await ack();
        if (command.text === 'nonsense') {
          await respond('There is no such language.');
          return;
        }
        const { ts = '' } = await client.chat.postMessage({
          channel: command.channel_id,
          text: `ran \`${command.text}\``,
        });
        await client.chat.postMessage({
          channel: command.channel_id,
          thread_ts: ts,
          text: 'running',
          blocks: [
            {
              type: 'rich_text',
              elements: [
                { type: 'rich_text_preformatted', elements: [{ type: 'text', text: '<b>42</b> %' }] },
              ],
            },
            {
              type: 'actions',
              elements: [{ type: 'button', action_id: 'stop', text: { type: 'plain_text', text: 'Stop' } }],
            },
          ],
        });
      });
      bolt.action('stop', async ({ ack, respond }) => {
        await ack();
        await respond({
          replace_original: true,
          text: 'stopped',
          blocks: [
            {
              type: 'rich_text',
              elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'stopped by you' }] }],
            },
          ],
        });
      });
    });
    await using page = await open(playground, '?user=ben&at=data');
    await page.getByPlaceholder('Message').fill('/spark python2 1+1');
    await page.getByPlaceholder('Message').press('Enter');
    await page.getByRole('button', { name: '1 reply' }).click();
    await page.locator('#thread pre', { hasText: '<b>42</b> %' }).waitFor();
    await page.locator('#thread').getByRole('button', { name: 'Stop' }).click();
    await page.locator('#thread').getByText('stopped by you').waitFor();
    expect(await page.locator('#thread').getByRole('button', { name: 'Stop' }).count()).toBe(0);

    await page.getByPlaceholder('Message').fill('/spark nonsense');
    await page.getByPlaceholder('Message').press('Enter');
    await page.locator('.whisper', { hasText: 'There is no such language.' }).waitFor();
    await page.getByLabel('You are').selectOption('ana');
    await page.locator('#messages', { hasText: 'ran' }).waitFor();
    expect(await page.locator('.whisper').count()).toBe(0);
    await app.stop();
  },
);

test.skipIf(browserPath === undefined)(
  'a modal keeps what was typed when refused; a plot and a file are seen',
  async () => {
    await using playground = await startPlayground(unhurried);
    const app = await startSocketApp(playground, (bolt) => {
      bolt.shortcut(
        { callback_id: 'run_message', type: 'message_action' },
        async ({ ack, shortcut, client }) => {
          await ack();
          await client.views.open({
            trigger_id: shortcut.trigger_id,
            view: {
              type: 'modal',
              callback_id: 'editor',
              title: { type: 'plain_text', text: 'Run code' },
              submit: { type: 'plain_text', text: 'Run' },
              blocks: [
                {
                  type: 'input',
                  block_id: 'code',
                  label: { type: 'plain_text', text: 'Code' },
                  element: {
                    type: 'plain_text_input',
                    action_id: 'typed',
                    multiline: true,
                    initial_value: shortcut.message.text ?? '',
                  },
                },
              ],
            },
          });
        },
      );
      bolt.view('editor', async ({ ack, view }) => {
        const typed = view.state.values['code']?.['typed']?.value ?? '';
        if (typed.includes('plot')) await ack();
        else await ack({ response_action: 'errors', errors: { code: 'Nothing to plot.' } });
      });
    });
    const message = playground.as('ben').post('#data', '1 + 1');
    playground.as('ben').upload('#data', { name: 'plot.png', content: onePixel }, '', { thread: message.ts });
    playground.as('ben').upload('#data', { name: 'out.csv', content: 'a,b\n' }, '', { thread: message.ts });
    await using page = await open(playground, `?user=ana&at=data&thread=${message.ts}`);
    const picture = page.locator('#thread img');
    await picture.waitFor();
    expect(await picture.evaluate((image) => 'naturalWidth' in image && image.naturalWidth)).toBe(1);
    await page.locator('#thread a.file', { hasText: 'out.csv' }).waitFor();

    const first = page.locator('#messages .message').first();
    await first.hover();
    await first.getByRole('button', { name: 'Run this code' }).click();
    const code = page.getByLabel('Code');
    expect(await code.inputValue()).toBe('1 + 1');
    await code.fill('2 + 2');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('Nothing to plot.').waitFor();
    expect(await code.inputValue()).toBe('2 + 2');
    await code.fill('plot(2)');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.locator('.modal').waitFor({ state: 'detached' });
    await app.stop();
  },
);

test("another site's page cannot act, and scripts in files do not run here", async () => {
  await using playground = await startPlayground();
  const say = (headers: Record<string, string>) =>
    fetch(`${playground.origin}/page/act`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ kind: 'say', user: 'ana', channel: 'data', text: 'hello' }),
    });
  const type = { 'content-type': 'application/json' };
  expect((await say({ ...type, origin: 'https://evil.example' })).status).toBe(403);
  expect((await say({ 'content-type': 'text/plain', origin: playground.origin })).status).toBe(403);
  expect(playground.messages('#data')).toEqual([]);
  expect((await say({ ...type, origin: playground.origin })).status).toBe(200);
  expect(playground.messages('#data')).toHaveLength(1);
  playground.as('ana').upload('#data', { name: 'x.html', content: '<script>alert(1)</script>' });
  const file = await fetch(`${playground.origin}/page/files/${playground.files[0]?.file.id ?? ''}`);
  expect(file.headers.get('content-disposition')).toMatch(/^attachment/);
  expect(file.headers.get('content-security-policy')).toBe('sandbox');
});

async function open(playground: Playground, query: string): Promise<Page> {
  if (browser === undefined) throw new Error('no browser');
  const page = await browser.newPage();
  page.setDefaultTimeout(100_000);
  await page.goto(`${playground.origin}/${query}`);
  return page;
}

const onePixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
