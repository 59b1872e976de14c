import { silentLog } from '../../src/log.ts';
import type { OutputLoss } from '../../src/output/output-view.ts';
import type { RunOutcome } from '../../src/runs/outcome.ts';
import { createRunMessages } from '../../src/slack/messages/run-messages.ts';
import type { Scene } from './scene.ts';

/** Ends that need a broken gateway or a dead bot. The outcome is invented, the answer to it comes from the product. */
export const rareEndScenes: readonly Scene[] = [
  rareEnd('unknown', { executionCount: 0 }),
  rareEnd('outputLost', { possibleGap: true }),
  rareEnd('gatewayAway', { detail: 'The gateway cannot be reached' }),
  rareEnd('broken', {}),
  rareEnd('ok', {}, [
    { kind: 'gap', fromMs: Date.UTC(2026, 0, 5, 14, 2, 10), toMs: Date.UTC(2026, 0, 5, 14, 2, 31) },
    { kind: 'dropped', limit: 'data' },
  ]),
];

function rareEnd(
  kind: RunOutcome['kind'],
  more: Partial<RunOutcome>,
  losses: readonly OutputLoss[] = [],
): Scene {
  return {
    name: losses.length > 0 ? 'losses' : kind.toLowerCase(),
    async play({ playground, room }) {
      const { SLACK_BOT_TOKEN: botToken, SLACK_API_URL: apiUrl } = playground.environment;
      const messages = createRunMessages({ botToken, apiUrl, log: silentLog });
      const root = playground.as('ana').post(room, '`load("orders")`');
      const runId = 'r7f3a';
      const requester = playground.user('ana').id;
      const message = messages.open({
        runId,
        requester: requester,
        channel: root.channel,
        createdAt: Date.now(),
        thread: root.ts,
        root: undefined,
        messageTs: undefined,
        predecessor: undefined,
        recovered: false,
        onThread: () => undefined,
        onPosted: () => undefined,
      });
      const kernelspec = 'python3';
      await message.finish({
        runId,
        requester,
        kernelspec,
        phase: {
          kind: 'ended',
          outcome: {
            kind,
            durationMs: 4200,
            executionCount: 3,
            kernelspec,
            variablesLost: false,
            possibleGap: false,
            ...more,
          },
        },
        output: { parts: [], textBytes: 0, spoolPath: undefined, limited: false, losses },
        notes: [],
        edition: 1,
        actions: ['runAgain', 'editAndRun', 'delete'],
      });
      await messages.close();
      return { thread: root.ts };
    },
  };
}
