import { SocketModeClient } from '@slack/socket-mode';
import { expect, test } from 'vitest';
import { startPlayground, type Playground } from '../../playground/playground.ts';
import { silent, startSocketApp } from './bolt-app.ts';

/** A Socket Mode client that acknowledges only what `decide` says. */
async function listen(
  playground: Playground,
  decide: (envelope: { retry_num?: number }) => boolean,
): Promise<SocketModeClient> {
  const client = new SocketModeClient({
    appToken: playground.environment.SLACK_APP_TOKEN,
    clientOptions: { slackApiUrl: playground.apiUrl },
    logger: silent,
    clientPingTimeout: 1000,
  });
  client.on('slack_event', (envelope: { ack: () => Promise<void>; retry_num?: number }) => {
    if (decide(envelope)) void envelope.ack();
  });
  await client.start();
  await playground.waitForConnection();
  return client;
}

test('an event without acknowledgement is repeated three times with the same event_id', async () => {
  await using playground = await startPlayground({ ackTimeoutMs: 20, retryDelaysMs: [0, 5, 5] });
  const client = await listen(playground, () => false);
  playground.as('ana').post('#data', 'hello');
  await playground.waitFor(
    () => playground.deliveries.filter(({ state }) => state === 'timedOut').length === 4,
  );
  expect(playground.deliveries.map(({ attempt, retryReason }) => [attempt, retryReason])).toEqual([
    [0, ''],
    [1, 'timeout'],
    [2, 'timeout'],
    [3, 'timeout'],
  ]);
  expect(new Set(playground.deliveries.map(({ eventId }) => eventId)).size).toBe(1);
  expect(playground.service.deliveries.pendingRetries).toBe(0);
  await client.disconnect();
});

test('acknowledged at the second try, it is left alone', async () => {
  await using playground = await startPlayground({ ackTimeoutMs: 300, retryDelaysMs: [0, 0, 0] });
  const client = await listen(playground, ({ retry_num: retries = 0 }) => retries > 0);
  playground.as('ana').post('#data', 'hello');
  await playground.waitFor(() => playground.deliveries.at(-1)?.state === 'acked');
  expect(playground.deliveries.map(({ state }) => state)).toEqual(['timedOut', 'acked']);
  await client.disconnect();
});

test('without an app events wait to be repeated and commands fail', async () => {
  await using playground = await startPlayground({ retryDelaysMs: [60_000] });
  playground.as('ana').post('#data', 'hello');
  expect(await playground.as('ana').slash('#data', '/spark 1')).toMatchObject({
    ok: false,
    error: 'dispatch_failed',
  });
  expect(playground.ephemerals('ana').map(({ text }) => text)).toEqual([
    '/spark failed with the error "dispatch_failed"',
  ]);
  await playground.waitFor(() => playground.service.deliveries.pendingRetries === 1);
  const client = await listen(playground, () => true);
  expect(playground.retryNow()).toBe(1);
  const delivery = await playground.waitFor(() =>
    playground.deliveries.find(({ state }) => state === 'acked'),
  );
  expect(delivery).toMatchObject({ name: 'message', attempt: 1 });
  await client.disconnect();
});

test('a command that is not acknowledged times out once, and is not repeated', async () => {
  await using playground = await startPlayground({ ackTimeoutMs: 20 });
  const client = await listen(playground, () => false);
  const reaction = await playground.as('ana').slash('#data', '/spark 1');
  expect(reaction).toMatchObject({ ok: false, error: 'operation_timeout' });
  expect(playground.deliveries).toHaveLength(1);
  await client.disconnect();
});

test('after refresh_requested the app comes back by a new connection', async () => {
  await using playground = await startPlayground();
  const client = await listen(playground, () => true);
  playground.disconnect('refresh_requested');
  await playground.waitFor(() => playground.service.socket.openedCount === 2);
  await playground.waitForConnection();
  playground.as('ana').post('#data', 'still there?');
  await playground.waitFor(() => playground.deliveries.at(-1)?.state === 'acked');
  await client.disconnect();
});

test('two connections take turns', async () => {
  await using playground = await startPlayground();
  const heard: string[] = [];
  const hear = (name: string) => () => heard.push(name) > 0;
  const clients = [await listen(playground, hear('first')), await listen(playground, hear('second'))];
  await playground.waitForConnection(2);
  for (const text of ['a', 'b']) playground.as('ana').post('#data', text);
  await playground.waitFor(() => playground.deliveries.filter(({ state }) => state === 'acked').length === 2);
  expect(heard.toSorted()).toEqual(['first', 'second']);
  for (const client of clients) await client.disconnect();
});

