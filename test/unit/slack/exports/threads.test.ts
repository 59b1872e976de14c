import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createThreads } from '../../../../src/slack/exports/threads.ts';
import { startMessagesRig } from '../messages/messages-rig.ts';

test('one message is found at top level and in a thread, and is undefined once it is gone', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending, channel } = rig;
  const threads = createThreads(sending.client, async () => await Promise.reject(new Error('no file')));
  const ana = playground.as('ana');
  const root = ana.post('#data', '`1`');
  const reply = ana.post('#data', '`2`', { thread: root.ts });
  const place = { channel, thread: root.ts };
  expect(await threads.message(place, root.ts)).toMatchObject({ ts: root.ts, text: '`1`' });
  expect(await threads.message(place, reply.ts)).toMatchObject({ ts: reply.ts, text: '`2`' });
  ana.delete(reply);
  expect(await threads.message(place, reply.ts)).toBeUndefined();
  ana.delete(root);
  expect(await threads.message(place, root.ts)).toBeUndefined();
});

test('a file for a person alone is posted outside threads', async () => {
  await using rig = await startMessagesRig();
  const threads = createThreads(rig.sending.client, async () => await Promise.reject(new Error('no file')));
  const user = rig.playground.user('ana').id;
  const file = { path: fileURLToPath(import.meta.url), filename: 'today.ipynb' };
  expect(await threads.attach({ user }, file)).toBeUndefined();
});
