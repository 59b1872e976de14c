import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { renderRunMessage } from '../../../../src/slack/blocks/run/run-message.ts';
import { attachFiles } from '../../../../src/slack/messages/attach-files.ts';
import { createRunMessages } from '../../../../src/slack/messages/run-messages.ts';
import { ENDED, inNewThread, startMessagesRig } from './messages-rig.ts';

test('no answer waits for a clock that is set back by an hour', async () => {
  await using rig = await startMessagesRig();
  const { SLACK_BOT_TOKEN: botToken, SLACK_API_URL: apiUrl } = rig.playground.environment;
  let wallMs = Date.now();
  const messages = createRunMessages({ botToken, apiUrl, log: silentLog, now: () => wallMs });
  const answer = async (runId: string): Promise<boolean> => {
    const message = messages.open({ ...inNewThread(rig), runId, createdAt: wallMs });
    return (await message.finish({ ...ENDED, runId })).delivered;
  };
  expect(await answer('run-1')).toBe(true);
  wallMs -= 3_600_000;
  expect(await answer('run-2')).toBe(true);
});

test('an answer that Slack could not delete at once is deleted a little later: nobody could press Delete again', async () => {
  let calls = 0;
  const fetch = async () => {
    calls += 1;
    return Response.json(calls === 1 ? { ok: false, error: 'internal_error' } : { ok: true });
  };
  const messages = createRunMessages({ botToken: 'xoxb', fetch, log: silentLog });
  expect(await messages.remove({ channel: 'C1', thread: '1.0', data: { messageTs: '1.1' } } as Run)).toBe(
    true,
  );
  expect(calls).toBe(2);
});

test('what Slack refuses to delete and to edit stays, and a message that it did not decide about does not keep the others from being tried', async () => {
  const asked: string[] = [];
  const remove = async (answer: () => Promise<Response>): Promise<boolean> => {
    const fetch = async (url: unknown, { body = '' }: { body?: unknown } = {}) => {
      const ts = new URLSearchParams(String(body)).get('ts');
      asked.push(`${String(url).endsWith('chat.delete') ? 'delete' : 'edit'} ${ts}`);
      return await answer();
    };
    const messages = createRunMessages({ botToken: 'xoxb', fetch, log: silentLog });
    return await messages.remove({
      channel: 'C1',
      thread: '1.0',
      data: { messageTs: '1.1', replies: ['1.2'], needsRoot: true },
    } as Run);
  };
  expect(await remove(async () => Response.json({ ok: false, error: 'cant_delete_message' }))).toBe(true);
  expect(asked.splice(0)).toEqual(['1.2', '1.1', '1.0'].flatMap((ts) => [`delete ${ts}`, `edit ${ts}`]));
  // A refused token says nothing about the message.
  expect(await remove(async () => Response.json({ ok: false, error: 'invalid_auth' }))).toBe(false);
  expect(asked).toEqual(['delete 1.2', 'delete 1.1', 'delete 1.0']);
});

test('the message of a file is removed also if Slack deleted the file without saying so', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel, sending } = rig;
  const { SLACK_BOT_TOKEN: botToken, SLACK_API_URL: apiUrl } = playground.environment;
  const messages = createRunMessages({ botToken, apiUrl, log: silentLog });
  const { ts: thread } = playground.as('ana').post('#data', 'run this');
  const file = {
    kind: 'file',
    key: 'a',
    content: { text: 'a,b' },
    filename: 'a.csv',
    snippet: false,
  } as const;
  const owner = { runId: 'run-1', place: { channel, thread }, createdAt: 0, mayExist: false };
  const { files } = await attachFiles(sending, owner, [file], new Map());
  playground.fail('files.delete', { kind: 'replyLost' });
  expect(await messages.remove({ id: 'run-1', channel, thread, data: { files } } as Run)).toBe(true);
  expect(playground.files).toEqual([]);
  expect(playground.replies('#data', thread)).toEqual([]);
});

test('a message that Slack does not let the bot delete loses its content and its buttons', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel, sending } = rig;
  const { SLACK_BOT_TOKEN: botToken, SLACK_API_URL: apiUrl } = playground.environment;
  const messages = createRunMessages({ botToken, apiUrl, log: silentLog });
  const { message } = renderRunMessage({ ...ENDED, actions: ['delete'] }, Date.now());
  const messageTs = await sending.client.post({ channel, thread: '' }, message);
  playground.fail('chat.delete', { kind: 'error', error: 'compliance_exports_prevent_deletion' }, Infinity);
  const run = { id: 'run-1', channel, thread: messageTs, data: { messageTs } } as Run;
  expect(await messages.remove(run)).toBe(true);
  const [left] = playground.messages('#data');
  expect(left?.text).toBe('This message was removed.');
  expect(left?.blocks?.map(({ type }) => type)).toEqual(['rich_text']);
});