test('while frozen nothing is delivered', async () => {
  await using playground = await startPlayground();
  const client = await listen(playground, () => true);
  playground.freeze();
  playground.as('ana').post('#data', 'hello');
  const slash = playground.as('ana').slash('#data', '/spark 1');
  expect(playground.deliveries).toEqual([]);
  playground.thaw();
  expect(await slash).toMatchObject({ ok: true });
  await client.disconnect();
});

test('mentions alternate their order, direct messages have none, and a bot outside the channel gets nothing', async () => {
  await using playground = await startPlayground();
  const app = await startSocketApp(playground, () => {});
  const names = async (act: () => void, count: number) => {
    const before = playground.deliveries.length;
    act();
    await playground.waitFor(
      () => playground.deliveries.filter(({ state }) => state === 'acked').length === before + count,
    );
    return playground.deliveries.slice(before).map(({ name }) => name);
  };
  const ana = playground.as('ana');
  expect(await names(() => ana.post('#data', '@sparkthread 1'), 2)).toEqual(['app_mention', 'message']);
  expect(await names(() => ana.post('#data', '@sparkthread 2'), 2)).toEqual(['message', 'app_mention']);
  expect(await names(() => ana.post('@sparkthread', '@sparkthread 3'), 1)).toEqual(['message']);
  ana.post('#elsewhere', '@sparkthread 4');
  expect(await names(() => ana.post('#data', 'plain'), 1)).toEqual(['message']);
  expect(playground.ephemerals('ana').at(-1)?.text).toContain('not in this channel');
  await app.stop();
});

test("an author's edit of a mention comes as a change and as a mention that is edited; a preview does not", async () => {
  await using playground = await startPlayground({ mentionOrder: 'message' });
  const app = await startSocketApp(playground, () => {});
  const typed = playground.as('ana').post('#data', '@sparkthread 1');
  playground.unfurl(typed, 'https://x.org');
  playground.as('ana').edit(typed, '@sparkthread 2');
  playground.as('ana').edit(typed, 'nobody');
  const bot = `<@${playground.bot.id}>`;
  expect(playground.deliveries.map(({ body }) => body['event'])).toMatchObject([
    { type: 'message', text: `${bot} 1` },
    { type: 'app_mention', text: `${bot} 1` },
    { subtype: 'message_changed' },
    { subtype: 'message_changed', message: { text: `${bot} 2` } },
    { type: 'app_mention', text: `${bot} 2`, ts: typed.ts, edited: { user: typed.user } },
    { subtype: 'message_changed', message: { text: 'nobody' } },
  ]);
  await app.stop();
});

test("the bot's own posts and edits come back as events with its bot_id; unfurls and edits as changes", async () => {
  await using playground = await startPlayground();
  const app = await startSocketApp(playground, () => {});
  const channel = playground.channel('#data').id;
  const { ts } = await app.client.chat.postMessage({ channel, text: 'hello' });
  await app.client.chat.update({ channel, ts: String(ts), text: 'hello again' });
  const typed = playground.as('ana').post('#data', 'see https://x.org');
  playground.unfurl(typed, 'https://x.org');
  playground.as('ana').edit(typed, 'see nothing');
  playground.as('ana').delete(typed);
  const events = playground.deliveries.map(({ body }) => body['event']);
  expect(events).toMatchObject([
    {
      text: 'hello',
      bot_id: playground.bot.botId,
      app_id: playground.bot.appId,
      user: playground.bot.id,
      channel,
    },
    {
      subtype: 'message_changed',
      message: { text: 'hello again', edited: {} },
      previous_message: { text: 'hello' },
    },
    { text: 'see <https://x.org>', channel_type: 'channel' },
    { subtype: 'message_changed', message: { attachments: [{}] }, hidden: true },
    { subtype: 'message_changed', message: { text: 'see nothing', edited: {} } },
    { subtype: 'message_deleted', deleted_ts: typed.ts },
  ]);
  expect(events[3]).not.toHaveProperty('message.edited');
  await playground.waitForQuiet();
  await app.stop();
});
