import type { View } from '@slack/types';
import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { startSocketApp } from './bolt-app.ts';

const editor: View = {
  type: 'modal',
  callback_id: 'editor',
  title: { type: 'plain_text', text: 'Run code' },
  submit: { type: 'plain_text', text: 'Run' },
  notify_on_close: true,
  blocks: [
    {
      type: 'input',
      block_id: 'code',
      label: { type: 'plain_text', text: 'Code' },
      element: { type: 'plain_text_input', action_id: 'typed', multiline: true, max_length: 10 },
    },
  ],
};

const stopButton = [
  {
    type: 'actions',
    block_id: 'buttons',
    elements: [
      { type: 'button', action_id: 'stop:1', value: '1', text: { type: 'plain_text', text: 'Stop' } },
    ],
  },
];

test('a press carries the message, opens a modal by its trigger, and the modal is submitted', async () => {
  await using playground = await startPlayground();
  const submitted: unknown[] = [];
  const app = await startSocketApp(playground, (bolt) => {
    bolt.action(/^stop/, async ({ ack, body, client }) => {
      await ack();
      if (!('trigger_id' in body)) throw new Error('no trigger');
      await client.views.open({ trigger_id: body.trigger_id, view: editor });
      expect(body).toMatchObject({ message: { text: 'running' }, container: { type: 'message' } });
    });
    bolt.view('editor', async ({ ack, view, body }) => {
      const typed = view.state.values['code']?.['typed']?.value;
      if (typed === 'bad') {
        await ack({ response_action: 'errors', errors: { code: 'not this' } });
        return;
      }
      await ack();
      submitted.push([body.user.name, typed]);
    });
    bolt.view({ callback_id: 'editor', type: 'view_closed' }, async ({ ack }) => {
      await ack();
      submitted.push('closed');
    });
  });
  const channel = playground.channel('#data').id;
  await app.client.apiCall('chat.postMessage', { channel, text: 'running', blocks: stopButton });
  const [message] = playground.messages('#data');
  if (message === undefined) throw new Error('no message');
  const ben = playground.as('ben');
  expect(await ben.press(message, 'stop')).toMatchObject({ ok: true });
  const modal = await playground.waitFor(() => ben.modal);
  expect((await ben.submit(modal)).errors).toEqual({ code: 'Please complete this required field.' });
  expect((await ben.submit(modal, { typed: 'far too long' })).errors).toEqual({
    code: 'Must be no longer than 10 characters.',
  });
  expect((await ben.submit(modal, { typed: 'bad' })).errors).toEqual({ code: 'not this' });
  expect(ben.modal?.errors).toEqual({ code: 'not this' });
  expect(await ben.submit(modal, { typed: 'x = 1' })).toMatchObject({ ok: true });
  expect(ben.modal).toBeUndefined();
  await ben.press(message, 'stop');
  await ben.close(await playground.waitFor(() => ben.modal));
  await playground.waitFor(() => playground.deliveries.at(-1)?.state === 'acked');
  expect(submitted).toEqual([['ben', 'x = 1'], 'closed']);
  await app.stop();
});

test('a trigger opens one modal, within its life', async () => {
  let nowMs = 1_800_000_000_000;
  await using playground = await startPlayground({ now: () => nowMs });
  const app = await startSocketApp(playground, (bolt) => {
    bolt.shortcut('open_editor', async ({ ack }) => ack());
  });
  const { triggerId } = await playground.as('ana').globalShortcut('open_editor');
  await app.client.views.open({ trigger_id: triggerId, view: editor });
  await expect(app.client.views.open({ trigger_id: triggerId, view: editor })).rejects.toMatchObject({
    data: { error: 'exchanged_trigger_id' },
  });
  const late = await playground.as('ana').globalShortcut('open_editor');
  nowMs += 3001;
  await expect(app.client.views.open({ trigger_id: late.triggerId, view: editor })).rejects.toMatchObject({
    data: { error: 'expired_trigger_id' },
  });
  await app.stop();
});

test('views are refused as Slack refuses them', async () => {
  await using playground = await startPlayground();
  const app = await startSocketApp(playground, (bolt) => {
    bolt.shortcut('open_editor', async ({ ack }) => ack());
  });
  const open = async (view: View) => {
    const { triggerId } = await playground.as('ana').globalShortcut('open_editor');
    return app.client.views.open({ trigger_id: triggerId, view });
  };
  const { submit: _submit, ...noSubmit } = editor;
  await expect(open(noSubmit)).rejects.toMatchObject({
    data: {
      error: 'invalid_arguments',
      response_metadata: { messages: [expect.stringContaining('submit is required')] },
    },
  });
  await expect(
    open({ ...editor, title: { type: 'plain_text', text: 't'.repeat(25) } }),
  ).rejects.toMatchObject({
    data: { error: 'invalid_arguments' },
  });
  await expect(open({ ...editor, private_metadata: 'm'.repeat(3001) })).rejects.toMatchObject({
    data: { error: 'invalid_arguments' },
  });
  const { view } = await open({ ...editor, external_id: 'mine' });
  await expect(open({ ...editor, external_id: 'mine' })).rejects.toMatchObject({
    data: { error: 'duplicate_external_id' },
  });
  const hash = view?.hash;
  const update = (more: object) =>
    app.client.apiCall('views.update', {
      external_id: 'mine',
      view: { ...editor, external_id: 'mine' },
      ...more,
    });
  await update({ hash });
  await expect(update({ hash })).rejects.toMatchObject({ data: { error: 'hash_conflict' } });
  await app.stop();
});

