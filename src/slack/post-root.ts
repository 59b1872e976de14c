import type { WebClient } from '@slack/web-api';
import type { PostRoot } from '../runs/run-answer.ts';

/** Slack's metadata type of a root message; with the run's id it finds the message again after a crash. */
export const rootMetadataType = 'sparkthread_root';
/** What of the code stands in the root message; the kernel gets all of it. */
const SHOWN_CODE_CHARS = 2_500;

/** Posts "@user ran python2" with the code, in whose thread the answer goes. */
export function rootPoster(client: WebClient): PostRoot {
  return async (root) => {
    const found = root.recovered
      ? await findRoot(client, root.channel, root.runId, root.createdAt)
      : undefined;
    if (found !== undefined) return found;
    const posted = await client.chat.postMessage({
      channel: root.channel,
      text: `<@${root.runner}> ran ${root.kernelspec}`,
      blocks: [
        {
          type: 'rich_text',
          elements: [
            {
              type: 'rich_text_section',
              elements: [
                { type: 'user', user_id: root.runner },
                { type: 'text', text: ' ran ' },
                { type: 'text', text: root.kernelspec, style: { bold: true } },
              ],
            },
            ...root.blocks.map((code) => ({
              type: 'rich_text_preformatted' as const,
              elements: [{ type: 'text' as const, text: shownCode(code, root.blocks.length) }],
            })),
          ],
        },
      ],
      metadata: { event_type: rootMetadataType, event_payload: { run: root.runId } },
      unfurl_links: false,
      unfurl_media: false,
    });
    if (posted.ts === undefined) throw new Error('Slack posted the root message without a ts');
    return posted.ts;
  };
}

function shownCode(code: string, blocks: number): string {
  const room = Math.floor(SHOWN_CODE_CHARS / blocks);
  const shown =
    code.length <= room ? code : `${code.slice(0, room)}\n… (${code.length - room} more characters)`;
  return shown.trim() === '' ? '(blank)' : shown;
}

/** A root message whose post was confirmed to nobody: the crash came between Slack's answer and the ledger. */
async function findRoot(
  client: WebClient,
  channel: string,
  runId: string,
  createdAt: number,
): Promise<string | undefined> {
  const { messages } = await client.conversations.history({
    channel,
    oldest: String(createdAt / 1000 - 60),
    include_all_metadata: true,
    limit: 100,
  });
  const mine = messages?.find((message) => {
    const payload = message.metadata?.event_payload as Record<string, unknown> | undefined;
    return message.metadata?.event_type === rootMetadataType && payload?.['run'] === runId;
  });
  return mine?.ts;
}
