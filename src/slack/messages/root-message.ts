import { setTimeout as sleep } from 'node:timers/promises';
import { SlackError } from '../../errors.ts';
import type { PostRoot, RootMessage } from '../../runs/session/run-answer.ts';
import { escapeMrkdwn } from '../blocks/escape-mrkdwn.ts';
import type { SlackMessage } from './client.ts';
import { type MessageMeans, StandingMessage } from './editable-message.ts';

/** Slack's metadata type of a root message; with the run's id it finds the message again after a crash. */
const metadataType = 'sparkthread_root';
/** What of the code stands in the root message; the kernel gets all of it. */
const shownCodeChars = 2_500;
/** Clocks differ: how much earlier than the run its root message may seem to have been posted. */
const clockSkewS = 60;

/**
 * Posts "@user ran python2" with the code, in whose thread the answer goes: once, however long Slack is away. Rejects
 * with `SlackError` when Slack refuses it (the runner is told), and when the signal says that somebody else goes on.
 */
export function rootPoster(means: MessageMeans): PostRoot {
  return async (root, signal) => {
    const { runId, workspace, channel, runner, createdAt, recovered } = root;
    const place = { workspace, channel, thread: '' };
    const metadata = { event_type: metadataType, event_payload: { run: runId } };
    const message = new StandingMessage(means, {
      runId,
      place,
      find: () =>
        means.calls.findRoot(
          channel,
          metadata.event_type,
          metadata.event_payload,
          createdAt / 1000 - clockSkewS,
        ),
      mayStand: recovered,
      onPosted: () => {},
      signal,
      mayWrite: root.mayWrite,
    });
    for (;;) {
      const attempt = await message.attempt(() => ({ ...renderRoot(root), metadata }), 'end');
      if (attempt.kind === 'stands') return attempt.ts;
      if (attempt.kind === 'refused') {
        const told = `Your run in <#${channel}> has no place for its answer: Slack refused the message (${attempt.code}).`;
        await means.calls.tellPrivately(place, runner, told).catch(() => undefined);
        throw new SlackError('notDelivered', `Slack refused the root message (${attempt.code}).`);
      }
      await sleep(attempt.ms, undefined, { signal });
    }
  };
}

function renderRoot(root: RootMessage): Omit<SlackMessage, 'metadata'> {
  return {
    text: `<@${root.runner}> ran ${escapeMrkdwn(root.language)}`,
    blocks: [
      {
        type: 'rich_text',
        elements: [
          {
            type: 'rich_text_section',
            elements: [
              { type: 'user', user_id: root.runner },
              { type: 'text', text: ' ran ' },
              { type: 'text', text: root.language, style: { bold: true } },
            ],
          },
          ...root.blocks.map((code) => ({
            type: 'rich_text_preformatted' as const,
            elements: [{ type: 'text' as const, text: shownCode(code, root.blocks.length) }],
          })),
        ],
      },
    ],
  };
}

function shownCode(code: string, blocks: number): string {
  const room = Math.floor(shownCodeChars / blocks);
  const shown =
    code.length <= room ? code : `${code.slice(0, room)}\n… (${code.length - room} more characters)`;
  return shown.trim() === '' ? '(blank)' : shown;
}
