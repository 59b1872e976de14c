import { expect, test } from 'vitest';
import { guardWrites } from '../../../../src/slack/transport/network.ts';

/** Whether a process that another one has replaced may call this. */
async function isCalled(url: string): Promise<boolean> {
  let called = false;
  const guarded = guardWrites(
    async () => {
      called = true;
      return new Response('{}');
    },
    {
      mayWrite: () => false,
      whenSure: async () => await Promise.reject(new Error('another process is the leader')),
    },
  );
  await guarded(url, {}).catch(() => undefined);
  return called;
}

test.each([
  'apps.connections.open',
  'auth.test',
  'conversations.history',
  'conversations.info',
  'conversations.replies',
  'files.info',
  'usergroups.users.list',
  'users.conversations',
  'users.info',
])('%s changes nothing and is not held back', async (method) => {
  expect(await isCalled(`https://slack.com/api/${method}`)).toBe(true);
});

test.each(['actions', 'app', 'commands'])('a response_url of %s is not held back', async (kind) => {
  expect(await isCalled(`https://hooks.slack.com/${kind}/T024BE7LD/6412345678901/aBcD1eFgH2iJkL`)).toBe(true);
});

test.each([
  'chat.delete',
  'chat.postEphemeral',
  'chat.postMessage',
  'chat.update',
  'conversations.archive',
  'conversations.invite',
  'conversations.open',
  'files.completeUploadExternal',
  'files.delete',
  'files.getUploadURLExternal',
  'reactions.add',
  'reactions.remove',
  'usergroups.update',
  'users.setPresence',
  'views.open',
  'views.publish',
  'views.update',
])('%s waits for leadership', async (method) => {
  expect(await isCalled(`https://slack.com/api/${method}`)).toBe(false);
});