test('pushed views are a stack of three', async () => {
  await using playground = await startPlayground();
  const app = await startSocketApp(playground, (bolt) => {
    bolt.shortcut('open_editor', async ({ ack }) => ack());
    bolt.action('more', async ({ ack }) => ack());
  });
  const ana = playground.as('ana');
  const view = {
    type: 'modal',
    title: { type: 'plain_text', text: 'Deeper' },
    blocks: [
      {
        type: 'actions',
        elements: [{ type: 'button', action_id: 'more', text: { type: 'plain_text', text: 'More' } }],
      },
    ],
  };
  const first = await ana.globalShortcut('open_editor');
  await app.client.apiCall('views.open', { trigger_id: first.triggerId, view });
  for (const expected of [2, 3]) {
    if (ana.modal === undefined) throw new Error('no modal');
    const { triggerId } = await ana.pressInView(ana.modal, 'more');
    await app.client.apiCall('views.push', { trigger_id: triggerId, view });
    expect(playground.service.modals.stackOf(ana.user.id)).toHaveLength(expected);
  }
  if (ana.modal === undefined) throw new Error('no modal');
  const { triggerId } = await ana.pressInView(ana.modal, 'more');
  await expect(app.client.apiCall('views.push', { trigger_id: triggerId, view })).rejects.toMatchObject({
    data: { error: 'push_limit_reached' },
  });
  await ana.close(ana.modal);
  expect(playground.service.modals.stackOf(ana.user.id)).toHaveLength(2);
  await app.stop();
});

test('a response_url answers five times, also where the bot is not, and changes what was pressed', async () => {
  await using playground = await startPlayground();
  const app = await startSocketApp(playground, (bolt) => {
    bolt.command('/spark', async ({ ack, respond }) => {
      await ack();
      await respond({ text: 'sure?', blocks: stopButton });
    });
    bolt.action(/^stop/, async ({ ack, respond }) => {
      await ack();
      await respond({ replace_original: true, text: 'stopped' });
      for (let i = 0; i < 3; i += 1) await respond(`more ${i}`);
      await respond({ text: 'everybody', response_type: 'in_channel' });
      await expect(respond('one too many')).rejects.toMatchObject({ statusCode: 404 });
      await app.client.chat.postEphemeral({
        channel: playground.channel('data').id,
        user: playground.user('ana').id,
        text: 'done',
      });
    });
  });
  const ana = playground.as('ana');
  await ana.slash('#elsewhere', '/spark status');
  const asked = await playground.waitForEphemeral('ana');
  await ana.press(asked, 'stop:1');
  await playground.waitForEphemeral('ana', ({ text }) => text === 'done');
  expect(playground.ephemerals('ana').map(({ text }) => text)).toEqual([
    'stopped',
    'more 0',
    'more 1',
    'more 2',
    'done',
  ]);
  expect(playground.messages('#elsewhere').map(({ text }) => text)).toEqual(['everybody']);
  await app.stop();
});

test('home tab: opened, published, pressed', async () => {
  await using playground = await startPlayground();
  const app = await startSocketApp(playground, (bolt) => {
    bolt.event('app_home_opened', async ({ event, client }) => {
      await client.views.publish({
        user_id: event.user,
        view: {
          type: 'home',
          blocks: [
            {
              type: 'actions',
              elements: [
                { type: 'button', action_id: 'restart', text: { type: 'plain_text', text: 'Restart' } },
              ],
            },
          ],
        },
      });
    });
    bolt.action('restart', async ({ ack }) => ack());
  });
  const ben = playground.as('ben');
  ben.openHome();
  const home = await playground.waitFor(() => ben.home);
  expect(await ben.pressInView(home, 'restart')).toMatchObject({ ok: true });
  expect(playground.deliveries.at(-1)?.body).toMatchObject({
    container: { type: 'view' },
    view: { type: 'home' },
  });
  await app.stop();
});

test('a message shortcut carries the message', async () => {
  await using playground = await startPlayground();
  const app = await startSocketApp(playground, (bolt) => {
    bolt.shortcut(
      { callback_id: 'run_message', type: 'message_action' },
      async ({ ack, shortcut, respond }) => {
        await ack();
        await respond(`running ${shortcut.message.text ?? ''}`);
      },
    );
  });
  const message = playground.as('ben').post('#data', '`1+1`');
  await playground.as('ana').messageShortcut('run_message', message);
  await playground.waitForEphemeral('ana', ({ text }) => text === 'running `1+1`');
  await app.stop();
});

test('what a person cannot do is refused by the client', async () => {
  await using playground = await startPlayground();
  expect(() => playground.as('gus').post('#secret', 'let me in')).toThrow('cannot see');
  expect(() => playground.as('ext').post('#general', 'hello')).toThrow('not in');
  expect(() => playground.as('ana').post('#attic', 'hello')).toThrow('archived');
  const message = playground.as('ana').post('#data', 'mine');
  expect(() => playground.as('ben').edit(message, 'ours')).toThrow('did not write');
  await expect(playground.as('ana').slash('#data', '/nope')).rejects.toThrow('not a valid command');
});
