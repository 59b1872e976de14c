import { expect, test } from 'vitest';
import { startPlayground } from '../../../../playground/playground.ts';
import { silentLog } from '../../../../src/log.ts';
import { syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { createRunMessages } from '../../../../src/slack/messages/run-messages.ts';

test('a clock that is set back by an hour holds no answer up', async () => {
  await using playground = await startPlayground({ rates: false });
  const { SLACK_BOT_TOKEN: token, SLACK_API_URL: slackApiUrl } = playground.environment;
  let wallMs = Date.now();
  const messages = createRunMessages({ token, slackApiUrl, log: silentLog, now: () => wallMs });
  const { channel, ts: thread } = playground.as('ana').post('#data', 'run this');
  const answer = async (runId: string): Promise<boolean> => {
    const view: RunView = {
      runId,
      requester: playground.user('ana').id,
      kernelspec: 'python3',
      phase: { kind: 'ended', outcome: syntheticOutcome('ok', 'python3') },
      output: undefined,
      notes: [],
      edition: 1,
      actions: [],
    };
    const place = { requester: view.requester, workspace: 'T1', channel, createdAt: wallMs, thread };
    const message = messages.open({
      runId,
      ...place,
      root: undefined,
      messageTs: undefined,
      predecessor: undefined,
      recovered: false,
      onThread: () => {},
      onPosted: () => {},
    });
    return (await message.finish(view)).delivered;
  };
  expect(await answer('run-1')).toBe(true);
  wallMs -= 3_600_000;
  expect(await answer('run-2')).toBe(true);
}, 10_000);
