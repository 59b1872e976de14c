import { expect, test } from 'vitest';
import { wholeText } from '../../../../src/output/output-view.ts';
import { syntheticOutcome } from '../../../../src/runs/outcome.ts';
import { jsonSize, MESSAGE_ROOM } from '../../../../src/slack/blocks/rich-text.ts';
import { deliverDirectly, postRoot } from '../../../../src/slack/messages/run-notices.ts';
import { ENDED, inNewThread, startMessagesRig } from './messages-rig.ts';

test('an answer that fills its message fits into a direct message, too', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending } = rig;
  const requester = playground.user('ana').id;
  // Its status, and each character of the output, take two characters of JSON.
  const outcome = syntheticOutcome('ok', '"'.repeat(400));
  const text = wholeText('"'.repeat(6_040));
  const parts = [{ kind: 'text', source: 'stdout', text, path: undefined }] as const;
  const output = { parts, textBytes: 6_040, spoolPath: '/spool/output.txt', limited: false, losses: [] };
  await deliverDirectly(
    sending,
    { ...inNewThread(rig), requester },
    { ...ENDED, requester, phase: { kind: 'ended', outcome }, output },
    'restricted_action_thread_only_channel',
  );
  const [posted] = playground.messages(playground.dm('ana').id);
  expect(JSON.stringify(posted?.blocks)).toContain('restricted_action_thread_only_channel');
  expect(jsonSize(posted?.blocks)).toBeLessThanOrEqual(MESSAGE_ROOM);
});

test('a direct message names no file that could not be attached to it', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending } = rig;
  playground.fail('files.getUploadURLExternal', { kind: 'error', error: 'file_uploads_disabled' }, Infinity);
  const text = wholeText('line\n'.repeat(3_000));
  const parts = [{ kind: 'text', source: 'stdout', text, path: undefined }] as const;
  const output = { parts, textBytes: 15_000, spoolPath: import.meta.filename, limited: false, losses: [] };
  const options = { ...inNewThread(rig), requester: playground.user('ana').id };
  await deliverDirectly(sending, options, { ...ENDED, output }, 'is_archived');
  const [posted] = playground.messages(playground.dm('ana').id);
  expect(posted?.text).toContain('output.txt could not be attached (file_uploads_disabled).');
  expect(posted?.text).not.toContain('all in output.txt');
});

test('direct messages, which have no name, are called direct messages', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending } = rig;
  const options = { ...inNewThread(rig), channel: 'D1', requester: playground.user('ana').id };
  const said = () => playground.messages(playground.dm('ana').id).map(({ text }) => text);
  await deliverDirectly(sending, options, ENDED, 'is_archived');
  playground.fail('chat.postMessage', { kind: 'error', error: 'is_archived' });
  const root = { ...options, root: { language: 'python3', blocks: ['1'] } };
  await postRoot(sending, root, new AbortController().signal);
  expect(said()).toEqual([
    expect.stringMatching(/^The answer to your run in your direct messages could not be posted there/),
    expect.stringMatching(/^Your run in your direct messages has no place for its answer/),
  ]);
});
