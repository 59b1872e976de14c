import type { KnownBlock } from '@slack/types';
import { ErrorCode, WebClient, type WebClientOptions } from '@slack/web-api';
import { expect, test } from 'vitest';
import { startPlayground, type Playground } from '../../playground/playground.ts';
import { silent } from './bolt-app.ts';

const quick: WebClientOptions = {
  retryConfig: { retries: 0 },
  rejectRateLimitedCalls: true,
  logger: silent,
};

function clientOf(playground: Playground, token = playground.environment.SLACK_BOT_TOKEN): WebClient {
  return new WebClient(token, { ...quick, slackApiUrl: playground.apiUrl });
}

const rich = (text: string): KnownBlock[] => [
  {
    type: 'rich_text',
    elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }],
  },
];

/** What was sent to the app last; nobody takes it here, so what came before may be repeated meanwhile. */
function lastSent(playground: Playground): unknown {
  return playground.deliveries.findLast(({ attempt }) => attempt === 0)?.body;
}

/** Slack's answer to a call that it refuses. */
async function refusal(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (typeof error === 'object' && error !== null && 'data' in error) return error.data;
  throw new Error(`not refused: ${String(error)}`);
}

test('tokens: wrong, missing, of the other kind', async () => {
  await using playground = await startPlayground();
  const { SLACK_APP_TOKEN } = playground.environment;
  expect(await clientOf(playground).auth.test()).toMatchObject({ ok: true, user_id: playground.bot.id });
  expect(await refusal(clientOf(playground, 'xoxb-wrong').auth.test())).toMatchObject({
    error: 'invalid_auth',
  });
  expect(await refusal(clientOf(playground, SLACK_APP_TOKEN).auth.test())).toMatchObject({
    error: 'not_allowed_token_type',
  });
  const bare = await fetch(`${playground.apiUrl}auth.test`, { method: 'POST' });
  expect(await bare.json()).toEqual({ ok: false, error: 'not_authed' });
});

test('scopes: the missing one is named, and each answer lists the present ones', async () => {
  await using playground = await startPlayground({ scopes: ['chat:write', 'channels:read'] });
  const client = clientOf(playground);
  expect(await refusal(client.users.info({ user: playground.user('ana').id }))).toMatchObject({
    error: 'missing_scope',
    needed: 'users:read',
    provided: 'chat:write,channels:read',
  });
  expect(
    await refusal(client.conversations.info({ channel: playground.channel('#secret').id })),
  ).toMatchObject({
    error: 'missing_scope',
    needed: 'groups:read',
  });
  const answer = await client.auth.test();
  expect(answer.response_metadata?.scopes).toEqual(['chat:write', 'channels:read']);
});

test('channels: unknown, private without the bot, not joined, archived', async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  playground.addChannel('board', { kind: 'private', members: ['oli'] });
  const post = (channel: string) => refusal(client.chat.postMessage({ channel, text: 'x' }));
  expect(await post('C0NOWHERE0')).toMatchObject({ error: 'channel_not_found' });
  expect(await post(playground.channel('board').id)).toMatchObject({ error: 'channel_not_found' });
  expect(await post(playground.channel('elsewhere').id)).toMatchObject({ error: 'not_in_channel' });
  expect(await post(playground.channel('attic').id)).toMatchObject({ error: 'is_archived' });
  const direct = await client.chat.postMessage({ channel: playground.user('ana').id, text: 'by user id' });
  expect(direct.channel).toBe(playground.dm('ana').id);
  playground.kick('data');
  expect(await post(playground.channel('data').id)).toMatchObject({ error: 'not_in_channel' });
});

test('posts need text, a real parent and known blocks', async () => {
  await using playground = await startPlayground({ rates: false });
  const client = clientOf(playground);
  const channel = playground.channel('#data').id;
  const post = (more: object) => refusal(client.apiCall('chat.postMessage', { channel, ...more }));
  expect(await post({})).toMatchObject({ error: 'no_text' });
  expect(await post({ text: 'x', thread_ts: '1.000000' })).toMatchObject({ error: 'thread_not_found' });
  expect(await post({ blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '' } }] })).toMatchObject({
    error: 'invalid_blocks',
    response_metadata: { messages: [expect.stringContaining('/blocks/0/text/text')] },
  });
  expect(await post({ markdown_text: 'a', text: 'b' })).toMatchObject({ error: 'markdown_text_conflict' });
  expect(await refusal(client.apiCall('chat.postMessage', { text: 'x' }))).toMatchObject({
    error: 'invalid_arguments',
    response_metadata: { messages: ['[ERROR] missing required field: channel'] },
  });
  const parent = playground.as('ana').post('#data', 'hello');
  const reply = await client.chat.postMessage({ channel, text: 'r', thread_ts: parent.ts });
  expect(await post({ text: 'x', thread_ts: reply.ts })).toMatchObject({ error: 'cannot_reply_to_message' });
  await client.chat.postMessage({ channel, text: 'y'.repeat(40_001) });
  expect(playground.messages('#data').at(-1)?.text).toHaveLength(40_000);
});

