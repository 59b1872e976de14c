import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { startPlayground } from '../../../../playground/playground.ts';
import { silentLog } from '../../../../src/log.ts';
import { syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { Run } from '../../../../src/runs/run.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { createRunMessageRemover, createRunMessages } from '../../../../src/slack/messages/run-messages.ts';

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

test('an answer that Slack could not delete at once is deleted a little later: nobody could press Delete again', async () => {
  let calls = 0;
  const client = new WebClient('xoxb', {
    async fetch() {
      calls += 1;
      return Response.json(calls === 1 ? { ok: false, error: 'internal_error' } : { ok: true });
    },
  });
  const remover = createRunMessageRemover(client, () => undefined, silentLog);
  await remover.removeRunMessage({ channel: 'C1', thread: '1.0', data: { messageTs: '1.1' } } as Run);
  expect(calls).toBe(2);
});
