import { WebClient } from '@slack/web-api';
import { silentLog } from '../../src/log.ts';
import type { IdleNotices } from '../../src/runs/session/kernel/idle-kernel.ts';
import type { KernelRecord } from '../../src/runs/session/kernel/kernel-record.ts';
import { createKernelNotices, createNotify } from '../../src/slack/api/notify.ts';
import { askSlash } from '../../test/support/ask.ts';
import type { Scene } from './scene.ts';

const idleMs = 12 * 3_600_000;

/** What a channel is told after hours without use. The hours are invented, the words come from the product. */
export const idleScenes: readonly Scene[] = [
  idle('idle-warning', (notices, record) => notices.warn(record, record.lastUsedAt + idleMs)),
  idle('idle-ended', (notices, record) => notices.ended(record, idleMs)),
];

function idle(name: string, tell: (notices: IdleNotices, record: KernelRecord) => Promise<unknown>): Scene {
  return {
    name,
    async play({ playground, room }) {
      const { thread } = await askSlash(playground, 'ana', room, '/spark python3 sum(range(10))');
      const { SLACK_BOT_TOKEN: token, SLACK_API_URL: slackApiUrl } = playground.environment;
      const client = new WebClient(token, { slackApiUrl });
      const ana = playground.user('ana').id;
      const lastUsedAt = Date.now() - idleMs + 10 * 60_000;
      await tell(createKernelNotices(client, createNotify(client, silentLog)).idle, {
        workspace: playground.service.world.teamId,
        channel: playground.channel(room).id,
        queue: 'queue',
        kernelspec: 'python3',
        kernelId: 'kernel',
        sessionId: 'session',
        state: 'up',
        startedAt: lastUsedAt,
        startedBy: ana,
        lastUsedAt,
        lastRequester: ana,
        executionCount: 1,
        restartedUnseen: false,
        requesters: [ana],
      });
      return { thread, withChannel: true };
    },
  };
}