test('updates: own messages only, 4000 bytes, rich text stays rich, text alone drops blocks', async () => {
  await using playground = await startPlayground({ rates: false });
  const client = clientOf(playground);
  const channel = playground.channel('#data').id;
  const { ts } = await client.chat.postMessage({ channel, text: 'x', blocks: rich('1') });
  const update = (more: object) => client.apiCall('chat.update', { channel, ts, ...more });
  await update({ text: 'y'.repeat(4000), blocks: rich('2') });
  for (const text of ['y'.repeat(4001), 'é'.repeat(2001)])
    expect(await refusal(update({ text, blocks: rich('2') }))).toMatchObject({ error: 'msg_too_long' });
  expect(await refusal(update({ text: 'x', blocks: [{ type: 'divider' }] }))).toMatchObject({
    error: 'block_mismatch',
  });
  await update({ blocks: rich('3') });
  expect(playground.messages('#data')[0]?.text).toHaveLength(4000);
  await update({ text: 'bare' });
  expect(playground.messages('#data')[0]).toMatchObject({
    text: 'bare',
    edited: { user: playground.bot.id },
  });
  expect(playground.messages('#data')[0]?.blocks).toBeUndefined();
  const foreign = playground.as('ana').post('#data', 'mine');
  expect(await refusal(client.chat.update({ channel, ts: foreign.ts, text: 'z' }))).toMatchObject({
    error: 'cant_update_message',
  });
  expect(await refusal(client.chat.update({ channel, ts: '1.000000', text: 'z' }))).toMatchObject({
    error: 'message_not_found',
  });
});

test('a deleted parent becomes a tombstone, a deleted reply goes', async () => {
  await using playground = await startPlayground({ rates: false });
  const client = clientOf(playground);
  const channel = playground.channel('#data').id;
  const root = await client.chat.postMessage({ channel, text: 'root' });
  const reply = await client.chat.postMessage({ channel, text: 'reply', thread_ts: root.ts ?? '' });
  await client.chat.delete({ channel, ts: root.ts ?? '' });
  expect(playground.messages('#data').map(({ subtype }) => subtype)).toEqual(['tombstone', undefined]);
  expect(lastSent(playground)).toMatchObject({
    event: {
      subtype: 'message_changed',
      message: { subtype: 'tombstone' },
      previous_message: { text: 'root' },
    },
  });
  await client.chat.delete({ channel, ts: reply.ts ?? '' });
  expect(lastSent(playground)).toMatchObject({
    event: { subtype: 'message_deleted', deleted_ts: reply.ts },
  });
  expect(await refusal(client.chat.update({ channel, ts: root.ts ?? '', text: 'x' }))).toMatchObject({
    error: 'message_not_found',
  });
});

test('ephemeral messages reach members only and are no messages', async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  const channel = playground.channel('#secret').id;
  const { message_ts: ts } = await client.chat.postEphemeral({
    channel,
    user: playground.user('ana').id,
    text: 'psst',
  });
  expect(playground.ephemerals('ana')).toMatchObject([{ text: 'psst', ts }]);
  expect(playground.messages('#secret')).toEqual([]);
  expect(
    await refusal(client.chat.postEphemeral({ channel, user: playground.user('gus').id, text: 'psst' })),
  ).toMatchObject({ error: 'user_not_in_channel' });
  expect(await refusal(client.chat.update({ channel, ts: ts ?? '', text: 'x' }))).toMatchObject({
    error: 'message_not_found',
  });
});

