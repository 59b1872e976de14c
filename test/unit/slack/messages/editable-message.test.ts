import { setImmediate as soon } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Place, SlackMessage } from '../../../../src/slack/api/posted.ts';
import { preformatted, MESSAGE_ROOM } from '../../../../src/slack/blocks/rich-text.ts';
import { EditableMessage } from '../../../../src/slack/messages/editable-message.ts';
import { CallLimiter, EditLimiter, POST_RATE } from '../../../../src/slack/messages/limiters.ts';
import { type MessagesRig, startMessagesRig } from './messages-rig.ts';

const metadata = { event_type: 'sparkthread_answer', event_payload: { run: 'run-1' } };
const again = async () => await soon(true);

function messageOf(
  { sending, channel }: MessagesRig,
  more: { ts?: string; signal?: AbortSignal; mayExist?: boolean; place?: Place } = {},
) {
  const place = { channel, thread: '' };
  const options = { runId: 'run-1', place, metadata, createdAt: Date.now(), mayExist: false };
  return new EditableMessage(sending, { ...options, ...more });
}

/** Uses the room that it gets. */
function render(room: number): SlackMessage {
  const words = 'x'.repeat(Math.max(1, room - 200));
  return { text: 'x', blocks: [{ type: 'rich_text', elements: [preformatted(words)] }], metadata };
}

const isPost = ({ method }: { method: string }) => method === 'chat.postMessage';

test('each message that Slack finds too long is followed by one of at most half its size, down to the smallest', async () => {
  await using rig = await startMessagesRig();
  rig.playground.fail('chat.postMessage', { kind: 'error', error: 'msg_blocks_too_long' }, Infinity);
  const rooms: number[] = [];
  const message = messageOf(rig);
  const sent = await message.send((room) => {
    rooms.push(room);
    return render(room);
  }, again);
  expect(sent).toEqual({ kind: 'refused', code: 'msg_blocks_too_long', refusal: 'tooLong' });
  expect(rooms[0]).toBe(MESSAGE_ROOM);
  expect(rooms.at(-1)).toBe(0);
  for (const [nth, room] of rooms.slice(1).entries()) expect(room).toBeLessThanOrEqual((rooms[nth] ?? 0) / 2);
});

test.each(['edit_window_closed', 'block_mismatch', 'ekm_access_denied', 'invalid_blocks'])(
  'where Slack refuses edits with %s a live one is left out, and the end takes the place of the live message',
  async (error) => {
    await using rig = await startMessagesRig();
    const { playground } = rig;
    const message = messageOf(rig);
    const first = await message.send(render, again);
    playground.fail('chat.update', { kind: 'error', error }, Infinity);
    const live = await message.send(render, again, 'live');
    expect(live).toMatchObject({ kind: 'refused', code: error });
    expect(message.ts).toBe(first.kind === 'posted' ? first.ts : '');
    expect(await message.send(render, again)).toEqual({ kind: 'posted', ts: message.ts });
    expect(playground.messages('#data').map(({ ts }) => ts)).toEqual([message.ts]);
    expect(playground.calls.filter(isPost)).toHaveLength(2);
  },
);

test('a message that takes the place of another does not leave that because Slack gave no answer to its removal', async () => {
  await using rig = await startMessagesRig();
  const { playground } = rig;
  const message = messageOf(rig);
  await message.send(render, again);
  playground.fail('chat.update', { kind: 'error', error: 'edit_window_closed' }, Infinity);
  playground.fail('chat.delete', { kind: 'dropped' });
  expect(await message.send(render, again)).toEqual({ kind: 'posted', ts: message.ts });
  expect(playground.messages('#data').map(({ ts }) => ts)).toEqual([message.ts]);
});

test('a replaced message that Slack does not let the bot remove is not taken for the one that replaces it', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel } = rig;
  const { ts: thread } = playground.as('ana').post('#data', 'run this');
  const message = messageOf(rig, { place: { channel, thread } });
  await message.send(render, again);
  const { ts: live } = message;
  playground.fail('chat.update', { kind: 'error', error: 'edit_window_closed' });
  playground.fail('chat.delete', { kind: 'error', error: 'compliance_exports_prevent_deletion' }, Infinity);
  playground.fail('chat.postMessage', { kind: 'replyLost' });
  expect(await message.send(render, again)).toEqual({ kind: 'posted', ts: message.ts });
  expect(message.ts).not.toBe(live);
  expect(playground.replies(channel, thread).map(({ ts }) => ts)).toEqual([live, message.ts]);
});

test('an end that Slack takes neither as an edit nor as a post leaves no live message behind', async () => {
  await using rig = await startMessagesRig();
  const { playground } = rig;
  const message = messageOf(rig);
  await message.send(render, again);
  for (const method of ['chat.update', 'chat.postMessage'])
    playground.fail(method, { kind: 'error', error: 'restricted_action' }, Infinity);
  expect(await message.send(render, again)).toMatchObject({ kind: 'refused', code: 'restricted_action' });
  expect(playground.messages('#data')).toEqual([]);
});

test.each(['token_revoked', 'invalid_auth', 'account_inactive'])(
  'where Slack says %s no message is given up: its token may be set right',
  async (error) => {
    await using rig = await startMessagesRig();
    const message = messageOf(rig);
    rig.playground.fail('chat.postMessage', { kind: 'error', error }, 2);
    expect(await message.send(render, again)).toMatchObject({ kind: 'posted' });
    rig.playground.fail('chat.update', { kind: 'error', error }, 2);
    expect(await message.send(render, again)).toEqual({ kind: 'posted', ts: message.ts });
    expect(rig.playground.messages('#data')).toHaveLength(1);
  },
);

