import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { createChannels } from '../../../../src/slack/api/conversations.ts';
import { startSlackApi } from './slack-api.ts';

test.each([
  ['a channel it is in', { id: 'C1', is_member: true }, true],
  ['a channel it is not in', { id: 'C1', is_member: false }, false],
  ['an archived channel', { id: 'C1', is_member: true, is_archived: true }, false],
  ['a direct message', { id: 'D1', is_im: true, user: 'U1' }, true],
  ['a group message, of which Slack does not say that the bot is in it', { id: 'G1', is_mpim: true }, true],
])('the bot can post its answer: %s', async (_what, channel, isIn) => {
  await using api = await startSlackApi(() => ({ channel }));
  const asked = createChannels(api.client, silentLog).mustBePostable(channel.id);
  if (isIn) await expect(asked).resolves.toBeUndefined();
  else await expect(asked).rejects.toThrow('Sparkthread is not in this channel');
});

test('in a direct message of two people nobody is told to invite the bot', async () => {
  await using api = await startSlackApi(() => ({ channel: { id: 'D1', is_member: false } }));
  await expect(createChannels(api.client, silentLog).mustBePostable('D1')).rejects.toThrow(
    'This direct message is none with Sparkthread, so it could not answer here and nothing ran.',
  );
});

test('a channel is asked for once more if Slack reports a problem of its own', async () => {
  const answers = [{ ok: false, error: 'fatal_error' }, { channel: { id: 'C1', is_member: true } }];
  await using api = await startSlackApi(() => answers.shift());
  await createChannels(api.client, silentLog).mustBePostable('C1');
  expect(api.calls).toHaveLength(2);
});

test('the channels of a person are asked for once more, too', async () => {
  const answers = [{ ok: false, error: 'internal_error' }, { channels: [{ id: 'C1' }] }];
  await using api = await startSlackApi(() => answers.shift());
  await createChannels(api.client, silentLog).mustHaveMember('C1', 'U1');
  expect(api.calls).toHaveLength(2);
});

test('membership of the bot is cached, its absence is not', async () => {
  const channel = { id: 'C1', is_member: false };
  await using api = await startSlackApi(() => ({ channel }));
  const channels = createChannels(api.client, silentLog);
  await expect(channels.mustBePostable('C1')).rejects.toThrow('not in this channel');
  channel.is_member = true;
  await channels.mustBePostable('C1');
  await channels.mustBePostable('C1');
  expect(api.calls).toHaveLength(2);
});

test('nothing may run where another organisation could read it, or Slack does not say', async () => {
  const answers: (object | undefined)[] = [
    { channel: { id: 'C1', is_member: true, is_ext_shared: true } },
    undefined,
    { channel: { id: 'C3', is_member: true } },
  ];
  await using api = await startSlackApi(() => answers.shift());
  const channels = createChannels(api.client, silentLog);
  await expect(channels.mustBeInternal('C1')).rejects.toThrow('shared with another organisation');
  await expect(channels.mustBeInternal('C2')).rejects.toThrow('Slack did not say');
  await expect(channels.mustBeInternal('C3')).resolves.toBeUndefined();
  await expect(channels.mustBeInternal('D1')).resolves.toBeUndefined();
});

test('members of a channel, and the partner in a direct message, are in it; on errors nobody is', async () => {
  await using api = await startSlackApi((method) =>
    method === 'users.conversations'
      ? { channels: [{ id: 'C1' }] }
      : { channel: { id: 'D1', is_im: true, user: 'U1' } },
  );
  const channels = createChannels(api.client, silentLog);
  expect(await channels.isMember('C1', 'U1')).toBe(true);
  expect(await channels.isMember('C2', 'U1')).toBe(false);
  expect(await channels.isMember('D1', 'U1')).toBe(true);
  expect(await channels.isMember('D1', 'U2')).toBe(false);
  await using away = await startSlackApi(() => undefined);
  expect(await createChannels(away.client, silentLog).isMember('C1', 'U1')).toBe(false);
});

test('a person who is not in a channel is told so; if Slack does not say, they are told that', async () => {
  await using api = await startSlackApi(() => ({ channels: [{ id: 'C1' }] }));
  const channels = createChannels(api.client, silentLog);
  await channels.mustHaveMember('C1', 'U1');
  await expect(channels.mustHaveMember('C2', 'U1')).rejects.toThrow('You are not in this channel');
  expect(api.calls).toHaveLength(2);
  await using away = await startSlackApi(() => undefined);
  await expect(createChannels(away.client, silentLog).mustHaveMember('C1', 'U1')).rejects.toThrow(
    'Slack did not say whether you are in this channel, so nothing ran. Try again in a minute.',
  );
});

test('if Slack does not answer, what an event says of its channel counts; that it is shared counts in any case', async () => {
  let answer: object | undefined;
  await using api = await startSlackApi(() => answer);
  const channels = createChannels(api.client, silentLog);
  await expect(channels.mustBeInternal('C1')).rejects.toThrow('Slack did not say');
  for (const channel of ['C1', 'C2']) channels.noteShared(channel, false);
  channels.noteShared('C1', undefined);
  await channels.mustBeInternal('C1');
  await channels.mustBeInternal('C2');
  // The first failure was enough to leave Slack alone for a while.
  expect(api.calls).toHaveLength(1);
  channels.noteShared('C2', true);
  await expect(channels.mustBeInternal('C2')).rejects.toThrow('shared with another organisation');
  expect(api.calls).toHaveLength(1);
  answer = { channel: { id: 'C1', is_member: true, is_ext_shared: true } };
  const others = createChannels(api.client, silentLog);
  others.noteShared('C1', false);
  await expect(others.mustBeInternal('C1')).rejects.toThrow('shared with another organisation');
});