test('replies, history, members and channels come in pages', async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  const channel = playground.channel('#data').id;
  const parent = playground.as('ana').post('#data', 'parent');
  for (const text of ['one', 'two', 'three']) playground.as('ben').post('#data', text, { thread: parent.ts });
  playground.as('ana').post('#data', 'later');
  const first = await client.conversations.replies({ channel, ts: parent.ts, limit: 3 });
  expect(first.messages?.map(({ text }) => text)).toEqual(['parent', 'one', 'two']);
  expect(first.messages?.[0]).toMatchObject({ thread_ts: parent.ts, reply_count: 3 });
  const cursor = first.response_metadata?.next_cursor ?? '';
  const second = await client.conversations.replies({ channel, ts: parent.ts, limit: 3, cursor });
  expect(second.messages?.map(({ text }) => text)).toEqual(['parent', 'three']);
  expect(await refusal(client.conversations.replies({ channel, ts: parent.ts, limit: 1000 }))).toMatchObject({
    error: 'invalid_arguments',
  });
  const history = await client.conversations.history({ channel });
  expect(history.messages?.map(({ text }) => text)).toEqual(['later', 'parent']);
  const newer = await client.conversations.history({ channel, oldest: parent.ts });
  expect(newer.messages?.map(({ text }) => text)).toEqual(['later']);
  const members = await client.conversations.members({ channel: playground.channel('#partners').id });
  expect(members.members).toContain(playground.user('ext').id);
  const listed = await client.conversations.list({
    types: 'public_channel,private_channel',
    exclude_archived: true,
  });
  expect(listed.channels?.map(({ name }) => name)).toEqual([
    'general',
    'data',
    'secret',
    'elsewhere',
    'partners',
  ]);
  const mine = await client.users.conversations({
    user: playground.user('gus').id,
    types: 'public_channel,private_channel',
  });
  expect(mine.channels?.map(({ name }) => name)).toEqual([
    'general',
    'data',
    'attic',
    'elsewhere',
    'partners',
  ]);
});

test('users: roles as Slack shows them, and people from other workspaces as strangers', async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  const about = async (name: string) => (await client.users.info({ user: playground.user(name).id })).user;
  expect(await about('ana')).toMatchObject({ is_admin: true, is_owner: false, is_restricted: false });
  expect(await about('oli')).toMatchObject({ is_admin: true, is_owner: true });
  expect(await about('gus')).toMatchObject({ is_admin: false, is_restricted: true });
  expect(await about('ext')).toMatchObject({ is_stranger: true, team_id: playground.user('ext').teamId });
  expect(await refusal(client.users.info({ user: 'U0NOBODY00' }))).toMatchObject({ error: 'user_not_found' });
  const groups = await client.usergroups.list({ include_users: true });
  const id = groups.usergroups?.[0]?.id ?? '';
  expect(await client.usergroups.users.list({ usergroup: id })).toMatchObject({
    users: [playground.user('ben').id],
  });
});

test('excess is 429 with Retry-After, which the real client understands', async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  const channel = playground.channel('#data').id;
  for (let i = 0; i < 5; i += 1) await client.chat.postMessage({ channel, text: String(i) });
  await expect(client.chat.postMessage({ channel, text: 'six' })).rejects.toMatchObject({
    code: ErrorCode.RateLimitedError,
    retryAfter: 1,
  });
  expect(playground.messages('#data')).toHaveLength(5);
});

test('faults: each kind once, then calls work again', async () => {
  await using playground = await startPlayground({ rates: false });
  const client = clientOf(playground);
  const channel = playground.channel('#data').id;
  const post = (text: string) => client.chat.postMessage({ channel, text });
  playground.fail('chat.postMessage', { kind: 'rateLimited', retryAfterS: 7 });
  await expect(post('a')).rejects.toMatchObject({ retryAfter: 7 });
  playground.fail('*', { kind: 'status', status: 500 });
  await expect(post('b')).rejects.toMatchObject({ code: ErrorCode.HTTPError, statusCode: 500 });
  playground.fail('chat.postMessage', { kind: 'error', error: 'restricted_action' });
  expect(await refusal(post('c'))).toMatchObject({ error: 'restricted_action' });
  playground.fail('chat.postMessage', { kind: 'dropped' });
  await expect(post('d')).rejects.toMatchObject({ code: ErrorCode.RequestError });
  expect(playground.messages('#data')).toEqual([]);
  playground.fail('chat.postMessage', { kind: 'replyLost' });
  await expect(post('e')).rejects.toMatchObject({ code: ErrorCode.RequestError });
  expect(playground.messages('#data').map(({ text }) => text)).toEqual(['e']);
  const held = playground.hold('chat.postMessage');
  const posting = post('f');
  await held.reached;
  expect(playground.messages('#data')).toHaveLength(1);
  held.release();
  await posting;
  expect(playground.messages('#data')).toHaveLength(2);
  expect(playground.callsOf('chat.postMessage').map(({ fault }) => fault)).toEqual([
    'rateLimited',
    'status',
    'error',
    'dropped',
    'replyLost',
    'held',
  ]);
});

test('an unknown method, and arguments that Slack would ignore', async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  expect(await refusal(client.apiCall('chat.shout'))).toMatchObject({ error: 'unknown_method' });
  await client.apiCall('users.info', { user: playground.bot.id, colour: 'red' });
  expect(playground.calls.at(-1)?.ignored).toEqual(['colour']);
});
