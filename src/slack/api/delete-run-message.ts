import type { WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';
import type { Run } from '../../runs/run.ts';
import { readCallError } from './call-error.ts';

/**
 * Takes away what Slack shows of a run: `chat.delete` and `files.delete` take what the bot itself has posted. Nothing
 * throws: what stays is in the log.
 */
export function createRunMessageRemover(client: WebClient, log: Log) {
  const attempt = async (run: Run, what: string, act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      if (!isGone(error))
        log.warn({ event: 'message.unremoved', err: error, run: run.id, what }, 'could not be removed');
    }
  };
  const removeMessage = async (run: Run, ts: string): Promise<void> =>
    await attempt(run, 'message', () => client.chat.delete({ channel: run.channel, ts }));
  /** The message that shows the file stays behind as an empty one unless it is deleted too. */
  const removeFile = async (run: Run, file: string): Promise<void> =>
    await attempt(run, 'file', async () => {
      const { file: known } = await client.files.info({ file });
      await client.files.delete({ file });
      const shares = { ...known?.shares?.public, ...known?.shares?.private };
      for (const { ts } of shares[run.channel] ?? []) if (ts !== undefined) await removeMessage(run, ts);
    });

  /** Files and replies only: the run message is about to show another run. */
  const removeAttachments = async (run: Run): Promise<void> => {
    for (const file of run.data.files ?? []) await removeFile(run, file);
    for (const ts of run.data.replies ?? []) await removeMessage(run, ts);
  };
  return {
    removeAttachments,
    /** The run message, its files and replies, and for a slash command the root message, which holds the code. */
    removeRunMessage: async (run: Run): Promise<void> => {
      await removeAttachments(run);
      if (run.data.messageTs !== undefined) await removeMessage(run, run.data.messageTs);
      if (run.data.needsRoot && run.thread !== '') await removeMessage(run, run.thread);
    },
  };
}

function isGone(error: unknown): boolean {
  const failure = readCallError(error);
  return failure.kind === 'refused' && ['messageGone', 'notFound'].includes(failure.refusal);
}