test.each(['invalid_auth', 'channel_not_found'])(
  'a message that may be there is not posted again because the look for it was refused with %s',
  async (error) => {
    await using rig = await startMessagesRig();
    const { ts } = { ts: '', ...(await messageOf(rig).send(render, again)) };
    rig.playground.fail('conversations.history', { kind: 'error', error }, 2);
    expect(await messageOf(rig, { mayExist: true }).send(render, again)).toEqual({ kind: 'posted', ts });
    expect(rig.playground.messages('#data')).toHaveLength(1);
  },
);

test('a channel that is not found is tried again for a while: its new id may be on its way', async () => {
  await using rig = await startMessagesRig();
  const message = messageOf(rig);
  rig.playground.fail('chat.postMessage', { kind: 'error', error: 'channel_not_found' }, 2);
  expect(await message.send(render, again)).toMatchObject({ kind: 'posted' });
  rig.playground.fail('chat.update', { kind: 'error', error: 'channel_not_found' }, Infinity);
  const live = await message.send(render, again, 'live');
  expect(live).toMatchObject({ kind: 'refused', code: 'channel_not_found' });
  expect(rig.playground.callsOf('chat.update')).toHaveLength(4);
});

test('a message that is deleted again and again is posted anew some times, not for ever', async () => {
  await using rig = await startMessagesRig();
  const message = messageOf(rig, { ts: '1.1' });
  let sent = await message.send(render, again);
  for (let nth = 0; nth < 6 && sent.kind === 'posted'; nth += 1) {
    rig.playground.fail('chat.update', { kind: 'error', error: 'message_not_found' });
    sent = await message.send(render, again);
  }
  expect(sent).toEqual({ kind: 'refused', code: 'message_not_found', refusal: 'messageGone' });
  expect(rig.playground.calls.filter(isPost)).toHaveLength(3);
});

test('a message that is released before its turn is not posted', async () => {
  await using rig = await startMessagesRig();
  const message = messageOf(rig, { signal: AbortSignal.abort() });
  expect(await message.attempt(render, 'end')).toMatchObject({ kind: 'wait', reason: 'released' });
  expect(rig.playground.calls.filter(isPost)).toEqual([]);
});

test('a predecessor’s post that arrives after the look is removed; messages of others stay', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel } = rig;
  const held = playground.hold('chat.postMessage');
  const predecessor = messageOf(rig).send(render, again);
  await held.reached;
  const other = { ...render(300), metadata: { ...metadata, event_payload: { run: 'run-2' } } };
  await rig.sending.client.post({ channel, thread: '' }, other);
  const successor = messageOf(rig, { mayExist: true });
  expect(await successor.send(render, again)).toMatchObject({ kind: 'posted' });
  held.release();
  await predecessor;
  const ofBot = () => playground.messages(channel).filter((message) => message.metadata !== undefined);
  await playground.waitFor(() => playground.callsOf('chat.delete').length === 1 && ofBot().length === 2);
  expect(ofBot().map(({ metadata: of }) => of?.event_payload['run'])).toEqual(['run-2', 'run-1']);
  expect(ofBot().map(({ ts }) => ts)).toContain(successor.ts);
});

test('an end that would have to wait for edits of others is posted anew, after the live message is removed', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending } = rig;
  const message = messageOf(rig);
  const live = await message.send(render, again, 'live');
  sending.edits.pause(60_000);
  expect(await message.attempt(render, 'live')).toMatchObject({ kind: 'wait', reason: 'edit limit' });
  const end = await message.send(render, again);
  expect(end).toMatchObject({ kind: 'posted' });
  expect(end).not.toEqual(live);
  expect(playground.calls.map(({ method }) => method)).toEqual([
    'chat.postMessage',
    'chat.delete',
    'chat.postMessage',
  ]);
});

test('an end is an edit if that is as soon, or if Slack does not remove the live message', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending, channel } = rig;
  const message = messageOf(rig);
  await message.send(render, again);
  sending.edits.pause(60_000);
  sending.posts.pause(70_000, channel);
  expect(await message.attempt(render, 'end')).toMatchObject({ kind: 'wait', reason: 'edit limit' });
  expect(playground.callsOf('chat.delete')).toEqual([]);

  const other = messageOf(rig, { ts: message.ts ?? '' });
  sending.posts = new CallLimiter(Date.now, POST_RATE);
  playground.fail('chat.delete', { kind: 'error', error: 'ratelimited' });
  expect(await other.attempt(render, 'end')).toMatchObject({ kind: 'wait', reason: 'edit limit' });
  expect(other.ts).toBe(message.ts);
  // Nothing is removed until Slack takes removals again.
  expect(sending.removes.waitMs()).toBeGreaterThan(0);
});

test('an end that a predecessor posted anew before it ended is found, not posted again', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending } = rig;
  const live = await messageOf(rig).send(render, again);
  const predecessor = messageOf(rig, live.kind === 'posted' ? { ts: live.ts } : {});
  sending.edits.pause(60_000);
  const end = await predecessor.send(render, again);
  // The predecessor was killed before it stored the new ts.
  sending.edits = new EditLimiter(Date.now, { isFresh: true });
  const successor = messageOf(rig, { ...(live.kind === 'posted' && { ts: live.ts }), mayExist: true });
  expect(await successor.send(render, again)).toEqual(end);
  expect(playground.calls.filter(isPost)).toHaveLength(2);
});
