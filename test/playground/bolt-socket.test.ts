import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { startSocketApp } from './bolt-app.ts';

test('a command is acknowledged, answered in public and in private', async () => {
  await using playground = await startPlayground();
  const app = await startSocketApp(playground, (bolt) => {
    bolt.command('/spark', async ({ ack, command, client, respond }) => {
      await ack('started');
      const root = await client.chat.postMessage({
        channel: command.channel_id,
        text: `<@${command.user_id}> ran ${command.text}`,
      });
      await client.chat.postMessage({ channel: command.channel_id, thread_ts: root.ts ?? '', text: '10' });
      await respond('only you see this');
    });
  });
  const reaction = await playground.as('ana').slash('#data', '/spark python2 1+1\nprint("x")');
  expect(reaction).toMatchObject({ ok: true, text: 'started' });
  const root = await playground.waitForMessage('#data', (message) =>
    message.text.includes('ran python2 1+1\nprint("x")'),
  );
  expect(root.bot_id).toBe(playground.bot.botId);
  const reply = await playground.waitForReply('#data', root.ts);
  expect(reply.text).toBe('10');
  await playground.waitForEphemeral('ana', (ephemeral) => ephemeral.text === 'only you see this');
  expect(playground.ephemerals('ana').map(({ text }) => text)).toEqual(['started', 'only you see this']);
  expect(playground.ephemerals('ben')).toEqual([]);
  await app.stop();
});

test('a mention arrives twice with the same ts and different event ids', async () => {
  await using playground = await startPlayground({ mentionOrder: 'message' });
  const app = await startSocketApp(playground, () => {});
  const message = playground.as('ben').post('#data', '@sparkthread python2\n```\nfoo.py & <x>\n```');
  await playground.waitFor(() => playground.deliveries.filter(({ state }) => state === 'acked').length === 2);
  expect(playground.deliveries.map(({ name }) => name)).toEqual(['message', 'app_mention']);
  expect(new Set(playground.deliveries.map(({ eventId }) => eventId)).size).toBe(2);
  for (const delivery of playground.deliveries)
    expect(delivery.body).toMatchObject({ event: { ts: message.ts } });
  await app.stop();
});
