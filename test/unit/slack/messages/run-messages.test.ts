import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { createRunMessages } from '../../../../src/slack/messages/run-messages.ts';
import { ENDED, inNewThread, startMessagesRig } from './messages-rig.ts';

test('a clock that is set back by an hour holds no answer up', async () => {
  await using rig = await startMessagesRig();
  const { SLACK_BOT_TOKEN: token, SLACK_API_URL: slackApiUrl } = rig.playground.environment;
  let wallMs = Date.now();
  const messages = createRunMessages({ token, slackApiUrl, log: silentLog, now: () => wallMs });
  const answer = async (runId: string): Promise<boolean> => {
    const message = messages.open({ ...inNewThread(rig), runId, createdAt: wallMs });
    return (await message.finish({ ...ENDED, runId })).delivered;
  };
  expect(await answer('run-1')).toBe(true);
  wallMs -= 3_600_000;
  expect(await answer('run-2')).toBe(true);
});
